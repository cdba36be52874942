"""How far logs went at some time, and whether they still begin as they did then."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from engine.logs import TAIL_BYTES, decode, hash_line, read_tail
from engine.verdicts.steps import History


class Extent(NamedTuple):
    """How far a log went at some time: as it is only appended to, what it held then can be cut out of it again."""

    size: int
    """Bytes of its whole lines."""

    head: str
    """Hash of the last of them; empty where there is none."""


def measure_extent(path: Path) -> Extent:
    """Say how far a log goes now, however long it is."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        line, torn = read_tail(file.fileno(), size)
    return Extent(size - len(torn), hash_line(line) if line else "")


def begins(path: Path, extent: Extent) -> bool:
    """Say whether a log still holds the last line of an earlier extent where it was."""
    if path.stat().st_size < extent.size:
        return False
    with path.open("rb") as file:
        length = 0
        line = b""
        while length < extent.size and line.count(b"\n") < 2:
            length = min(extent.size, max(length * 4, TAIL_BYTES))
            file.seek(extent.size - length)
            line = file.read(length)
    return line.endswith(b"\n") and hash_line(line[:-1].rpartition(b"\n")[2]) == extent.head


def find_break(path: Path) -> int | None:
    """Find the first line whose `prev` is not the hash of the line before it; None when the chain holds."""
    previous = ""
    with path.open("rb") as file:
        for number, data in enumerate((line for line in file if line.endswith(b"\n")), start=1):
            if decode(path, number, data).get("prev") != previous:
                return number
            previous = hash_line(data)
    return None


def find_change(path: Path, lines: int, head: str) -> str:
    """Say what became of a chained log that had so many lines, the last with this hash; empty: it has them still."""
    if not path.exists():
        return "it is gone" if lines else ""
    count = 0
    previous = ""
    with path.open("rb") as file:
        for count, data in enumerate((line for line in file if line.endswith(b"\n")), start=1):
            if decode(path, count, data).get("prev") != previous:
                return f"its chain breaks at line {count}"
            previous = hash_line(data)
            if count == lines and previous != head:
                return f"line {count} is another one"
    return f"it had {lines:,} lines and has {count:,}" if count < lines else ""


def describe_extents(extents: Mapping[Path, Extent], histories: Mapping[str, History]) -> dict[str, object]:
    """Say how far each log went when it was read; null where it grew meanwhile."""
    return {
        "scores": {
            path.name: extent._asdict() if measure_extent(path) == extent else None for path, extent in extents.items()
        },
        "reviews": {name: {"lines": one.lines, "head": one.head} for name, one in histories.items()},
    }
