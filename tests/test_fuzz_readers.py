"""A short run of the fuzzer: damaged rows and files of every format are read, refused and written, never lost."""

import subprocess
import sys
from pathlib import Path

import fuzz_exports
import pytest
from fuzz_checks import BrokenError
from fuzz_readers import check_file
from fuzz_rows import SEEDS

from engine.formats.catalog import FORMATS, WRITERS

ROOT = Path(__file__).resolve().parent.parent


def test_every_format_and_every_writer_is_fuzzed():
    assert set(SEEDS) == {*FORMATS, "columns"}
    assert set(fuzz_exports.READ_BY) == set(WRITERS)


def test_a_short_run_finds_nothing(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "fuzz_readers.py"), "--smoke", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout.strip().splitlines()[-1][-11:]) == (0, " 0 failures"), (
        done.stdout + done.stderr
    )


def test_a_lost_row_is_a_failure(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n{\n')
    assert check_file(file, "trl", tmp_path / "one", exact_rows=2) == (2, 1)
    with pytest.raises(BrokenError, match="3 rows were written, 2 read"):
        check_file(file, "trl", tmp_path / "two", exact_rows=3)
