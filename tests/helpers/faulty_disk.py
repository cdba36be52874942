"""A disk that fails when told to: `faulty_disk.c` is preloaded into a program, and a switch file says what fails."""

import shutil
import subprocess
from collections.abc import Mapping
from errno import EDQUOT, EIO, ESTALE
from pathlib import Path

COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
SOURCE = Path(__file__).with_suffix(".c")
CALLS = ("open", "stat", "fstat", "read", "write", "fsync", "truncate")

STALE = dict.fromkeys(CALLS, ESTALE)
"""What a handle of a network file system says for good, once the server has another file in its place."""

NO_ANSWER, FULL = {"write": EIO}, {"write": EDQUOT}


class FaultyDisk:
    """Makes calls on some files fail, from when it is told to until it is told not to."""

    def __init__(self, folder: Path, files: str) -> None:
        """`files` is a part of the path of the files that it reaches."""
        library, self._switch = folder / "faulty_disk.so", folder / "switch"
        subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(library), "FAULTY_FILES": files, "FAULTY_SWITCH": str(self._switch)}

    def fail(self, calls: Mapping[str, int]) -> None:
        """Let calls fail with an errno each; `half` writes a part, and the next write fails as that of `write`."""
        self._switch.write_text("".join(f"{call} {number}\n" for call, number in calls.items()))

    def heal(self) -> None:
        self._switch.unlink(missing_ok=True)
