"""A disk that fails under the running program, and comes back: stale handles, no answer, no room."""

import json
import os
import subprocess
import sys
from errno import EDQUOT, EIO, ENOSPC, ESTALE

import pytest
from faulty_disk import COMPILER, STALE, FaultyDisk
from terminal import Terminal

from engine.extents import find_break
from engine.logs import read_log

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or COMPILER is None, reason="needs Linux and a compiler, to let system calls fail"
)

NOTHING, UNKNOWN = "Nothing was added to {}.jsonl: {}", "It is not known what was added to {}.jsonl: {}"

FAULTS = {
    "stale": (STALE, NOTHING, ESTALE),
    "stale-handle": ({"fstat": ESTALE, "write": ESTALE, "truncate": ESTALE}, NOTHING, ESTALE),
    "stale-folder": ({"stat": ESTALE, "open": ESTALE}, NOTHING, ESTALE),
    "no-answer": ({"write": EIO}, NOTHING, EIO),
    "no-answer-late": ({"fsync": EIO}, NOTHING, EIO),
    "no-answer-at-all": ({"fsync": EIO, "truncate": EIO}, UNKNOWN, EIO),
    "quota": ({"write": EDQUOT}, NOTHING, EDQUOT),
    "quota-late": ({"fsync": EDQUOT}, NOTHING, EDQUOT),
    "half-a-line": ({"half": 0, "fsync": ENOSPC}, NOTHING, ENOSPC),
    "half-a-line-stays": ({"half": 0, "fsync": EIO, "truncate": EIO}, UNKNOWN, EIO),
}
"""What fails, and what is said of the lines that should be written meanwhile."""

WRITER = """
import json, os, sys
from pathlib import Path
from engine.errors import LogUnwritableError
from engine.logs import Log

switch = Path(os.environ["FAULTY_SWITCH"])
for name, calls in json.loads(sys.argv[2]).items():
    with Log(Path(sys.argv[1]) / f"{name}.jsonl", chained=True) as log:
        log.append({"n": 1})
        for n in (2, 3):
            switch.write_text("".join(f"{call} {number}\\n" for call, number in calls.items()))
            try:
                log.append({"n": n, "text": "x" * 20})
            except LogUnwritableError as error:
                print(str(error).partition(". It is in")[0])
        switch.unlink()
        log.append({"n": 4})
        switch.write_text("".join(f"{call} {number}\\n" for call, number in calls.items()))
        try:
            log.append({"n": 5})
        except LogUnwritableError:
            switch.unlink()
"""


def test_a_line_that_was_refused_is_not_there_and_the_next_one_is(tmp_path):
    disk, logs = FaultyDisk(tmp_path, "/logs/"), tmp_path / "logs"
    logs.mkdir()
    command = [sys.executable, "-c", WRITER, str(logs), json.dumps({name: one[0] for name, one in FAULTS.items()})]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **disk.env}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in FAULTS:
        path = logs / f"{name}.jsonl"
        assert ([line["n"] for line in read_log(path).lines], find_break(path)) == ([1, 4], None), name
        assert read_log(path).torn == b""
    said = [what.format(name, os.strerror(number)) for name, (_, what, number) in FAULTS.items()]
    assert done.stdout.splitlines() == [line for line in said for _ in range(2)]


def test_a_verdict_that_the_disk_refused_is_not_shown_and_the_review_goes_on_when_it_is_back(sample_project, tmp_path):
    disk = FaultyDisk(tmp_path, "/pairs.prefmap/reviews/")
    command = [sys.executable, "-m", "tui", "review", str(sample_project.path), "--reviewer", "kim"]
    with Terminal(command, env=disk.env) as terminal:
        terminal.wait_for("CHOSEN by the label")
        terminal.press("f")
        terminal.wait_for("last: flip")
        disk.fail(STALE)
        terminal.press("t")
        assert "read 1/400" in terminal.wait_for("Nothing was added to kim.")
        terminal.press("i")
        terminal.wait_for("jsonl cannot be read (Stale file handle).")
        disk.fail({"fsync": EIO, "truncate": EIO})
        terminal.press("t")
        assert "read 1/400" in terminal.wait_for("It is not known what was added to kim.")
        disk.heal()
        terminal.press("y")
        assert "read 2/400" in terminal.wait_for("last: keep")
        terminal.press("q")
        terminal.wait()
    (log,) = sample_project.review_logs()
    assert [line["verdict"] for line in read_log(log).lines] == ["flip", "keep"]
    assert find_break(log) is None


def test_a_map_that_can_no_longer_be_read_ends_the_review_with_a_sentence(sample_project, tmp_path):
    disk = FaultyDisk(tmp_path, "map.duckdb")
    command = [sys.executable, "-m", "tui", "review", str(sample_project.path), "--reviewer", "kim"]
    with Terminal(command, env=disk.env) as terminal:
        terminal.wait_for("CHOSEN by the label")
        disk.fail(STALE)
        terminal.press("f")
        terminal.wait_for("last: flip")
        terminal.press("m")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 1
        said = terminal.raw.decode().rpartition("\x1b[?1049l")[2]
    assert ("prefmap: DuckDB cannot read the map any more" in said, "Traceback" in said) == (True, False)
    assert [line["verdict"] for line in read_log(sample_project.review_logs()[0]).lines] == ["flip"]
