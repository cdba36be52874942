"""A sitting: the queue, the place in it, and what was decided. It knows nothing of screens."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import islice
from statistics import median

import numpy as np
import numpy.typing as npt

from engine.project import Project
from engine.querying.filtering import CONFLICTS
from engine.querying.matching import Matcher
from engine.records import Sample, Verdict, content_hash, content_of
from engine.reviewing import Review, plan_bulk
from engine.store import Store
from engine.verdicts.outcomes import VERDICTS, Outcomes
from engine.verdicts.serving import READ, SKIPPED, UNREAD
from engine.verdicts.steps import Batch, Outcome, Remark, RemarkKind, Step
from engine.verdicts.working import Work, tally_work
from tui.browsing import find_copies, read_sample
from tui.queue import draw_examples
from tui.shown import BulkPreview, Progress, Shown
from tui.sides import Mode, order_blind, order_sighted
from tui.turns import QUEUE_ALONE, Serving
from tui.walking import Walking

Ints = npt.NDArray[np.int64]

RECENT_FLIPS = 100
"""Verdicts over which the share of flips is taken."""

RECENT_PACE = 20
PAUSE_SECONDS = 120.0
"""A verdict that took longer was a pause, and says nothing of the pace."""

DEFAULT_TARGET = 1500
EXAMPLES = 5
"""Samples of a bulk verdict that are shown before it is given."""


class Session(Walking):
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
        serving: Serving = QUEUE_ALONE,
    ) -> None:
        """Begin a sitting; without a review nothing can be written, and filters see the `outcomes` given."""
        matcher = Matcher(store, self.all_outcomes, review.reviewer if review else None)
        super().__init__(store, matcher, by, review, serving)
        self.mode = mode
        self._revealed: set[str] = set()
        self._conflicts: frozenset[str] = frozenset()
        self._target = target
        self._outcomes: Outcomes | None = outcomes or (None if review else Outcomes([]))
        self._standing = review.standing() if review else {}
        self._remarks: dict[tuple[str, RemarkKind], Remark] = review.remarks() if review else {}
        self._read = self._count_read()

    def all_outcomes(self) -> Outcomes:
        """Give what all reviewers say, every own step so far included."""
        if self._outcomes is None:
            self._outcomes = self._writing.outcomes()
        return self._outcomes

    def load(self) -> None:
        """Read the queue as it was left; that of the conflicts holds those that are open now."""
        if self.by == CONFLICTS:
            self._conflicts = frozenset(self.all_outcomes().conflicts())
        super().load()

    def adjudicates(self, content_id: str) -> bool:
        """Say whether a verdict on a content settles what reviewers differ on."""
        return content_id in self._conflicts

    def hides_votes(self, content_id: str) -> bool:
        """Say whether nobody's verdict may be shown, since the conflict is not decided yet."""
        return self.adjudicates(content_id) and self.verdict_on(content_id) in ("", "skip")

    def mark_read(self) -> None:
        self._refresh(self._standing)

    @property
    def target(self) -> int:
        return min(self._target or DEFAULT_TARGET, len(self._queue.whole) if self._queue else 0)

    def show(self) -> Shown | None:
        """Read the sample at the present place; None behind the end."""
        ordinal = self.here
        if ordinal is None:
            return None
        shown = self._look_at(ordinal)
        if self.turn and self.turn.is_swapped:
            return self._show_again(shown)
        if shown.is_revealed:
            self._revealed.add(shown.sample.content_id)
        return shown

    def peek(self) -> Shown | None:
        """Read the sample that a verdict most likely leads to, which nobody sees yet; None where there is none."""
        ordinal = self.foresee()
        return None if ordinal is None else self._look_at(ordinal)

    def _look_at(self, ordinal: int) -> Shown:
        sample, entry, scores = read_sample(self.store, ordinal)
        outcome = self._own(sample.content_id)
        reviewer = self.review.reviewer if self.review else ""
        order = order_sighted(sample) if self.mode == "sighted" else order_blind(sample, reviewer)
        is_revealed = self.mode == "sighted" or outcome is not None or sample.content_id in self._revealed
        note, flag = (self._remark(sample.content_id, kind) for kind in ("note", "flag"))
        return Shown(
            sample, self.as_ranked(entry), self.rank(ordinal), scores, outcome, order, self.mode, is_revealed, note,
            bool(flag),
        )  # fmt: skip

    def _show_again(self, shown: Shown) -> Shown:
        """Show a repeat as if it was new. Sighted, the label's choice stands first as ever: a swap would tell."""
        key = _again(shown.sample)
        if self.mode == "sighted":
            self._revealed.add(key)
        order = shown.order if self.mode == "sighted" else shown.order[::-1]
        return replace(shown, outcome=None, note="", is_flagged=False, order=order, is_revealed=key in self._revealed)

    def _remark(self, content_id: str, kind: RemarkKind) -> str:
        remark = self._remarks.get((content_id, kind))
        return remark.text if remark else ""

    def give(
        self, at: Shown, verdict: Verdict, preferred: int | None, rejected: int | None, /, **circumstances: object
    ) -> Outcome:
        """Log a verdict, then move on to the next unread sample; where all were read, to the next one."""
        turn, is_between = self.turn, self.is_between
        served = turn.served if turn and turn.ordinal == at.entry.ordinal else "hand"
        outcome = self._writing.give(
            at.sample, verdict, preferred=preferred, rejected=rejected,
            rank=at.rank, served=served, **self._place, **circumstances,
            **({"adjudicates": True} if self._is_ruling(at.sample.content_id) else {}),
        )  # fmt: skip
        was_read = not self.is_done and self.queue.is_read(self.position)
        before = self._standing.get(at.sample.content_id)
        self._read += outcome.is_read * (2 if served == "repeat" else 1) - (before is not None and before.is_read)
        self._standing[at.sample.content_id] = outcome
        self._revealed |= {at.sample.content_id, _again(at.sample)} if served == "repeat" else {at.sample.content_id}
        self._note_step([at.sample.content_id])
        if self._turns:
            self._turns.note(at.sample.content_id, at.entry.ordinal)
        self.advance(was_read=was_read, is_between=is_between)
        return outcome

    def _is_ruling(self, content_id: str) -> bool:
        """Say whether a verdict adjudicates: who did so on a content and decides it again does so again."""
        standing = self._standing.get(content_id)
        return self.adjudicates(content_id) or (standing is not None and standing.adjudicates)

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
            self._read = self._count_read()
            self._note_step(given)
            self.position = self.queue.first()
        return batch

    def undo(self) -> Step | None:
        """Take the last own step back, and go to its sample."""
        return self._step_back(self.review.undo() if self.review else None, is_undone=True)

    def redo(self) -> Step | None:
        """Do the step that was last taken back again, and go to its sample."""
        return self._step_back(self.review.redo() if self.review else None, is_undone=False)

    def _step_back(self, step: Step | None, *, is_undone: bool) -> Step | None:
        if step is None:
            return None
        self._standing, self._remarks = self._writing.standing(), self._writing.remarks()
        self._read = self._count_read()
        if isinstance(step, Batch):
            self._note_step([content_of(outcome.sample_id) for outcome in step.outcomes])
            self.position = self.queue.first() if self.is_done else self.position
            return step
        self._note_step([content_of(step.sample_id)])
        self.return_to(step, is_undone=is_undone)
        return step

    def _note_step(self, content_ids: Collection[str]) -> None:
        self._refresh(content_ids)
        self._outcomes = None

    def _refresh(self, content_ids: Collection[str]) -> None:
        """Work out anew which of these contents are unread, duplicates included."""
        if len(content_ids) == 1:
            (one,) = content_ids
            self.queue.state[find_copies(self.store, one)] = self._state_of(one)
            return
        by_state: dict[int, list[str]] = {UNREAD: [], READ: [], SKIPPED: []}
        for content_id in content_ids:
            by_state[self._state_of(content_id)].append(content_id)
        for state, contents in by_state.items():
            if contents:
                self.queue.state[self.store.ordinals(contents)] = state

    def _state_of(self, content_id: str) -> int:
        verdict = self.verdict_on(content_id)
        return UNREAD if not verdict else SKIPPED if verdict == "skip" else READ

    def said_of(self, sample: Sample) -> list[Outcome]:
        """List what each reviewer says of a sample, as the logs have it now."""
        said = self.review.said_of(sample.content_id) if self.review else []
        is_again = self.turn is not None and self.turn.is_swapped
        return [one for one in said if not (is_again and self.review and one.reviewer == self.review.reviewer)]

    def verdict_on(self, content_id: str) -> str:
        """Name the own verdict on a content; empty where there is none."""
        outcome = self._own(content_id)
        return outcome.verdict if outcome else ""

    def _own(self, content_id: str) -> Outcome | None:
        """Give the own standing verdict; of a conflict the one that adjudicates, as if no other was given."""
        outcome = self._standing.get(content_id)
        return outcome if outcome and (outcome.adjudicates or not self.adjudicates(content_id)) else None

    def verdicts(self) -> Ints:
        """Give the own verdict on each sample by ordinal, as its place in VERDICTS; -1 where there is none."""
        given = np.full(self.store.count("sample"), -1, dtype=np.int64)
        for code, verdict in enumerate(VERDICTS):
            contents = [key for key, outcome in self._standing.items() if outcome.verdict == verdict]
            given[self.store.ordinals(contents)] = code
        return given

    def others(self) -> dict[str, Work]:
        """Tell how far the other reviewers are, as their logs are now."""
        logs = Project(self.store.path.parent).review_logs()
        own = self.review.reviewer if self.review else None
        found = tally_work(Outcomes.read(logs), datetime.now().astimezone())
        return {name: work for name, work in found.items() if name != own}

    def progress(self) -> Progress:
        """Count what a person read, how much of it flipped, and how fast; bulk verdicts are not read."""
        recent = list(islice((step for step in reversed(self.readings) if step.is_read), RECENT_FLIPS))
        share = sum(step.verdict == "flip" for step in recent) / len(recent) if recent else None
        timed = (step.seconds for step in reversed(self.readings) if 0 < step.seconds <= PAUSE_SECONDS)
        paces = list(islice(timed, RECENT_PACE))
        return Progress(self._read, self.target, share, median(paces) if paces else None, self._audit)

    def _count_read(self) -> int:
        """Count the samples that were read and decided, and once more those that were repeated."""
        again = (one for one in self.readings if one.served == "repeat")
        return sum(one.is_read for one in (*self._standing.values(), *again))


def _again(sample: Sample) -> str:
    """By which a repeat is known as revealed, apart from what the sample was when it was read first."""
    return f"again {sample.content_id}"
