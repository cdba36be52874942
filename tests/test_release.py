"""What is released: the archives, the sample project, and what a shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Terminal

from tui.demo import find_sample_data

ROOT = Path(__file__).resolve().parent.parent
PREFMAP = [sys.executable, "-m", "tui"]


def test_the_wheel_is_whole_and_runs_far_from_the_clone():
    command = [sys.executable, str(ROOT / "scripts" / "check_release.py"), "--smoke"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "can be built, installed and run" in done.stdout


def test_the_demo_opens_the_sample_project_and_keeps_its_verdicts(tmp_path):
    env = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    for read in (0, 1):
        with Terminal([*PREFMAP, "demo"], folder=tmp_path, env=env) as terminal:
            terminal.wait_for("CHOSEN by the label", seconds=120)
            terminal.wait_for(f"read {read}/")
            terminal.press("y")
            terminal.wait_for(f"read {read + 1}/")
            terminal.press("q")
            assert os.waitstatus_to_exitcode(terminal.wait()) == 0
    assert (tmp_path / "cache" / "prefmap" / "demo.prefmap" / "map.duckdb").exists()
    assert find_sample_data() == ROOT / "sample_data" / "helpful_pairs.jsonl"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_what_it_completes_with(shell):
    done = subprocess.run([*PREFMAP, "completion", shell], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "_PREFMAP_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("prefmap sco", "score"), ("prefmap de", "demo"), ("prefmap queue P --by sus", "suspicion")],
)
def test_words_are_completed(words, expected):
    env = {**os.environ, "_PREFMAP_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(PREFMAP, env=env, capture_output=True, text=True)
    assert f"plain,{expected}" in done.stdout.splitlines(), done.stderr
