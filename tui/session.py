"""A sitting: the queue, the place in it, and what was decided. It knows nothing of screens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.outcomes import VERDICTS, Outcome
from engine.records import Sample, Verdict, content_of
from engine.reviewing import Review
from engine.store import QueueEntry, Store
from tui.sides import Mode, order_blind, order_sighted

Ints = npt.NDArray[np.int64]

RECENT_FLIPS = 100
"""Verdicts over which the share of flips is taken."""

RECENT_PACE = 20
PAUSE_SECONDS = 120.0
"""A verdict that took longer was a pause, and says nothing of the pace."""

DEFAULT_TARGET = 1500

UNREAD, READ, SKIPPED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample with all that the screen says of it."""

    sample: Sample
    entry: QueueEntry
    rank: int
    """Place by suspicion, from 1."""

    scores: Mapping[str, Sequence[tuple[float | None, str]]]
    """Per scorer the value and the reason of each response."""

    outcome: Outcome | None
    """The own standing verdict."""

    order: tuple[int, ...]
    """The responses, by index, as they stand on the screen."""

    mode: Mode = "sighted"
    is_revealed: bool = True
    """Whether the reviewer saw the label: always while sighted, else once a verdict was given."""

    def number(self, index: int) -> int:
        """Give the number that a response has on the screen; while sighted it is that of its row."""
        return index + 1 if self.mode == "sighted" else self.order.index(index) + 1

    def index(self, number: int) -> int:
        """Find the response of a number on the screen."""
        return number - 1 if self.mode == "sighted" else self.order[number - 1]


class Progress(NamedTuple):
    """How far the sitting is."""

    read: int
    target: int
    flip_share: float | None
    """Of the last 100 verdicts; None before the first."""

    seconds: float | None
    """Median of the last 20 verdicts."""


class Session:
    """One reviewer's way through the queue of one map."""

    def __init__(
        self,
        store: Store,
        review: Review | None,
        *,
        by: str = "suspicion",
        target: int | None = None,
        mode: Mode = "sighted",
    ) -> None:
        self.store = store
        self.review = review
        self.by = by
        self.mode = mode
        self._revealed: set[str] = set()
        self.order: Ints = np.empty(0, dtype=np.int64)
        self.where = ""
        """What selects the samples of the queue; empty: it holds all."""

        self._whole = self.order
        self.position = 0
        self._target = target
        self._standing = review.standing() if review else {}
        self._state = np.empty(0, dtype=np.int8)

    def load(self) -> None:
        """Read the queue, and go to the first unread sample."""
        self.order = self._whole = self.store.order(self.by)
        self._state = np.full(len(self.order), UNREAD, dtype=np.int8)
        self._mark_all()
        self.position = self.next_unread(-1)

    @property
    def target(self) -> int:
        return min(self._target or DEFAULT_TARGET, len(self._whole))

    @property
    def is_done(self) -> bool:
        """Whether no sample of the queue is left unread."""
        return self.position >= len(self.order)

    @cached_property
    def _ranks(self) -> Ints:
        by_suspicion = self._whole if self.by == "suspicion" else self.store.order("suspicion")
        ranks = np.empty(len(by_suspicion), dtype=np.int64)
        ranks[by_suspicion] = np.arange(1, len(by_suspicion) + 1)
        return ranks

    def rank(self, ordinal: int) -> int:
        return int(self._ranks[ordinal])

    def show(self) -> Shown | None:
        """Read the sample at the present place; None behind the end."""
        if self.is_done:
            return None
        ordinal = int(self.order[self.position])
        sample = self.store.sample(ordinal)
        (entry,) = self.store.entries([ordinal])
        outcome = self._standing.get(sample.content_id)
        reviewer = self.review.reviewer if self.review else ""
        order = order_sighted(sample) if self.mode == "sighted" else order_blind(sample, reviewer)
        is_revealed = self.mode == "sighted" or outcome is not None or sample.content_id in self._revealed
        if is_revealed:
            self._revealed.add(sample.content_id)
        scores = self.store.scores(sample)
        return Shown(sample, entry, self.rank(ordinal), scores, outcome, order, self.mode, is_revealed)

    def give(
        self, at: Shown, verdict: Verdict, preferred: int | None, rejected: int | None, /, **circumstances: object
    ) -> Outcome:
        """Log a verdict, then move on to the next unread sample."""
        if self.review is None:
            raise RuntimeError("a read-only session was given a verdict")
        outcome = self.review.give(
            at.sample,
            verdict,
            preferred=preferred,
            rejected=rejected,
            rank=at.rank,
            map=self.store.fingerprint,
            queue=self.by,
            **circumstances,
        )
        self._standing[at.sample.content_id] = outcome
        self._revealed.add(at.sample.content_id)
        self._mark([at.sample.content_id], SKIPPED if verdict == "skip" else READ)
        self.position = self.next_unread(self.position)
        return outcome

    def undo(self) -> Outcome | None:
        """Take the last own step back, and go to its sample."""
        return self._step_back(self.review.undo() if self.review else None)

    def redo(self) -> Outcome | None:
        """Do the step that was last taken back again, and go to its sample."""
        return self._step_back(self.review.redo() if self.review else None)

    def _step_back(self, step: Outcome | None) -> Outcome | None:
        if step is None or self.review is None:
            return step
        self._standing = self.review.standing()
        self._mark([content_of(step.sample_id)], UNREAD)
        self._mark_all()
        self.go_to_sample(step.sample_id)
        return step

    def move(self, steps: int) -> None:
        """Go along the queue without a verdict."""
        self.position = min(max(self.position + steps, 0), max(len(self.order) - 1, 0))

    def use(self, ordinals: Ints, name: str) -> int:
        """Leave only these samples in the queue, as `name`, and count them."""
        self.order, self.where = self._whole[np.isin(self._whole, ordinals)], name
        unread = self.next_unread(-1)
        self.position = 0 if unread == len(self.order) else unread
        return len(self.order)

    def go_to_sample(self, sample_id: str) -> None:
        """Go to a sample by its whole id; stay where it is not in the map any more."""
        ordinals = self.store.ordinals([content_of(sample_id)])
        if len(ordinals):
            self._go_to_any(ordinals)

    def _go_to_any(self, ordinals: Ints) -> None:
        """Go to the first of these in the queue; a selection that leaves them out ends."""
        if not np.isin(self.order, ordinals).any():
            self.order, self.where = self._whole, ""
        self.position = int(np.flatnonzero(np.isin(self.order, ordinals))[0])

    def go_to(self, text: str) -> None:
        """Go to a rank in the queue (`17`) or an id. Raises SampleUnknownError."""
        if text.isdigit() and 1 <= int(text) <= len(self.order):
            self.position = int(text) - 1
            return
        self.go_to_ordinal(self.store.find(text))

    def go_to_ordinal(self, ordinal: int) -> None:
        self._go_to_any(np.array([ordinal]))

    def next_unread(self, position: int) -> int:
        """Find the next unread place behind this one, else the first; skipped ones come last. Past the end: none."""
        for state in (UNREAD, SKIPPED):
            places = np.flatnonzero(self._state[self.order] == state)
            if len(places):
                later = places[places > position]
                return int(later[0] if len(later) else places[0])
        return len(self.order)

    def _mark_all(self) -> None:
        skipped = [key for key, outcome in self._standing.items() if outcome.verdict == "skip"]
        self._mark([key for key, outcome in self._standing.items() if outcome.verdict != "skip"], READ)
        self._mark(skipped, SKIPPED)

    def _mark(self, content_ids: Sequence[str], state: int) -> None:
        """Note the state of these contents, duplicates included."""
        if content_ids:
            self._state[self.store.ordinals(content_ids)] = state

    def said_of(self, sample: Sample) -> list[Outcome]:
        """List what each reviewer says of a sample, as the logs have it now."""
        return self.review.said_of(sample.content_id) if self.review else []

    def verdict_on(self, content_id: str) -> str:
        """Name the own verdict on a content; empty where there is none."""
        outcome = self._standing.get(content_id)
        return outcome.verdict if outcome else ""

    def verdicts(self) -> Ints:
        """Give the own verdict on each sample by ordinal, as its place in VERDICTS; -1 where there is none."""
        given = np.full(self.store.count("sample"), -1, dtype=np.int64)
        for code, verdict in enumerate(VERDICTS):
            contents = [key for key, outcome in self._standing.items() if outcome.verdict == verdict]
            given[self.store.ordinals(contents)] = code
        return given

    def progress(self) -> Progress:
        """Count what was read, how much of it flipped, and how fast."""
        read = [outcome for outcome in self._standing.values() if outcome.verdict != "skip"]
        steps = self.review.steps if self.review else []
        recent = [step for step in steps if step.verdict != "skip"][-RECENT_FLIPS:]
        share = sum(step.verdict == "flip" for step in recent) / len(recent) if recent else None
        paces = [step.seconds for step in steps if 0 < step.seconds <= PAUSE_SECONDS][-RECENT_PACE:]
        return Progress(len(read), self.target, share, median(paces) if paces else None)
