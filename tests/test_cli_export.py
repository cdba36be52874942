"""Export and verify as scripts use them, where an export is more than one file."""

import json
import subprocess
import sys

import pytest


def prefmap(*words, cwd):
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)


def test_two_parts_are_told_and_verified(sample_project, tmp_path):
    done = prefmap(
        "export", sample_project.path, "-o", "t.jsonl", "--holdout", ".1", "--seed", "1", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    held_out = said["held_out"]
    assert (said["output"], held_out["output"]) == ("t.jsonl", "t.heldout.jsonl")
    assert said["kept"] + held_out["kept"] == 400
    assert said["dropped"] == {"held out": held_out["kept"]}
    assert 20 < held_out["kept"] < 60
    lines = done.stderr.splitlines()
    assert f"t.jsonl: {said['kept']} of 400 samples, 0 changed by a verdict." in lines
    assert f"t.heldout.jsonl: {held_out['kept']} of 400 samples, 0 changed by a verdict." in lines
    for part in (said, held_out):
        verified = prefmap("verify", part["output"], cwd=tmp_path)
        assert verified.stderr.splitlines() == [
            f"{part['output']}: {part['rows']} rows, as its manifest says.",
            "  its review logs in pairs.prefmap are those it was made from.",
        ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "1"], "--seed needs something to draw: --policy random, --controls, --holdout or --pairs best-r"),
        (["--seed", "1", "--policy", "adm"], "--seed needs something to draw: --policy random, --controls, --holdout"),
        (["--fraction", ".5", "--holdout", ".1"], "--fraction needs a --policy other than all."),
        (["--after-verdicts"], "--after-verdicts needs a --policy other than all."),
        (["--policy", "random", "--map-scorer", "crossfit"], "--map-scorer needs a --policy that goes by a map."),
        (["--policy", "quality", "--match", "adm"], "--match needs --policy random_pairs or random_stratified."),
        (["--policy", "random", "--controls", "2"], "--controls needs a --policy that goes by a map."),
        (["--format", "same", "--pairs", "all-strict"], "--pairs has no part in original rows: leave it out."),
        (["--policy", "adm", "--controls", "1", "--push", "hf:a/b"], "--push uploads one export: leave out --controls"),
        (["--max-length", "9"], "--max-length needs --tokenizer."),
        (["--public"], "--private and --public need --push."),
    ],
)
def test_an_option_that_counts_for_nothing_is_wrong_usage(sample_project, tmp_path, words, said):
    done = prefmap("export", sample_project.path, "-o", "t.jsonl", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.glob("t.*")) == []


def test_verify_needs_a_tokenizer_for_a_length(tmp_path):
    done = prefmap("verify", "t.jsonl", "--max-length", "9", cwd=tmp_path)
    assert (done.returncode, "--max-length needs --tokenizer." in done.stderr) == (2, True)


@pytest.mark.parametrize("share", ["0", "1", "-1", "nan"])
def test_a_share_that_is_none_is_one_sentence(sample_project, tmp_path, share):
    done = prefmap("export", sample_project.path, "-o", "t.jsonl", "--holdout", share, cwd=tmp_path)
    assert done.returncode == 1
    assert f"prefmap: --holdout is {share}; it must be above 0 and below 1." in done.stderr.splitlines()
    assert list(tmp_path.glob("*t.*")) == []


WITHOUT = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "trl" else find(name, *rest)
from tui.__main__ import main
sys.argv[1:] = ["verify", "t.jsonl", "--tokenizer", "any"]
main()
"""


def test_without_trl_verify_says_what_to_install(sample_project, tmp_path):
    assert prefmap("export", sample_project.path, "-o", "t.jsonl", cwd=tmp_path).returncode == 0
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-3:] == [
        "t.jsonl: 400 rows, as its manifest says.",
        "  its review logs in pairs.prefmap are those it was made from.",
        "prefmap: --tokenizer has TRL itself prepare the rows, and TRL is not installed. "
        "Install it: pip install 'prefmap[train]'",
    ]
