import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "bench_noise.py"


def bench(*words):
    command = [sys.executable, str(SCRIPT), "--seeds", "2", "--rate", ".1", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_simulated_scorer_finds_what_theory_allows(tmp_path):
    printed = bench("--simulate", ".8", "--json", tmp_path / "found.json")
    (found,) = json.loads((tmp_path / "found.json").read_text()).values()
    suspicion = next(one for one in found["methods"] if one["method"] == "suspicion")
    assert suspicion["mean"]["auroc"] == pytest.approx(0.883, abs=0.01)
    assert suspicion["mean"]["precision_at_5"] == pytest.approx(0.68, abs=0.03)
    assert f"{suspicion['mean']['auroc']:.3f} ({suspicion['sd']['auroc']:.3f})" in printed


def test_the_answers_of_judges_are_scores(tmp_path):
    for name in ("natural", "neighbor"):
        rows = [{"input": f"{name} {n}?", "output_1": f"a {n}", "output_2": f"b {n}", "label": 1} for n in range(40)]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        for judge, wrong in (("good", 10), ("fair", 4)):
            answers = [
                {"results": [{f"swap = {swap}": {"winner": "12"[n % wrong == 0]} for swap in (False, True)}]}
                for n in range(40)
            ]
            (tmp_path / f"judge-{judge}-{name}.json").write_text(json.dumps(answers))
    bench("--llmbar", tmp_path, "--json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert list(found) == ["LLMBar natural", "LLMBar neighbor"]
    means = {one["method"]: one["mean"]["auroc"] for one in found["LLMBar natural"]["methods"]}
    assert means["judge-good-natural"] > means["judge-fair-natural"]
    assert means["suspicion"] > means["judge-good-natural"] - 0.02
