"""A shell inside tmux, driven by keys and read as a screen."""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Self

PATIENCE_SECONDS = 30.0
REACTION_SECONDS = 0.12
"""prefmap takes no verdict from a key that comes faster."""


class Tmux:
    """One tmux server of its own with one window of 80 by 24."""

    def __init__(self, folder: Path) -> None:
        self._socket = f"prefmap-{os.getpid()}"
        self._folder = folder
        self._env = {**os.environ, "PYTHONPATH": str(folder), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server")

    def _start(self) -> None:
        self._run(
            "-f", "/dev/null", "new-session", "-d", "-s", "walk", "-x", "80", "-y", "24", "env PS1='$ ' bash --norc"
        )
        self.wait_for(r"^\$")

    def _run(self, *words: str) -> str:
        command = ["tmux", "-L", self._socket, *words]
        done = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, check=True)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys by the names that tmux has for them, no faster than a person would."""
        time.sleep(REACTION_SECONDS)
        self._run("send-keys", "-t", "walk", *keys)

    def type(self, text: str) -> None:
        if text:
            self._run("send-keys", "-t", "walk", "-l", text)

    @property
    def text(self) -> str:
        return self._run("capture-pane", "-p", "-t", "walk")

    def wait_for(self, pattern: str) -> str:
        """Wait until the screen matches a regular expression, and give the screen. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not re.search(pattern, text := self.text, re.MULTILINE):
            if time.monotonic() > until:
                raise TimeoutError(f"never saw {pattern!r} in:\n{text}")
            time.sleep(0.02)
        return text

    def hang_up(self) -> None:
        """End the session with all that runs in it, as a lost connection does, and begin another one."""
        shell = int(self._run("display-message", "-p", "-t", "walk", "#{pane_pid}"))
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii").split()
        self._run("kill-session", "-t", "walk")
        until = time.monotonic() + PATIENCE_SECONDS
        while any(Path(f"/proc/{child}").exists() for child in children):
            if time.monotonic() > until:
                raise TimeoutError(f"the review did not end with its terminal: {children}")
            time.sleep(0.02)
        self._start()
