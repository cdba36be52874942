"""The statistics of the Alignment Data Map, for many samples at once (arXiv 2505.23114; formulas in the docstrings).

Scores S and labels Y are float arrays of shape (samples, K); NaN means missing. Results have shape (samples,), and NaN
where a statistic is not defined.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HIGH_AVERAGE, LOW_AVERAGE, HIGH_VARIANCE = "high_average", "low_average", "high_variance"


class Statistics(NamedTuple):
    """All columns of a map for one scorer, but for the margin's unit."""

    quality: Floats
    """mean(S)"""

    variability: Floats
    """mean((S - quality)^2): the population variance; needs two scores."""

    cosine: Floats
    """S.Y / (|S| |Y|), uncentred: the paper's S_corr. Not defined for a zero vector."""

    pearson: Floats
    """The centred cosine. Not defined where S or Y is constant."""

    tau_b: Floats
    """Kendall's rank correlation, corrected for ties. Not defined where S or Y is constant."""

    exp_kl: Floats
    """exp(-KL(Y / sum Y || S / sum S)). Not defined where a score is not positive."""

    covariance: Floats
    """mean((S - mean S)(Y - mean Y))"""

    margin: Floats
    """Mean score at the highest label minus mean score at the lowest, in units of S. Not defined when labels tie."""


def measure(scores: Floats, labels: Floats) -> Statistics:
    """Compute all statistics of samples of the same K."""
    scored = ~np.isnan(scores)
    count = scored.sum(axis=1)
    quality = _mean(scores, scored)
    spread = np.where(scored, scores - quality[:, None], 0.0)
    variability = np.where(count >= 2, _divide((spread**2).sum(axis=1), count), np.nan)
    known = scored & ~np.isnan(labels)
    known &= known.sum(axis=1, keepdims=True) >= 2
    return Statistics(quality, variability, *_correlate(scores, labels, known))


def _correlate(scores: Floats, labels: Floats, known: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
    s, y = np.where(known, scores, 0.0), np.where(known, labels, 0.0)
    count = known.sum(axis=1)
    s_centred = np.where(known, s - _mean(scores, known)[:, None], 0.0)
    y_centred = np.where(known, y - _mean(labels, known)[:, None], 0.0)
    varies = _varies(scores, known) & _varies(labels, known)
    defined = count >= 2
    return (
        np.where(defined, _cosine(s, y), np.nan),
        np.where(varies, _cosine(s_centred, y_centred), np.nan),
        _tau_b(s, y, known),
        _exp_kl(s, y, known),
        np.where(defined, _divide((s_centred * y_centred).sum(axis=1), count), np.nan),
        _margin(scores, labels, known),
    )


def _cosine(a: Floats, b: Floats) -> Floats:
    return _divide((a * b).sum(axis=1), np.sqrt((a * a).sum(axis=1)) * np.sqrt((b * b).sum(axis=1)))


def _tau_b(s: Floats, y: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    left, right = np.triu_indices(s.shape[1], 1)
    both = known[:, left] & known[:, right]
    s_sign = np.sign(s[:, left] - s[:, right]) * both
    y_sign = np.sign(y[:, left] - y[:, right]) * both
    untied = np.abs(s_sign).sum(axis=1) * np.abs(y_sign).sum(axis=1)
    return _divide((s_sign * y_sign).sum(axis=1), np.sqrt(untied))


def _exp_kl(s: Floats, y: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    s_sum, y_sum = s.sum(axis=1), y.sum(axis=1)
    legal = ((s > 0) & (y >= 0) | ~known).all(axis=1) & known.any(axis=1) & (y_sum > 0)
    counted = known & (y > 0) & legal[:, None]
    share = np.where(counted, _divide(y, y_sum[:, None]), 0.0)
    divergence = (share * (_log(y, counted) - _log(s, counted))).sum(axis=1) - _log(y_sum, legal) + _log(s_sum, legal)
    return np.where(legal, np.exp(-divergence), np.nan)


def _margin(scores: Floats, labels: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    highest = np.where(known, labels, -np.inf).max(axis=1, keepdims=True)
    lowest = np.where(known, labels, np.inf).min(axis=1, keepdims=True)
    margin: Floats = _mean(scores, known & (labels == highest)) - _mean(scores, known & (labels == lowest))
    return np.where((highest > lowest)[:, 0], margin, np.nan)


def _mean(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    return _divide(np.where(where, values, 0.0).sum(axis=1), where.sum(axis=1))


def _log(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    logarithm: Floats = np.log(values, out=np.zeros_like(values), where=where)
    return logarithm


def _varies(values: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    highest = np.where(known, values, -np.inf).max(axis=1)
    return np.asarray(highest > np.where(known, values, np.inf).min(axis=1))


def _divide(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> Floats:
    """Divide; NaN where the divisor is 0."""
    numerator, divisor = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    quotient: Floats = np.divide(numerator, divisor, out=np.full(numerator.shape, np.nan), where=divisor != 0)
    return quotient


def standardise(scores: Floats) -> Floats:
    """z-score the scores of one scorer over all responses; what has no spread becomes 0."""
    if np.isnan(scores).all():
        return scores
    spread = float(np.nanstd(scores))
    return np.asarray((scores - np.nanmean(scores)) / (spread or 1.0))


def average(scores: Sequence[Floats]) -> Floats:
    """Average z-scored scores over those scorers that have one."""
    stacked = np.vstack(scores)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


class Regions(NamedTuple):
    """The three regions of a map, and where they part."""

    region: npt.NDArray[np.object_]
    """A name per sample; None where variability is null."""

    variability_cut: float | None
    """The least variability of high_variance; None when that region is empty."""

    quality_cut: float | None
    """The least quality of high_average; None when that region is empty."""


def divide_regions(quality: Floats, variability: Floats, tie_rank: Ints) -> Regions:
    """Cut a map into regions, exactly as the authors' code does, but with ties broken by `tie_rank`.

    The first floor(2N/3) samples by variability are the low-variability part; of these the first half by quality is
    low_average and the rest high_average (arXiv 2505.23114 and its code).
    """
    region = np.full(len(quality), None, dtype=object)
    placed = np.flatnonzero(~np.isnan(variability))
    by_variability = placed[np.lexsort((tie_rank[placed], variability[placed]))]
    low = by_variability[: 2 * len(placed) // 3]
    high_variance = by_variability[len(low):]  # fmt: skip
    by_quality = low[np.lexsort((tie_rank[low], quality[low]))]
    high_average = by_quality[len(low) // 2 :]
    region[high_variance] = HIGH_VARIANCE
    region[by_quality[: len(low) // 2]] = LOW_AVERAGE
    region[high_average] = HIGH_AVERAGE
    return Regions(region, _least(variability, high_variance), _least(quality, high_average))


def divide_by_cuts(quality: Floats, variability: Floats, cuts: tuple[float | None, float | None]) -> Regions:
    """Cut a map by given thresholds of variability and quality; None: nothing lies above. What ties lies above."""
    variability_cut, quality_cut = (np.inf if cut is None else cut for cut in cuts)
    low = np.where(quality >= quality_cut, HIGH_AVERAGE, LOW_AVERAGE)
    region = np.where(variability >= variability_cut, HIGH_VARIANCE, low).astype(object)
    region[np.isnan(variability)] = None
    return Regions(region, *cuts)


def _least(values: Floats, where: Ints) -> float | None:
    return float(values[where[0]]) if len(where) else None


def rank_ids(sample_ids: npt.NDArray[np.object_]) -> Ints:
    """Rank ids, so that ties are broken the same way however the rows are ordered."""
    ranks = np.empty(len(sample_ids), dtype=np.int64)
    ranks[np.argsort(sample_ids.astype("S"), kind="stable")] = np.arange(len(sample_ids))
    return ranks
