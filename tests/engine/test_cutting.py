"""Maps cut where another project's map is cut."""

import numpy as np
import pytest

from engine.errors import ConfigError
from engine.map_writer import read_table_rows
from engine.mapping import build_map
from engine.sources import SourceReader


def make(import_rows, log_scores, count, shift, scorers=("one", "two")):
    """Pairs whose scores lie higher by a shift."""
    project = import_rows([{"prompt": f"{shift} {n}?", "chosen": "Good", "rejected": "Bad"} for n in range(count)])
    ids = [one.response_id for sample in SourceReader(project) for one in sample.responses]
    for place, name in enumerate(scorers):
        scores = np.random.default_rng([count, place]).random(len(ids)) * (place + 1) + shift
        log_scores(project, name, dict(zip(ids, scores.tolist(), strict=True)))
    return project


def regions(project, scorer):
    found = [row["region"] for row in read_table_rows(project.map, "point") if row["scorer"] == scorer]
    return {name: found.count(name) for name in set(found)}


def cuts(project, scorer):
    return [row for row in read_table_rows(project.map, "cut") if row["scorer"] == scorer]


def test_data_with_better_answers_lies_above_the_frozen_cut(import_rows, log_scores):
    first, second = (make(import_rows, log_scores, 90, shift) for shift in (0, 0.4))
    build_map(first)
    mapped = build_map(second, cuts_from=first)
    assert mapped.own_cuts == []
    for scorer in ("one", "two", "ensemble"):
        before, after = regions(first, scorer), regions(second, scorer)
        assert before == {"high_average": 30, "high_variance": 30, "low_average": 30}
        assert after["high_variance"] == 30, "the same spread, whatever the level"
        assert after["high_average"] > 40, scorer
        assert [cut["value"] for cut in cuts(second, scorer)] == [cut["value"] for cut in cuts(first, scorer)]
    rules = [(cut["rule"], cut["ties"], cut["samples"]) for cut in cuts(second, "one")]
    assert rules[1] == (
        "high_average: the upper half by quality of the low-variability part; frozen, from pairs.prefmap",
        "what ties lies above", 60,
    )  # fmt: skip
    build_map(second)
    assert regions(second, "one") == {"high_average": 30, "high_variance": 30, "low_average": 30}


def test_the_cuts_of_a_project_leave_its_own_regions_as_they_are(import_rows, log_scores):
    project = make(import_rows, log_scores, 50, 0)
    build_map(project)
    before = {scorer: regions(project, scorer) for scorer in ("one", "two", "ensemble")}
    build_map(project, cuts_from=project)
    assert {scorer: regions(project, scorer) for scorer in before} == before


def test_what_the_other_project_did_not_score_is_cut_where_it_lies_and_told(import_rows, log_scores):
    first = make(import_rows, log_scores, 30, 0)
    second = make(import_rows, log_scores, 30, 5, scorers=("one", "three"))
    build_map(first)
    assert build_map(second, cuts_from=first).own_cuts == ["three", "ensemble"]
    assert regions(second, "three") == {"high_average": 10, "high_variance": 10, "low_average": 10}
    assert regions(second, "one").get("low_average") is None


def test_projects_that_share_no_scorer_share_no_cuts(import_rows, log_scores):
    first = make(import_rows, log_scores, 9, 0)
    second = make(import_rows, log_scores, 9, 0, scorers=("three",))
    build_map(first)
    with pytest.raises(ConfigError) as refused:
        build_map(second, cuts_from=first)
    assert str(refused.value) == (
        "pairs.prefmap has cuts for ensemble, one, two, and none of these has scores here. "
        "Score both with the same scorer."
    )


def test_a_project_without_scores_has_no_cuts(import_rows, log_scores):
    first = make(import_rows, log_scores, 9, 0, scorers=())
    build_map(first)
    with pytest.raises(ConfigError, match=r"has no cuts: no sample of it has a score\. Run: prefmap score$"):
        build_map(make(import_rows, log_scores, 9, 1), cuts_from=first)
