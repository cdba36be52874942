"""Append-only logs of JSON lines: one writer each, a torn last line set aside, chained by hashes where asked for."""

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from engine.access import GROUP_FILE, OWNER_FILE, is_shared, protect
from engine.errors import LogBusyError, LogDamagedError, LogUnwritableError

Line = Mapping[str, object]

TAIL_BYTES = 1 << 16
"""How far back the last line is looked for at a time."""


class LogRead(NamedTuple):
    """What a log holds."""

    lines: list[dict[str, object]]
    torn: bytes
    """What stands after the last whole line: a write that was cut short. It counts for nothing."""

    head: str
    """Hash of the last whole line; empty where there is none."""


def encode(line: Line) -> bytes:
    """Write one line; ASCII, so that no terminal or editor stumbles over it."""
    return json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def hash_line(data: bytes) -> str:
    """Hash one line as it stands in the log, its line end left aside."""
    return hashlib.sha256(data.rstrip(b"\n")).hexdigest()


def read_log(path: Path) -> LogRead:
    """Read a whole log, with or without a writer at work. A torn last line is left out and returned."""
    data = path.read_bytes()
    whole, _, torn = data.rpartition(b"\n")
    raw = whole.split(b"\n") if whole else []
    lines = [decode(path, number, line) for number, line in enumerate(raw, start=1)]
    return LogRead(lines, torn, hash_line(raw[-1]) if raw else "")


def stream_log(path: Path) -> Iterator[dict[str, object]]:
    """Read the whole lines of a log one by one: a judge's log may not fit in memory."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield decode(path, number, line)


def read_header(path: Path) -> dict[str, object]:
    """Read the first line of a log."""
    with path.open("rb") as file:
        line = file.readline()
    if not line.endswith(b"\n"):
        raise LogDamagedError(f"{path} has no whole first line. Remove the file; nothing else is in it.")
    return decode(path, 1, line)


def decode(path: Path, number: int, line: bytes) -> dict[str, object]:
    """Read one line. Raises LogDamagedError."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise LogDamagedError(f"{path}, line {number} is not a JSON object. Mend or remove that line.")
    return said


def is_empty(path: Path) -> bool:
    """Say whether a log has no whole line: it was never begun, or cut short in its first line."""
    with path.open("rb") as file:
        return not file.readline().endswith(b"\n")


def is_torn(path: Path) -> bool:
    """Say whether the last line of a log is cut short."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        return end > 0 and file.read(1) != b"\n"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who writes a log."""

    pid: int
    host: str
    since: str

    @classmethod
    def here(cls) -> Self:
        return cls(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"))


class Log:
    """A log, open to be appended to, and locked against any other writer until closed or killed."""

    def __init__(self, path: Path, *, chained: bool = False, advice: str = "") -> None:
        """Open and lock a log; `advice` is what to do when another process holds it, or it cannot be written."""
        self.path = path
        self.advice = advice
        self._chained = chained
        self._descriptor = _open(path, advice)
        self._is_cut = False
        """Whether half a line may stand at the end, because it could not be taken away again."""
        try:
            self._lock()
            self.set_aside = self._set_torn_line_aside()
            """The file that a torn last line was moved to, if there was one."""
            self.head = self._hash_last_line() if chained else ""
            """Hash of the last line; what the next line's `prev` will be."""
        except BaseException as error:
            os.close(self._descriptor)
            if not isinstance(error, OSError):
                raise
            raise LogUnwritableError(f"{path} cannot be written ({error.strerror}).{advice}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def append(self, *lines: Line) -> None:
        """Write lines in one go; they are on the disk when this returns."""
        self.write(lines, wait=True)

    def write(self, lines: Iterable[Line], *, wait: bool = False) -> None:
        """Write lines. They survive a kill; a power cut only if the disk is waited for. All are written, or none."""
        head, size = self.head, None
        try:
            size = self._check_place()
            data = b"".join(self._chain(lines) if self._chained else map(encode, lines))
            while data:
                data = data[os.write(self._descriptor, data):]  # fmt: skip
            if wait:
                os.fsync(self._descriptor)
        except BaseException as error:
            self.head = head
            self._take_back(size)
            if not isinstance(error, OSError):
                raise
            raise self._refuse(str(error.strerror)) from error

    def _refuse(self, why: str) -> LogUnwritableError:
        """Say first what matters: the review has one line for it."""
        return LogUnwritableError(f"Nothing was added to {self.path.name}: {why}. It is in {self.path.parent}.")

    def _check_place(self) -> int:
        """Give the size of the log; refuse to write into a file that is no longer where the others look for it."""
        here = os.fstat(self._descriptor)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            there = None
        if there is None or (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            what = "removed" if there is None else "replaced"
            raise self._refuse(f"it was {what}. Put it back, or start prefmap again")
        if self._is_cut:
            raise self._refuse("it ends in half a line. Start prefmap again, which sets that aside")
        return here.st_size

    def _take_back(self, size: int | None) -> None:
        """Cut the log back to its size before a failed write."""
        if size is None:
            return
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self._is_cut = True

    def _chain(self, lines: Iterable[Line]) -> Iterator[bytes]:
        for line in lines:
            data = encode({**line, "prev": self.head})
            self.head = hash_line(data)
            yield data

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogBusyError(f"{self.path} is being written {self._describe_holder()}.{self.advice}") from None
        holder = Holder.here()
        with suppress(OSError):  # who holds a log is good to know, and no reason to stop
            self._note.write_text(f"by process {holder.pid} on {holder.host} since {holder.since}", encoding="utf-8")
            protect(self._note)

    def _describe_holder(self) -> str:
        return self._note.read_text(encoding="utf-8") if self._note.exists() else "by another process"

    @property
    def _note(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _set_torn_line_aside(self) -> Path | None:
        torn = self._tail()[1]
        if not torn:
            return None
        aside = self.path.with_name(f"{self.path.name}.torn-{time.time_ns()}")
        aside.write_bytes(torn)
        protect(aside)
        os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - len(torn))
        return aside

    def _hash_last_line(self) -> str:
        line = self._tail()[0]
        return hash_line(line) if line else ""

    def _tail(self) -> tuple[bytes, bytes]:
        return read_tail(self._descriptor, os.fstat(self._descriptor).st_size)


def _open(path: Path, advice: str) -> int:
    """Open a log to append to it, and make it where there is none."""
    try:
        is_new = not path.exists()
        mode = GROUP_FILE if is_shared(path.parent) else OWNER_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode)
        if is_new:
            protect(path)
        return descriptor
    except OSError as error:
        raise LogUnwritableError(f"{path} cannot be written ({error.strerror}).{advice}") from error


def read_tail(descriptor: int, size: int) -> tuple[bytes, bytes]:
    """Read the last whole line (without its end), and what stands behind it."""
    length = min(TAIL_BYTES, size)
    while True:
        data = os.pread(descriptor, length, size - length)
        whole, _, torn = data.rpartition(b"\n")
        if b"\n" in whole or length == size:
            return whole.rpartition(b"\n")[2], torn
        length = min(length * 4, size)
