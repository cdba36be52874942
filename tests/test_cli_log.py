"""What `prefmap log` and `prefmap doctor` say, line by line."""

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from engine.errors import FilterError
from engine.records import Labelled
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verdicts.acts import read_since

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)


def prefmap(*words):
    command = [sys.executable, "-m", "engine", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def reviewed(make_project):
    """A project in which kim and bo did one thing of each kind, in turn, a minute apart."""
    project = make_project([{"prompt": f"q{n}", "chosen": "a", "rejected": "b"} for n in range(5)])
    samples = list(SourceReader(project))
    one = samples[0]
    ids = [response.response_id for response in one.responses]
    minutes = iter(range(60))

    def now() -> datetime:
        return datetime(2026, 5, 31, 10, next(minutes), tzinfo=UTC)

    with closing(Review(project, "kim", now=now)) as kim, closing(Review(project, "bo", now=now)) as bo:
        seen = {"mode": "blind", "shown": ids[::-1], "seen": [], "rank": 3, "map": "01234567"}
        kim.give(one, "flip", seconds=17.2, **seen)
        bo.give(one, "keep", mode="sighted", shown=ids, seen=["label", "scores"], served="control")
        bo.note(one.sample_id, "odd\nprompt")
        rest = [
            Labelled(each.sample_id, *(response.response_id for response in each.responses)) for each in samples[1:]
        ]
        kim.give_all(rest, "drop", where="len>2")
        kim.undo()
    return project


LINES = """\
2026-05-31 10:00:00  kim  flip          {id}  [1] over [2] as shown  17.2 s  blind  saw the texts alone  rank 3{map}
2026-05-31 10:01:00  bo   keep          {id}  [1] over [2] as shown  sighted  saw label, scores  served as control
2026-05-31 10:02:00  bo   note          {id}  "odd prompt"
2026-05-31 10:03:00  kim  drop in bulk  4 samples  bulk  where len>2
2026-05-31 10:04:00  kim  undo          {other}
"""


def test_log_tells_who_did_what_and_when_and_what_was_shown(reviewed):
    one, other = [sample.sample_id[:8] for sample in SourceReader(reviewed)][:2]
    lines = LINES.format(id=one, other=other, map="  map 01234567").splitlines(keepends=True)
    assert prefmap("log", reviewed.path).stdout == "".join(lines)
    assert prefmap("log", reviewed.path, "--reviewer", "bo").stdout == "".join(lines[1:3]).replace("bo ", "bo")
    assert prefmap("log", reviewed.path, "--sample", one).stdout == "".join(lines[:3])
    assert prefmap("log", reviewed.path, "--since", "2026-05-31T10:03").stdout == "".join(lines[3:])


def test_log_gives_the_lines_whole_as_json(reviewed):
    acts = json.loads(prefmap("log", reviewed.path, "--json").stdout)["acts"]
    assert [(act["line"], act["kind"]) for act in acts[:3]] == [(1, "verdict"), (1, "verdict"), (2, "note")]
    assert len(acts) == 3 + 4 + 1
    (log,) = reviewed.reviews.glob("bo.*.jsonl")
    assert {key: value for key, value in acts[2].items() if key not in ("log", "line")} == json.loads(
        log.read_text().splitlines()[1]
    )


def test_log_of_a_broken_chain_says_so(reviewed):
    (log,) = reviewed.reviews.glob("bo.*.jsonl")
    log.write_text(log.read_text().replace("sighted", "blind") + '{"half')
    done = prefmap("log", reviewed.path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)
    assert f"mind: the chain of {log} breaks at line 2" in done.stderr
    assert f"mind: {log} ends in half a line" in done.stderr


def test_log_says_when_nothing_fits(reviewed):
    done = prefmap("log", reviewed.path, "--reviewer", "nobody")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No act fits. Reviewers here: bo, kim.\n")
    for log in reviewed.review_logs():
        log.unlink()
    assert prefmap("log", reviewed.path).stderr == f"Nobody has reviewed {reviewed.path} yet.\n"


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30m", datetime(2026, 5, 31, 11, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 5, 31, 10, tzinfo=UTC)),
        ("1d", datetime(2026, 5, 30, 12, tzinfo=UTC)),
        ("1w", datetime(2026, 5, 24, 12, tzinfo=UTC)),
        ("2026-05-30", datetime(2026, 5, 30, tzinfo=UTC)),
        ("2026-05-30T14:00+02:00", datetime(2026, 5, 30, 12, tzinfo=UTC)),
    ],
)
def test_since_takes_times_and_spans(text, since):
    assert read_since(text, NOW) == since


@pytest.mark.parametrize("text", ["", "yesterday", "3", "99999999999w", "2026-13-01"])
def test_since_refuses_what_is_no_time(text):
    with pytest.raises(FilterError, match="--since is"):
        read_since(text, NOW)


def test_doctor_is_exit_0_when_nothing_is_wrong_and_1_when_something_is(reviewed):
    done = prefmap("doctor", reviewed.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{reviewed.path}: nothing found.\n")
    (log,) = reviewed.reviews.glob("bo.*.jsonl")
    log.write_bytes(log.read_bytes()[:-5])
    before = {path: path.read_bytes() for path in reviewed.path.rglob("*") if path.is_file()}
    done = prefmap("doctor", reviewed.path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"wrong  torn line: {log} ends in half a line (")
    assert done.stderr == f"{reviewed.path}: 1 wrong, 0 to know.\n"
    said = json.loads(prefmap("doctor", reviewed.path, "--json").stdout)
    assert (said["wrong"], [one["kind"] for one in said["findings"]]) == (1, ["torn line"])
    assert {path: path.read_bytes() for path in reviewed.path.rglob("*") if path.is_file()} == before


def test_doctor_of_nothing_is_one_sentence(tmp_path):
    done = prefmap("doctor", tmp_path / "no.prefmap")
    assert (done.returncode, done.stderr.startswith("prefmap: There is no project ")) == (1, True)
