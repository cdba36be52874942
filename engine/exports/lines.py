"""Lines of an export: what samples become in it, written as JSON, and counted."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import orjson

from engine.errors import ExportRefusedError

Row = dict[str, object]


class Draft(NamedTuple):
    """What a sample would be in the export."""

    rows: list[Row]
    """None: it is left out, and `reason` says why."""

    reason: str = ""
    changed: bool = False
    left_out: tuple[str, ...] = ()
    """Why rows that it would have are not among them."""


@dataclass
class Tally:
    """What became of samples, counted."""

    kept: int = 0
    """How many give a row at least."""

    rows: int = 0
    changed: int = 0
    """How many of those kept differ from the label by a verdict."""

    dropped: Counter[str] = field(default_factory=Counter)
    """How many give none, by reason."""

    left_out: Counter[str] = field(default_factory=Counter)
    """How many rows of those kept are not there, by reason."""

    def count(self, draft: Draft) -> None:
        if not draft.rows:
            self.dropped[draft.reason] += 1
            return
        self.kept += 1
        self.rows += len(draft.rows)
        self.changed += draft.changed
        if draft.left_out:
            self.left_out.update(draft.left_out)

    def add(self, other: "Tally") -> None:
        """Count what another counted."""
        self.kept += other.kept
        self.rows += other.rows
        self.changed += other.changed
        self.dropped.update(other.dropped)
        self.left_out.update(other.left_out)

    @property
    def samples(self) -> int:
        return self.kept + self.dropped.total()


class Written(NamedTuple):
    """The rows of some samples as lines of JSON."""

    lines: bytes
    tally: Tally

    @classmethod
    def of(cls, drafts: Iterable[Draft]) -> Self:
        tally = Tally()
        lines: list[bytes] = []
        for draft in drafts:
            tally.count(draft)
            lines += map(write_row, draft.rows)
        return cls(b"".join(lines), tally)


def write_row(row: Row) -> bytes:
    """Write one line; what the fast writer refuses (half of a surrogate pair, say) the patient one takes."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        pass
    try:
        return json.dumps(row, separators=(",", ":"), default=str).encode() + b"\n"
    except TypeError as error:
        raise ExportRefusedError(f"A row cannot be written as JSON: {error}.") from error
