"""What a person sees, and what is left, when the machine does not do what it should."""

import getpass
import grp
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from terminal import Terminal

from engine.errors import ProjectUnsafeError
from engine.logs import Log, read_log
from engine.mapping import build_map
from engine.project import Project
from engine.reviewing import Review
from engine.store import Store

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data" / "helpful_pairs.jsonl"
FIRST_RELEASE = ROOT / "tests" / "first_release.prefmap"
RATED = ROOT / "sample_data" / "rated_four.jsonl"


def prefmap(*words, cwd=None, room: int | None = None):
    """Run a command; `room` is the largest file, in bytes, that it may write: more is refused, as by a full disk."""
    limit = None if room is None else (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    command = [sys.executable, "-m", "engine", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL, preexec_fn=limit)


def succeed(*words, cwd=None):
    done = prefmap(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")}


def first_id(project: Project) -> str:
    with closing(Store.open(project.map)) as store:
        return store.sample(0).sample_id


FULL = {
    "map": (["map", "P"], "map.duckdb cannot be written ("),
    "export": (["export", "P", "-o", "O.jsonl"], "O.jsonl cannot be written (File too large)"),
    "parquet": (["export", "P", "-o", "O.parquet"], "O.parquet cannot be written (File too large)"),
    "import": (["import", RATED, "-o", "P"], "cannot be written (File too large)"),
    "score": (["score", "P", "--scorer", "crossfit?seed=3"], ".jsonl: File too large. It is in"),
    "verdict": (["verdict", "P", "ID", "flip"], ".jsonl: File too large. It is in"),
}


@pytest.mark.parametrize(("words", "said"), FULL.values(), ids=FULL)
def test_a_full_disk_is_one_sentence_and_leaves_all_as_it_was(sample_project, words, said):
    folder = sample_project.path.parent
    before = files_in(folder)
    known = {"P": sample_project.path, "ID": first_id(sample_project)}
    done = prefmap(*(known.get(word, word) for word in words), cwd=folder, room=60)
    assert (done.returncode, done.stderr.splitlines()[-1].startswith("prefmap: ")) == (1, True), done.stderr
    assert said in done.stderr
    assert {path: data for path, data in files_in(folder).items() if data} == before


def test_an_export_that_does_not_fit_leaves_the_old_one(sample_project):
    folder = sample_project.path.parent
    succeed("export", sample_project.path, "-o", "O.jsonl", cwd=folder)
    before = files_in(folder)
    done = prefmap("export", sample_project.path, "-o", "O.jsonl", "--force", cwd=folder, room=20_000)
    assert "What was there before stays." in done.stderr
    assert files_in(folder) == before


def test_a_second_session_of_a_reviewer_is_told_who_holds_the_log(sample_project):
    with closing(Review(sample_project, "kim")):
        done = prefmap("verdict", sample_project.path, first_id(sample_project), "keep", "--reviewer", "kim")
    assert done.returncode == 1
    assert f"is being written by process {os.getpid()} on {socket.gethostname()} since " in done.stderr
    assert "To look on, add --read-only; to review as someone else, --reviewer NAME." in done.stderr
    succeed("verdict", sample_project.path, first_id(sample_project), "keep", "--reviewer", "bo")


def test_a_review_goes_on_while_the_map_is_built(sample_project):
    with closing(Store.open(sample_project.map)) as before, closing(Review(sample_project, "kim")) as review:
        review.give(before.sample(0), "flip")
        build_map(sample_project)
        review.give(before.sample(1), "tie")
        assert before.count("verdict") == 0
    with closing(Store.open(sample_project.map)) as after:
        assert after.count("verdict") == 1
    assert [line["verdict"] for line in read_log(sample_project.review_logs()[0]).lines] == ["flip", "tie"]


def in_app(project: Project, reviewer: str = "kim") -> Terminal:
    return Terminal([sys.executable, "-m", "tui", "review", str(project.path), "--reviewer", reviewer])


@pytest.mark.parametrize("key", ["y", "u"])
def test_a_log_that_is_removed_under_the_app_is_told_and_no_verdict_is_lost_in_silence(sample_project, key):
    with in_app(sample_project) as terminal:
        terminal.wait_for("CHOSEN by the label")
        terminal.press("f")
        terminal.wait_for("last: flip")
        (log,) = sample_project.review_logs()
        kept = log.rename(sample_project.path / "kept")
        terminal.press(key)
        terminal.wait_for("it was removed. Put it back")
        kept.rename(log)
        terminal.press("y")
        terminal.wait_for("last: keep")
        terminal.press("q")
        terminal.wait()
    assert [line["verdict"] for line in read_log(log).lines] == ["flip", "keep"]


def test_no_step_writes_into_a_source(tmp_path):
    (source := tmp_path / "mine.jsonl").write_bytes(SAMPLE.read_bytes())
    source.chmod(0o444)
    content, written = source.read_bytes(), source.stat().st_mtime_ns
    project = Project(tmp_path / "mine.prefmap")
    succeed("build", "mine.jsonl", cwd=tmp_path)
    with in_app(project) as terminal:
        terminal.wait_for("CHOSEN by the label")
        terminal.press("f")
        terminal.wait_for("last: flip")
        terminal.press("q")
        terminal.wait()
    succeed("map", project.path)
    succeed("export", project.path, "-o", "out.jsonl", "--policy", "adm", cwd=tmp_path)
    succeed("replay", "out.jsonl", "-o", "again.jsonl", cwd=tmp_path)
    succeed("report", project.path, cwd=tmp_path)
    refused = prefmap("export", project.path, "-o", "mine.jsonl", cwd=tmp_path)
    assert refused.returncode == 1
    assert "mine.jsonl exists" in refused.stderr
    assert (source.read_bytes(), source.stat().st_mtime_ns) == (content, written)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda one: one.name)
def test_a_map_that_is_ended_leaves_nothing_half_done(sample_project, number):
    before = files_in(sample_project.path)
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "map", sample_project.path], stderr=subprocess.PIPE
    ) as running:
        while not list(sample_project.path.glob(".map.duckdb.*")) and running.poll() is None:
            time.sleep(0.005)
        running.send_signal(number)
        said = running.communicate()[1].decode()
    assert (running.returncode, "Traceback" in said) in [(130, False), (0, False)]
    assert list(sample_project.path.glob(".map.duckdb.*")) == []
    if running.returncode:
        assert files_in(sample_project.path) == before


def test_a_power_cut_loses_the_line_that_it_cut_and_no_other(tmp_path):
    """Cut a log of 1,000 lines at every byte of some lines; scripts/cut_log.py cuts it everywhere."""
    path = tmp_path / "whole.jsonl"
    lines = [{"kind": "flag", "n": n, "text": "x" * (n % 7)} for n in range(1000)]
    with Log(path, chained=True) as log:
        log.append(*lines)
    whole = path.read_bytes()
    ends = [place + 1 for place, one in enumerate(whole) if one == ord("\n")]
    for cut in (cut for end in (0, 1, 500, 999) for cut in range(ends[end - 1] if end else 0, ends[end] + 1)):
        path.write_bytes(whole[:cut])
        count = sum(end <= cut for end in ends)
        torn = whole[ends[count - 1] if count else 0 : cut]
        with Log(path, chained=True) as log:
            assert (log.set_aside.read_bytes() if log.set_aside else b"") == torn
            if log.set_aside:
                log.set_aside.unlink()
        assert path.read_bytes() == whole[: cut - len(torn)]


def test_a_project_of_the_first_release_opens_for_ever(tmp_path):
    project = Project(shutil.copytree(FIRST_RELEASE, tmp_path / "old.prefmap"))
    before = files_in(project.path)
    succeed("score", project.path, "--scorer", "column:score")
    assert files_in(project.path) == before
    succeed("map", project.path)
    said = json.loads(succeed("report", project.path, "--json").stdout)
    assert (said["samples"], said["verdicts"], said["remarks"]) == (6, {"flip": 1, "keep": 1, "tie": 1}, {"note": 1})
    assert said["scorers"]["column-score"]["coverage"] == 1.0
    succeed("export", project.path, "-o", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["chosen"][0]["content"] for row in rows] == ["a1", "b2", "a4", "a5", "a6"]
    assert json.loads(succeed("doctor", project.path, "--json").stdout)["wrong"] == 0


def test_a_map_of_another_version_says_what_to_do(sample_project):
    import duckdb

    for version, which in (("1", "an older"), ("999", "a newer")):
        with closing(duckdb.connect(str(sample_project.map))) as connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'version'", [version])
        done = prefmap("queue", sample_project.path)
        assert (done.returncode, f"is of {which} version of prefmap. Run: prefmap map" in done.stderr) == (1, True)
    succeed("map", sample_project.path)
    succeed("queue", sample_project.path)


def modes(folder: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o7777) for path in (folder, *folder.rglob("*"))}


def test_a_project_is_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        succeed("build", SAMPLE, "-o", tmp_path / "p.prefmap")
        with closing(Review(Project(tmp_path / "p.prefmap"), "kim")) as review:
            review.note(first_id(Project(tmp_path / "p.prefmap")), "seen")
    finally:
        os.umask(before)
    assert modes(tmp_path / "p.prefmap") == {(True, 0o700), (False, 0o600)}


def test_a_project_can_be_one_groups(tmp_path):
    group = grp.getgrgid(os.getgid()).gr_name
    before = os.umask(0o077)
    try:
        succeed("build", SAMPLE, "-o", tmp_path / "p.prefmap", "--group", group)
        with closing(Review(Project(tmp_path / "p.prefmap"), getpass.getuser())) as review:
            review.note(first_id(Project(tmp_path / "p.prefmap")), "seen")
        succeed("map", tmp_path / "p.prefmap")
    finally:
        os.umask(before)
    assert modes(tmp_path / "p.prefmap") == {(True, 0o2770), (False, 0o660)}
    assert json.loads(succeed("doctor", tmp_path / "p.prefmap", "--json").stdout)["wrong"] == 0
    done = prefmap("import", SAMPLE, "-o", tmp_path / "p.prefmap", "--group", "no-such-group")
    assert (done.returncode, "This machine has no group no-such-group" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", [".", "reviews", "scores", "sources"])
def test_a_project_that_everybody_may_write_is_refused(sample_project, name):
    folder = sample_project.path / name
    folder.chmod(0o707 if name != "." else 0o1777)
    for words in (["report"], ["queue"], ["export", "-o", "x.jsonl"], ["map"]):
        done = prefmap(words[0], sample_project.path, *words[1:], cwd=sample_project.path.parent)
        assert (done.returncode, "Everybody on this machine may write in" in done.stderr) == (1, True)
    with pytest.raises(ProjectUnsafeError, match=f"Run: chmod -R o-w {sample_project.path}$"):
        sample_project.create()
    folder.chmod(0o700)
    succeed("report", sample_project.path)
