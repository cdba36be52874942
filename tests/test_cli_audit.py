"""What report, export and bench say of a review with controls."""

import json
import subprocess
import sys
from pathlib import Path

from sitting import sit

from engine.exports.cards import write_card
from engine.records import content_of

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "helpful_pairs.jsonl"


def succeed(*words, cwd=None):
    command = [sys.executable, "-m", "tui", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done


def every_fifth(sample, _turn) -> bool:
    return int(content_of(sample.sample_id), 16) % 5 == 0


def test_report_says_what_was_proved(sample_project):
    sit(sample_project, "kim", 250, every_fifth, mode="sighted")
    said = json.loads(succeed("report", sample_project.path, "--json").stdout)
    assert said["yield"].keys() == {"curve", "recent", "ahead", "dry"}
    assert sum(one["reads"] for one in said["yield"]["curve"]) == 225
    assert said["self_agreement"] == {"repeats": 4, "same": 4}
    assert said["controls"]["sighted"] == said["residual_error"]["controls"] == 21
    lines = succeed("report", sample_project.path).stdout.splitlines()
    (curve,) = (line for line in lines if line.startswith("yield      flips in 20 read from the queue"))
    assert len(curve.rpartition(": ")[2].split()) == len(said["yield"]["curve"])
    (controls,) = (line for line in lines if line.startswith("controls   "))
    assert controls.endswith("; 21 were read with the label in view, blind ones say more")
    assert "reviewers  4 of 4 repeats got the same verdict; 2.8% of the verdicts are taken to be wrong" in lines
    (residual,) = (line for line in lines if line.startswith("residual   about "))
    assert f"({said['residual_error']['estimate']:.1%}" not in residual
    assert f"{said['residual_error']['estimate']:.1%} (95 % interval" in residual


def test_report_says_what_is_not_known_yet(sample_project):
    (first,) = json.loads(succeed("queue", sample_project.path, "--limit", "1", "--json").stdout)["samples"]
    succeed("verdict", sample_project.path, first["sample_id"], "flip", "--reviewer", "kim")
    lines = succeed("report", sample_project.path).stdout.splitlines()
    assert lines[-4:] == [
        "yield      flips in 20 read from the queue: 20",
        "           too early to say when to stop: 0 of 30 controls are read",
        "reviewers  no repeats yet; 3.0% of the verdicts are taken to be wrong",
        "residual   unknown until 10 controls are read",
    ]
    said = json.loads(succeed("report", sample_project.path, "--json").stdout)
    assert (said["controls"], said["residual_error"], said["yield"]["dry"]) == (None, None, None)


def test_export_tells_the_residual_error_and_what_robust_dpo_makes_of_it(sample_project, tmp_path):
    sit(sample_project, "kim", 200, every_fifth)
    told = succeed("export", sample_project.path, "-o", "t.jsonl", cwd=tmp_path).stderr.splitlines()
    manifest = json.loads((tmp_path / "t.jsonl.manifest.json").read_text())
    share = manifest["residual_error"]["estimate"]
    advice = f'For robust DPO in TRL that is loss_type="robust", label_smoothing={round(share, 3):g}.'
    assert any(line.startswith("  about ") and "labels are still wrong" in line for line in told)
    assert f"  {advice}" in told
    assert advice in write_card(manifest)
    quiet = succeed("export", sample_project.path, "-o", "k.jsonl", "--format", "kto", cwd=tmp_path).stderr
    assert "still wrong" in quiet
    assert "label_smoothing" not in quiet


def test_bench_simulates_reviews(tmp_path):
    said = json.loads(succeed("bench", "noise", SAMPLE, "--simulate-review", "--seeds", "1", "--json").stdout)
    (run,) = said["runs"]
    assert (said["scorers"], said["reader_error"], run["pairs"], run["planted"]) == (["crossfit"], 0.03, 400, 40)
    for name in ("static", "live"):
        one = run[name]
        assert (one["read"], one["lift"]) == (120, one["found_in_10"] / 4)
        assert 2 <= one["lift"] <= 10
        assert one["left"] >= 40 - one["found"]
        assert one["residual"]["low"] <= one["residual"]["estimate"] <= one["residual"]["high"]
    table = succeed("bench", "noise", SAMPLE, "--simulate-review", "--seeds", "1", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[:3] for line in table[1:]] == [["0", "static", "40"], ["0", "live", "40"]]
    assert list(tmp_path.iterdir()) == []


def test_a_reader_without_a_review_is_wrong_usage():
    command = [sys.executable, "-m", "tui", "bench", "noise", str(SAMPLE), "--reader-error", ".1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--reader-error needs --simulate-review." in done.stderr
