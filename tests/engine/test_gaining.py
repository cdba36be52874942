"""What goes with the gain of training: against scipy, and against chance."""

import json
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, permutation_test, spearmanr

from engine.errors import GainRefusedError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.gaining import measure_gain
from engine.linking import adjust, link_all, permute
from engine.mapping import build_map
from engine.sources import SourceReader
from engine.store import Store


def draw(count: int, strength: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two columns with ties that go with each other so much."""
    random = np.random.default_rng([count, seed])
    values = random.normal(size=count)
    return values.round(1), (strength * values + random.normal(size=count)).round(1)


# The numbers


@pytest.mark.parametrize(("count", "strength"), [(8, 0), (8, 1), (60, 0.3), (400, 0.2), (400, -1)])
def test_rho_is_that_of_scipy(count, strength):
    values, gain = draw(count, strength)
    (link,) = link_all({"quality": values}, gain, np.arange(count))
    assert link.rho == pytest.approx(spearmanr(values, gain).statistic, abs=1e-12)
    assert link.low < link.rho < link.high
    assert (link.rows, link.p_adjusted) == (count, link.p)


@pytest.mark.parametrize(("count", "strength"), [(8, 0), (8, 1), (30, 0.3), (60, 0.2)])
def test_p_is_that_of_the_permutation_test_of_scipy(count, strength):
    values, gain = draw(count, strength)
    expected = permutation_test(
        (gain,), lambda y: spearmanr(values, y).statistic, permutation_type="pairings", n_resamples=2000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert permute(values, gain) == pytest.approx(expected.pvalue, abs=0.04)


def test_p_is_the_same_each_time_and_never_0():
    values = np.arange(50.0)
    assert permute(values, values) == permute(values, values) == pytest.approx(1 / 2001)
    assert permute(values, -values, permutations=99) == pytest.approx(0.01)


def test_random_gains_have_p_values_of_all_sizes_alike():
    random = np.random.default_rng(5)
    found = [permute(random.normal(size=25), random.normal(size=25), permutations=199) for _ in range(300)]
    assert kstest(found, "uniform").pvalue > 0.01
    assert 0.02 <= np.mean(np.array(found) < 0.05) <= 0.09


def test_the_interval_holds_the_true_link_about_19_times_in_20():
    hits = []
    for seed in range(60):
        values, gain = draw(80, 0, seed)
        (link,) = link_all({"x": values}, gain, np.arange(80))
        hits.append(link.low <= 0 <= link.high)
    assert np.mean(hits) >= 0.85


@pytest.mark.parametrize(
    ("ps", "expected"),
    [
        ([], []),
        ([0.02], [0.02]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.9, 0.8, 0.7], [1, 1, 1]),
    ],
)
def test_several_tests_are_adjusted_after_holm(ps, expected):
    assert adjust(ps) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusting_never_makes_a_p_smaller_or_changes_the_order(ps):
    found = adjust(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, found, strict=True))
    assert [found[at] for at in np.argsort(ps, kind="stable")] == sorted(found)


def test_what_is_constant_or_hardly_known_is_not_compared():
    known = np.array([1.0, 2, 3, 4, np.nan, np.nan])
    columns = {"same": np.ones(6), "few": known, "fine": np.arange(6.0)}
    assert [link.name for link in link_all(columns, np.arange(6.0), np.arange(6))] == ["fine"]
    assert link_all(columns, np.ones(6), np.arange(6)) == []


# Pairs


@pytest.fixture
def mapped(import_rows, log_scores):
    """60 pairs on a map."""
    project = import_rows([
        {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}."} for n in range(60)
    ])  # fmt: skip
    chance = np.random.default_rng(3)
    ids = [one.response_id for sample in SourceReader(project) for one in sample.responses]
    log_scores(project, "judge", dict(zip(ids, chance.random(len(ids)).tolist(), strict=True)))
    build_map(project)
    return project


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def quality_of(project) -> np.ndarray:
    with closing(Store.open(project.map)) as store:
        return store.points().quality


def test_pairs_whose_gain_is_their_quality_are_found_out(mapped, tmp_path):
    ids = [sample.sample_id for sample in SourceReader(mapped)]
    rows = [
        {"sample_id": one, "before": n / 7, "after": n / 7 + value}
        for n, (one, value) in enumerate(zip(ids, quality_of(mapped).tolist(), strict=True))
    ]
    found = measure_gain(write(tmp_path / "margins.jsonl", rows[::-1]), mapped)
    links = {link.name: link for link in found.links}
    assert list(links) == ["quality", "variability", "correlation", "margin", "suspicion"]
    assert (found.kind, found.rows, found.refused) == ("pairs", 60, [])
    assert links["quality"].rho == pytest.approx(1)
    assert links["quality"].p_adjusted == pytest.approx(5 / 2001)
    assert found.verdict.startswith("The gain goes with quality (+1.00) over 60 pairs; no link was found with ")


def test_gains_of_chance_are_called_null_in_one_sentence(mapped, tmp_path):
    chance = np.random.default_rng(8)
    rows = [
        {"sample_id": sample.sample_id, "before": chance.normal(), "after": chance.normal()}
        for sample in SourceReader(mapped)
    ]
    found = measure_gain(write(tmp_path / "margins.jsonl", rows), mapped)
    assert found.verdict.startswith(
        "Null: no link between the gain and quality, variability, correlation, margin and suspicion was found over 60 "
        "pairs; by the intervals a true one may be as strong as 0."
    )
    assert all(link.is_null for link in found.links)


def test_exported_rows_know_their_sample_and_several_of_one_count_once(mapped, tmp_path):
    exported = export(mapped, tmp_path / "o.jsonl", ExportPlan()).output
    rows = [json.loads(line) for line in exported.read_text().splitlines()]
    ids = [sample.sample_id for sample in SourceReader(mapped)]
    twice = [{**row, "before": 0, "after": n % 7 + more} for n, row in enumerate(rows) for more in (-1, 1)]
    once = [{"sample_id": one, "before": 1, "after": 1 + n % 7} for n, one in enumerate(ids)]
    one, other = (measure_gain(write(tmp_path / f"{n}.jsonl", given), mapped) for n, given in enumerate((twice, once)))
    assert one == other
    assert one.rows == 60


def test_rows_that_fit_nothing_are_refused_with_their_reasons(mapped, tmp_path):
    ids = [sample.sample_id for sample in SourceReader(mapped)]
    good = [{"sample_id": one, "before": 0, "after": n % 4} for n, one in enumerate(ids[:9])]
    bad = [
        {"sample_id": "ffff", "before": 0, "after": 1},
        {"sample_id": ids[10], "before": "high", "after": 1},
        {"sample_id": ids[10], "before": None, "after": 1},
        {"before": 0, "after": 1},
        {"prompt": "Question 1?", "chosen": "Good 1.", "rejected": "Bad 2.", "before": 0, "after": 1},
    ]
    found = measure_gain(write(tmp_path / "margins.jsonl", [*bad, *good]), mapped)
    assert found.rows == 9
    assert [(one.row, one.reason) for one in found.refused] == [
        (1, "there is no sample 'ffff'"),
        (2, "before is 'high', not a number"),
        (3, "it has no before"),
        (4, "it has neither sample_id nor prompt, chosen and rejected"),
        (5, "the map has no sample with these two responses"),
    ]


# Subsets


def test_subsets_are_compared_by_their_numbers_and_by_the_means_of_their_exports(mapped, tmp_path):
    for policy in ("adm", "low_average", "high_variance", "quality", "random", "all"):
        export(mapped, tmp_path / f"{policy}.jsonl", ExportPlan(policy=policy))
    means = {
        path.name.partition(".")[0]: json.loads(path.read_text())["selection"]["means"]
        for path in tmp_path.glob("*.manifest.json")
    }
    rows = [
        {"export": f"{policy}.jsonl", "epochs": 3, "samples": n * n, "result": one["quality"] + shift}
        for n, (policy, one) in enumerate(sorted(means.items()))
        for shift in (-0.01, 0.01)
    ]
    found = measure_gain(write(tmp_path / "results.jsonl", rows))
    links = {link.name: link for link in found.links}
    assert (found.kind, found.rows) == ("subsets", 6)
    assert set(links) == {"samples", "quality", "variability", "margin", "suspicion"}
    assert links["quality"].rho == pytest.approx(1)
    assert links["quality"].p < 0.01


def test_a_table_of_commas_will_do(tmp_path):
    lines = ["subset,quality,seed,result", *(f"s{n % 6},{n % 6 / 10},{n},{n % 6 / 5}" for n in range(12))]
    (tmp_path / "results.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = measure_gain(tmp_path / "results.csv")
    assert found.rows == 6
    assert [link.name for link in found.links] == ["quality", "seed"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"quality": 1}], "has neither the columns before and after, nor the column result."),
        ([{"quality": n, "result": n} for n in range(4)], "has 4 of the 5 rows that it takes to tell"),
        ([{"export": "gone.jsonl", "result": 1}], "that it takes to tell a link from chance. Row 1: there is no "),
        ([{"sample_id": "a", "before": 1, "after": 2}], "has a row for each pair, so it takes the project, too: "),
    ],
)  # fmt: skip
def test_results_that_say_nothing_are_one_sentence(tmp_path, rows, said):
    with pytest.raises(GainRefusedError) as refused:
        measure_gain(write(tmp_path / "results.jsonl", rows))
    assert said in str(refused.value)


def test_results_that_do_not_vary_leave_nothing_to_compare(tmp_path):
    found = measure_gain(write(tmp_path / "results.jsonl", [{"quality": n, "result": 1} for n in range(9)]))
    assert (found.links, found.verdict) == (
        [], "Nothing to compare the gain with: no statistic varies over these rows.",
    )  # fmt: skip


def test_the_command_prints_the_links_and_the_sentence(tmp_path):
    rows = [{"subset": f"s{n}", "quality": n, "result": [3, 1, 4, 1, 5, 9, 2][n]} for n in range(7)]
    results = write(tmp_path / "results.jsonl", [*rows, {"quality": 1, "result": "?"}])
    command = [sys.executable, "-m", "engine", "gain", str(results)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    head, link, sentence = done.stdout.splitlines()
    assert head == "7 subsets, mean result +3.5714"
    assert link.startswith("  quality      rho +0.324 (95 % ")
    assert sentence.startswith("Null: no link between the gain and quality was found over 7 subsets; by the ")
    assert done.stderr == "refused: 1 x result is '?', not a number (first: row 8)\n"
    said = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True).stdout)
    assert (said["kind"], said["rows"], said["refused"], said["verdict"]) == ("subsets", 7, 1, sentence)
    assert said["links"]["quality"]["is_null"]
