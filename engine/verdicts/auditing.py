"""Audit: what the reading so far says of the queue, of the reviewers, and of the labels that are still wrong."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.config import load_config
from engine.project import Project
from engine.records import content_of
from engine.store import Store
from engine.verdicts.assigning import Assignment
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.residual import (
    ASSUMED_ERROR,
    OUT,
    RIGHT,
    UNREAD,
    WRONG,
    ReaderError,
    Residual,
    estimate_error,
    estimate_residual,
)
from engine.verdicts.serving import READ, SKIPPED, Served, permute, reached
from engine.verdicts.shuffling import Words
from engine.verdicts.slips import Slips, infer_slips
from engine.verdicts.steps import History, Outcome
from engine.verdicts.stopping import RECENT, Yield, measure_yield

Codes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CODES = {"keep": RIGHT, "flip": WRONG, "tie": OUT, "drop": OUT}


class Reader(NamedTuple):
    """How steady one reviewer is, and how often wrong."""

    repeats: int
    """How many samples he or she read twice ..."""

    changed: int
    """... and gave another verdict the second time."""

    slips: Slips | None
    """Inferred from the scorers and from what the others say; None: every verdict was a tie, a drop or a skip."""


class Audit(NamedTuple):
    """What the reading so far says."""

    found: Yield
    error: ReaderError
    residual: Residual | None
    """None where too few controls are read."""

    sighted: int
    """Controls that were read with the label in view."""

    readers: dict[str, Reader]
    """What is known of each reviewer."""


@dataclass(frozen=True)
class Labels:
    """The labels that a review is about, one for each content whose label has a direction. Arrays: (labels,)."""

    contents: Words
    """The ids of the contents, as numbers."""

    ordinals: Ints
    """Of the first sample of that content."""

    suspicion: Floats
    """NaN where there is none. It must not know the label's own verdict."""

    assignment: Assignment | None = None
    """Who reads which; None: everybody reads all."""

    @classmethod
    def read(cls, store: Store, assignment: Assignment | None = None) -> Self:
        """Take them from a map."""
        return cls(*store.labels(), assignment)

    @cached_property
    def _sorted(self) -> Ints:
        return np.argsort(self.contents)

    def place(self, content_id: str) -> int | None:
        """Find a label by its content; None where it has no direction, or is not in the map."""
        wanted = np.uint64(int(content_id, 16))
        at = int(np.searchsorted(self.contents, wanted, sorter=self._sorted))
        found = int(self._sorted[at]) if at < len(self.contents) else -1
        return found if found >= 0 and self.contents[found] == wanted else None

    def permute(self, reviewer: str) -> Ints:
        """List a reviewer's share of the labels, by place, in the order in which they become controls."""
        order = permute(self.contents, reviewer)
        return order if self.assignment is None else order[self.assignment.of(reviewer, self.contents)[order]]


class _Reads(NamedTuple):
    """What a reviewer read: by place of the label, in the order in which it was first read."""

    served: dict[int, Served]
    """Why it was read first."""

    last: dict[int, Outcome]
    """The verdict that stands."""

    passed: set[int]
    """Labels decided in bulk, or adjudicated, before they were read; controls pass over them."""

    repeats: int
    changed: int

    @property
    def opinions(self) -> dict[int, bool]:
        """Whether the label is wrong, where that was said."""
        return {place: one.verdict == "flip" for place, one in self.last.items() if one.verdict in ("keep", "flip")}


def read_steps(logs: Iterable[Path]) -> list[Outcome]:
    """Read the verdicts that stand, of all reviewers, oldest first."""
    return sort_steps(map(History.read, logs))


def sort_steps(histories: Iterable[History]) -> list[Outcome]:
    """List the verdicts that stand in some logs, oldest first."""
    return sorted((step for history in histories for step in history.verdicts()), key=lambda step: step.time)


def audit_project(project: Project) -> Audit | None:
    """Audit a project as its map and its logs stand; None without a map, or where nothing was read."""
    steps = read_steps(project.review_logs())
    if not steps or not project.map.exists():
        return None
    with closing(Store.open(project.map)) as store:
        labels = Labels.read(store, Assignment.read(project))
    assumed = load_config(project.path).review.get("reader_error", ASSUMED_ERROR)
    return audit(labels, steps, float(assumed))  # type: ignore[arg-type]


def audit(labels: Labels, steps: Sequence[Outcome], assumed_error: float = ASSUMED_ERROR) -> Audit:
    """Work out what verdicts, oldest first, say. Labels decided in bulk were not read, and are left out of it all."""
    reads = {name: _gather(labels, [s for s in steps if s.reviewer == name]) for name in {s.reviewer for s in steps}}
    verdict = _settle(labels, steps)
    is_control = np.zeros(len(verdict), dtype=bool)
    queue, controls, sighted = [], [], 0
    for reviewer, one in sorted(reads.items()):
        mine = [place for place, served in one.served.items() if served == "control"]
        is_control[mine] = True
        sighted += sum(one.last[place].mode != "blind" for place in mine)
        controls += [one.last[place].verdict == "flip" for place in _controls(labels, reviewer, one)] if mine else []
        queue += [
            (one.last[place].time, one.last[place].verdict == "flip", float(labels.suspicion[place]))
            for place, served in one.served.items()
            if served == "queue" and one.last[place].verdict != "skip"
        ]
    queue.sort(key=lambda read: read[0])
    waiting = np.sort(labels.suspicion[(verdict == UNREAD) & ~np.isnan(labels.suspicion)])[::-1]
    found = measure_yield(
        np.array([flip for _, flip, _ in queue], dtype=bool),
        np.array([suspicion for _, _, suspicion in queue], dtype=np.float64),
        np.array(controls, dtype=bool),
        waiting[:RECENT],
    )
    error = estimate_error(
        sum(one.repeats for one in reads.values()), sum(one.changed for one in reads.values()), assumed_error
    )
    residual = estimate_residual(labels.suspicion, verdict, is_control, error)
    return Audit(found, error, residual, sighted, _judge(labels, reads, error.value))


def _judge(labels: Labels, reads: Mapping[str, _Reads], assumed: float) -> dict[str, Reader]:
    opinions = {name: one.opinions for name, one in reads.items()}
    places = sorted(set().union(*opinions.values()))
    said = [{name: mine[place] for name, mine in opinions.items() if place in mine} for place in places]
    slips = infer_slips(said, labels.suspicion[places].tolist() if places else [], assumed=assumed)
    return {name: Reader(one.repeats, one.changed, slips.get(name)) for name, one in sorted(reads.items())}


def _gather(labels: Labels, steps: Iterable[Outcome]) -> _Reads:
    served: dict[int, Served] = {}
    last: dict[int, Outcome] = {}
    passed: set[int] = set()
    repeats = changed = 0
    for step in steps:
        place = labels.place(content_of(step.sample_id))
        if place is None:
            continue
        if step.is_bulk or step.adjudicates:
            passed |= {place} - last.keys()
            continue
        if step.served == "repeat" and step.verdict != "skip" and place in last:
            repeats += 1
            changed += step.meaning != last[place].meaning
        served.setdefault(place, step.served)
        last[place] = step
    return _Reads(served, last, passed, repeats, changed)


def _controls(labels: Labels, reviewer: str, reads: _Reads) -> list[int]:
    state = np.zeros(len(labels.contents), dtype=np.int8)
    state[list(reads.passed)] = SKIPPED
    for place, outcome in reads.last.items():
        state[place] = SKIPPED if outcome.verdict == "skip" else READ
    return [int(place) for place in reached(labels.permute(reviewer), state)]


def _settle(labels: Labels, steps: Sequence[Outcome]) -> Codes:
    """Say what reviewers make of each label; it is out where they differ, or decided it in bulk."""
    verdict: Codes = np.full(len(labels.contents), UNREAD, dtype=np.int8)
    outcomes = Outcomes([{content_of(step.sample_id): step} for step in steps])
    for content_id in {content_of(step.sample_id) for step in steps}:
        place, settled = labels.place(content_id), outcomes.settle(content_id)
        if place is not None and (settled.outcome or settled.is_open):
            verdict[place] = CODES[settled.outcome.verdict] if settled.outcome and settled.is_read else OUT
    return verdict
