"""Policies: named rules that select samples for training. They see arrays only, in source order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefusedError
from engine.statistics import average

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

THIRD = 1 / 3
LOW_VARIABILITY_SHARE = 2 / 3
"""The part of the data that is not in the top third by variability."""

ROUNDING = 1e-9
"""1 - .4 / (2/3) is a little less than .4 in floats; a whole count must not lose one by that."""


class MapColumns(NamedTuple):
    """What policies choose by; NaN where a sample has no place on the map."""

    quality: Floats
    variability: Floats
    tie_rank: Ints
    """Ranks that break ties, from the ids."""

    margin: Floats
    pairs: Ints
    """How many training pairs a sample gives."""

    stratum: Ints
    """Samples of one number are of the same source and the same third by length."""

    def take(self, kept: Mask) -> "MapColumns":
        """Leave out all other samples."""
        ranks = np.argsort(np.argsort(self.tie_rank[kept]))
        scored = (self.quality[kept], self.variability[kept])
        return MapColumns(*scored, ranks, self.margin[kept], self.pairs[kept], self.stratum[kept])


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy and what it is for."""

    name: str
    summary: str


POLICIES = (
    Policy("all", "every sample, with the verdicts applied"),
    Policy("adm", "low variability, then highest quality: the paper's high_average at the default fraction of 1/3"),
    Policy("low_average", "low variability, then lowest quality"),
    Policy("high_variance", "highest variability"),
    Policy("low_variance", "lowest variability alone: of two responses, those whose scores differ least"),
    Policy("quality", "highest quality alone"),
    Policy("large_margin", "highest margin: the scores speak most for the label"),
    Policy("small_margin", "lowest margin: the scores speak most against the label"),
    Policy("random", "a seeded random sample of the same size, to compare with"),
    Policy("random_pairs", "the same, with as many samples and as many training pairs as --match selects"),
    Policy("random_stratified", "the same, and as many of them of each source and each third by length"),
)

MATCHED = ("random_pairs", "random_stratified")
"""Policies that are drawn to be like another."""


def select(policy: str, columns: MapColumns, *, fraction: float = THIRD, seed: int = 42, match: str = "adm") -> Mask:
    """Say which samples a policy keeps. Raises ExportRefusedError where the fraction makes no sense for it."""
    if not 0 < fraction <= 1:
        raise ExportRefusedError(f"--fraction is {fraction:g}; it must be above 0 and at most 1.")
    if policy == "all":
        return np.ones(len(columns.quality), dtype=bool)
    if policy == "random":
        return _draw(columns.tie_rank, fraction, seed)
    if policy in MATCHED:
        wanted = _select_by_map(match, columns, fraction)
        like = columns.pairs
        if policy == "random_stratified":
            like = like + (like.max(initial=0) + 1) * columns.stratum
        return _draw_like(wanted, like, columns.tie_rank, seed)
    return _select_by_map(policy, columns, fraction)


def _select_by_map(policy: str, columns: MapColumns, fraction: float) -> Mask:
    if policy not in BY_MAP:
        names = (each.name for each in POLICIES)
        raise ExportRefusedError(f"There is no policy {policy!r}: it may be {', '.join(names)}.")
    if policy in CONDITIONAL and fraction > LOW_VARIABILITY_SHARE:
        raise ExportRefusedError(
            f"Policy {policy} drops the third of highest variability first, so --fraction {fraction:g} cannot be kept: "
            "it may be 2/3 (.666) at most. For more data use --policy all."
        )
    sort, needed, take = BY_MAP[policy]
    if np.isnan(getattr(columns, needed)).all():
        noun = "margin" if needed == "margin" else "score"
        raise ExportRefusedError(f"Policy {policy} needs a map, and no sample has a {noun}. Run: prefmap score")
    share = fraction / LOW_VARIABILITY_SHARE if policy in CONDITIONAL else fraction
    mask = np.zeros(len(columns.quality), dtype=bool)
    mask[take(sort(columns), share)] = True
    return mask


def _sort(values: Floats, tie_rank: Ints) -> Ints:
    """List the samples that have a value, the lowest first."""
    placed = np.flatnonzero(~np.isnan(values))
    return placed[np.lexsort((tie_rank[placed], values[placed]))]


def _top(order: Ints, share: float) -> Ints:
    return order[math.floor(len(order) * (1 - share) + ROUNDING) :]


def _bottom(order: Ints, share: float) -> Ints:
    return order[: math.floor(len(order) * share + ROUNDING)]


Sorted = Callable[[MapColumns], Ints]
Taken = Callable[[Ints, float], Ints]


def _by_quality_of_low(columns: MapColumns) -> Ints:
    """Sort the two thirds of lowest variability by quality."""
    by_variability = _by_variability(columns)
    low = by_variability[: 2 * len(by_variability) // 3]
    return low[np.lexsort((columns.tie_rank[low], columns.quality[low]))]


def _by_variability(columns: MapColumns) -> Ints:
    return _sort(columns.variability, columns.tie_rank)


def _by_quality(columns: MapColumns) -> Ints:
    return _sort(columns.quality, columns.tie_rank)


def _by_margin(columns: MapColumns) -> Ints:
    return _sort(columns.margin, columns.tie_rank)


BY_MAP: dict[str, tuple[Sorted, str, Taken]] = {
    "adm": (_by_quality_of_low, "variability", _top),
    "low_average": (_by_quality_of_low, "variability", _bottom),
    "high_variance": (_by_variability, "variability", _top),
    "low_variance": (_by_variability, "variability", _bottom),
    "quality": (_by_quality, "quality", _top),
    "large_margin": (_by_margin, "margin", _top),
    "small_margin": (_by_margin, "margin", _bottom),
}
"""How each policy sorts the samples, the column that it needs, and which end it takes."""

CONDITIONAL = ("adm", "low_average")
"""Policies that choose among the two thirds of lowest variability."""


def _draw(tie_rank: Ints, fraction: float, seed: int) -> Mask:
    """Draw by id, not by row, so that re-ordered rows give the same samples."""
    count = round(len(tie_rank) * fraction)
    drawn = np.random.default_rng(seed).permutation(len(tie_rank))[:count]
    return np.isin(tie_rank, drawn)


def _draw_like(wanted: Mask, like: Ints, tie_rank: Ints, seed: int) -> Mask:
    """Draw, by id, as many samples of each kind as are wanted."""
    place = np.random.default_rng(seed).permutation(len(tie_rank))[tie_rank]
    order = np.lexsort((place, like))
    kind = like[order]
    number = np.arange(len(order)) - np.searchsorted(kind, kind)
    mask = np.zeros(len(wanted), dtype=bool)
    mask[order[number < np.bincount(like[wanted], minlength=like.max(initial=0) + 1)[kind]]] = True
    return mask


def agree(maps: Sequence[MapColumns]) -> MapColumns:
    """Make one map of several: each value becomes the mean of its ranks, from 0 to 1, on the maps that have it."""
    quality, variability, margin = (
        average([_rank(getattr(one, name)) for one in maps]) for name in ("quality", "variability", "margin")
    )
    return maps[0]._replace(quality=quality, variability=variability, margin=margin)


def _rank(values: Floats) -> Floats:
    """Give each value its rank between 0 and 1; equal values share theirs."""
    ranks = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    ranks[known] = ((np.cumsum(counts) - counts / 2) / max(counts.sum(), 1))[inverse]
    return ranks
