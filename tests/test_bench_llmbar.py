import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench_llmbar import Accuracy, interval, measure, read_answer

from engine.records import Message, Sample

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "bench_llmbar.py"


def answer(*winners):
    first, second = winners
    return {"results": [{"swap = False": {"winner": first}, "swap = True": {"winner": second}}]}


@pytest.mark.parametrize(
    ("winners", "values"),
    [(("1", "1"), [1, 0]), (("1", "2"), [0.5, 0.5]), (("2", None), [0, 1]), ((None, None), [None, None])],
)
def test_the_score_of_an_output_is_the_share_of_orders_that_it_won(winners, values):
    rows = list(read_answer(7, answer(*winners)))
    assert [row["value"] for row in rows] == values
    assert [(row["row"], row["response"]) for row in rows] == [(7, 0), (7, 1)]


def test_a_tie_counts_half_and_what_has_no_score_not_at_all():
    samples = [Sample.of(prompt=[Message("user", str(n))], texts=["good", "bad"], labels=[1.0, 0.0]) for n in range(4)]
    values = [(2, 1), (1, 2), (1, 1), (1, None)]
    scores = {
        response.response_id: value
        for sample, pair in zip(samples, values, strict=True)
        for response, value in zip(sample.responses, pair, strict=True)
        if value is not None
    }
    assert measure(samples, scores) == Accuracy(right=1.5, ties=1, scored=3)


def test_the_interval_is_wilsons():
    assert interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)


def test_the_table_has_each_judge_and_each_scorer(tmp_path):
    rows = [
        {"input": f"Question {n}?", "output_1": "no", "output_2": f"A good answer {n}.", "label": 2} for n in range(40)
    ]
    (tmp_path / "natural.json").write_text(json.dumps(rows))
    judged = [{**row, **answer("2", "2" if n else "1")} for n, row in enumerate(rows)]
    (tmp_path / "judge-some-natural.json").write_text(json.dumps(judged))
    command = [sys.executable, str(SCRIPT), "--folder", str(tmp_path), "--scorer", "crossfit?folds=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    table = {line[:40].strip(): line[40:].split() for line in done.stdout.splitlines()[1:]}
    assert table["judge-some-natural"] == ["98.8%", "89.1%", "-", "99.9%", "1", "40"]
    assert table["longest output"][0] == table["crossfit"][0] == "100.0%"
