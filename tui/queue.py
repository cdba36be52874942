"""The queue: which samples in which order, which of them are unread, and which hold a text that was searched for."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import FilterError
from engine.querying.filtering import SELECTIONS
from engine.store import Store
from engine.verdicts.serving import READ, SKIPPED, UNREAD, find_first

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Match(NamedTuple):
    """Where a search stands: at which of how many samples; 0: at none."""

    number: int
    total: int


NO_MATCH = Match(0, 0)


class Queue:
    """The samples of one map in an order, all of them or a selection."""

    def __init__(self, store: Store, by: str, share: Mask | None = None) -> None:
        """Order all samples, or a share of them."""
        order: Ints = store.order("suspicion" if by in SELECTIONS else by)
        self.state = np.full(len(order), UNREAD, dtype=np.int8)
        """By ordinal."""

        self.whole = order if share is None else order[share[order]]
        self.order = self.whole
        """Ordinals, in the order in which they are read."""

        self.where = ""
        """What selects them, in words; empty: nothing is left out."""

        self.is_ranked = True
        """Whether they stand in the order of the whole queue."""

        self._found: Ints = np.empty(0, dtype=np.int64)

    def choose(self, fits: npt.NDArray[np.bool_]) -> Ints:
        """List the samples that fit, given by ordinal, in the order of the queue."""
        return self.whole[fits[self.whole]]

    def narrow(self, order: Ints, where: str, *, is_ranked: bool = True) -> None:
        """Leave only these in the queue; not ranked, they keep their order. Raises FilterError where there are none."""
        if not len(order):
            raise FilterError(f"No sample fits: {where}. The queue is as it was.")
        self.order, self.where, self.is_ranked = order, where, is_ranked

    def widen(self) -> None:
        """Leave nothing out."""
        self.order, self.where = self.whole, ""
        self.is_ranked = True

    def rank(self, ranked: Ints, position: int) -> None:
        """Put the unread behind a place into the order of all samples as `ranked`; all others stay where they are."""
        is_whole = self.order is self.whole
        self.whole = self._arrange(self.whole, ranked, position if is_whole else -1)
        if is_whole:
            self.order = self.whole
        elif self.is_ranked:
            self.order = self._arrange(self.order, ranked, position)

    def _arrange(self, order: Ints, ranked: Ints, position: int) -> Ints:
        """Rank anew in a new array. Nothing is sorted: of all samples, ranked already, the others are left out."""
        behind = order[position + 1 :]
        is_open = self.state[behind] != READ
        is_wanted = np.zeros(len(self.state), dtype=np.bool_)
        is_wanted[behind[is_open]] = True
        arranged = order.copy()
        arranged[position + 1 :][is_open] = ranked[is_wanted[ranked]]
        return arranged

    def places(self, ordinals: Ints) -> Ints:
        """Find the places of samples in the queue."""
        if len(ordinals) == 1:
            return np.flatnonzero(self.order == ordinals[0])
        wanted = np.zeros(len(self.state), dtype=np.bool_)
        wanted[ordinals] = True
        return np.flatnonzero(wanted[self.order])

    def next_unread(self, position: int) -> int:
        """Find the next unread place behind this one, else the first; skipped ones come last. Past the end: none."""
        for state in (UNREAD, SKIPPED):
            for start, end in ((position + 1, len(self.order)), (0, position + 1)):
                place = find_first(self.order, self.state, state, start, end)
                if place is not None:
                    return place
        return len(self.order)

    def first(self) -> int:
        """Find the place to begin at; where all are read, the first."""
        place = self.next_unread(-1)
        return 0 if place == len(self.order) and self.where else place

    def is_read(self, position: int) -> bool:
        return bool(self.state[self.order[position]] == READ)

    def search(self, found: Ints, position: int) -> tuple[int, Match]:
        """Take what a search found, and go to the first of it from this place on."""
        self._found = found
        return self._go(position, lambda places: places[places >= position], first=0)

    def next_match(self, position: int) -> tuple[int, Match]:
        """Go to the next place that a search found; behind the last comes the first."""
        return self._go(position, lambda places: places[places > position], first=0)

    def previous_match(self, position: int) -> tuple[int, Match]:
        return self._go(position, lambda places: places[places < position][::-1], first=-1)

    def _go(self, position: int, ahead: Callable[[Ints], Ints], *, first: int) -> tuple[int, Match]:
        places = self.places(self._found)
        if not len(places):
            return position, NO_MATCH
        further = ahead(places)
        place = int(further[0] if len(further) else places[first])
        return place, Match(int(np.searchsorted(places, place)) + 1, len(places))


def draw_examples(count: int, size: int, seed: int) -> Sequence[int]:
    """Draw some of many, the same ones for the same seed, in their order."""
    drawn = np.random.default_rng(seed).choice(count, size=min(size, count), replace=False)
    return [int(number) for number in sorted(drawn)]
