"""Exports by policies on small maps: whose map, what verdicts change, which pairs, which controls."""

import json
from collections import Counter
from contextlib import closing
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExportRefusedError
from engine.exporting import export, export_with_controls
from engine.exports.composing import compose
from engine.exports.manifests import CONSENSUS, ExportPlan
from engine.exports.pairing import PAIR_RULES, list_pairs
from engine.exports.surveying import Survey
from engine.mapping import build_map
from engine.records import Message, Sample
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verifying import verify

RATINGS = [
    [2, 5, 1, 4],
    [3, 3, 3, 3],
    [4, 4, 2, 2],
    [1, 2, 3, 4],
    [5, 1, 1, 1],
    [2, 3, 2, 3],
    [1, 1, 2, 5],
    [4, 3, 2, 1],
]


def rated_row(n: int, ratings: list[int], **more: object) -> dict:
    completions = [
        {"response": f"R{place}" if rating else "", "annotations": {"helpfulness": {"Rating": str(rating)}}}
        for place, rating in enumerate(ratings)
    ]
    return {"instruction": f"Question {n}", "completions": completions, **more}


def pair_row(n: int, **more: object) -> dict:
    return {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", **more}


def score_all(project, log_scores, name: str, values, **options: object) -> None:
    """Log a score of each response, by its sample and place."""
    found = {
        one.response_id: values(n, place)
        for n, sample in enumerate(SourceReader(project))
        for place, one in enumerate(sample.responses)
    }
    log_scores(project, name, found, **options)


@pytest.fixture
def rated(import_rows, log_scores):
    """Eight samples of four responses; the map has scores that the ratings know nothing of."""
    project = import_rows([rated_row(n, ratings) for n, ratings in enumerate(RATINGS)])
    score_all(project, log_scores, "judge", lambda n, place: (n * 7 + place * 5) % 11 / 11)
    build_map(project)
    return project


def read_rows(output) -> list[dict]:
    return [json.loads(line) for line in output.read_text().splitlines()]


def answers(output) -> list[tuple[str, str, str]]:
    return [tuple(row[name][0]["content"] for name in ("prompt", "chosen", "rejected")) for row in read_rows(output)]


def prompts(output) -> list[int]:
    return [int(row["prompt"][0]["content"].strip("?").rpartition(" ")[2]) for row in read_rows(output)]


def plan_of(done) -> dict:
    return json.loads(done.manifest.read_text())["plan"]


# Pairs of more than two responses


def test_all_strict_pairs_are_those_of_unequal_ratings(rated, tmp_path):
    done = export(rated, tmp_path / "o.jsonl", ExportPlan(pairs="all-strict"))
    expected = {
        (f"Question {n}", f"R{one}", f"R{other}")
        for n, ratings in enumerate(RATINGS)
        for one in range(4)
        for other in range(4)
        if ratings[one] > ratings[other]
    }
    assert len(answers(done.output)) == len(expected) == done.rows
    assert set(answers(done.output)) == expected
    assert (done.kept, done.dropped) == (7, {"tie": 1})
    assert verify(done.output).rows == done.rows


def test_best_random_draws_one_of_the_lower_by_seed_and_content(rated, import_rows, tmp_path):
    found = [
        answers(export(rated, tmp_path / f"{seed}.jsonl", ExportPlan(pairs="best-random", seed=seed)).output)
        for seed in range(12)
    ]
    best = {f"Question {n}": f"R{ratings.index(max(ratings))}" for n, ratings in enumerate(RATINGS)}
    assert all(better == best[prompt] for rows in found for prompt, better, _ in rows)
    drawn = {prompt: {row[2] for rows in found for row in rows if row[0] == prompt} for prompt in best}
    assert drawn["Question 3"] == {"R0", "R1", "R2"}
    assert drawn["Question 2"] == {"R2", "R3"}
    assert drawn["Question 1"] == set()
    turned = import_rows([rated_row(n, ratings) for n, ratings in enumerate(RATINGS)][::-1])
    again = answers(export(turned, tmp_path / "turned.jsonl", ExportPlan(pairs="best-random", seed=3)).output)
    assert sorted(again) == sorted(found[3])


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_a_changed_label_gives_the_pair_of_the_reviewer_and_no_other(rated, tmp_path, rule):
    samples = list(SourceReader(rated))
    with closing(Review(rated, "kim")) as review:
        review.give(samples[0], "flip", preferred=3, rejected=0)
        review.give(samples[1], "flip", preferred=0, rejected=1)
        review.give(samples[3], "keep")
        review.give(samples[4], "drop")
    rows = answers(export(rated, tmp_path / "o.jsonl", ExportPlan(pairs=rule)).output)
    assert [row[1:] for row in rows if row[0] == "Question 0"] == [("R3", "R0")]
    assert [row[1:] for row in rows if row[0] == "Question 1"] == [("R0", "R1")]
    assert len([row for row in rows if row[0] == "Question 3"]) == (6 if rule == "all-strict" else 1)
    assert [row for row in rows if row[0] == "Question 4"] == []


def test_pairs_with_an_empty_response_are_counted_one_by_one(import_rows, tmp_path):
    project = import_rows([rated_row(0, [3, 0, 1, 2])])
    done = export(project, tmp_path / "o.jsonl", ExportPlan(pairs="all-strict"))
    assert (done.kept, done.rows, done.rows_left_out) == (1, 3, {"empty response": 3})
    done = export(project, tmp_path / "one.jsonl", ExportPlan())
    assert (done.kept, done.rows, done.rows_left_out, done.dropped) == (0, 0, {}, {"empty response": 1})


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.integers(0, 5))
def test_every_rule_gives_pairs_that_the_labels_say(labels, seed):
    texts = [f"text {n}" for n in range(len(labels))]
    sample = Sample.of(prompt=[Message("user", "q")], texts=texts, labels=[float(one) for one in labels])
    if sample.pair is None:
        return
    found = {rule: list_pairs(sample, sample.pair, changed=False, rule=rule, seed=seed) for rule in PAIR_RULES}
    assert found["best-worst"] == [sample.pair]
    assert set(found["best-random"]) <= set(found["all-strict"])
    assert len(found["best-random"]) == 1
    assert all(labels[pair.chosen] > labels[pair.rejected] for pairs in found.values() for pair in pairs)
    unequal = sum(labels[one] != labels[other] for one, other in combinations(range(len(labels)), 2))
    assert len(set(found["all-strict"])) == len(found["all-strict"]) == unequal


# Whose map


@pytest.fixture
def judged_twice(import_rows, log_scores):
    """Twelve pairs and two judges: the one rates later samples higher, the other earlier ones; and a fitted scorer."""
    project = import_rows([pair_row(n) for n in range(12)])
    score_all(project, log_scores, "first", lambda n, place: n / 20 + place / 1000)
    score_all(project, log_scores, "second", lambda n, place: 30 - 2 * n + place)
    score_all(project, log_scores, "mine", lambda n, _: n, kind="crossfit")
    build_map(project)
    return project


@pytest.mark.parametrize(
    ("scorer", "named", "expected"),
    [
        ("first", "first", [8, 9, 10, 11]),
        ("sec", "second", [0, 1, 2, 3]),
        ("mine", "mine", [8, 9, 10, 11]),
    ],
)
def test_a_policy_goes_by_the_map_that_is_named(judged_twice, tmp_path, scorer, named, expected):
    done = export(judged_twice, tmp_path / "o.jsonl", ExportPlan(policy="quality", map_scorer=scorer))
    assert prompts(done.output) == expected
    assert plan_of(done)["map_scorer"] == named
    assert {cut["scorer"] for cut in json.loads(done.manifest.read_text())["cuts"]} == {named}
    assert done.is_by_fitted_scorer == (named == "mine")


def test_without_a_name_it_is_that_of_the_map_scorer(judged_twice, tmp_path):
    done = export(judged_twice, tmp_path / "o.jsonl", ExportPlan(policy="quality"))
    assert plan_of(done)["map_scorer"] == "ensemble"
    assert not done.is_by_fitted_scorer


def test_a_consensus_leaves_out_what_was_fitted_on_the_labels(judged_twice, tmp_path):
    done = export(judged_twice, tmp_path / "o.jsonl", ExportPlan(policy="quality", map_scorer=CONSENSUS))
    manifest = json.loads(done.manifest.read_text())
    assert manifest["plan"]["map_scorer"] == CONSENSUS
    assert {cut["scorer"] for cut in manifest["cuts"]} == {"first", "second", "mine", "ensemble"}
    assert (done.rows, done.is_by_fitted_scorer) == (4, False)
    (log,) = judged_twice.scores.glob("second.jsonl")
    log.unlink()
    build_map(judged_twice)
    with pytest.raises(ExportRefusedError) as refused:
        export(judged_twice, tmp_path / "p.jsonl", ExportPlan(policy="quality", map_scorer=CONSENSUS))
    assert str(refused.value) == (
        "A consensus needs two scorers that were not fitted on the labels, and there is one. Run: prefmap score"
    )


def test_an_unknown_map_is_refused(judged_twice, tmp_path):
    with pytest.raises(ExportRefusedError) as refused:
        export(judged_twice, tmp_path / "o.jsonl", ExportPlan(policy="adm", map_scorer="third"))
    assert str(refused.value).startswith("No map is called 'third': there are ")
    assert str(refused.value).endswith("consensus.")


# After the verdicts


def test_after_verdicts_a_flip_has_the_margin_of_its_new_pair(import_rows, log_scores, tmp_path):
    project = import_rows([pair_row(n) for n in range(9)])
    score_all(project, log_scores, "judge", lambda n, place: (n - 4) * (1 - 2 * place))
    build_map(project)
    samples = list(SourceReader(project))
    with closing(Review(project, "kim")) as review:
        review.give(samples[0], "flip")
        review.give(samples[8], "drop")
        review.give(samples[7], "tie")
    found = {
        after: export(project, tmp_path / f"{after}.jsonl", ExportPlan(policy="large_margin", after_verdicts=after))
        for after in (False, True)
    }
    assert (prompts(found[False].output), found[False].dropped) == (
        [6],
        {"dropped by verdict": 1, "not selected by policy large_margin": 6, "tie by verdict": 1},
    )
    assert (prompts(found[True].output), found[True].dropped) == (
        [0, 5, 6],
        {"not selected by policy large_margin": 4, "taken out by a verdict before the selection": 2},
    )
    assert answers(found[True].output)[0][1:] == ("Bad 0.", "Good 0.")
    assert found[True].changed == 1


@pytest.mark.parametrize("scorer", ["ensemble", CONSENSUS, "one"])
def test_verdicts_that_change_nothing_change_no_selection(import_rows, log_scores, tmp_path, scorer):
    project = import_rows([rated_row(n, RATINGS[n % 8]) for n in range(24)])
    score_all(project, log_scores, "one", lambda n, place: (n * 7 + place * 5) % 11 / 11)
    score_all(project, log_scores, "two", lambda n, place: (n * 3 + place * 8) % 13)
    build_map(project)
    samples = list(SourceReader(project))
    with closing(Review(project, "kim")) as review:
        review.give(samples[0], "keep")
        review.give(samples[1], "skip")
    before, after = (
        export(
            project,
            tmp_path / f"{is_after}.jsonl",
            ExportPlan(policy="large_margin", map_scorer=scorer, after_verdicts=is_after),
        )
        for is_after in (False, True)
    )
    assert before.output.read_bytes() == after.output.read_bytes()


def test_the_margin_of_the_reviewers_pair_is_in_the_unit_of_the_map(import_rows, log_scores, tmp_path):
    """Labels the wrong way round, all flipped, are selected as those that were right from the start."""
    rows = [rated_row(n, [1 + (n + place) % 4 for place in range(4)]) for n in range(16)]
    project = import_rows(rows)
    score_all(project, log_scores, "one", lambda n, place: (n * 7 + place * 5) % 11 / 11)
    score_all(project, log_scores, "two", lambda n, place: (n * 3 + place * 8) % 13)
    build_map(project)
    flipped = import_rows([
        rated_row(n, [5 - (1 + (n + place) % 4) for place in range(4)]) for n in range(16)
    ])  # fmt: skip
    score_all(flipped, log_scores, "one", lambda n, place: (n * 7 + place * 5) % 11 / 11)
    score_all(flipped, log_scores, "two", lambda n, place: (n * 3 + place * 8) % 13)
    build_map(flipped)
    with closing(Review(flipped, "kim")) as review:
        for sample in SourceReader(flipped):
            review.give(sample, "flip")
    plan = ExportPlan(policy="large_margin", after_verdicts=True, fraction=0.5)
    one, other = (export(each, tmp_path / f"{n}.jsonl", plan) for n, each in enumerate((project, flipped)))
    assert answers(one.output) == answers(other.output)


# Controls


@pytest.mark.parametrize("rule", ["best-worst", "all-strict"])
def test_controls_have_as_many_samples_and_pairs(import_rows, log_scores, tmp_path, rule):
    project = import_rows([rated_row(n, RATINGS[n % 8]) for n in range(48)])
    score_all(project, log_scores, "judge", lambda n, place: (n * 7 + place * 5) % 47 / 47)
    build_map(project)
    plan = ExportPlan(policy="adm", pairs=rule)
    subset, *controls = export_with_controls(project, tmp_path / "o.jsonl", plan, 3)
    assert [one.output.name for one in controls] == [f"o.control-{n}.jsonl" for n in (1, 2, 3)]
    reason = "not selected by policy"
    for control in controls:
        assert (control.rows, control.kept) == (subset.rows, subset.kept)
        assert control.dropped[f"{reason} random_pairs"] == subset.dropped[f"{reason} adm"]
        assert Counter(Counter(prompts(control.output)).values()) == Counter(Counter(prompts(subset.output)).values())
        assert verify(control.output).rows == control.rows
    assert len({one.output.read_bytes() for one in (subset, *controls)}) == 4
    alone = ExportPlan(policy="random_pairs", match="adm", pairs=rule, seed=43)
    assert export(project, tmp_path / "alone.jsonl", alone).output.read_bytes() == controls[0].output.read_bytes()


def test_controls_hold_out_the_same_prompts(import_rows, log_scores, tmp_path):
    project = import_rows([pair_row(n) for n in range(90)])
    score_all(project, log_scores, "judge", lambda n, place: (n * 7 + place * 5) % 47 / 47)
    build_map(project)
    subset, *controls = export_with_controls(project, tmp_path / "o.jsonl", ExportPlan(policy="adm", holdout=0.3), 2)
    trained = {n for one in (subset, *controls) for n in prompts(one.output)}
    held_out = {n for one in (subset, *controls) for n in prompts(one.held_out.output)}
    assert trained & held_out == set()
    assert len(trained) > 40


def test_no_control_is_written_where_one_of_them_exists(rated, tmp_path):
    (tmp_path / "o.control-2.jsonl").write_text("")
    with pytest.raises(ExportRefusedError, match=r"o\.control-2\.jsonl exists\."):
        export_with_controls(rated, tmp_path / "o.jsonl", ExportPlan(policy="adm"), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["o.control-2.jsonl"]


def test_a_stratified_control_has_as_many_of_each_source(import_rows, log_scores, tmp_path):
    project = import_rows([pair_row(n, source="ab"[n % 3 == 0]) for n in range(60)])
    score_all(project, log_scores, "judge", lambda n, place: (n % 3 == 0) * 5 + (n * 7 + place) % 11 / 11)
    build_map(project)
    wanted, drawn = (
        export(project, tmp_path / f"{policy}.jsonl", ExportPlan(policy=policy))
        for policy in ("adm", "random_stratified")
    )
    sources = [Counter(n % 3 == 0 for n in prompts(one.output)) for one in (wanted, drawn)]
    assert sources[0] == sources[1]
    assert [trait.partition(" ")[0] for trait in wanted.confounded] == ["source"]
    assert drawn.confounded == []


# Composition


def survey_of(count: int, **given: object) -> Survey:
    ones = np.ones(count, dtype=np.int64)
    alike = Survey(ones, ones, ones, np.full(count, "", dtype=object), ones, ones, ones == 0, {})
    return alike._replace(**given)


def test_a_composition_counts_what_is_selected_of_each_group():
    source = np.array(["a"] * 60 + ["b"] * 40, dtype=object)
    selected = np.arange(100) % 2 == 0
    selected[60:] = False
    (trait,) = compose(survey_of(100, source=source), selected)
    assert [tuple(group) for group in trait.groups] == [("a", 30, 60), ("b", 0, 40)]
    assert trait.cramers_v == pytest.approx(np.sqrt((30 * 40) ** 2 / (60 * 40 * 30 * 70)))
    assert (trait.is_confounded, str(trait)) == (
        True, "source (Cramer's V 0.53): a is 100% of it and 60% of all",
    )  # fmt: skip


def test_what_is_drawn_evenly_is_not_called_confounded():
    chance = np.random.default_rng(0)
    found = []
    for _ in range(200):
        seen = survey_of(
            300,
            source=chance.choice(["a", "b", "c"], 300).astype(object),
            length=chance.integers(0, 400, 300),
            turns=chance.integers(1, 6, 300),
            repeated=chance.random(300) < 0.2,
        )
        traits = compose(seen, chance.random(300) < 1 / 3)
        assert [trait.name for trait in traits] == ["source", "length", "turns", "duplicates"]
        found += [trait.is_confounded for trait in traits]
    assert sum(found) <= 0.02 * len(found)


def test_thirds_by_length_keep_equal_lengths_together():
    seen = survey_of(6, length=np.array([5, 1, 5, 9, 1, 7]), source=np.array(list("aabbab"), dtype=object))
    assert seen.third.tolist() == [1, 0, 1, 2, 0, 2]
    assert seen.stratum.tolist() == [1, 0, 4, 5, 0, 5]


def test_many_sources_are_listed_by_size_and_the_rest_together():
    source = np.array([f"s{n:02}" for n in range(30) for _ in range(40 - n)], dtype=object)
    (trait,) = compose(survey_of(len(source), source=source), np.arange(len(source)) % 3 == 0)
    assert [group.name for group in trait.groups[:2]] == ["s00", "s01"]
    assert (len(trait.groups), trait.groups[-1].name) == (20, "(others)")
    assert sum(group.samples for group in trait.groups) == len(source)


def test_the_manifest_has_means_and_composition_of_what_is_selected(rated, tmp_path):
    found = {}
    for policy in ("adm", "random", "all"):
        done = export(rated, tmp_path / f"{policy}.jsonl", ExportPlan(policy=policy))
        found[policy] = json.loads(done.manifest.read_text())["selection"]
    assert all(list(one["means"]) == ["quality", "variability", "margin", "suspicion"] for one in found.values())
    assert found["adm"]["means"]["quality"] > found["all"]["means"]["quality"]
    assert "composition" not in found["all"]
