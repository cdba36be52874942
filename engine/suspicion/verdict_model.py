"""What verdicts add: a logistic regression of right and wrong that begins where the labels end."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.suspicion.label_model import Prior
from engine.suspicion.margins import sigmoid
from engine.suspicion.minimising import minimise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REVIEWER_ERROR = 0.03
"""Share of verdicts that are taken to be slips."""

LEVEL_SPREAD, WEIGHT_SPREAD, SOURCE_SPREAD = 5.0, 0.75, 0.3
"""How far verdicts may be expected to move the log odds of all, a weight, and the log odds of one source."""

LEVEL_SAMPLES = 4_000
"""The mean suspicion is taken over so many samples, evenly spaced."""


class Rows(NamedTuple):
    """Samples as the regression sees them."""

    z: Floats
    """(scorers, samples) Evidence."""

    source: Ints
    odds: Floats
    """Log odds of a wrong label before any verdict."""

    @classmethod
    def of(cls, prior: Prior, which: Ints) -> Self:
        """Take some of the known samples."""
        z, source = prior.z[:, which], prior.source[which]
        return cls(z, source, prior.level[source] - np.einsum("m,mn->n", prior.beta, z))

    def wrong(self, moved: Floats) -> Floats:
        """Give the probability that each label is wrong after the moves (beta, level of all, level of each source)."""
        beta, level, apart = np.split(moved, [len(self.z), len(self.z) + 1])
        return sigmoid(self.odds + level + apart[self.source] - np.einsum("m,mn->n", beta, self.z))

    def back(self, slope: Floats, moved: Floats) -> Floats:
        """Carry the slopes of log odds back to the moves."""
        apart = np.bincount(self.source, slope, len(moved) - len(self.z) - 1)
        return np.concatenate([-np.einsum("mn,n->m", self.z, slope), [slope.sum()], apart])


class Verdicts(NamedTuple):
    """What there is to learn from, one entry a sample that was read."""

    truth: Floats
    """0: the label is right, 1: it is wrong."""

    weight: Floats
    reviewer_error: float
    level_counts: tuple[float, float]
    """How many labels of a random draw are known, or assumed, to be wrong and to be right."""


def learn(
    prior: Prior, truth: Floats, weight: Floats, level_counts: tuple[float, float], reviewer_error: float
) -> tuple[Floats, Floats]:
    """Give beta and the log odds of each source after the verdicts; without any they stay what they are."""
    read = np.flatnonzero(~np.isnan(truth[prior.known]))
    if not len(read):
        return prior.beta, prior.level
    rows = prior.known[read]
    verdicts = Verdicts(truth[rows], weight[rows], reviewer_error, level_counts)
    some = np.arange(0, len(prior.known), 1 + len(prior.known) // LEVEL_SAMPLES)
    start = np.zeros(len(prior.beta) + 1 + len(prior.level))
    arguments = (Rows.of(prior, read), Rows.of(prior, some), verdicts)
    moved = minimise(verdict_loss, start, arguments)
    beta, level, apart = np.split(moved, [len(prior.beta), len(prior.beta) + 1])
    return prior.beta + beta, prior.level + level + apart


def verdict_loss(moved: Floats, read: Rows, some: Rows, verdicts: Verdicts) -> tuple[float, Floats]:
    """Give the negative log posterior of the moves, and its gradient.

    The mean suspicion of all is held to what random draws say of it: what was read is mostly the top of a queue.
    """
    slip = np.where(verdicts.truth == 1, verdicts.reviewer_error, 1 - verdicts.reviewer_error)
    wrong = read.wrong(moved)
    likelihood = slip + (1 - 2 * slip) * wrong
    slope = -verdicts.weight * (1 - 2 * slip) * wrong * (1 - wrong) / likelihood
    everywhere = some.wrong(moved)
    share, (bad, good) = everywhere.mean(), verdicts.level_counts
    share_slope = (good / (1 - share) - bad / share) * everywhere * (1 - everywhere) / len(everywhere)
    precision = np.full(len(moved), SOURCE_SPREAD**-2)
    precision[: len(read.z) + 1] = [*[WEIGHT_SPREAD**-2] * len(read.z), LEVEL_SPREAD**-2]
    loss = -(verdicts.weight * np.log(likelihood)).sum() - bad * np.log(share) - good * np.log(1 - share)
    gradient = read.back(slope, moved) + some.back(share_slope, moved) + precision * moved
    return float(loss + precision @ moved**2 / 2), gradient


def count_controls(truths: Floats, reviewer_error: float) -> tuple[float, float]:
    """Count wrong and right labels among samples read by chance, less what slips would make of it."""
    read = truths[~np.isnan(truths)]
    wrong = (float(read.sum()) - reviewer_error * len(read)) / (1 - 2 * reviewer_error)
    wrong = min(max(wrong, 0.0), float(len(read)))
    return wrong, len(read) - wrong
