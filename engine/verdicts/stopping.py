"""When to stop: what the queue yields, what the controls yield, and what more reading would find.

All figures stand still for REFRESH verdicts: one that moved with every verdict would tell which one was a control.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.judging.intervals import Estimate, wilson

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REFRESH = 25
"""Verdicts after which the figures move."""

OFTEN_ENOUGH = 200
"""So often something is made anew before that is done more rarely."""

STRETCH = 20
"""Reads that flips are counted over."""

RECENT = 100
"""Reads of the queue by which it is judged, and that are looked ahead."""

FEWEST_CONTROLS = 30
"""With fewer, nothing is said of when to stop."""


class Stretch(NamedTuple):
    """What a stretch of the review yielded, read from the queue."""

    last: int
    """Number of its last read, from 1, controls and repeats not counted."""

    reads: int
    flips: int

    @property
    def per_stretch(self) -> float:
        """Flips per 20 read."""
        return STRETCH * self.flips / self.reads


class Yield(NamedTuple):
    """What reading finds."""

    curve: list[Stretch]
    recent: Estimate | None
    """Share of flips in the last 100 reads of the queue; None with fewer."""

    controls: Estimate | None
    """Share of flips among the controls; None without any."""

    ahead: float | None
    """Flips to be expected in the next 100 reads of the queue; None before there are 100."""

    @property
    def is_dry(self) -> bool | None:
        """Whether the queue finds no more than random reading does; None: it cannot be said yet."""
        if self.recent is None or self.controls is None or self.controls.of < FEWEST_CONTROLS:
            return None
        return self.recent.low <= self.controls.value


def last_due(verdicts: int, every: int) -> int:
    """Say of how many of the verdicts so far something was made that is made anew `every` so many verdicts.

    From 200 times that on the interval doubles whenever they do: it is half a percent to one percent of what was read,
    so that a long review costs no more per verdict than a short one.
    """
    while verdicts >= OFTEN_ENOUGH * every:
        every *= 2
    return verdicts - verdicts % every


def measure_yield(flips: Flags, suspicion: Floats, controls: Flags, waiting: Floats) -> Yield:
    """Work out what the queue yields.

    `flips` and `suspicion` are those of what was read from the queue, oldest first; `controls`: which controls were
    flipped; `waiting`: suspicion of the unread, first of the queue first.
    """
    recent = _share(flips[-RECENT:]) if len(flips) >= RECENT else None
    ahead = None
    if recent:
        foretold = float(np.nansum(suspicion[-RECENT:]))
        ahead = (float(flips[-RECENT:].sum()) + 1) / (foretold + 1) * float(np.nansum(waiting[:RECENT]))
        ahead = min(ahead, float(min(RECENT, len(waiting))))
    return Yield(draw_curve(flips), recent, _share(controls) if len(controls) else None, ahead)


def _share(flips: Flags) -> Estimate:
    return wilson(float(flips.mean()), len(flips), len(flips))


def draw_curve(flips: Flags, longest: int = 10) -> list[Stretch]:
    """Count the flips of stretches of 20 reads, or of as many 20s as leave `longest` stretches at most."""
    length = STRETCH * max(-(-len(flips) // (STRETCH * longest)), 1)
    parts = [flips[start : start + length] for start in range(0, len(flips), length)]
    ends = np.cumsum([len(part) for part in parts])
    return [Stretch(int(end), len(part), int(part.sum())) for end, part in zip(ends, parts, strict=True)]


def say_ahead(found: Yield) -> str:
    """Say what more reading would find; empty where nothing can be said."""
    if found.ahead is None:
        return ""
    flips = round(found.ahead)
    return f"another {RECENT} reads expect about {flips} flip{'s' if flips != 1 else ''}"


def say_stop(found: Yield) -> str:
    """Say whether the queue is dry, and by what."""
    count = found.controls.of if found.controls else 0
    if found.recent is None or found.controls is None or count < FEWEST_CONTROLS:
        return f"too early to say when to stop: {count} of {FEWEST_CONTROLS} controls are read"
    by_queue, by_chance = f"{found.recent.value:.0%}", f"{found.controls.value:.0%}"
    said = f"{by_queue} of the last {RECENT} from the queue were flipped, of {count} random ones {by_chance}"
    return f"the queue is dry: {said}" if found.is_dry else f"go on: {said}"


def say_curve(curve: Sequence[Stretch]) -> str:
    """Say how many of each 20 reads were flips, stretch by stretch."""
    return " ".join(f"{one.per_stretch:.0f}" for one in curve)
