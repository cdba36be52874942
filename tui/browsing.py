"""A way through the queue of one map: where one is, and how to get elsewhere. It knows nothing of screens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from math import isnan
from threading import Lock

import numpy as np
import numpy.typing as npt

from engine.querying.filtering import SELECTIONS
from engine.querying.likeness import Likeness
from engine.querying.matching import Matcher
from engine.records import Sample, content_of
from engine.store import QueueEntry, Store
from engine.suspicion.ranking import Ranking
from engine.verdicts.serving import Turn
from tui.queue import Mask, Match, Queue

Ints = npt.NDArray[np.int64]


BY_SUSPICION = ("suspicion", *SELECTIONS)

Scores = Mapping[str, Sequence[tuple[float | None, str]]]

KEPT = 256
"""Samples that are kept: the one on the screen, the next one, and those that a person may come back to."""


@lru_cache(maxsize=KEPT)
def find_copies(store: Store, content_id: str) -> Ints:
    """Find the samples of a content, duplicates included: a million ids take long to look through, so it is kept."""
    return store.ordinals([content_id])


@lru_cache(maxsize=KEPT)
def read_sample(store: Store, ordinal: int) -> tuple[Sample, QueueEntry, Scores]:
    """Read what a map says of a sample; the last few are kept."""
    sample = store.sample(ordinal)
    (entry,) = store.entries([ordinal])
    return sample, entry, store.scores(sample)


class Browsing:
    """The queue, the place in it, and what selects its samples."""

    def __init__(self, store: Store, matcher: Matcher, by: str) -> None:
        self.store = store
        self.matcher = matcher
        """What filters are tried with."""

        self.by = by
        self.turn: Turn | None = None
        """What the review serves; None: the reviewer went to the place by hand."""

        self._position = 0
        self.ranking: Ranking | None = None
        """What the verdicts of this review made of the map; None: nothing yet."""

        self._queue: Queue | None = None
        self._likeness: Likeness | None = None
        self._loading, self._is_loaded = Lock(), False

    def load_once(self) -> None:
        """Load, where no other thread has done so; who comes meanwhile waits."""
        with self._loading:
            if not self._is_loaded:
                self.load()
                self._is_loaded = True

    def load(self) -> None:
        """Read the queue, and go to the first unread sample."""
        self._queue = Queue(self.store, self.by, self.share())
        self.mark_read()
        self.filter(SELECTIONS.get(self.by, ""))

    def share(self) -> Mask | None:
        """Say which samples the queue may hold, by ordinal; here all."""
        return None

    def mark_read(self) -> None:
        """Say which samples of the queue are read; here none are."""

    @property
    def position(self) -> int:
        """The place in the queue; a control or a repeat that is served stands before it."""
        return self._position

    @position.setter
    def position(self, place: int) -> None:
        self._position, self.turn = place, None

    @property
    def here(self) -> int | None:
        """The ordinal of the sample at hand; None behind the end."""
        if self.turn:
            return self.turn.ordinal
        return None if self.is_done else int(self.order[self.position])

    @property
    def queue(self) -> Queue:
        if self._queue is None:
            raise RuntimeError("the queue was not loaded")
        return self._queue

    @property
    def order(self) -> Ints:
        """The ordinals of the queue; none before it is loaded."""
        return self._queue.order if self._queue else np.empty(0, dtype=np.int64)

    @property
    def where(self) -> str:
        """What selects the samples of the queue; empty: it holds all."""
        return self._queue.where if self._queue else ""

    @property
    def is_done(self) -> bool:
        """Whether no sample of the queue is left unread."""
        return self.position >= len(self.order)

    @cached_property
    def _ranked_by_map(self) -> Ints:
        is_whole = self.by in BY_SUSPICION and len(self.queue.whole) == len(self.queue.state)
        return self.queue.whole if is_whole else self.store.order("suspicion")

    def rank(self, ordinal: int) -> int:
        """Give the place of a sample by suspicion, from 1."""
        ranked = self._ranked_by_map if self.ranking is None else self.ranking.order
        return int(np.flatnonzero(ranked == ordinal)[0]) + 1

    def entries(self, ordinals: Sequence[int] | Ints) -> list[QueueEntry]:
        """Look samples up, in the order asked for, as they are ranked now."""
        return [self.as_ranked(entry) for entry in self.store.entries(ordinals)]

    def as_ranked(self, entry: QueueEntry) -> QueueEntry:
        """Give a sample the suspicion that it has now."""
        if self.ranking is None:
            return entry
        now = float(self.ranking.suspicion[entry.ordinal])
        return replace(entry, suspicion=None if isnan(now) else now)

    def use_ranking(self, ranking: Ranking, *, beyond: int) -> None:
        """Take a new ranking; what was read stays where it is, and so does all up to the place `beyond`."""
        self.ranking = ranking
        self.matcher.replace("suspicion", ranking.suspicion)
        if self.by in BY_SUSPICION:
            self.queue.rank(ranking.order, beyond)

    def move(self, steps: int) -> None:
        """Go along the queue without a verdict."""
        self.position = min(max(self.position + steps, 0), max(len(self.order) - 1, 0))

    def go_to_sample(self, sample_id: str) -> None:
        """Go to a sample by its whole id; stay where it is not in the map any more."""
        ordinals = find_copies(self.store, content_of(sample_id))
        if len(ordinals):
            self._go_to_any(ordinals)

    def go_to(self, text: str) -> None:
        """Go to a rank in the queue (`17`) or an id. Raises SampleUnknownError."""
        if text.isdigit() and 1 <= int(text) <= len(self.order):
            self.position = int(text) - 1
            return
        self.go_to_ordinal(self.store.find(text))

    def go_to_ordinal(self, ordinal: int) -> None:
        self._go_to_any(np.array([ordinal]))

    def _go_to_any(self, ordinals: Ints) -> None:
        """Go to the first of these; a selection that leaves them out ends. One of another's share is only looked at."""
        if not len(self.queue.places(ordinals)):
            self.queue.widen()
        places = self.queue.places(ordinals)
        if len(places):
            self.position = int(places[0])
        else:
            self.turn = Turn(int(ordinals[0]), "hand")

    def find(self, text: str) -> Ints:
        """List the samples that fit a filter, in the order of the queue. Raises FilterError."""
        return self.queue.choose(self.matcher.find(text))

    def filter(self, text: str) -> int:
        """Leave only what fits in the queue, and count it; an empty text brings all back. Raises FilterError."""
        if text.strip():
            self.queue.narrow(self.find(text), text.strip())
        else:
            self.queue.widen()
        self.position = self.queue.first()
        return len(self.order)

    def use(self, ordinals: Ints, name: str, *, is_ranked: bool = True) -> int:
        """Leave only these samples in the queue, as `name`; not ranked, in the order given. Raises FilterError."""
        fits = np.zeros(len(self.queue.state), dtype=bool)
        fits[ordinals] = True
        self.queue.narrow(self.queue.choose(fits) if is_ranked else ordinals, name, is_ranked=is_ranked)
        self.position = self.queue.first()
        return len(self.order)

    def like(self, ordinal: int, is_given_up: Callable[[], bool] = lambda: False) -> Ints:
        """List the samples most like one, that one first. The first call reads the words of all; it takes a while."""
        if self._likeness is None:
            self._likeness = Likeness.read(self.store, self.queue.whole, is_given_up=is_given_up)
        return self._likeness.nearest(ordinal)

    def akin(self, ordinal: int) -> tuple[Ints, str]:
        """List the samples of one's source whose label, too, prefers the longer or shorter response; and say so."""
        (entry,) = self.store.entries([ordinal])
        longer = np.sign(self.store.numbers("len_chosen") - self.store.numbers("len_rejected"))
        fits = longer == longer[ordinal]
        if entry.source:
            fits &= np.isin(np.arange(len(fits)), self.store.fitting("source", entry.source, exactly=True))
        way = {1.0: "the longer", -1.0: "the shorter"}.get(float(longer[ordinal]), "a response as long as the other")
        return np.flatnonzero(fits), f"{entry.source + ': ' if entry.source else ''}the label prefers {way}"

    def search(self, text: str) -> Match:
        """Go to the next sample of the queue that contains a text, this one included; empty: to none."""
        found = self.store.containing(text) if text else np.empty(0, dtype=np.int64)
        self.position, match = self.queue.search(found, self.position)
        return match

    def next_match(self) -> Match:
        """Go to the next sample that the search found."""
        self.position, match = self.queue.next_match(self.position)
        return match

    def previous_match(self) -> Match:
        self.position, match = self.queue.previous_match(self.position)
        return match
