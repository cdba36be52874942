"""The experiment: a language whose rewards can be counted, a table that says no more than the seeds show, and a run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from experiment_table import CLAIMS, Claim, Mean, compare, find_mean, judge, tabulate, write_report
from toy_language import RESPONSES, draw_prompts, draw_tasks, measure_reward
from toy_study import Result

from engine.formats.ultrafeedback import UltraFeedback

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "experiment.py"


@pytest.mark.parametrize(
    ("response", "reward"),
    [
        ("a b c d e f", 1.0),
        ("a b c", 0.5),
        ("f e d c b a", 0.0),
        ("a b d c e f", 4 / 5),
        ("a a b c d e f", 5 / 6 * 6 / 7),
        ("a b c d e f p", 6 / 7),
        ("a", 0.0),
        ("", 0.0),
    ],
)
def test_the_true_reward_counts_what_is_named_ordered_and_wasted(response, reward):
    assert measure_reward("sort c a b f e d", response) == pytest.approx(reward)


def test_tasks_are_the_same_for_a_seed_and_their_ratings_follow_the_truth_but_for_noise_and_flips():
    made = [draw_tasks(draw_prompts(400, random), random, 0.1) for random in map(np.random.default_rng, (3, 3))]
    assert made[0] == made[1]
    assert all(len(set(task.responses)) == RESPONSES for task in made[0])
    flipped = [task.is_flipped for task in made[0]]
    assert 0.06 < np.mean(flipped) < 0.14
    right = np.array([is_right(task) for task in made[0]])
    assert right[~np.array(flipped)].mean() > 0.95
    assert right[flipped].mean() < 0.1


def is_right(task) -> bool:
    best, worst = (task.ratings.index(pick(task.ratings)) for pick in (max, min))
    return task.rewards[best] >= task.rewards[worst]


def test_a_task_is_a_row_that_prefmap_reads():
    random = np.random.default_rng(0)
    (task,) = draw_tasks(draw_prompts(1, random), random, 0)
    assert UltraFeedback().looks_like(task.row())
    sample = UltraFeedback().to_sample(task.row())
    assert tuple(one.text for one in sample.responses) == task.responses
    assert tuple(one.label for one in sample.responses) == task.ratings


def test_held_out_prompts_are_in_no_split():
    random = np.random.default_rng(0)
    prompts = draw_prompts(500, random)
    others = draw_prompts(100, random, frozenset(prompts))
    assert len({*prompts, *others}) == 600


def result(seed: int, arm: str, reward: float) -> Result:
    return Result(seed, arm, 10, 0.1, 0.7, 0.4, reward, 0.5, 1.0)


def test_the_random_arms_of_a_seed_are_one_and_differences_are_within_a_seed():
    rows = [("random 1", 0.2), ("random 2", 0.4), ("random, corrected", 0.9), ("full", 0.5)]
    results = [result(seed, arm, reward + seed) for seed in range(3) for arm, reward in rows]
    table = tabulate(results, lambda one: one.reward)
    assert table["random"] == pytest.approx({0: 0.3, 1: 1.3, 2: 2.3})
    assert list(table) == ["random", "random, corrected", "full"]
    assert compare(table, "full", "random") == pytest.approx((0.2, 0.2, 0.2, 3))
    assert compare(table, "full", "nothing") is None


def test_the_interval_is_that_of_students_t():
    assert find_mean([1.0, 2.0, 3.0, 4.0]) == pytest.approx((2.5, 0.445739743239121, 4.554260256760879, 4))


@pytest.mark.parametrize(
    ("interval", "better", "equal"),
    [
        ((0.02, 0.001, 0.04), "holds", "holds"),
        ((0.0, -0.005, 0.005), "is not shown", "holds"),
        ((0.0, -0.02, 0.02), "is not shown", "is not shown"),
        ((-0.03, -0.05, -0.011), "does not hold", "does not hold"),
        ((-0.03, -0.05, -0.005), "does not hold", "is not shown"),
        ((0.5, np.nan, np.nan), "one seed decides nothing", "one seed decides nothing"),
    ],
)
def test_a_claim_holds_only_where_the_whole_interval_says_so(interval, better, equal):
    difference = Mean(*interval, seeds=5)
    assert judge(Claim("", "a", "b"), difference) == better
    assert judge(Claim("", "a", "b", is_equality=True), difference) == equal


def test_the_report_of_nothing_says_so():
    assert write_report([]) == "There is no result yet."


@pytest.mark.train
def test_the_small_experiment_runs_every_arm_and_goes_on_where_it_was(tmp_path):
    command = [sys.executable, SCRIPT, "--size", "smoke", "--seeds", "1", "--output", tmp_path]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    log = tmp_path / "seed-0" / "results.jsonl"
    lines = log.read_text().splitlines()
    assert len(lines) == 15
    for claim in CLAIMS:
        assert f"one seed decides nothing: {claim.text}" in first.stdout
    assert "Before DPO the true reward is 0." in first.stdout
    log.write_text("\n".join(lines[:-1]) + "\n")
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.count("seed 0, ") == 1
    before, after = (json.loads(said) for said in (lines[-1], log.read_text().splitlines()[-1]))
    assert {**after, "seconds": 0} == {**before, "seconds": 0}
    refused = subprocess.run([*command[:3], "full", *command[4:], "--table"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.endswith("was made with other settings. Give another --output, or remove that folder.\n")
