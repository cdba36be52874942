"""The statistics of the Alignment Data Map, for many samples at once (arXiv 2505.23114; formulas in the docstrings).

Scores S and labels Y are float arrays of shape (samples, K); NaN means missing. Results have shape (samples,), and NaN
where a statistic is not defined.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.spreading import map_blocks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.object_] | Ints

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

    def fill(part: slice) -> None:
        columns[:, part] = _measure(*(np.ascontiguousarray(one[part].T, dtype=np.float64) for one in (scores, labels)))

    map_blocks(fill, len(scores))
    return Statistics(*columns)


def _measure(scores: Floats, labels: Floats) -> Statistics:
    """Do the work. From here on, arrays have shape (K, samples): sums over a short last axis are slow."""
    scored = ~np.isnan(scores)
    count = scored.sum(axis=0)
    quality = _mean(scores, scored)
    spread = _keep(scores - quality, scored)
    variability = np.where(count >= 2, _divide((spread * spread).sum(axis=0), count), np.nan)
    known = scored & ~np.isnan(labels)
    known &= known.sum(axis=0) >= 2
    return Statistics(quality, variability, *_correlate(scores, labels, known))


def _correlate(scores: Floats, labels: Floats, known: Bools) -> tuple[Floats, ...]:
    s, y = _keep(scores, known), _keep(labels, known)
    s_centred, y_centred = (_keep(one - _mean(one, known), known) for one in (s, y))
    s_known, y_known = _keep(scores, known, np.nan), _keep(labels, known, np.nan)
    lowest, highest = np.fmin.reduce(y_known), np.fmax.reduce(y_known)
    varies = (np.fmin.reduce(s_known) < np.fmax.reduce(s_known)) & (lowest < highest)
    count = known.sum(axis=0)
    product = (s_centred * y_centred).sum(axis=0)
    margin = _mean(s, y_known == highest) - _mean(s, y_known == lowest)
    return (
        np.where(count >= 2, _divide((s * y).sum(axis=0), _norm(s) * _norm(y)), np.nan),
        np.where(varies, _divide(product, _norm(s_centred) * _norm(y_centred)), np.nan),
        _tau_b(s_known, y_known),
        _exp_kl(s, y, known),
        np.where(count >= 2, _divide(product, count), np.nan),
        np.where(lowest < highest, margin, np.nan),
    )


def _tau_b(scores: Floats, labels: Floats) -> Floats:
    """Count, over all pairs of responses, how many are concordant less discordant, and how many do not tie."""
    agreed, s_untied, y_untied = np.zeros((3, scores.shape[1]), dtype=np.int32)
    for left, right in combinations(range(len(scores)), 2):
        s_sign, y_sign = (_compare(one[left], one[right]) for one in (scores, labels))
        agreed += s_sign * y_sign
        s_untied += s_sign != 0
        y_untied += y_sign != 0
    return _divide(agreed, np.sqrt(s_untied.astype(np.float64) * y_untied))


def _compare(a: Floats, b: Floats) -> npt.NDArray[np.int8]:
    """Give 1 where a is greater, -1 where b is, and 0 where they tie or one is missing."""
    return (a > b).view(np.int8) - (a < b).view(np.int8)


def _exp_kl(s: Floats, y: Floats, known: Bools) -> Floats:
    s_sum, y_sum = s.sum(axis=0), y.sum(axis=0)
    legal = ((s > 0) & (y >= 0) | ~known).all(axis=0) & known.any(axis=0) & (y_sum > 0)
    counted = known & (y > 0) & legal
    logs = np.log(_keep(y, counted, 1.0)) - np.log(_keep(s, counted, 1.0))
    y_sum, s_sum = _keep(y_sum, legal, 1.0), _keep(s_sum, legal, 1.0)
    divergence = (_keep(y, counted) * logs).sum(axis=0) / y_sum - np.log(y_sum) + np.log(s_sum)
    return np.where(legal, np.exp(-divergence), np.nan)


def _keep(values: Floats, where: Bools, otherwise: float = 0.0) -> Floats:
    """Put another value elsewhere; most often there is no elsewhere, and nothing to do."""
    return values if where.all() else np.where(where, values, otherwise)


def _mean(values: Floats, where: Bools) -> Floats:
    return _divide(_keep(values, where).sum(axis=0), where.sum(axis=0))


def _norm(values: Floats) -> Floats:
    length: Floats = np.sqrt((values * values).sum(axis=0))
    return length


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


def divide_regions(quality: Floats, variability: Floats, ids: Ids) -> Regions:
    """Cut a map into regions, exactly as the authors' code does, but with ties broken by `ids`, texts or numbers.

    The first floor(2N/3) samples by variability are the low-variability part; of these the first half by quality is
    low_average and the rest high_average (arXiv 2505.23114 and its code).
    """
    region = np.full(len(quality), None, dtype=object)
    placed = np.flatnonzero(~np.isnan(variability))
    low, high_variance, variability_cut = _part(placed, 2 * len(placed) // 3, variability, ids)
    low_average, high_average, quality_cut = _part(low, len(low) // 2, quality, ids)
    region[high_variance] = HIGH_VARIANCE
    region[low_average] = LOW_AVERAGE
    region[high_average] = HIGH_AVERAGE
    return Regions(region, variability_cut, quality_cut)


def _part(places: Ints, count: int, values: Floats, ids: Ids) -> tuple[Ints, Ints, float | None]:
    """Part the `count` places of least value from the others; gives both, and the least value of the others.

    Nothing is sorted but the ids of what ties at the cut.
    """
    if count == len(places):
        return places, places[:0], None
    here = values[places]
    cut = np.partition(here, count)[count]
    is_first = here < cut
    tied = np.flatnonzero(here == cut)
    is_first[tied[sort_ids(ids[places[tied]])[: count - is_first.sum()]]] = True
    return places[is_first], places[~is_first], float(cut)


def divide_by_cuts(quality: Floats, variability: Floats, cuts: tuple[float | None, float | None]) -> Regions:
    """Cut a map by given thresholds of variability and quality; None: nothing lies above. What ties lies above."""
    variability_cut, quality_cut = (np.inf if cut is None else cut for cut in cuts)
    low = np.where(quality >= quality_cut, HIGH_AVERAGE, LOW_AVERAGE)
    region = np.where(variability >= variability_cut, HIGH_VARIANCE, low).astype(object)
    region[np.isnan(variability)] = None
    return Regions(region, *cuts)


def sort_ids(ids: Ids) -> Ints:
    """Give the places of the ids in their order."""
    return np.argsort(ids.astype("S") if ids.dtype == object else ids, kind="stable")


def rank_ids(ids: Ids) -> Ints:
    """Rank ids, so that ties are broken the same way however the rows are ordered."""
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[sort_ids(ids)] = np.arange(len(ids))
    return ranks
