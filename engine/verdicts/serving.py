"""Serving: which sample a reviewer reads next, from the queue, as an unmarked control or as an unmarked repeat.

All of it follows from the seed, from what was read and from where the queue stands; nothing is stored. Controls are
the samples of one seeded permutation, in its order; those that the queue reached first are passed over, and count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from engine.records import content_hash
from engine.verdicts.shuffling import Contents, scramble

Ints = npt.NDArray[np.int64]
Order = npt.NDArray[np.int32] | Ints
States = npt.NDArray[np.int8]

Served = Literal["queue", "control", "repeat", "hand"]
"""`hand`: the reviewer went there, or chose what is read."""

SERVED: tuple[Served, ...] = get_args(Served)

UNREAD, READ, SKIPPED = 0, 1, 2
"""States of a sample for one reviewer."""

LOOKED_AT = 4096
"""Places of an order that are looked at together."""

REPEAT_DISTANCE = 50
"""A repeat comes at least so many verdicts after the sample was read."""


class Reading(NamedTuple):
    """One verdict of a reviewer, as serving needs to know it."""

    ordinal: int
    served: Served
    is_skip: bool = False


class Turn(NamedTuple):
    """What is read next."""

    ordinal: int
    served: Served

    @property
    def is_swapped(self) -> bool:
        """Whether the responses stand the other way round than when the sample was first read."""
        return self.served == "repeat"


@dataclass(frozen=True, slots=True)
class Server:
    """Serves one reviewer."""

    permutation: Ints
    """All samples that can be controls, by ordinal, in the order in which they become ones."""

    seed: str
    controls: float = 0.08
    """Share of the turns that are controls; 0: none."""

    repeats: float = 0.02
    """Share of the turns that are repeats; 0: none."""

    def next(self, following: int | None, state: States, readings: Sequence[Reading]) -> Turn | None:
        """Say what is read next.

        `following`: the ordinal that the queue has next; None: it is at its end, and so is the review. `state`: of each
        sample, by ordinal. `readings`: the verdicts that stand, oldest first, those taken back left out. The same
        three give the same turn, so that a turn comes back after a restart and after an undo.
        """
        if following is None:
            return None
        kind = self.kind(len(readings))
        turn = self.control(state) if kind == "control" else self.repeat(readings) if kind == "repeat" else None
        return turn or Turn(following, "queue")

    def control(self, state: States, *, besides: int | None = None) -> Turn | None:
        """Give the first control that is unread, `besides` a sample that soon is not; None: all are read."""
        place = find_first(self.permutation, state, UNREAD)
        if place is not None and self.permutation[place] == besides:
            place = find_first(self.permutation, state, UNREAD, place + 1)
        return None if place is None else Turn(int(self.permutation[place]), "control")

    def repeat(self, readings: Sequence[Reading]) -> Turn | None:
        """Give a sample to be read again; None: nothing was read long enough ago."""
        known = _repeatable(readings)
        return Turn(known[_draw(len(known), self.seed, "which", len(readings))], "repeat") if known else None

    def kind(self, turn: int) -> Served:
        """Say what a turn is meant for, from 0: one of each 12, say, is a control, at a place that nobody can guess."""
        for kind, share in (("control", self.controls), ("repeat", self.repeats)):
            length = round(1 / share) if share else 0
            if length and turn % length == _draw(length, self.seed, kind, turn // length):
                return kind  # type: ignore[return-value]
        return "queue"


def permute(contents: Contents, seed: str) -> Ints:
    """Shuffle samples by their contents and a seed: samples that are added leave the order of the others as it was."""
    return np.argsort(scramble(contents, seed), kind="stable").astype(np.int64)


def find_first(order: Order, state: States, wanted: int, start: int = 0, end: int | None = None) -> int | None:
    """Find the first place, from `start` to before `end`, whose sample has a state; None: none has."""
    end = len(order) if end is None else end
    for first in range(start, end, LOOKED_AT):
        found = np.flatnonzero(state[order[first : min(first + LOOKED_AT, end)]] == wanted)
        if len(found):
            return first + int(found[0])
    return None


def reached(permutation: Order, state: States) -> Ints:
    """List the controls so far: all that were read up to the first unread one, however the reviewer came to them."""
    before = permutation[: find_first(permutation, state, UNREAD)]
    read: Ints = before[state[before] == READ].astype(np.int64)
    return read


def _repeatable(readings: Sequence[Reading]) -> list[int]:
    """List what may be repeated: read long enough ago, and only once."""
    recent = {one.ordinal for one in readings[max(len(readings) - REPEAT_DISTANCE + 1, 0) :]}
    again = {one.ordinal for one in readings if one.served == "repeat"}
    old = [one.ordinal for one in readings[: max(len(readings) - REPEAT_DISTANCE + 1, 0)] if not one.is_skip]
    return [ordinal for ordinal in dict.fromkeys(old) if ordinal not in recent | again]


def _draw(below: int, *seed: object) -> int:
    return int(content_hash(*map(str, seed)), 16) % below
