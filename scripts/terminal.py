"""A program in a pseudo-terminal, driven by keys and read as a screen: for tests and measurements."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "space": " ",
    **{f"f{number}": f"\x1bO{letter}" for number, letter in enumerate("PQRS", start=1)},
    "f8": "\x1b[19~",
    "f9": "\x1b[20~",
}
PATIENCE_SECONDS = 30.0
REACTION_SECONDS = 0.12
"""No person answers faster, and prefmap takes no verdict from a key that comes faster."""


class Terminal:
    """One program in a terminal of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.raw = b""
        """Every byte that the program wrote."""
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            self._become(command, env or {}, folder)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def _become(self, command: Sequence[str], env: Mapping[str, str], folder: Path | None) -> None:
        os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **env})
        if folder:
            os.chdir(folder)
        os.execvp(command[0], list(command))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(signal.SIGKILL)

    def press(self, *names: str) -> None:
        """Press keys, by name or as they are; `ctrl+g` is a control key."""
        for name in names:
            os.write(self._descriptor, _bytes_of(name))

    def read(self, seconds: float) -> bool:
        """Take in what the program writes next; False when it wrote nothing in that time, or has ended."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(
        self, shown: str | Callable[[str], bool], seconds: float = PATIENCE_SECONDS, *, quiet: float = REACTION_SECONDS
    ) -> str:
        """Read until the screen shows a text and is still; give it. Raises TimeoutError with what it showed."""
        is_there = (lambda text: shown in text) if isinstance(shown, str) else shown
        until = time.monotonic() + seconds
        while not is_there(self.text):
            if time.monotonic() > until:
                raise TimeoutError(f"never saw {shown!r} in:\n{self.text}")
            self.read(0.05)
        return self.settle(quiet) if quiet else self.text

    def settle(self, quiet: float = 0.3) -> str:
        """Read until nothing more comes, and give the screen."""
        while self.read(quiet):
            pass
        return self.text

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; gives the exit status. A second call does nothing."""
        if not self.pid:
            return 0
        os.kill(self.pid, number)
        return self.wait()

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end, reading on; gives the exit status as of os.waitpid."""
        until = time.monotonic() + seconds
        while True:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} did not end; its screen:\n{self.text}")
            self.read(0.02)
        self.settle(0.01)
        os.close(self._descriptor)
        self.pid = 0
        return status


def _bytes_of(name: str) -> bytes:
    if name in KEYS:
        return KEYS[name].encode()
    if name.startswith("ctrl+"):
        return bytes([ord(name[-1]) & 31])
    return name.encode()
