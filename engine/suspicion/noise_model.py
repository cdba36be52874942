"""Noise model: labels are Bradley-Terry choices by the scorers' margins, and some of them are wrong.

P(label | z) = rho + (1 - 2 rho) sigmoid(beta . z), with the margins z of the label's pair as evidence, so that the log
odds of a wrong label are logit(rho) - beta . z. The labels alone set beta, for an assumed rho; each source has a rho
and a factor on beta of its own, since labels of hard pairs look like wrong ones. Verdicts then move the log odds.
All of it is maximum a posteriori with Gaussian priors, by L-BFGS, and gives the same bits for the same margins.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.suspicion.label_model import Prior, fit_labels
from engine.suspicion.margins import average, sigmoid
from engine.suspicion.verdict_model import REVIEWER_ERROR, count_controls, learn

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

WRONG_SHARE = 0.10
"""Share of wrong labels that is assumed before any verdict."""

ASSUMED_READS = 20.0
"""How many random samples, read, would weigh as much as that assumption."""

FOLDS = 5
"""Verdicts are dealt into so many parts, to see how well the others predict each."""


class Noise(NamedTuple):
    """What the model makes of the margins."""

    suspicion: Floats
    """(samples,) Probability that the label is wrong, a sample's own verdict left aside; NaN without any margin."""

    margin: Floats
    """(samples,) Weighted mean of the margins that there are, in their unit."""

    weights: Floats
    """(scorers,) Share of each scorer; their sizes sum to 1. Below 0: it counts the other way round."""

    rho: float
    """Share of all labels that is taken to be wrong: the mean suspicion."""

    rho_by_source: Floats
    """(sources,) The same for each source; NaN where there is no margin."""


def fit(
    margins: Floats,
    sources: Ints | None = None,
    truths: Floats | None = None,
    *,
    weights: Floats | None = None,
    controls: Bools | None = None,
    wrong_share: float = WRONG_SHARE,
    reviewer_error: float = REVIEWER_ERROR,
) -> Noise:
    """Fit margins of shape (samples, scorers), NaN where missing, and give the suspicion.

    sources: a number from 0 for each sample. truths: NaN, 0 (a verdict says right) or 1 (wrong), each counted `weights`
    times. controls: which samples were read because chance chose them; their verdicts set the share of wrong labels.
    """
    truth = np.full(len(margins), np.nan) if truths is None else truths
    weight = np.ones(len(margins)) if weights is None else weights
    chance = np.zeros(len(margins), dtype=bool) if controls is None else controls
    wrong, right = count_controls(truth[chance], reviewer_error)
    counts = (wrong + wrong_share * ASSUMED_READS, right + (1 - wrong_share) * ASSUMED_READS)
    prior = fit_labels(margins, sources, wrong_share)
    beta, level = learn(prior, truth, weight, counts, reviewer_error)
    return _conclude(prior, margins, beta, level)


def refit(margins: Floats, sources: Ints | None, truths: Floats) -> Floats:
    """Give the suspicion after more verdicts."""
    return update(fit_labels(margins, sources, WRONG_SHARE), truths)


def update(prior: Prior, truths: Floats) -> Floats:
    """Give the suspicion after more verdicts, from what the labels said already; it takes a part of the time."""
    counts = (WRONG_SHARE * ASSUMED_READS, (1 - WRONG_SHARE) * ASSUMED_READS)
    beta, level = learn(prior, truths, np.ones(len(truths)), counts, REVIEWER_ERROR)
    return _suspect(prior, beta, level, len(truths))


def hold_out(margins: Floats, sources: Ints | None, truths: Floats) -> Floats:
    """Give the suspicion of the samples that were read, each learnt from the verdicts on others; NaN elsewhere."""
    held_out = np.full(len(truths), np.nan)
    read = np.flatnonzero(~np.isnan(truths))
    prior = fit_labels(margins, sources, WRONG_SHARE)
    for start in range(min(FOLDS, len(read))):
        fold = read[start::FOLDS]
        others = truths.copy()
        others[fold] = np.nan
        held_out[fold] = update(prior, others)[fold]
    return held_out


def _suspect(prior: Prior, beta: Floats, level: Floats, samples: int) -> Floats:
    suspicion = np.full(samples, np.nan)
    suspicion[prior.known] = sigmoid(level[prior.source] - np.einsum("m,mn->n", beta, prior.z))
    return suspicion


def _conclude(prior: Prior, margins: Floats, beta: Floats, level: Floats) -> Noise:
    suspicion = _suspect(prior, beta, level, len(margins))
    slope = beta / prior.unit
    if not slope.any():
        slope = np.ones(len(slope))
    weights = slope / np.abs(slope).sum()
    counts = np.bincount(prior.source, minlength=len(level))
    totals = np.bincount(prior.source, suspicion[prior.known], len(level))
    by_source = np.divide(totals, counts, out=np.full(len(level), np.nan), where=counts > 0)
    rho = float(suspicion[prior.known].mean()) if len(prior.known) else np.nan
    return Noise(suspicion, average(margins, weights), weights, rho, by_source)
