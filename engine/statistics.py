"""The statistics of the Alignment Data Map, for many samples at once (arXiv 2505.23114; formulas in the docstrings).

Scores S and labels Y are float arrays of shape (samples, K); NaN means missing. Results have shape (samples,), and NaN
where a statistic is not defined.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.spreading import count_processors

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AT_ONCE = 8_192
"""Samples measured at a time: so few stay in the processor's cache, and several processors can share them out."""

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
    """Compute all statistics of samples of the same K; each depends on its own sample alone."""
    columns = np.empty((len(Statistics._fields), len(scores)))

    def fill(start: int) -> None:
        part = slice(start, start + AT_ONCE)
        columns[:, part] = _measure(*(np.ascontiguousarray(one[part].T, dtype=np.float64) for one in (scores, labels)))

    with ThreadPoolExecutor(count_processors()) as pool:
        list(pool.map(fill, range(0, len(scores), AT_ONCE)))
    return Statistics(*columns)


def _measure(scores: Floats, labels: Floats) -> Statistics:
    """Do the work. From here on, arrays have shape (K, samples): sums over a short last axis are slow."""
    scored = ~np.isnan(scores)
    count = scored.sum(axis=0)
    quality = _mean(scores, scored)
    spread = np.where(scored, scores - quality, 0.0)
    variability = np.where(count >= 2, _divide((spread**2).sum(axis=0), count), np.nan)
    known = scored & ~np.isnan(labels)
    known &= known.sum(axis=0) >= 2
    return Statistics(quality, variability, *_correlate(scores, labels, known))


def _correlate(scores: Floats, labels: Floats, known: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
    s, y = np.where(known, scores, 0.0), np.where(known, labels, 0.0)
    count = known.sum(axis=0)
    s_centred = np.where(known, s - _mean(scores, known), 0.0)
    y_centred = np.where(known, y - _mean(labels, known), 0.0)
    varies = _varies(scores, known) & _varies(labels, known)
    defined = count >= 2
    return (
        np.where(defined, _cosine(s, y), np.nan),
        np.where(varies, _cosine(s_centred, y_centred), np.nan),
        _tau_b(s, y, known),
        _exp_kl(s, y, known),
        np.where(defined, _divide((s_centred * y_centred).sum(axis=0), count), np.nan),
        _margin(scores, labels, known),
    )


def _cosine(a: Floats, b: Floats) -> Floats:
    return _divide((a * b).sum(axis=0), np.sqrt((a * a).sum(axis=0)) * np.sqrt((b * b).sum(axis=0)))


def _tau_b(s: Floats, y: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    left, right = np.triu_indices(len(s), 1)
    both = known[left] & known[right]
    s_sign = np.sign(s[left] - s[right]) * both
    y_sign = np.sign(y[left] - y[right]) * both
    untied = np.abs(s_sign).sum(axis=0) * np.abs(y_sign).sum(axis=0)
    return _divide((s_sign * y_sign).sum(axis=0), np.sqrt(untied))


def _exp_kl(s: Floats, y: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    s_sum, y_sum = s.sum(axis=0), y.sum(axis=0)
    legal = ((s > 0) & (y >= 0) | ~known).all(axis=0) & known.any(axis=0) & (y_sum > 0)
    counted = known & (y > 0) & legal
    share = np.where(counted, _divide(y, y_sum), 0.0)
    divergence = (share * (_log(y, counted) - _log(s, counted))).sum(axis=0) - _log(y_sum, legal) + _log(s_sum, legal)
    return np.where(legal, np.exp(-divergence), np.nan)


def _margin(scores: Floats, labels: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    highest = np.where(known, labels, -np.inf).max(axis=0)
    lowest = np.where(known, labels, np.inf).min(axis=0)
    margin: Floats = _mean(scores, known & (labels == highest)) - _mean(scores, known & (labels == lowest))
    return np.where(highest > lowest, margin, np.nan)


def _mean(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    return _divide(np.where(where, values, 0.0).sum(axis=0), where.sum(axis=0))


def _log(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    logarithm: Floats = np.log(values, out=np.zeros_like(values), where=where)
    return logarithm


def _varies(values: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    highest = np.where(known, values, -np.inf).max(axis=0)
    return np.asarray(highest > np.where(known, values, np.inf).min(axis=0))


def _divide(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> Floats:
    """Divide; NaN where the divisor is 0."""
    numerator, divisor = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    quotient: Floats = np.divide(numerator, divisor, out=np.full(numerator.shape, np.nan), where=divisor != 0)
    return quotient


def standardise(scores: Floats) -> Floats:
    """z-score the scores of one scorer over all responses; what has no spread becomes 0."""
    if np.isnan(scores).all():
        return scores
    return np.asarray((scores - np.nanmean(scores)) / measure_spread(scores))


def measure_spread(scores: Floats) -> float:
    """Give the standard deviation over all responses; 1 where there is none."""
    return 1.0 if np.isnan(scores).all() else float(np.nanstd(scores)) or 1.0


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
    by_variability = placed[sort(variability[placed], tie_rank[placed])]
    low = by_variability[: 2 * len(placed) // 3]
    high_variance = by_variability[len(low):]  # fmt: skip
    by_quality = low[sort(quality[low], tie_rank[low])]
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


def sort(values: Floats, tie_rank: Ints) -> Ints:
    """Give the places of the values, least first, and of equal values those of lower `tie_rank` first."""
    order = np.argsort(values)
    ordered = values[order]
    same = ordered[1:] == ordered[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    among = order[tied]
    order[tied] = among[np.lexsort((tie_rank[among], values[among]))]
    return order


def _least(values: Floats, where: Ints) -> float | None:
    return float(values[where[0]]) if len(where) else None


def rank_ids(sample_ids: npt.NDArray[np.object_]) -> Ints:
    """Rank ids, so that ties are broken the same way however the rows are ordered."""
    ranks = np.empty(len(sample_ids), dtype=np.int64)
    ranks[np.argsort(sample_ids.astype("S"), kind="stable")] = np.arange(len(sample_ids))
    return ranks
