"""Composition: what the samples of each region, source, length and number of turns are like."""

from collections.abc import Iterator, Mapping, Sequence
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


class Coding(NamedTuple):
    """Samples numbered by what they are."""

    codes: Ints
    """(samples,) Places in `names`."""

    names: list[str]


def part(points: MapPoints, kinds: Mapping[str, Coding], reads: Reads) -> Iterator[Parting]:
    """Part the samples by each kind; those that are the same for all are left out."""
    regions = code_names(points.region)
    known = np.array([one is not None for one in points.region], dtype=bool)
    for by, coding in {"region": regions, **kinds}.items():
        if len(coding.names) > 1:
            groups = [
                _measure(name, coding.codes == code, points.margin, reads) for code, name in enumerate(coding.names)
            ]
            is_other = coding is not regions
            v = associate(coding.codes[known], regions.codes[known]) if is_other else float("nan")
            yield Parting(by, groups, v)


def code_names(names: npt.NDArray[np.object_]) -> Coding:
    """Number names, the commonest first; rare ones share the last number."""
    said = np.array([str(name or "none") for name in names.tolist()], dtype=object)
    found, inverse, counts = np.unique(said, return_inverse=True, return_counts=True)
    order = sorted(range(len(found)), key=lambda at: (-counts[at], found[at]))
    codes = np.empty(len(found), dtype=np.int64)
    codes[order] = np.arange(len(found))
    kept = [str(found[at]) for at in order]
    if len(kept) > NAMED:
        kept = [*kept[: NAMED - 1], OTHERS]
        codes = np.minimum(codes, NAMED - 1)
    return Coding(codes[inverse], kept)


def code_sizes(values: Floats, ends: Sequence[float]) -> Coding:
    """Number whole numbers by the stretch that they fall into, `ends` being the last ones of all but the last."""
    bounds = sorted({int(end) for end in ends})
    lows = [None, *bounds]
    names = [_name_stretch(low, high) for low, high in zip(lows, [*bounds, None], strict=True)]
    codes = np.searchsorted(np.array(bounds, dtype=np.float64), values, side="left")
    there, codes = np.unique(codes, return_inverse=True)
    return Coding(codes, [names[code] for code in there.tolist()])


def _name_stretch(low: int | None, high: int | None) -> str:
    if high is None:
        return f"over {low:,}"
    return f"to {high:,}" if low is None else f"{low + 1:,} to {high:,}"


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
