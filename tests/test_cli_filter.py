"""Filters, notes and bulk verdicts as scripts see them."""

import json
import subprocess
import sys
from contextlib import closing

import pytest

from engine.querying.filtering import COLUMNS
from engine.reviewing import Review
from engine.store import Store

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"Good {n}", "rejected": f"Bad {n}", "source": "flan" if n % 2 else "evol",
     "score_chosen": n * 7 % 11, "score_rejected": n * 5 % 7}
    for n in range(12)
]  # fmt: skip


def prefmap(*words):
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def succeed(*words):
    done = prefmap(*words)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def project(make_project):
    return make_project(ROWS, specs=["column:score"])


def listed(project, *words) -> list[int]:
    said = json.loads(succeed("queue", project.path, "--json", *words).stdout)["samples"]
    return [one["source"]["row"] for one in said]


def review_all(project) -> None:
    """Flip the flan half in bulk but for one that is read, note it, and flag another."""
    with closing(Store.open(project.map)) as store, closing(Review(project, "kim")) as review:
        review.give(store.sample(1), "keep", text="as labelled")
        review.give_all(store.labelled(range(1, 12, 2)), "flip")
        review.note(store.sample(3).sample_id, "\x1b]0;swapped")
        review.flag(store.sample(4).sample_id)
        review.give(store.sample(6), "skip")


def test_the_queue_lists_what_fits_a_filter_in_its_order(project):
    whole = listed(project)
    assert listed(project, "--where", "source:flan row>4") == [row for row in whole if row % 2 == 0 and row > 4]
    assert listed(project, "--where", "source:flan row>4", "--limit", 2, "--by", "source") == [6, 8]
    assert listed(project, "--where", "source:nothing") == []


def test_a_filter_lists_what_is_decided_too(project):
    review_all(project)
    assert sorted(listed(project)) == [1, 3, 5, 7, 9, 11]
    assert sorted(listed(project, "--where", "bulk")) == [4, 6, 8, 10, 12]
    assert listed(project, "--where", "reviewed not bulk by:kim") == [2]
    assert listed(project, "--where", "reviewed", "--reviewer", "lee") == []
    assert (listed(project, "--by", "flagged"), listed(project, "--by", "undecided")) == ([5], [7])
    assert listed(project, "--by", "flagged", "--where", "source:flan") == []


def test_a_filter_that_cannot_be_read_is_one_sentence(project):
    done = prefmap("queue", project.path, "--where", "suspicon>.8")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "prefmap: There is no column 'suspicon' (character 1): did you mean suspicion?\n"


def test_help_tells_the_whole_filter_language():
    shown = succeed("queue", "--help").stdout
    assert all(f"  {column.name} " in shown and column.means in shown for column in COLUMNS)


def test_show_tells_notes_flags_and_bulk(project):
    review_all(project)
    with closing(Store.open(project.map)) as store:
        ids = store.sample_ids()
    shown = succeed("show", project.path, ids[3]).stdout
    assert "kim: flip: [2] over [1] (bulk)  20" in shown
    assert "kim: note: " in shown
    said = json.loads(succeed("show", project.path, ids[3], "--json").stdout)
    assert (said["notes"], said["flagged_by"]) == ([{"reviewer": "kim", "text": "\x1b]0;swapped"}], [])
    assert (said["verdicts"][0]["verdict"], said["verdicts"][0]["bulk"]) == ("flip", True)
    assert json.loads(succeed("show", project.path, ids[4], "--json").stdout)["flagged_by"] == ["kim"]
    assert "kim: flag  20" in succeed("show", project.path, ids[4]).stdout


def test_report_counts_bulk_verdicts_apart(project):
    review_all(project)
    said = json.loads(succeed("report", project.path, "--json").stdout)
    assert (said["verdicts"], said["bulk"], said["remarks"]) == (
        {"keep": 1, "skip": 1}, {"flip": 5}, {"flag": 1, "note": 2},
    )  # fmt: skip
    shown = succeed("report", project.path).stdout
    assert "verdicts   1 keep, 1 skip; 0% of 1 read were flipped\nin bulk    5 flip; nobody read these" in shown
    assert "remarks    1 flag, 2 notes" in shown


def test_exports_apply_bulk_verdicts_and_changes_carry_notes(project, tmp_path):
    review_all(project)
    succeed("export", project.path, "-o", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sum(row["chosen"][-1]["content"].startswith("Bad") for row in rows) == 5
    succeed("export", project.path, "-o", tmp_path / "patch.jsonl", "--format", "patch")
    said = [json.loads(line) for line in (tmp_path / "patch.jsonl").read_text().splitlines()]
    assert [one["source"]["row"] for one in said] == [4, 6, 8, 10, 12]
    assert [(one["verdicts"][0]["note"], one["verdicts"][0]["bulk"]) for one in said] == [
        ("\x1b]0;swapped", True), *[("", True)] * 4,
    ]  # fmt: skip
