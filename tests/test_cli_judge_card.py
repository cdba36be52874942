"""prefmap report --judge, over a log as a judge writes it."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from engine.logs import Log
from engine.mapping import build_map
from engine.project import Project
from engine.sources import SourceReader


def prefmap(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def judged(make_project):
    """60 pairs and a pairwise judge: it prefers the chosen one, but in every 6th pair the one shown first."""
    rows = [{"prompt": f"Question {n}?", "chosen": f"Answer {n}", "rejected": f"No {n}"} for n in range(60)]
    project = make_project(rows)
    header = {"kind": "header", "scorer": "pairwise", "type": "judge", "identity": "j", "fingerprint": ""}
    with Log(project.scores / "pairwise.jsonl") as log:
        log.append(header, *_play(project))
    with Log(project.scores / "twice.jsonl") as log:
        log.append({**header, "scorer": "twice", "identity": "t"}, *_answer_twice(project))
    build_map(project)
    return project


def _play(project: Project) -> Iterator[dict]:
    for n, sample in enumerate(SourceReader(project)):
        one, two = (response.response_id for response in sample.responses)
        for first, second in ((one, two), (two, one)):
            won = 1.0 if n % 6 == 0 else float(first == one)  # every 6th pair: whoever is first
            yield {"response": first, "value": won, "part": f"first:{second}", "parts": 2, "method": "logprobs"}
            yield {"response": second, "value": 1 - won, "part": f"second:{first}", "parts": 2, "method": "logprobs"}


def _answer_twice(project: Project) -> Iterator[dict]:
    for n, sample in enumerate(SourceReader(project)):
        for place, response in enumerate(sample.responses):
            asked = {"response": response.response_id, "part": "depth", "parts": 1, "of": 2}
            if n == 0 and place == 0:
                yield {**asked, "number": 0, "value": None, "reason": "out of range: 12", "final": False}
            for number in range(2):
                yield {**asked, "number": number, "value": 5.0 + n % 3 - place, "method": "samples"}


def test_the_card_is_json_for_scripts(judged):
    said = json.loads(prefmap("report", judged.path, "--judge", "--json").stdout)["judges"]
    assert sorted(said) == ["pairwise", "twice"]
    card = said["pairwise"]
    assert (card["position_flips"]["value"], card["position_flips"]["of"]) == (pytest.approx(1 / 6), 60)
    assert card["first_wins"]["value"] == pytest.approx(0.5 + 0.5 / 6)
    assert card["labels"]["value"] == pytest.approx(5 / 6 + 0.5 / 6)
    assert (card["methods"], card["failures"]["value"], card["noise"]) == ({"logprobs": 240}, 0.0, None)
    assert card["others"]["twice"]["pairs"]["value"] == pytest.approx(5 / 6 + 0.5 / 6)
    twice = said["twice"]
    assert (twice["reasons"], twice["unparsed"]["value"]) == ({"out of range": 1}, pytest.approx(1 / 241))
    assert (twice["noise"]["value"], twice["noise"]["of"]) == (0.0, 120)
    assert (twice["labels"]["value"], twice["coverage"]) == (1.0, 1.0)


def test_the_card_fits_a_terminal_and_says_whether_to_trust(judged):
    lines = prefmap("report", judged.path, "--judge", "pairwise").stdout.splitlines()
    assert max(map(len, lines)) < 80
    assert lines[0] == "judge card: pairwise"
    assert lines[1].startswith("  Fit for use: it agrees with the labels on 92% (82% to 96%) of the pairs")
    assert "  position flips          16.7%  [9.3%, 28.0%]  of 60 comparisons" in lines
    assert "  noise of one answer    not measured" in lines


def test_a_scorer_that_is_not_there_is_named_with_those_that_are(judged):
    done = prefmap("report", judged.path, "--judge", "triple")
    assert (done.returncode, done.stderr) == (
        1, "prefmap: No scorer of the map is called 'triple': there are pairwise, twice.\n",
    )  # fmt: skip
