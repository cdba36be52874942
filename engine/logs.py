"""Append-only logs of JSON lines: one writer each, a torn last line set aside, chained by hashes where asked for."""

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from engine.access import GROUP_FILE, OWNER_FILE, is_shared, protect
from engine.errors import LogBusyError, LogDamagedError, LogUnreadableError, LogUnwritableError, PrefmapError

Line = Mapping[str, object]

TAIL_BYTES = 1 << 16
"""How far back the last line is looked for at a time."""


CONFLICT_MARKS = (b"<<<<<<< ", b"|||||||", b"=======", b">>>>>>> ")


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
    """Hash one line as it stands in the log, its line end left aside, as Windows writes it, too."""
    return hashlib.sha256(data.rstrip(b"\r\n")).hexdigest()


def read_log(path: Path) -> LogRead:
    """Read a whole log, with or without a writer at work. A torn last line is left out and returned.

    Raises LogUnreadableError, LogDamagedError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LogUnreadableError(f"{path.name} cannot be read ({error.strerror}). It is in {path.parent}.") from error
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
        raise LogDamagedError(f"{path}, line {number} {explain_damage(line)}")
    return said


def explain_damage(line: bytes) -> str:
    """Say what a line that is not a JSON object may be, and what to do."""
    if line.startswith(CONFLICT_MARKS):
        return "was left by git: put each side into a file of its own (git show :2:FILE, git show :3:FILE)."
    return "is not a JSON object. Mend or remove that line."


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


class Log:
    """A log, open to be appended to, and locked against any other writer until closed or killed."""

    def __init__(self, path: Path, *, chained: bool = False, advice: str = "") -> None:
        """Open and lock a log; `advice` is what to do when another process holds it, or it cannot be written."""
        self.path = path
        self.advice = advice
        self._chained = chained
        self._descriptor = _open(path, advice)
        self._has_rest = self._is_lost = False
        """Whether lines may stand at the end that were refused; whether another file may stand at its place."""
        try:
            self._lock()
            self.set_aside = self._set_torn_line_aside()
            """The file that a torn last line was moved to, if there was one."""
            self._size = os.fstat(self._descriptor).st_size
            """In bytes, of the lines that count."""
            self.head = self._hash_last_line()
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
        if self._has_rest:
            with suppress(OSError, PrefmapError):
                self._find_place()
        os.close(self._descriptor)

    def append(self, *lines: Line) -> None:
        """Write lines in one go; they are on the disk when this returns."""
        self.write(lines, wait=True)

    def write(self, lines: Iterable[Line], *, wait: bool = False) -> None:
        """Write lines. They survive a kill; a power cut only if the disk is waited for. All are written, or none."""
        is_begun = False
        try:
            self._find_place()
            encoded = [*(self._chain(lines) if self._chained else map(encode, lines))]
            data = b"".join(encoded)
            size, is_begun = len(data), True
            while data:
                data = data[os.write(self._descriptor, data):]  # fmt: skip
            if wait:
                os.fsync(self._descriptor)
        except BaseException as error:
            if is_begun:
                self._has_rest = not self._cut_back()
            if not isinstance(error, OSError):
                raise
            raise self._refuse(str(error.strerror)) from error
        self._size += size
        self._has_rest = False
        self.head = hash_line(encoded[-1]) if encoded else self.head

    def _refuse(self, why: str) -> LogUnwritableError:
        """Say first what matters: the review has one line for it."""
        what = "It is not known what was added" if self._has_rest else "Nothing was added"
        return LogUnwritableError(f"{what} to {self.path.name}: {why}. It is in {self.path.parent}.")

    def _find_place(self) -> None:
        """Take the log up where it was left. Raises LogUnwritableError where another file stands at its place."""
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            raise self._refuse("it was removed. Put it back, or start prefmap again") from None
        if self._is_as_left(there):
            return
        self._is_lost = True
        self._open_anew()
        if not self._holds_all():
            raise self._refuse("it was replaced or changed. Put it back, or start prefmap again")
        os.ftruncate(self._descriptor, self._size)
        self._is_lost = self._has_rest = False

    def _is_as_left(self, there: os.stat_result) -> bool:
        """Say whether the open file is the one at its place, and ends where it ended; not if its handle is stale."""
        try:
            here = os.fstat(self._descriptor)
        except OSError:
            return False
        return os.path.samestat(here, there) and here.st_size == self._size and not self._is_lost

    def _open_anew(self) -> None:
        """Open and lock what stands at the log's place now; the open file goes, and its lock with it."""
        fresh = os.open(self.path, os.O_RDWR | os.O_APPEND)
        os.dup2(fresh, self._descriptor, inheritable=False)
        os.close(fresh)
        self._lock()

    def _holds_all(self) -> bool:
        """Say whether the open file has the lines that this log had, and behind them at most some that were refused."""
        size = os.fstat(self._descriptor).st_size
        if size < self._size or (size > self._size and not self._has_rest):
            return False
        line, torn = read_tail(self._descriptor, self._size)
        return not torn and (hash_line(line) if line else "") == self.head

    def _cut_back(self) -> bool:
        """Cut off what a failed write left; False where that fails, too."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return False
        return True

    def _chain(self, lines: Iterable[Line]) -> Iterator[bytes]:
        head = self.head
        for line in lines:
            data = encode({**line, "prev": head})
            head = hash_line(data)
            yield data

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogBusyError(f"{self.path} is being written {self._describe_holder()}.{self.advice}") from None
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        with suppress(OSError):  # who holds a log is good to know, and no reason to stop
            self._note.write_text(f"by process {os.getpid()} on {socket.gethostname()} since {since}", encoding="utf-8")
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
