"""Calibration: whether labels of suspicion .3 are wrong 3 times in 10, as the verdicts have it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 10
"""Of the same width."""


class Bin(NamedTuple):
    """Samples of about the same suspicion."""

    samples: int
    said: float
    """Their mean suspicion."""

    was: float
    """Share of their labels that is wrong."""


class Reliability(NamedTuple):
    """What suspicion said, and what was."""

    bins: list[Bin]
    """From low to high suspicion; empty ones are left out."""

    error: float
    """Expected calibration error: the mean distance of `said` and `was`, by count. NaN where nothing was read."""


def compare(suspicion: Floats, truths: Floats) -> Reliability:
    """Compare suspicion with truths (0 right, 1 wrong) where both are known."""
    known = ~(np.isnan(suspicion) | np.isnan(truths))
    said, was = suspicion[known], truths[known]
    place = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    bins = [
        Bin(int(here.sum()), float(said[here].mean()), float(was[here].mean()))
        for here in (place == number for number in range(BINS))
        if here.any()
    ]
    apart = [one.samples * abs(one.said - one.was) for one in bins]
    return Reliability(bins, sum(apart) / len(said) if len(said) else float("nan"))
