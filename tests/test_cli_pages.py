"""prefmap report --figure and --html."""

import json
import subprocess
import sys

import pytest


def prefmap(*words, cwd):
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd)


def test_a_figure_and_a_page_are_written_beside_the_report(sample_project, tmp_path):
    pytest.importorskip("matplotlib")
    options = ("--figure", "map.png", "--style", "binned", "--html", "page.html", "--json")
    done = prefmap("report", sample_project.path, *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "wrote map.png\nwrote page.html\n")
    said = json.loads(done.stdout)
    assert (said["figure"], said["html"], said["samples"]) == ("map.png", "page.html", 400)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    again = prefmap("report", sample_project.path, "--html", "page.html", cwd=tmp_path)
    plain = prefmap("report", sample_project.path, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, plain.stdout)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--figure", "map.gif"), 1, "prefmap: map.gif names no kind of picture: let it end in .png, .svg, .pdf.\n"),
        (("--html", "page.txt"), 1, "prefmap: page.txt names no page: let it end in .html.\n"),
        (("--html", "no/page.html"), 1, "prefmap: There is no folder no to write page.html into.\n"),
        (("--style", "binned"), 2, "Error: --style and --colour need --figure.\n"),
        (("--judge", "--html", "a.html"), 2, "are reports of their own"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(sample_project, tmp_path, words, code, said):
    done = prefmap("report", sample_project.path, *words, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.prefmap"]
