import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "walk_review.py"


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
def test_a_walk_through_tmux_leaves_screen_log_and_export_in_agreement():
    done = subprocess.run([sys.executable, str(SCRIPT), "--smoke"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"1 restarts, 1 boxes,.* 1 hang-ups.* rows exported: screen, log and export agree", done.stdout)


def test_without_tmux_the_walk_says_so_in_one_sentence():
    done = subprocess.run([sys.executable, str(SCRIPT)], env={"PATH": ""}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The walk needs tmux, and there is none on this machine.\n"
