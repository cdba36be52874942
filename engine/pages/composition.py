"""Composition: what the samples of each region, source, length and number of turns are like."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.store import MapPoints

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SMALL_MARGIN = 0.05
"""In standard deviations of the scorers: below it they hardly tell the two responses apart."""

NAMED = 12
"""Groups of a kind that are told one by one; the rarer ones are taken together."""

OTHERS = "others"


class Group(NamedTuple):
    """Some samples, and what they are like."""

    name: str
    samples: int
    share: float
    """Of all samples."""

    margin: float
    """The median; NaN where none has one."""

    close: float
    """Share of the margins that are smaller than SMALL_MARGIN."""

    against: float
    """Share of the margins that stand against the label."""

    read: int
    """Samples that somebody read and decided ..."""

    flipped: int
    """... and whose label was flipped."""


class Parting(NamedTuple):
    """All samples, parted by one thing."""

    by: str
    groups: list[Group]
    association: float
    """Cramer's V of it and the regions, 0 to 1; NaN where one of both is the same for all."""


class Reads(NamedTuple):
    """Which samples were read and which flipped; of exact duplicates the first alone. Arrays: (samples,)."""

    read: Flags
    flipped: Flags


def part(points: MapPoints, kinds: Mapping[str, npt.NDArray[np.object_]], reads: Reads) -> Iterator[Parting]:
    """Part the samples by each kind of name; those that are the same for all are left out."""
    for by, names in kinds.items():
        codes, ordered = number_names(names)
        if len(ordered) < 2:
            continue
        groups = [_measure(name, codes == code, points.margin, reads) for code, name in enumerate(ordered)]
        regions, _ = number_names(points.region)
        known = np.array([one is not None for one in points.region], dtype=bool)
        yield Parting(by, groups, associate(codes[known], regions[known]))


def number_names(names: npt.NDArray[np.object_]) -> tuple[Ints, list[str]]:
    """Number names, the commonest first unless they are numbered already; rare ones share the last number."""
    said = np.array(["none" if name is None or name == "" else str(name) for name in names], dtype=object)
    found, inverse, counts = np.unique(said, return_inverse=True, return_counts=True)
    order = sorted(range(len(found)), key=lambda at: (-counts[at], found[at]))
    codes = np.empty(len(found), dtype=np.int64)
    codes[order] = np.arange(len(found))
    kept = [str(found[at]) for at in order]
    if len(kept) > NAMED:
        kept = [*kept[: NAMED - 1], OTHERS]
        codes = np.minimum(codes, NAMED - 1)
    return codes[inverse], kept


def part_by_size(values: Floats, unit: str, ends: Sequence[float]) -> npt.NDArray[np.object_]:
    """Name each number by the stretch that it falls into; `ends` are the last numbers of all but the last stretch."""
    bounds = sorted({int(end) for end in ends})
    names = [
        f"to {bounds[0]:,} {unit}",
        *(f"{a + 1:,} to {b:,} {unit}" for a, b in pairwise(bounds)),
    ]
    names.append(f"over {bounds[-1]:,} {unit}")
    places = np.searchsorted(np.array(bounds, dtype=np.float64), values, side="left")
    return np.array([names[place] for place in places.tolist()], dtype=object)


def _measure(name: str, here: Flags, margin: Floats, reads: Reads) -> Group:
    known = margin[here & ~np.isnan(margin)]
    median, close, against = (
        (float(np.median(known)), float((np.abs(known) < SMALL_MARGIN).mean()), float((known < 0).mean()))
        if len(known)
        else (np.nan,) * 3
    )
    read, flipped = (int((here & flags).sum()) for flags in reads)
    return Group(name, int(here.sum()), float(here.mean()), median, close, against, read, flipped)


def associate(a: Ints, b: Ints) -> float:
    """Give Cramer's V of two codes: 0 where one tells nothing of the other, 1 where it tells all."""
    if not len(a):
        return float("nan")
    counts = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1)).reshape(a.max() + 1, -1)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)].astype(np.float64)
    least = min(counts.shape) - 1
    if least < 1:
        return float("nan")
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / counts.sum() / least))
