"""Numbers with 95 % intervals. A prompt counts as one observation, since its responses stand or fall together."""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Z = 1.959964
"""Of a normal distribution, at 97.5 %."""

RESAMPLES = 1000
SEED = 0
MOST_LOTS = 10_000
"""More prompts than this are drawn in lots, each of as many of them: the interval is as wide, within a few per cent."""

FEWEST_PROMPTS = 3
"""With fewer there is no interval to speak of."""


class Estimate(NamedTuple):
    """A measured number and its interval."""

    value: float
    low: float
    high: float
    of: int
    """How many pairs, answers or responses were measured."""


def estimate_share(values: Floats, prompts: Ints) -> Estimate | None:
    """Give the mean of numbers in [0, 1] with Wilson's interval over prompts; None where there are none."""
    if not len(values):
        return None
    return wilson(float(values.mean()), len(np.unique(prompts)), len(values))


def wilson(share: float, prompts: int, count: int) -> Estimate:
    """Give Wilson's interval of a share, with so many prompts as observations."""
    centre = (share + Z * Z / (2 * prompts)) / (1 + Z * Z / prompts)
    half = Z * sqrt(share * (1 - share) / prompts + Z * Z / (4 * prompts * prompts)) / (1 + Z * Z / prompts)
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0), count)


def correlate(x: Floats, y: Floats, prompts: Ints) -> Estimate | None:
    """Give Spearman's rank correlation; None where a side is constant. The ranks are those of the whole."""
    from scipy.stats import rankdata

    a, b = (rankdata(values) / max(len(values), 1) - 0.5 for values in (x, y))
    terms = np.column_stack([np.ones(len(a)), a, b, a * a, b * b, a * b])
    return bootstrap(terms, prompts, _pearson)


def _pearson(sums: Floats) -> float:
    n, a, b, aa, bb, ab = sums
    spread = (aa - a * a / n) * (bb - b * b / n)
    return float((ab - a * b / n) / np.sqrt(spread)) if spread > 1e-12 * n * n else np.nan


def bootstrap(terms: Floats, prompts: Ints, statistic: Callable[[Floats], float]) -> Estimate | None:
    """Draw prompts with replacement; the statistic is of the sums of terms, of shape (observations, m) before."""
    groups, group = np.unique(prompts, return_inverse=True)
    if len(groups) < FEWEST_PROMPTS:
        return None
    lots = min(len(groups), MOST_LOTS)
    sums = np.zeros((lots, terms.shape[1]))
    np.add.at(sums, group % lots, terms)
    value = statistic(sums.sum(axis=0))
    if np.isnan(value):
        return None
    random = np.random.default_rng(SEED)
    drawn = [statistic(np.bincount(random.integers(lots, size=lots), minlength=lots) @ sums) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high), len(terms))
