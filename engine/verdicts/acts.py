"""What reviewers did, act by act, with what they had before their eyes: the lines of the logs, in order of time."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from engine.errors import FilterError
from engine.logs import Line, read_log

SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Act(NamedTuple):
    """One line of a review log."""

    log: str
    """Name of the file."""

    number: int
    """Of the line, from 1."""

    line: Line

    @property
    def name(self) -> str:
        """What was done: a verdict by its name, else the kind of the line."""
        kind = self.line.get("verdict") if self.line.get("kind") == "verdict" else self.line.get("kind")
        if self.line.get("adjudicates") is True:
            return f"adjudicated {kind}"
        return f"{kind} in bulk" if self.line.get("batch") else str(kind)

    @property
    def choice(self) -> str:
        """Which response was preferred to which, by their places on the screen, else by their ids."""
        better, worse = self.line.get("preferred"), self.line.get("rejected")
        if not (better and worse):
            return ""
        shown = self.line.get("shown")
        if isinstance(shown, list) and better in shown and worse in shown:
            return f"[{shown.index(better) + 1}] over [{shown.index(worse) + 1}] as shown"
        return f"{str(better)[:8]} over {str(worse)[:8]}"


def read_acts(
    logs: Iterable[Path], *, reviewer: str | None = None, sample: str = "", since: datetime | None = None
) -> list[Act]:
    """List the acts of all logs, newest last; those of one log stay in its order, whatever its clock said."""
    acts: list[tuple[str, str, int, Act]] = []
    for path in logs:
        latest = ""
        for number, line in enumerate(read_log(path).lines, start=1):
            latest = max(latest, str(line.get("time")))
            acts.append((latest, path.name, number, Act(path.name, number, line)))
    acts.sort(key=lambda one: one[:3])
    return [
        act
        for _, _, _, act in acts
        if reviewer in (None, act.line.get("reviewer"))
        and str(act.line.get("sample_id")).startswith(sample)
        and (since is None or _is_after(str(act.line.get("time")), since))
    ]


def _is_after(time: str, since: datetime) -> bool:
    try:
        return _with_zone(datetime.fromisoformat(time)) >= since
    except ValueError:
        return True


def _with_zone(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def read_since(text: str, now: datetime) -> datetime:
    """Read a date or time (UTC where no zone is named), or how long ago: 30m, 2h, 3d, 1w. Raises FilterError."""
    ago = re.fullmatch(r"(\d+)([mhdw])", text.strip())
    try:
        return now - int(ago[1]) * SPANS[ago[2]] if ago else _with_zone(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise FilterError(f"--since is {text!r}; it takes 2026-05-31, 2026-05-31T14:00, 30m, 2h, 3d or 1w.") from None
