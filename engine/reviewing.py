"""Review: one reviewer's session, which adds to that reviewer's log."""

import getpass
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.logs import Line, Log
from engine.project import Project
from engine.records import Labelled, Sample, Verdict, content_hash, content_of
from engine.verdicts.outcomes import Outcomes, weigh
from engine.verdicts.steps import Batch, History, Outcome, Remark, RemarkKind, Step

Ints = npt.NDArray[np.int64]

BUSY_ADVICE = " To look on, add --read-only; to review as someone else, --reviewer NAME."


def unread(order: Ints, read: Ints) -> Ints:
    """Leave out of a queue, given as ordinals, what was read."""
    return order[~np.isin(order, read)]


class BulkPlan(NamedTuple):
    """What a bulk verdict would do."""

    given: list[Labelled]
    """The samples that get it, one per content."""

    decided: int
    """How many have a verdict of this reviewer already. They keep it, unless it is to be overwritten; one that
    adjudicates they keep anyway."""

    tied: int
    """How many have no direction that could be kept or flipped; they are left out."""

    copies: int
    """How many are exact duplicates of another one, and share its verdict."""


def plan_bulk(
    samples: Sequence[Labelled], verdict: Verdict, standing: Mapping[str, Outcome], *, overwrite: bool = False
) -> BulkPlan:
    """Work out which samples a bulk verdict reaches. A skipped one counts as undecided."""
    given: dict[str, Labelled] = {}
    decided = tied = copies = 0
    for sample in samples:
        content_id = content_of(sample.sample_id)
        known = standing.get(content_id)
        is_decided = known is not None and known.verdict != "skip"
        decided += is_decided
        if known and is_decided and (known.adjudicates or not overwrite):
            continue
        if verdict in ("keep", "flip") and sample.chosen is None:
            tied += 1
        elif content_id in given:
            copies += 1
        else:
            given[content_id] = sample
    return BulkPlan(list(given.values()), decided, tied, copies)


def name_reviewer(given: str | None, configured: Mapping[str, object]) -> str:
    """Name the reviewer: as given, else as configured, else the login."""
    return given or str(configured.get("reviewer") or "") or getpass.getuser()


class Review:
    """One reviewer at work. Whatever changes is on the disk before the method returns."""

    def __init__(
        self, project: Project, reviewer: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        project.reviews.mkdir(exist_ok=True)
        self.reviewer = reviewer
        self._project = project
        self._now = now
        path = project.reviews / f"{_name_file(reviewer)}.{_safe(socket.gethostname())}.jsonl"
        self._log = Log(path, chained=True, advice=BUSY_ADVICE)
        self.set_aside = self._log.set_aside
        """The file that a torn last line went to, if there was one."""
        try:
            self._history = History.read(path)
            self._others = [History.read(other) for other in project.review_logs() if other != path]
            elsewhere = Outcomes.of(self._others)
            self._elsewhere = elsewhere.by(reviewer), elsewhere.remarks_by(reviewer)
        except BaseException:
            self._log.close()
            raise

    def close(self) -> None:
        self._log.close()

    def give(
        self,
        sample: Sample,
        verdict: Verdict,
        *,
        preferred: int | None = None,
        rejected: int | None = None,
        **circumstances: object,
    ) -> Outcome:
        """Log a verdict. `circumstances` are the further fields of the line: seconds, mode, shown, rank, map."""
        pair = weigh(sample, verdict, preferred, rejected)
        line = {
            "kind": "verdict",
            "sample_id": sample.sample_id,
            "verdict": verdict,
            "preferred": sample.responses[pair.chosen].response_id if pair else None,
            "rejected": sample.responses[pair.rejected].response_id if pair else None,
            **circumstances,
        }
        outcome = self._append(line)
        assert isinstance(outcome, Outcome)
        return outcome

    def give_all(
        self, samples: Sequence[Labelled], verdict: Verdict, *, overwrite: bool = False, **circumstances: object
    ) -> Batch | None:
        """Log one verdict on many samples that nobody reads one by one: all of them or none. None: it reaches none."""
        given = plan_bulk(samples, verdict, self.standing(), overwrite=overwrite).given
        if not given:
            return None
        batch = content_hash(self._log.head, verdict, str(len(given)))
        shared = {"verdict": verdict, **circumstances, "mode": "bulk", "batch": batch, "of": len(given)}
        step = self._append(*({"kind": "verdict", **_prefer(sample, verdict), **shared} for sample in given))
        assert isinstance(step, Batch)
        return step

    def note(self, sample_id: str, text: str, **circumstances: object) -> Remark | None:
        """Put a note on a sample; an empty one takes it away. None: that is so already."""
        return self._remark("note", sample_id, text.strip(), circumstances)

    def flag(self, sample_id: str, **circumstances: object) -> Remark | None:
        """Flag a sample to come back to, or take its flag away."""
        known = self.remarks().get((content_of(sample_id), "flag"))
        return self._remark("flag", sample_id, "" if known and known.text else "on", circumstances)

    def _remark(
        self, kind: RemarkKind, sample_id: str, text: str, circumstances: Mapping[str, object]
    ) -> Remark | None:
        known = self.remarks().get((content_of(sample_id), kind))
        if text == (known.text if known else ""):
            return None
        step = self._append({"kind": kind, "sample_id": sample_id, "text": text, **circumstances})
        assert isinstance(step, Remark)
        return step

    def undo(self) -> Step | None:
        """Take the newest own step back; None when there is none."""
        if not self._history.steps:
            return None
        step = self._history.steps[-1]
        self._append({"kind": "undo", "sample_id": step.sample_id})
        return step

    def redo(self) -> Step | None:
        """Do the step that was last taken back again; None when there is none."""
        if not self._history.undone:
            return None
        step = self._history.undone[-1]
        self._append({"kind": "redo", "sample_id": step.sample_id})
        return step

    def _append(self, *lines: Line) -> Step | None:
        """Write lines in one go, then do what they say; gives the newest step."""
        time = self._now().isoformat(timespec="milliseconds")
        whole = [{**line, "reviewer": self.reviewer, "time": time} for line in lines]
        head = self._log.head
        self._log.append(*({**line, "id": content_hash(head, time, str(n))} for n, line in enumerate(whole)))
        for line in whole:
            self._history.apply(line)
        return self._history.steps[-1] if self._history.steps else None

    def said_of(self, content_id: str) -> list[Outcome]:
        """List what each reviewer says of a content, with his or her note, as all logs have it now."""
        outcomes = Outcomes.read(self._project.review_logs())
        return [replace(one, note=outcomes.note(content_id, one.reviewer)) for one in outcomes.on(content_id)]

    @property
    def steps(self) -> Sequence[Step]:
        """Own steps that stand, oldest first."""
        return self._history.steps

    @property
    def readings(self) -> Sequence[Outcome]:
        """Those of them that are verdicts given one by one, skips included: so many turns are over."""
        return self._history.readings

    @property
    def cut_short(self) -> int:
        """Lines in the log of bulk verdicts that are not whole; they count for nothing."""
        return self._history.cut_short

    def standing(self) -> dict[str, Outcome]:
        """Give the own standing verdict on each content, those from other machines included."""
        own = self._history.standing()
        return Outcomes([self._elsewhere[0], own]).by(self.reviewer) if self._elsewhere[0] else own

    def remarks(self) -> dict[tuple[str, RemarkKind], Remark]:
        """Give the own notes and flags by content and kind, those from other machines included."""
        return Outcomes([], [self._elsewhere[1], self._history.remarks()]).remarks_by(self.reviewer)

    def histories(self, readings: int | None = None) -> list[History]:
        """Give what all logs say; of the own one, where told so, only what was done up to so many single verdicts."""
        steps = list(self._history.steps)
        if readings is not None and readings < len(self.readings):
            last = self.readings[readings - 1] if readings else None
            while steps and steps[-1] is not last:
                steps.pop()
        return [*self._others, History(steps)]

    def outcomes(self) -> Outcomes:
        """Give what all reviewers say: the others as they were when this review began."""
        return Outcomes.of([*self._others, self._history])


def _prefer(sample: Labelled, verdict: Verdict) -> dict[str, object]:
    """Say which response a verdict on the label's pair prefers."""
    sides = {"keep": (sample.chosen, sample.rejected), "flip": (sample.rejected, sample.chosen)}
    preferred, rejected = sides.get(verdict, (None, None))
    return {"sample_id": sample.sample_id, "preferred": preferred, "rejected": rejected}


def _name_file(reviewer: str) -> str:
    """Two reviewers never share a file, however alike their names look in it."""
    return _safe(reviewer) if _safe(reviewer) == reviewer else f"{_safe(reviewer)}-{content_hash(reviewer)[:8]}"


def _safe(name: str) -> str:
    """Make a name fit for a file."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "anonymous"
