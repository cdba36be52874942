"""Axes: which part of the numbers a picture shows, and the round numbers beside it."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TRIM = 0.5
"""Percent of the samples at each end of an axis that may lie outside the picture."""

STRETCHED = 1.25
"""How many times wider an axis must be with its outermost samples than without, for them to be left outside."""

PADDING = 0.02
"""Free space at each end, as a share of the span."""

FLAT_PADDING = 0.5
"""Least space at each end where all numbers are the same."""

NICE_STEPS = (1, 2, 5)


class Span(NamedTuple):
    """The part of an axis that is shown; its ends belong to it."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def holds(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Tell which values are shown; NaN is not."""
        return (values >= self.low) & (values <= self.high)

    def share(self, values: npt.ArrayLike) -> Floats:
        """Give the places of values as shares of the axis, from its low end."""
        return np.asarray((np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low))


def enclose(values: Floats, *, floor: float = -math.inf) -> Span:
    """Enclose numbers, but for a few that would squash the rest; nothing below `floor` is shown."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Span(0.0, 1.0)
    ends = [float(end) for end in np.percentile(known, [0, TRIM, 100 - TRIM, 100])]
    low, high = (ends[1], ends[2]) if ends[3] - ends[0] > STRETCHED * (ends[2] - ends[1]) else (ends[0], ends[3])
    space = (high - low) * PADDING
    if space <= 1e-9 * max(abs(low), abs(high)):
        space = max(abs(low) * PADDING, FLAT_PADDING)
    return Span(max(low - space, floor), high + space)


def ticks(low: float, high: float, at_most: int) -> list[float]:
    """Choose round numbers from low to high, a step of 1, 2 or 5 times a power of ten apart."""
    if at_most < 1 or not low < high:
        return []
    power = math.floor(math.log10((high - low) / at_most))
    while True:
        for nice in NICE_STEPS:
            found = _multiples(low, high, nice, power)
            if len(found) <= at_most:
                return found
        power += 1


def tick_label(value: float, step: float) -> str:
    """Write a tick with the decimals that tell it from one a step away."""
    decimals = max(0, -math.floor(math.log10(step)))
    return f"{value:z.{decimals}f}"


def _multiples(low: float, high: float, nice: int, power: int) -> list[float]:
    """List the multiples of nice * 10**power from low to high, each the float nearest to its decimal."""
    over, under = (nice * 10**power, 1) if power >= 0 else (nice, 10**-power)
    first = math.floor(low / (over / under))
    last = math.ceil(high / (over / under))
    candidates = (number * over / under for number in range(first, last + 1))
    return [value for value in candidates if low <= value <= high]
