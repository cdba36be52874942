"""Suspicion: how likely a label is wrong, given what the scorers say and the reviewers found.

With K > 2 responses the margin is that of the pair, highest label against lowest, in the unit of K = 2. Of 20,000
simulated samples of four responses, 10 % of them with an exchanged pair, it finds those better than the covariance over
all responses does: AUROC .742 against .730 for a scorer right 60 % of the time, .992 against .987 at 82 %.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.records import Labelled, Sample, content_of
from engine.suspicion.calibration import Reliability, compare
from engine.suspicion.noise_model import WRONG_SHARE, fit, hold_out
from engine.verdicts.outcomes import Outcomes, Settlement

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_OF_SOURCE = 50
"""Sources of fewer samples are taken together."""

FEWEST_READ = 20
"""With fewer verdicts nothing is said of calibration."""

BEST_ACCURACY = 0.999
"""No scorer is taken to be better than this, however well it agrees with the labels."""


class Diagnosis(NamedTuple):
    """What all scorers together say of the labels. Arrays have shape (samples,) unless another is given."""

    margin: Floats
    """Weighted mean of the z-scored margins; NaN where the label ties or no scorer has a score."""

    suspicion: Floats
    """Estimated probability that the label is wrong, in [0, 1]; NaN where there is no margin."""

    against: Ints
    """How many scorers stand against the label ..."""

    scorers: Ints
    """... out of how many that have a margin."""

    weights: Floats
    """(scorers,) Share of each in the mean; their sizes sum to 1. Below 0: it counts the other way round."""

    rho: float
    """Share of all labels that is taken to be wrong; NaN without margins."""

    rho_by_source: dict[str, float]
    """The same by source, where there is more than one; the empty name stands for all small ones."""

    accuracy: float
    """How often the mean margin is taken to have the true sign, in [.5, 1)."""

    read: int
    """How many verdicts it learnt from."""

    reliability: Reliability | None
    """Of the suspicion of what was read, each predicted from the other verdicts; None after a few."""


def diagnose(margins: Floats, sources: Sequence[str] = (), truths: Floats | None = None) -> Diagnosis:
    """Turn margins of shape (samples, scorers), z-scored per scorer and NaN where missing, into suspicion.

    truths: what verdicts say of each label, 0 right and 1 wrong, NaN where they say nothing.
    """
    names, number = number_sources(sources)
    truth = np.full(len(margins), np.nan) if truths is None else truths
    source = number if len(names) > 1 else None
    found = fit(margins, source, truth)
    read = int((~np.isnan(truth + found.suspicion)).sum())
    return Diagnosis(
        margin=found.margin,
        suspicion=found.suspicion,
        against=(margins < 0).sum(axis=1),
        scorers=(~np.isnan(margins)).sum(axis=1),
        weights=found.weights,
        rho=found.rho,
        rho_by_source=_name(names, found.rho_by_source) if source is not None else {},
        accuracy=estimate_accuracy(found.margin, found.rho),
        read=read,
        reliability=compare(hold_out(margins, source, truth), truth) if read >= FEWEST_READ else None,
    )


def _name(names: Sequence[str], shares: Floats) -> dict[str, float]:
    return {name: share for name, share in zip(names, shares.tolist(), strict=True) if not np.isnan(share)}


def number_sources(sources: Sequence[str]) -> tuple[list[str], Ints]:
    """Name the sources, and number each sample's; small ones are taken together under the empty name."""
    codes: defaultdict[str, int] = defaultdict(count().__next__)
    coded = np.fromiter(map(codes.__getitem__, sources), dtype=np.int64, count=len(sources))
    large = np.bincount(coded, minlength=len(codes)) >= FEWEST_OF_SOURCE
    kept = [name if is_large else "" for name, is_large in zip(codes, large, strict=True)]
    place = {name: number for number, name in enumerate(sorted(set(kept)))}
    return list(place), np.array([place[name] for name in kept], dtype=np.int64)[coded]


def find_truth(sample: Sample, outcomes: Outcomes) -> float:
    """Say what those who read a sample say of its label: 0 right, 1 wrong, NaN nothing or not agreed."""
    settled = outcomes.settle(sample.content_id)
    if settled.outcome is None or sample.pair is None:
        return np.nan
    ids = [response.response_id for response in sample.responses]
    if not {settled.outcome.preferred, settled.outcome.rejected} <= set(ids):
        return np.nan
    return _compare(settled, ids[sample.pair.chosen], ids[sample.pair.rejected])


def find_truths(labelled: Sequence[Labelled], outcomes: Outcomes) -> Floats:
    """Say the same of many samples, by the ids of their pairs."""
    return np.array(
        [_compare(outcomes.settle(content_of(one.sample_id)), one.chosen, one.rejected) for one in labelled],
        dtype=np.float64,
    )


def _compare(settled: Settlement, chosen: str | None, rejected: str | None) -> float:
    outcome = settled.outcome
    if outcome is None or outcome.preferred is None or chosen is None or not settled.is_read:
        return np.nan
    return float((outcome.preferred, outcome.rejected) != (chosen, rejected))


def estimate_accuracy(margin: Floats, wrong_share: float = WRONG_SHARE) -> float:
    """Estimate how often a margin has the true sign: observed agreement is a (1 - r) + (1 - a) r."""
    known = margin[~np.isnan(margin)]
    if not len(known):
        return 0.5
    agreement = float(((known > 0) + 0.5 * (known == 0)).mean())
    return float(np.clip((agreement - wrong_share) / (1 - 2 * min(wrong_share, 0.49)), 0.5, BEST_ACCURACY))
