"""What the doctor finds: each fault once, named, with the words that a person reads."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from engine.examining import examine
from engine.importing import import_file
from engine.logs import Log
from engine.mapping import build_map
from engine.project import Project
from engine.reviewing import Review
from engine.sources import SourceReader

ROWS = [{"prompt": f"q{n}", "chosen": "a", "rejected": "b", "score_chosen": n, "score_rejected": 1} for n in range(9)]


@pytest.fixture
def project(make_project) -> Project:
    """A mapped project with a score log and four verdicts."""
    project = make_project(ROWS, specs=["column:score"])
    give(project, 4)
    build_map(project)
    return project


def give(project: Project, count: int, now=lambda: datetime.now(UTC), reviewer: str = "kim") -> None:
    with closing(Review(project, reviewer, now=now)) as review:
        for sample in islice(SourceReader(project), count):
            review.give(sample, "flip")


def found(project: Project) -> list[tuple[str, bool]]:
    return [(one.kind, one.is_wrong) for one in examine(project)]


def change(path: Path, edit) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))


def replaced(number: int, old: bytes, new: bytes):
    return lambda lines: lines.__setitem__(number - 1, lines[number - 1].replace(old, new))


def test_a_sound_project_has_no_findings(project):
    assert examine(project) == []


REVIEWS = {
    "half a line": (lambda lines: lines.append(b'{"kind"'), [("torn line", True)], "ends in half a line (7 bytes)"),
    "changed": (replaced(2, b'"flip"', b'"keep"'), [("broken chain", True)], "line 3 does not follow the line before"),
    "removed": (lambda lines: lines.pop(1), [("broken chain", True)], "lines are gone"),
    "cut off": (lambda lines: lines.pop(), [("lost lines", True)], "it had 4 lines and has 3"),
    "last changed": (replaced(4, b'"flip"', b'"keep"'), [("lost lines", True)], "line 4 is another one"),
    "joined": (lambda lines: lines.append(lines[3]), [("broken chain", True)], "was written after line 3"),
    "two logs": (lambda lines: lines.append(lines[0]), [("broken chain", True)], "line 5 begins a log"),
    "no json": (lambda lines: lines.insert(4, b"what\n"), [("damaged line", True)], "line 5 is not a JSON object"),
    "conflict": (lambda lines: lines.insert(4, b"=======\n"), [("damaged line", True)], "line 5 was left by git: put"),
    "mark": (lambda lines: lines.insert(0, b"\xef\xbb\xbf" + lines.pop(0)), [("editor", True)], "a byte order mark"),
    "by hand": (
        lambda lines: lines.append(b'{"kind":"x","time":"2026-01-01"}\n'),
        [("broken chain", True)],
        "does not name the",
    ),
    "no sample": (
        replaced(4, b'"sample_id"', b'"sample"'),
        [("damaged line", True), ("lost lines", True)],
        "it has no sample_id",
    ),
    "no verdict": (
        replaced(4, b'"flip"', b'"flop"'),
        [("damaged line", True), ("lost lines", True)],
        "its verdict is 'flop'",
    ),
    "newer": (
        replaced(4, b'"kind"', b'"version":2,"kind"'),
        [("version", True), ("lost lines", True)],
        "newer prefmap",
    ),
}


@pytest.mark.parametrize(("edit", "kinds", "said"), REVIEWS.values(), ids=REVIEWS)
def test_what_is_wrong_with_a_review_log_is_found(project, edit, kinds, said):
    (log,) = project.review_logs()
    change(log, edit)
    assert [one for one in found(project) if one[0] != "clock"] == kinds
    assert any(said in one.text and str(log) in one.text for one in examine(project))


def test_windows_line_ends_change_nothing(project):
    (log,) = project.review_logs()
    log.write_bytes(log.read_bytes().replace(b"\n", b"\r\n"))
    give(project, 5)
    assert found(project) == []


def test_of_each_kind_a_few_are_told_and_the_rest_is_counted(project):
    (log,) = project.review_logs()
    change(log, lambda lines: lines.extend([b"what\n"] * 1000))
    said = [one.text for one in examine(project) if one.kind == "damaged line"]
    assert (len(said), said[-1]) == (6, f"{log} has 995 more findings of this kind.")


def test_copies_of_a_log_are_found_and_logs_that_parted_are_told(project):
    (log,) = project.review_logs()
    copy = log.with_name("copy.jsonl")
    copy.write_bytes(log.read_bytes())
    give(project, 1)
    assert found(project) == [("copy", True)]
    assert f"{copy} is a copy of {log}" in examine(project)[0].text
    with Log(copy, chained=True) as parted:
        parted.append({"kind": "undo", "time": "2026-01-01"})
    assert ("parted logs", False) in found(project)


def test_clocks_that_go_back_or_ahead_are_told(project):
    times = iter([datetime.now(UTC) - timedelta(hours=3), datetime.now(UTC) + timedelta(hours=1)])
    give(project, 2, now=lambda: next(times))
    assert found(project) == [("clock", False), ("clock", False)]
    first, second = [one.text for one in examine(project)]
    assert ", line 5 is 3:00:0" in first or ", line 5 is 2:59:5" in first
    assert "the clock was set back" in first
    assert "which is still to come" in second


SCORES = {
    "half a line": (lambda lines: lines.append(b'{"resp'), ["torn line"], "ends in half a line (6 bytes)"),
    "no json": (lambda lines: lines.insert(2, b"what\n"), ["damaged line", "lost lines"], "line 3 is no score"),
    "cut off": (lambda lines: lines.pop(), ["lost lines"], "it was cut off, or replaced"),
    "no header": (lambda lines: lines.pop(0), ["damaged line", "lost lines"], "does not begin with the configuration"),
}


@pytest.mark.parametrize(("edit", "kinds", "said"), SCORES.values(), ids=SCORES)
def test_what_is_wrong_with_a_score_log_is_found(project, edit, kinds, said):
    (log,) = project.score_logs()
    change(log, edit)
    assert [kind for kind, is_wrong in found(project) if is_wrong] == kinds
    assert any(said in one.text and str(log) in one.text for one in examine(project))


def test_a_score_log_that_is_gone_is_missed(project):
    (log,) = project.score_logs()
    log.unlink()
    assert found(project) == [("lost log", True)]


def test_scores_of_other_rows_are_told(make_project, tmp_path):
    project = make_project(ROWS, specs=["column:score"])
    (tmp_path / "more.jsonl").write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n')
    import_file(project, tmp_path / "more.jsonl")
    build_map(project)
    assert found(project) == [("stale scores", False)]


def test_sources_that_are_missing_or_changed_are_found(project):
    (source,) = project.sources.iterdir()
    data = source.read_bytes()
    source.write_bytes(data[:-9] + b"x" * 9)
    assert found(project) == [("changed source", True)]
    source.unlink()
    assert found(project) == [("missing source", True)]
    source.write_bytes(data)
    assert found(project) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "is damaged"), ("nonsense", "is damaged"), ('{"version": 99, "files": []}', "a newer")],
)
def test_a_source_file_of_another_version_or_none_is_found(project, content, said):
    project.source_file.write_text(content)
    (one,) = examine(project)
    assert (one.kind, said in one.text) == ("source.json", True)


def test_verdicts_on_what_is_gone_are_found(project, tmp_path):
    (log,) = project.review_logs()
    ids = [json.loads(line)["sample_id"] for line in log.read_bytes().splitlines()]
    other = Project(tmp_path / "other.prefmap")
    file = tmp_path / "other.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS[1:]))
    import_file(other, file)
    build_map(other)
    (other.reviews / log.name).write_bytes(log.read_bytes())
    assert found(other) == [("orphan verdicts", True)]
    assert f"1 of 4 verdicts are on samples that no source holds (first: {ids[0]})" in examine(other)[0].text


def test_verdicts_on_responses_that_a_sample_does_not_have_are_found(project):
    with closing(Review(project, "bo")) as review:
        sample = next(iter(SourceReader(project)))
        review._append({"kind": "verdict", "sample_id": sample.sample_id, "verdict": "flip", "preferred": "0" * 16,
                        "rejected": "1" * 16})  # fmt: skip
    assert found(project) == [("stale verdicts", True)]


def test_maps_that_do_not_fit_are_found(project, tmp_path):
    (tmp_path / "more.jsonl").write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n')
    import_file(project, tmp_path / "more.jsonl")
    assert found(project) == [("stale scores", False), ("old map", False)]
    build_map(project)
    project.map.write_bytes(b"no database")
    assert found(project) == [("map", True), ("stale scores", False)]
    project.map.unlink()
    assert found(project) == [("stale scores", False), ("no map", False)]


def test_leftovers_are_told_from_work(project):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    (project.path / f".map.duckdb.{done.pid}.part").write_bytes(b"half a map")
    (project.path / f".source.json.{os.getpid()}.part").write_bytes(b"")
    (project.reviews / "kim.vm.jsonl.torn-17").write_bytes(b"{")
    assert found(project) == [("leftover", True), ("at work", False), ("set aside", False)]


def test_open_doors_are_found(project):
    (log,) = project.review_logs()
    log.chmod(0o606)
    assert found(project) == [("open to all", True)]
    log.chmod(0o600)
    project.reviews.chmod(0o777)
    assert found(project) == [("open to all", True)]
    project.reviews.chmod(0o700)
    project.path.chmod(0o755)
    assert found(project) == [("readable by all", False)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_found(project):
    (log,) = project.review_logs()
    log.chmod(0)
    assert ("unreadable", True) in found(project)


def test_settings_that_cannot_be_read_are_found(project):
    (project.path / "prefmap.toml").write_text("[review]\nreviewr = 'kim'\n")
    (one,) = examine(project)
    assert (one.kind, "Did you mean reviewer?" in one.text) == ("settings", True)
