"""Audit: what the reading so far says of the queue, of the reviewers, and of the labels that are still wrong."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
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
    """NaN where there is none, as the map has it. It must not know the label's own verdict."""

    assignment: Assignment | None = None
    """Who reads which; None: everybody reads all."""

    _permuted: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, assignment: Assignment | None = None) -> Self:
        """Take them from a map."""
        return cls(*store.labels(), assignment)

    @cached_property
    def _sorted(self) -> Ints:
        return np.argsort(self.contents)

    def places(self, content_ids: Sequence[str]) -> Ints:
        """Find labels by their contents; -1 where one has no direction, or is not in the map."""
        if not len(self.contents):
            return np.full(len(content_ids), -1, dtype=np.int64)
        wanted = np.array([int(one, 16) for one in content_ids], dtype=np.uint64)
        at = np.searchsorted(self.contents, wanted, sorter=self._sorted)
        found = self._sorted[np.minimum(at, len(self.contents) - 1)]
        return np.where(self.contents[found] == wanted, found, -1)

    def permute(self, reviewer: str) -> npt.NDArray[np.int32]:
        """List a reviewer's share of the labels, by place, in the order in which they become controls; it is kept."""
        if reviewer not in self._permuted:
            order = permute(self.contents, reviewer).astype(np.int32)
            if self.assignment is not None:
                order = order[self.assignment.of(reviewer, self.contents)[order]]
            self._permuted[reviewer] = order
        return self._permuted[reviewer]


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


def audit(
    labels: Labels, steps: Sequence[Outcome], assumed_error: float = ASSUMED_ERROR, suspicion: Floats | None = None
) -> Audit:
    """Work out what verdicts, oldest first, say. Labels decided in bulk were not read, and are left out of it all.

    suspicion: (labels,) as it is by now; default: as the map has it.
    """
    suspicion = labels.suspicion if suspicion is None else suspicion
    placed = _place(labels, steps)
    reads = _gather(placed, {step.reviewer for step in steps})
    verdict = _settle(len(labels.contents), placed)
    is_control = np.zeros(len(verdict), dtype=bool)
    queue, controls, sighted = [], [], 0
    for reviewer, one in sorted(reads.items()):
        mine = [place for place, served in one.served.items() if served == "control"]
        is_control[mine] = True
        sighted += sum(one.last[place].mode != "blind" for place in mine)
        controls += [one.last[place].verdict == "flip" for place in _controls(labels, reviewer, one)] if mine else []
        queue += [
            (one.last[place].time, one.last[place].verdict == "flip", float(suspicion[place]))
            for place, served in one.served.items()
            if served == "queue" and one.last[place].verdict != "skip"
        ]
    queue.sort(key=lambda read: read[0])
    waiting = suspicion[(verdict == UNREAD) & ~np.isnan(suspicion)]
    if len(waiting) > RECENT:
        waiting = np.partition(waiting, -RECENT)[-RECENT:]
    found = measure_yield(
        np.array([flip for _, flip, _ in queue], dtype=bool),
        np.array([suspicion for _, _, suspicion in queue], dtype=np.float64),
        np.array(controls, dtype=bool),
        np.sort(waiting)[::-1],
    )
    error = estimate_error(
        sum(one.repeats for one in reads.values()), sum(one.changed for one in reads.values()), assumed_error
    )
    residual = estimate_residual(suspicion, verdict, is_control, error)
    return Audit(found, error, residual, sighted, _judge(suspicion, reads, error.value))


def _judge(suspicion: Floats, reads: Mapping[str, _Reads], assumed: float) -> dict[str, Reader]:
    opinions = {name: one.opinions for name, one in reads.items()}
    places = sorted(set().union(*opinions.values()))
    said = [{name: mine[place] for name, mine in opinions.items() if place in mine} for place in places]
    slips = infer_slips(said, suspicion[places].tolist() if places else [], assumed=assumed)
    return {name: Reader(one.repeats, one.changed, slips.get(name)) for name, one in sorted(reads.items())}


def _place(labels: Labels, steps: Sequence[Outcome]) -> list[tuple[int, Outcome]]:
    """Find the label of each verdict; those without are left out."""
    places = labels.places([content_of(step.sample_id) for step in steps]).tolist()
    return [(place, step) for place, step in zip(places, steps, strict=True) if place >= 0]


def _gather(placed: Iterable[tuple[int, Outcome]], reviewers: Iterable[str]) -> dict[str, _Reads]:
    """Tell what each reviewer read."""
    by_reviewer: dict[str, list[tuple[int, Outcome]]] = {reviewer: [] for reviewer in reviewers}
    for place, step in placed:
        by_reviewer[step.reviewer].append((place, step))
    return {reviewer: _gather_one(those) for reviewer, those in by_reviewer.items()}


def _gather_one(placed: Iterable[tuple[int, Outcome]]) -> _Reads:
    served: dict[int, Served] = {}
    last: dict[int, Outcome] = {}
    passed: set[int] = set()
    repeats = changed = 0
    for place, step in placed:
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


def _settle(labels: int, placed: Sequence[tuple[int, Outcome]]) -> Codes:
    """Say what reviewers make of each of so many labels; it is out where they differ, or decided it in bulk."""
    verdict: Codes = np.full(labels, UNREAD, dtype=np.int8)
    contents = {place: content_of(step.sample_id) for place, step in placed}
    outcomes = Outcomes({contents[place]: step} for place, step in placed)
    for place, content_id in contents.items():
        settled = outcomes.settle(content_id)
        if settled.outcome or settled.is_open:
            verdict[place] = CODES[settled.outcome.verdict] if settled.outcome and settled.is_read else OUT
    return verdict
