"""Review: one reviewer's session, which adds to that reviewer's log."""

import getpass
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from engine.logs import Line, Log
from engine.outcomes import History, Outcome, Outcomes, weigh
from engine.project import Project
from engine.records import Sample, Verdict, content_hash

Ints = npt.NDArray[np.int64]

BUSY_ADVICE = " To look on, add --read-only; to review as someone else, --reviewer NAME."


def unread(order: Ints, read: Ints) -> Ints:
    """Leave out of a queue, given as ordinals, what was read."""
    return order[~np.isin(order, read)]


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
            others = [other for other in project.review_logs() if other != path]
            self._elsewhere = Outcomes.read(others).by(reviewer)
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
        self._append(line)
        return self._history.steps[-1]

    def undo(self) -> Outcome | None:
        """Take the newest own step back; None when there is none."""
        if not self._history.steps:
            return None
        step = self._history.steps[-1]
        self._append({"kind": "undo", "sample_id": step.sample_id})
        return step

    def redo(self) -> Outcome | None:
        """Do the step that was last taken back again; None when there is none."""
        if not self._history.undone:
            return None
        step = self._history.undone[-1]
        self._append({"kind": "redo", "sample_id": step.sample_id})
        return step

    def _append(self, line: Line) -> None:
        time = self._now().isoformat(timespec="milliseconds")
        whole = {**line, "reviewer": self.reviewer, "time": time}
        self._log.append({**whole, "id": content_hash(self._log.head, time)})
        self._history.apply(whole)

    def said_of(self, content_id: str) -> list[Outcome]:
        """List what each reviewer says of a content, as all logs have it now."""
        return Outcomes.read(self._project.review_logs()).on(content_id)

    @property
    def steps(self) -> Sequence[Outcome]:
        """Own steps that stand, oldest first."""
        return self._history.steps

    def standing(self) -> dict[str, Outcome]:
        """Give the own standing verdict on each content, those from other machines included."""
        return Outcomes([self._elsewhere, self._history.standing()]).by(self.reviewer)


def _name_file(reviewer: str) -> str:
    """Two reviewers never share a file, however alike their names look in it."""
    return _safe(reviewer) if _safe(reviewer) == reviewer else f"{_safe(reviewer)}-{content_hash(reviewer)[:8]}"


def _safe(name: str) -> str:
    """Make a name fit for a file."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "anonymous"
