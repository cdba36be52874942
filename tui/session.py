"""A sitting: the queue, the place in it, and what was decided. It knows nothing of screens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.querying.matching import Matcher
from engine.records import Sample, Verdict, content_hash, content_of
from engine.reviewing import Review, plan_bulk
from engine.store import QueueEntry, Store
from engine.verdicts.outcomes import VERDICTS, Outcomes
from engine.verdicts.steps import Batch, Outcome, Remark, RemarkKind, Step
from tui.browsing import Browsing, read_sample
from tui.queue import READ, SKIPPED, UNREAD, draw_examples
from tui.sides import Mode, order_blind, order_sighted

Ints = npt.NDArray[np.int64]

RECENT_FLIPS = 100
"""Verdicts over which the share of flips is taken."""

RECENT_PACE = 20
PAUSE_SECONDS = 120.0
"""A verdict that took longer was a pause, and says nothing of the pace."""

DEFAULT_TARGET = 1500
EXAMPLES = 5
"""Samples of a bulk verdict that are shown before it is given."""


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

    note: str = ""
    """The own note."""

    is_flagged: bool = False

    def number(self, index: int) -> int:
        """Give the number that a response has on the screen; while sighted it is that of its row."""
        return index + 1 if self.mode == "sighted" else self.order.index(index) + 1

    def index(self, number: int) -> int:
        """Find the response of a number on the screen."""
        return number - 1 if self.mode == "sighted" else self.order[number - 1]


class BulkPreview(NamedTuple):
    """What a bulk verdict over the queue would do."""

    given: int
    """How many verdicts would be written, one per content."""

    decided: int
    """Samples that have an own verdict already; they keep it, unless it is to be overwritten."""

    tied: int
    """Samples that cannot be kept or flipped; they are left out."""

    copies: int
    """Exact duplicates, which share the verdict of another one."""

    examples: Sequence[int]
    """A few of the samples, by ordinal; the same ones for the same queue."""


class Progress(NamedTuple):
    """How far the sitting is."""

    read: int
    target: int
    flip_share: float | None
    """Of the last 100 verdicts; None before the first."""

    seconds: float | None
    """Median of the last 20 verdicts."""


class Session(Browsing):
    """One reviewer's way through the queue of one map."""

    def __init__(
        self,
        store: Store,
        review: Review | None,
        *,
        by: str = "suspicion",
        target: int | None = None,
        outcomes: Outcomes | None = None,
        mode: Mode = "sighted",
    ) -> None:
        """Begin a sitting; without a review nothing can be written, and filters see the `outcomes` given."""
        super().__init__(store, Matcher(store, self.all_outcomes, review.reviewer if review else None), by)
        self.review = review
        self.mode = mode
        self._revealed: set[str] = set()
        self._target = target
        self._outcomes: Outcomes | None = outcomes or (None if review else Outcomes([]))
        self._standing = review.standing() if review else {}
        self._remarks: dict[tuple[str, RemarkKind], Remark] = review.remarks() if review else {}

    def all_outcomes(self) -> Outcomes:
        """Give what all reviewers say, every own step so far included."""
        if self._outcomes is None:
            self._outcomes = self._writing.outcomes()
        return self._outcomes

    def mark_read(self) -> None:
        self._refresh(self._standing)

    @property
    def target(self) -> int:
        return min(self._target or DEFAULT_TARGET, len(self._queue.whole) if self._queue else 0)

    def show(self) -> Shown | None:
        """Read the sample at the present place; None behind the end."""
        if self.is_done:
            return None
        shown = self._look_at(int(self.order[self.position]))
        if shown.is_revealed:
            self._revealed.add(shown.sample.content_id)
        return shown

    def peek(self) -> Shown | None:
        """Read the sample that a verdict leads to, which nobody sees yet; None where there is none."""
        place = self.queue.next_unread(self.position)
        return self._look_at(int(self.order[place])) if place < len(self.order) else None

    def _look_at(self, ordinal: int) -> Shown:
        sample, entry, scores = read_sample(self.store, ordinal)
        outcome = self._standing.get(sample.content_id)
        reviewer = self.review.reviewer if self.review else ""
        order = order_sighted(sample) if self.mode == "sighted" else order_blind(sample, reviewer)
        is_revealed = self.mode == "sighted" or outcome is not None or sample.content_id in self._revealed
        note, flag = (self._remark(sample.content_id, kind) for kind in ("note", "flag"))
        return Shown(
            sample, entry, self.rank(ordinal), scores, outcome, order, self.mode, is_revealed, note, bool(flag)
        )

    def _remark(self, content_id: str, kind: RemarkKind) -> str:
        remark = self._remarks.get((content_id, kind))
        return remark.text if remark else ""

    def give(
        self, at: Shown, verdict: Verdict, preferred: int | None, rejected: int | None, /, **circumstances: object
    ) -> Outcome:
        """Log a verdict, then move on to the next unread sample; where all were read, to the next one."""
        outcome = self._writing.give(
            at.sample, verdict, preferred=preferred, rejected=rejected, rank=at.rank, **self._place, **circumstances
        )
        was_read = not self.is_done and self.queue.is_read(self.position)
        self._standing[at.sample.content_id] = outcome
        self._revealed.add(at.sample.content_id)
        self._note_step([at.sample.content_id])
        following = self.queue.next_unread(self.position)
        self.position = self.position + 1 if was_read and following == len(self.order) else following
        return outcome

    @property
    def _writing(self) -> Review:
        if self.review is None:
            raise RuntimeError("a read-only session was told to write")
        return self.review

    @property
    def _place(self) -> dict[str, object]:
        """What a line in the log says of where it was written."""
        where = {"where": self.where} if self.where else {}
        return {"map": self.store.fingerprint, "queue": self.by, **where}

    def note(self, at: Shown, text: str) -> Remark | None:
        """Put a note on a sample, an empty one takes it away; None: that is so already."""
        return self._keep_remark(self._writing.note(at.sample.sample_id, text, **self._place))

    def flag(self, at: Shown) -> Remark | None:
        """Flag a sample to come back to, or take its flag away."""
        return self._keep_remark(self._writing.flag(at.sample.sample_id, **self._place))

    def _keep_remark(self, remark: Remark | None) -> Remark | None:
        if remark:
            self._remarks[content_of(remark.sample_id), remark.kind] = remark
            self._outcomes = None
        return remark

    def preview_bulk(self, verdict: Verdict, *, overwrite: bool = False) -> BulkPreview:
        """Say what a verdict on all samples of the queue would do; nothing is written."""
        plan = plan_bulk(self.store.labelled(self.order), verdict, self._standing, overwrite=overwrite)
        drawn = draw_examples(len(plan.given), EXAMPLES, int(content_hash(self.where), 16))
        examples = [self.store.find(plan.given[number].sample_id) for number in drawn]
        return BulkPreview(len(plan.given), plan.decided, plan.tied, plan.copies, examples)

    def give_all(self, verdict: Verdict, *, overwrite: bool = False, **circumstances: object) -> Batch | None:
        """Log one verdict on all samples of the queue, as one step; None: it reaches none."""
        samples = self.store.labelled(self.order)
        batch = self._writing.give_all(samples, verdict, overwrite=overwrite, **self._place, **circumstances)
        if batch:
            given = {content_of(outcome.sample_id): outcome for outcome in batch.outcomes}
            self._standing |= given
            self._note_step(given)
            self.position = self.queue.first()
        return batch

    def undo(self) -> Step | None:
        """Take the last own step back, and go to its sample."""
        return self._step_back(self.review.undo() if self.review else None)

    def redo(self) -> Step | None:
        """Do the step that was last taken back again, and go to its sample."""
        return self._step_back(self.review.redo() if self.review else None)

    def _step_back(self, step: Step | None) -> Step | None:
        if step is None:
            return None
        self._standing, self._remarks = self._writing.standing(), self._writing.remarks()
        if isinstance(step, Batch):
            self._note_step([content_of(outcome.sample_id) for outcome in step.outcomes])
            self.position = self.queue.first() if self.is_done else self.position
            return step
        self._note_step([content_of(step.sample_id)])
        self.go_to_sample(step.sample_id)
        return step

    def _note_step(self, content_ids: Iterable[str]) -> None:
        self._refresh(content_ids)
        self._outcomes = None

    def _refresh(self, content_ids: Iterable[str]) -> None:
        """Work out anew which of these contents are unread, duplicates included."""
        by_state: dict[int, list[str]] = {UNREAD: [], READ: [], SKIPPED: []}
        for content_id in content_ids:
            verdict = self.verdict_on(content_id)
            by_state[UNREAD if not verdict else SKIPPED if verdict == "skip" else READ].append(content_id)
        for state, contents in by_state.items():
            if contents:
                self.queue.state[self.store.ordinals(contents)] = state

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
        """Count what a person read, how much of it flipped, and how fast; bulk verdicts are not read."""
        read = sum(outcome.is_read for outcome in self._standing.values())
        steps = [step for step in self.review.steps if isinstance(step, Outcome)] if self.review else []
        recent = [step for step in steps if step.is_read][-RECENT_FLIPS:]
        share = sum(step.verdict == "flip" for step in recent) / len(recent) if recent else None
        paces = [step.seconds for step in steps if 0 < step.seconds <= PAUSE_SECONDS][-RECENT_PACE:]
        return Progress(read, self.target, share, median(paces) if paces else None)
