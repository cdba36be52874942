"""Turns: what a reviewer reads next, from the queue, as a control or as a repeat; the screen never says which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.records import content_of
from engine.store import Store
from engine.verdicts.assigning import Assignment
from engine.verdicts.auditing import Labels
from engine.verdicts.residual import ASSUMED_ERROR
from engine.verdicts.serving import Reading, Server, States, Turn
from engine.verdicts.steps import Outcome

Ints = npt.NDArray[np.int64]

CONTROLS, REPEATS = 0.08, 0.02


class Serving(NamedTuple):
    """How a review is served: the settings of `[review]`, and the project's assignment."""

    controls: float = CONTROLS
    """Share of the turns that are random samples; 0: none."""

    repeats: float = REPEATS
    """Share of the turns that come a second time; 0: none."""

    is_live: bool = True
    """Whether verdicts rank the unread anew while the review goes on."""

    reader_error: float = ASSUMED_ERROR
    """How often a verdict is taken to be wrong."""

    assignment: Assignment | None = None
    """Who reads what; None: everybody reads all."""

    @classmethod
    def of(cls, review: Mapping[str, object]) -> Self:
        """Read what prefmap.toml says."""
        known = {"is_live" if name == "live" else name: value for name, value in review.items()}
        return cls(**{name: known[name] for name in cls._fields if name in known})  # type: ignore[arg-type]


QUEUE_ALONE = Serving(controls=0, repeats=0, is_live=False)
"""The queue as the map has it, and nothing else."""


class Turns:
    """Says what one reviewer reads next."""

    def __init__(self, store: Store, read_labels: Callable[[], Labels], reviewer: str, serving: Serving) -> None:
        """Nothing is read yet: of a million labels that takes half a second, and the first turns rarely need it."""
        self._store = store
        self._read_labels = read_labels
        self._server = Server(np.empty(0, dtype=np.int64), reviewer, serving.controls, serving.repeats)
        self._ordinals: dict[str, int] = {}
        self._read: list[tuple[Outcome, Reading]] = []

    @cached_property
    def _controlling(self) -> Server:
        """The server that knows the permutation."""
        labels = self._read_labels()
        return replace(self._server, permutation=labels.ordinals[labels.permute(self._server.seed)])

    def prepare(self) -> None:
        """Read what controls need before one is due; in any thread."""
        if self._server.controls:
            self._controlling  # noqa: B018 - it is kept

    def next(self, following: int, state: States, verdicts: Sequence[Outcome]) -> Turn:
        """Say what is read after these verdicts, where the queue has `following`."""
        kind = self._server.kind(len(verdicts))
        turn = None
        if kind == "control":
            turn = self._controlling.control(state)
        elif kind == "repeat":
            turn = self._server.repeat(self._readings(verdicts))
        return turn or Turn(following, "queue")

    def foresee(self, following: int, state: States, turn: int, here: int | None) -> int:
        """Say which sample a turn, from 0, most likely has once that `here` is read; `following` is the queue's."""
        control = self._controlling.control(state, besides=here) if self._server.kind(turn) == "control" else None
        return control.ordinal if control else following

    def _readings(self, verdicts: Sequence[Outcome]) -> list[Reading]:
        """Translate the verdicts that came since the last time; those that were taken back since are forgotten."""
        del self._read[len(verdicts) :]
        while self._read and self._read[-1][0] is not verdicts[len(self._read) - 1]:
            self._read.pop()
        new = verdicts[len(self._read) :]
        self._find([content_of(one.sample_id) for one in new])
        self._read += [(one, self._reading(one)) for one in new]
        return [reading for _, reading in self._read]

    def _reading(self, verdict: Outcome) -> Reading:
        """A sample that the map does not have any more is not repeated, but its turn counts."""
        ordinal = self._ordinals.get(content_of(verdict.sample_id), -1)
        return Reading(ordinal, verdict.served, verdict.verdict == "skip" or ordinal < 0)

    def note(self, content_id: str, ordinal: int) -> None:
        """Remember where a sample that was read is."""
        self._ordinals.setdefault(content_id, ordinal)

    def ordinal(self, sample_id: str) -> int | None:
        """Find a sample that was read; None where it is not in the map any more."""
        self._find([content_of(sample_id)])
        ordinal = self._ordinals.get(content_of(sample_id), -1)
        return None if ordinal < 0 else ordinal

    def _find(self, contents: Sequence[str]) -> None:
        unknown = [one for one in contents if one not in self._ordinals]
        if unknown:
            ordinals = np.sort(self._store.ordinals(unknown))
            for ordinal, one in zip(ordinals.tolist(), self._store.labelled(ordinals), strict=True):
                self.note(content_of(one.sample_id), ordinal)
            for content_id in unknown:
                self.note(content_id, -1)
