"""The cloud of all samples: where each lies on the map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE
from engine.store import Cut, MapPoints
from tui.raster import Bounds, Codes, Floats

REGIONS = (HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE)
"""From the top to the bottom of the column beside the plot."""

TRIM = 0.5
"""Percent of the samples at each end of an axis that may lie outside the first view."""

STRETCHED = 1.25
"""How many times wider an axis must be with its outermost samples than without, for them to be left outside."""

NAMED_SOURCES = 8
"""So many sources have a letter of their own; the rarer ones share one."""


NO_NAMES = np.empty(0, dtype=object)
"""The cloud has numbers in place of the names of the points."""


class Axis(NamedTuple):
    """What lies to the right on the map."""

    name: str
    """A column of the map's points."""

    is_rooted: bool = False
    """Whether places are roots: by variability itself two thirds of all samples would share a few columns."""

    def place(self, values: npt.ArrayLike) -> Floats:
        """Find the places of values on the x axis."""
        places: Floats = np.sqrt(np.maximum(values, 0.0)) if self.is_rooted else np.asarray(values, dtype=np.float64)
        return places

    def value(self, place: float) -> float:
        """Give the value that has a place on the x axis."""
        return place**2 if self.is_rooted else place


VARIABILITY = Axis("variability", is_rooted=True)
AXES = (VARIABILITY, Axis("margin"), Axis("correlation"))


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """All samples as they lie on the map, by ordinal."""

    points: MapPoints
    axis: Axis
    x: Floats
    """Places on the x axis."""

    y: Floats
    """Quality."""

    region: Codes
    """Place in REGIONS; -1: none."""

    region_counts: tuple[int, ...]
    """How many samples each region has."""

    source: Codes
    """Place in `sources`; one past them: another source; -1: none."""

    sources: tuple[str, ...]
    """The commonest first."""

    verdict: Codes
    """Place in VERDICTS; -1: none."""

    cuts: Mapping[str, float | None]
    """By the name of their axis."""

    unplaced: int
    """How many samples have no place on the map."""

    whole: Bounds
    """The first view."""

    limits: Bounds
    """Where samples are; no view goes further."""

    @classmethod
    def of(cls, points: MapPoints, cuts: Sequence[Cut], verdict: Codes) -> Self:
        """Lay a map out by variability and quality. `cuts` are those of its scorer."""
        x = VARIABILITY.place(points.variability)
        region = np.full(len(x), -1, dtype=np.int8)
        for code, name in enumerate(REGIONS):
            region[points.region == name] = code
        region_counts = tuple(int(np.count_nonzero(region == code)) for code in range(len(REGIONS)))
        source, sources = _number_sources(points.source)
        by_axis = {cut.axis: cut.value for cut in cuts}
        return cls(
            points._replace(region=NO_NAMES, source=NO_NAMES), VARIABILITY, x, points.quality,
            region, region_counts, source, sources, verdict.astype(np.int8), by_axis,
            _count_missing(x, points.quality), *_views(x, points.quality, low=0.0),
        )  # fmt: skip

    def along(self, axis: Axis) -> "Cloud":
        """Lay the same samples out by another axis."""
        x = axis.place(getattr(self.points, axis.name))
        whole, limits = _views(x, self.y, low=0.0 if axis.is_rooted else -np.inf)
        return replace(self, axis=axis, x=x, unplaced=_count_missing(x, self.y), whole=whole, limits=limits)

    @property
    def axes(self) -> list[Axis]:
        """The axes along which any sample has a place."""
        return [axis for axis in AXES if np.isfinite(getattr(self.points, axis.name)).any()]

    @property
    def suspicion(self) -> Floats:
        return self.points.suspicion

    @property
    def x_cut(self) -> float | None:
        """The place of the variability cut; None: there is none, or it is not on this axis."""
        value = self.cuts.get("variability")
        return None if value is None or self.axis is not VARIABILITY else float(self.axis.place(value))

    @property
    def y_cut(self) -> float | None:
        """The quality cut; it is one of the low variability part alone, so other axes have none."""
        return self.cuts.get("quality") if self.axis is VARIABILITY else None

    @property
    def is_empty(self) -> bool:
        return self.unplaced == len(self.x)

    def place(self, ordinal: int | None) -> tuple[float, float]:
        """Find where a sample is; the middle of the first view where it has no place there."""
        if ordinal is not None and self.whole.holds(self.x[[ordinal]], self.y[[ordinal]])[0]:
            return float(self.x[ordinal]), float(self.y[ordinal])
        return middle(self.whole)


def _count_missing(x: Floats, y: Floats) -> int:
    return int(np.count_nonzero(np.isnan(x) | np.isnan(y)))


def _number_sources(source: npt.NDArray[np.object_]) -> tuple[Codes, tuple[str, ...]]:
    """Number the sources, the commonest first; those that have no letter share one number."""
    counts = Counter(source.tolist())
    counts.pop("", None)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    codes = {name: min(code, NAMED_SOURCES) for code, name in enumerate(names)} | {"": -1}
    return np.array([codes[name] for name in source.tolist()], dtype=np.int8), tuple(names[:NAMED_SOURCES])


def _views(x: Floats, y: Floats, *, low: float) -> tuple[Bounds, Bounds]:
    """Give the first view, which outliers do not squash, and the one that holds everything."""
    every, most = Bounds.around(x, y), Bounds.around(x, y, trim=TRIM)
    wide, tall = (most if every.width > most.width * STRETCHED else every,
                  most if every.height > most.height * STRETCHED else every)  # fmt: skip
    whole = Bounds(max(wide.x_low, low), wide.x_high, tall.y_low, tall.y_high)
    limits = Bounds(
        min(whole.x_low, max(every.x_low, low)),
        max(whole.x_high, every.x_high),
        min(whole.y_low, every.y_low),
        max(whole.y_high, every.y_high),
    )
    return whole, limits


def middle(bounds: Bounds) -> tuple[float, float]:
    return (bounds.x_low + bounds.x_high) / 2, (bounds.y_low + bounds.y_high) / 2
