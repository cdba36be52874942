import json
from contextlib import closing

import numpy as np
import pytest

from engine.diagnosing import diagnose
from engine.errors import ConfigError, LogDamagedError, ProjectMissingError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.logs import Log
from engine.map_writer import read_table_rows
from engine.mapping import ENSEMBLE, build_map
from engine.project import Project
from engine.reviewing import Review
from engine.sources import SourceReader, fingerprint
from engine.statistics import average, divide_regions, measure, rank_ids, standardise
from engine.store import Store
from engine.suspicion.noise_model import refit

TABLES = ("meta", "sample", "response", "label", "score", "point", "cut", "suspicion", "verdict")


def pair_rows(count: int, **more: object) -> list[dict]:
    """Rows with two score columns; the scores of every fifth row stand against the label."""
    random = np.random.default_rng(count)
    high, low = random.uniform(0.5, 1, count).round(3).tolist(), random.uniform(0, 0.5, count).round(3).tolist()
    return [
        {
            "prompt": f"Question {n}?", "chosen": f"Good answer {n}.", "rejected": f"Bad answer {n}.",
            "score_chosen": low[n] if n % 5 == 0 else high[n], "score_rejected": high[n] if n % 5 == 0 else low[n],
            "rank_chosen": n % 3, "rank_rejected": n % 4, **more,
        }
        for n in range(count)
    ]  # fmt: skip


def response_ids(project: Project) -> list[str]:
    return [response.response_id for sample in SourceReader(project) for response in sample.responses]


def dump(project: Project) -> dict[str, list[dict]]:
    return {table: list(read_table_rows(project.map, table)) for table in TABLES}


def points(project: Project, scorer: str) -> list[dict]:
    return [row for row in read_table_rows(project.map, "point") if row["scorer"] == scorer]


# The map is a view


def test_a_deleted_map_is_built_again_the_same(make_project, tmp_path):
    project = make_project(pair_rows(40), specs=["column:score", "column:rank"])
    ids = [sample.sample_id for sample in SourceReader(project)]
    with closing(Review(project, "kim")) as review:
        for n, sample in enumerate(SourceReader(project)):
            if n % 4 == 0:
                review.give(sample, ["keep", "flip", "tie", "drop"][n // 4 % 4])
    build_map(project)
    before = dump(project)
    first = export(project, tmp_path / "a.jsonl", ExportPlan(policy="adm"))
    project.map.unlink()
    build_map(project)
    assert dump(project) == before
    again = export(project, tmp_path / "b.jsonl", ExportPlan(policy="adm"))
    assert again.output.read_bytes() == first.output.read_bytes()
    assert again.manifest.read_text().replace('"b.jsonl"', '"a.jsonl"') == first.manifest.read_text()
    assert [row["sample_id"] for row in before["sample"]] == ids
    assert {row["verdict"] for row in before["verdict"]} == {"keep", "flip", "tie", "drop"}


def test_rows_in_another_order_are_mapped_the_same(import_rows, log_scores):
    rows = pair_rows(30)
    projects = [import_rows(rows), import_rows(rows[::-1])]
    values = {one: round(n % 7 / 7, 2) for n, one in enumerate(response_ids(projects[0]))}
    found = []
    for project in projects:
        log_scores(project, "judge", values)
        build_map(project)
        with closing(Store.open(project.map)) as store:
            entries = store.entries(store.order("suspicion"))
            found.append([(entry.sample_id, entry.suspicion, entry.region, entry.quality) for entry in entries])
            cuts = store.cuts()
        assert [(cut.axis, cut.samples, cut.nulls) for cut in cuts] == [("variability", 30, 0), ("quality", 20, 0)]
    assert found[0] == [pytest.approx(row, abs=1e-12) for row in found[1]]


def test_an_old_map_stays_when_a_new_one_fails(make_project):
    project = make_project(pair_rows(5), specs=["column:score"])
    before = project.map.read_bytes()
    (log,) = project.score_logs()
    with log.open("ab") as file:
        file.write(b"garbage\n")
    with pytest.raises(LogDamagedError):
        build_map(project)
    assert project.map.read_bytes() == before
    assert sorted(path.name for path in project.path.iterdir()) == [
        "map.duckdb", "reviews", "scores", "source.json", "sources",
    ]  # fmt: skip


def test_a_project_without_samples_has_no_map(tmp_path):
    with pytest.raises(ProjectMissingError, match=r"holds no samples\. Import a file first: prefmap import FILE -o P$"):
        build_map(Project(tmp_path))


# What is in it


def test_the_tables_hold_the_statistics_of_the_scores(make_project):
    rows = pair_rows(30)
    project = make_project(rows, specs=["column:score"])
    scores = np.array([[row["score_chosen"], row["score_rejected"]] for row in rows])
    labels = np.tile([1.0, 0.0], (30, 1))
    statistics = measure(scores, labels)._replace(
        margin=measure((scores - scores.mean()) / scores.std(), labels).margin
    )
    ids = np.array([sample.sample_id for sample in SourceReader(project)], dtype=object)
    regions = divide_regions(statistics.quality, statistics.variability, rank_ids(ids))
    found = points(project, "column-score")
    assert [row["ordinal"] for row in found] == list(range(30))
    for name, column in statistics._asdict().items():
        assert [row[name] for row in found] == pytest.approx(column.tolist(), abs=1e-12)
    assert [row["region"] for row in found] == regions.region.tolist()
    suspicion = list(read_table_rows(project.map, "suspicion"))
    diagnosis = diagnose(statistics.margin[:, None])
    assert [row["suspicion"] for row in suspicion] == pytest.approx(diagnosis.suspicion.tolist(), abs=1e-12)
    assert {(row["chosen"], row["rejected"], row["scorers"]) for row in suspicion} == {(0, 1, 1)}
    assert [row["against"] for row in suspicion] == [int(n % 5 == 0) for n in range(30)]
    cuts = {row["axis"]: row for row in read_table_rows(project.map, "cut")}
    assert (cuts["variability"]["value"], cuts["quality"]["value"]) == regions[1:]
    assert (cuts["variability"]["samples"], cuts["quality"]["samples"], cuts["quality"]["nulls"]) == (30, 20, 0)


def rated_row(instruction: str, ratings: list, overall: list) -> dict:
    """A row of UltraFeedback: `ratings` become the labels, `overall` can be read as a column."""
    completions = [
        {
            "response": f"{instruction} {n}", "overall_score": score,
            "fine-grained_score": rating, "annotations": {"helpfulness": {"Rating": str(rating)}},
        }
        for n, (rating, score) in enumerate(zip(ratings, overall, strict=True))
    ]  # fmt: skip
    return {"instruction": instruction, "source": "flan", "completions": completions}


def test_samples_of_two_to_seven_responses_are_mapped_together(make_project):
    golden = rated_row("B", [4.5, 4, 3.5, 3], [0.6, 0.7, 0.8, 0.9])
    others = [rated_row(f"K{k}", [float(n + 1) for n in range(k)], [n / 10 for n in range(k)]) for k in range(2, 8)]
    project = make_project([others[0], golden, *others[1:]], specs=["column:overall_score"])
    found = points(project, "column-overall_score")
    assert len(found) == 7
    row = found[1]
    assert [row["quality"], row["variability"], row["cosine"], row["pearson"], row["tau_b"], row["exp_kl"]] == (
        pytest.approx([0.75, 0.0125, 0.956521739130435, -1, -1, 0.955999817116359], abs=1e-12)
    )
    assert [row["quality"] for row in found if row is not found[1]] == pytest.approx(
        [(k - 1) / 20 for k in range(2, 8)]
    )
    sides = [(row["chosen"], row["rejected"]) for row in read_table_rows(project.map, "suspicion")]
    assert sides == [(1, 0), (0, 3), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]


def test_what_has_no_score_is_null_and_in_no_region(make_project):
    rows = pair_rows(6)
    rows[1] |= {"score_chosen": None}
    rows[2] |= {"score_chosen": None, "score_rejected": None}
    project = make_project(rows, specs=["column:score"])
    found = points(project, "column-score")
    names = ("quality", "variability", "cosine", "pearson", "tau_b", "exp_kl", "covariance", "margin", "region")
    assert [found[1][name] for name in names] == [rows[1]["score_rejected"], *[None] * 8]
    assert [found[2][name] for name in names] == [None] * 9
    suspicion = list(read_table_rows(project.map, "suspicion"))
    assert [row["suspicion"] is None for row in suspicion] == [False, True, True, False, False, False]
    assert [row["scorers"] for row in suspicion] == [1, 0, 0, 1, 1, 1]
    assert [(row["samples"], row["nulls"]) for row in read_table_rows(project.map, "cut")] == [(4, 2), (2, 2)]
    with closing(Store.open(project.map)) as store:
        assert store.scorers()["column-score"] == (9, 9)


def test_labels_that_tie_have_scores_but_no_suspicion(make_project):
    project = make_project([
        rated_row("tie", [3, 3], [1, 2]), rated_row("one label", [3, None], [1, 2]), rated_row("pair", [3, 4], [1, 2]),
    ], specs=["column:overall_score"])  # fmt: skip
    suspicion = list(read_table_rows(project.map, "suspicion"))
    assert [(row["chosen"], row["margin"] is None, row["suspicion"] is None) for row in suspicion] == [
        (None, True, True), (None, True, True), (1, False, False),
    ]  # fmt: skip
    assert [row["quality"] for row in points(project, "column-overall_score")] == [1.5, 1.5, 1.5]


def read_meta(project: Project) -> dict[str, str]:
    return {str(row["key"]): str(row["value"]) for row in read_table_rows(project.map, "meta")}


def test_a_pair_of_one_response_twice_has_no_suspicion(make_project):
    rows = pair_rows(6)
    rows[2]["rejected"] = rows[2]["chosen"]
    project = make_project(rows, specs=["column:score"])
    found = list(read_table_rows(project.map, "suspicion"))
    assert [row["suspicion"] is None for row in found] == [False, False, True, False, False, False]
    assert [row["scorers"] for row in found] == [1, 1, 0, 1, 1, 1]
    with closing(Store.open(project.map)) as store:
        (margins,) = store.margin_table().values()
    assert np.isnan(margins).tolist() == [False, False, True, False, False, False]


def test_suspicion_is_learnt_from_the_verdicts_in_the_logs(make_project):
    project = make_project(pair_rows(120), specs=["column:score", "column:rank"])
    before, samples = read_meta(project), list(SourceReader(project))
    with closing(Review(project, "kim")) as review:
        for n in range(0, 120, 4):
            review.give(samples[n], "flip" if n % 5 == 0 else "keep")
        review.give(samples[1], "tie")
    build_map(project)
    after = read_meta(project)
    assert (before["read"], before["reliability"], after["read"]) == ("0", "null", "30")
    truths = np.full(120, np.nan)
    truths[::4] = [float(n % 5 == 0) for n in range(0, 120, 4)]
    with closing(Store.open(project.map)) as store:
        names, margins = zip(*store.margin_table().items(), strict=True)
        suspicion = store.points().suspicion
    assert names == ("column-rank", "column-score")
    assert suspicion == pytest.approx(refit(np.column_stack(margins), None, truths), abs=1e-3)
    assert json.loads(after["weights"])["column-score"] > json.loads(before["weights"])["column-score"]
    bins, error = json.loads(after["reliability"])
    assert sum(count for count, _, _ in bins) == 30
    assert error < 0.25


# Which scorers make it


def test_without_scores_there_is_a_map_of_samples_alone(make_project):
    project = make_project(pair_rows(3))
    assert build_map(project)[:2] == (3, "")
    assert points(project, "") == []
    assert [row["suspicion"] for row in read_table_rows(project.map, "suspicion")] == [None] * 3


@pytest.mark.parametrize(
    ("logs", "chosen", "maps"),
    [
        ({"fit": "crossfit"}, "fit", ["fit"]),
        ({"judge": "judge"}, "judge", ["judge"]),
        ({"fit": "crossfit", "judge": "judge"}, "judge", ["fit", "judge"]),
        ({"fit": "crossfit", "zeta": "column"}, "zeta", ["fit", "zeta"]),
        ({"judge": "judge", "reward": "reward"}, ENSEMBLE, [ENSEMBLE, "judge", "reward"]),
        ({"fit": "crossfit", "judge": "judge", "mine": "imported"}, ENSEMBLE, [ENSEMBLE, "fit", "judge", "mine"]),
        ({"a": "crossfit", "b": "crossfit"}, "a", ["a", "b"]),
    ],
)
def test_the_map_scorer_is_the_ensemble_else_the_only_other_scorer_else_crossfit(
    import_rows, log_scores, logs, chosen, maps
):
    project = import_rows(pair_rows(4))
    data = fingerprint(SourceReader(project))
    for n, (name, kind) in enumerate(logs.items()):
        values = {one: (at * (n + 3)) % 7 / 7 for at, one in enumerate(response_ids(project))}
        log_scores(project, name, values, kind=kind, fingerprint=data if kind == "crossfit" else "")
    assert build_map(project).map_scorer == chosen
    assert sorted({row["scorer"] for row in read_table_rows(project.map, "point")}) == maps


def test_the_ensemble_is_the_mean_of_standardised_scores_without_crossfit(import_rows, log_scores):
    project = import_rows(pair_rows(4))
    ids = response_ids(project)
    scores = {name: np.random.default_rng(seed).random(8) for seed, name in enumerate(("fit", "judge", "reward"))}
    scores["judge"][3] = np.nan
    for name, values in scores.items():
        kind = "crossfit" if name == "fit" else name
        known = {one: None if np.isnan(value) else value for one, value in zip(ids, values.tolist(), strict=True)}
        data = fingerprint(SourceReader(project)) if name == "fit" else ""
        log_scores(project, name, known, kind=kind, fingerprint=data)
    build_map(project)
    mean = average([standardise(scores["judge"]), standardise(scores["reward"])])
    assert mean[3] == standardise(scores["reward"])[3]
    expected = measure(mean.reshape(4, 2), np.tile([1.0, 0.0], (4, 1)))
    found = points(project, ENSEMBLE)
    assert [row["quality"] for row in found] == pytest.approx(expected.quality.tolist(), abs=1e-12)
    assert [row["variability"] for row in found] == pytest.approx(expected.variability.tolist(), abs=1e-12)
    margins = [[row["margin"] for row in points(project, name)] for name in scores]
    together = [row["margin"] for row in read_table_rows(project.map, "suspicion")]
    meta = {row["key"]: row["value"] for row in read_table_rows(project.map, "meta")}
    shares = [json.loads(meta["weights"])[name] for name in scores]
    known = [[(m, w) for m, w in zip(one, shares, strict=True) if m is not None] for one in zip(*margins, strict=True)]
    expected = [sum(m * w for m, w in one) / (sum(w for _, w in one) or 1) for one in known]
    assert together == pytest.approx(expected, abs=1e-12)
    assert [row["scorers"] for row in read_table_rows(project.map, "suspicion")] == [3, 2, 3, 3]


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("judge", "judge"), ("judge-2", "judge-2"), ("r", "reward"), ("e", ENSEMBLE)]
)
def test_a_map_scorer_may_be_wanted_by_the_beginning_of_its_name(import_rows, log_scores, wanted, chosen):
    project = import_rows(pair_rows(2))
    for name in ("judge", "judge-2", "reward"):
        log_scores(project, name, dict.fromkeys(response_ids(project), 0.5))
    assert build_map(project, map_scorer=wanted).map_scorer == chosen


@pytest.mark.parametrize("wanted", ["jud", "nobody", ""])
def test_a_map_scorer_that_is_unknown_or_not_clear_is_refused(import_rows, log_scores, wanted):
    project = import_rows(pair_rows(2))
    for name in ("judge", "judge-2"):
        log_scores(project, name, dict.fromkeys(response_ids(project), 0.5))
    with pytest.raises(ConfigError) as refused:
        build_map(project, map_scorer=wanted)
    assert str(refused.value) == f"No map is called {wanted!r}: there are judge-2, judge, ensemble."


def test_a_map_scorer_cannot_be_wanted_without_scores(import_rows):
    with pytest.raises(ConfigError, match=r"^No map is called 'judge': there are none; run prefmap score\.$"):
        build_map(import_rows(pair_rows(2)), map_scorer="judge")


def test_a_crossfit_of_earlier_data_is_left_out_and_named(sample_project, import_rows):
    (log,) = sample_project.score_logs()
    assert build_map(sample_project) == (400, "crossfit", [], [])
    import_rows(pair_rows(3), sample_project)
    assert build_map(sample_project) == (403, "", [log.name], [])
    assert points(sample_project, "crossfit") == []


def test_two_logs_of_one_name_are_told_apart_by_their_files(make_project):
    project = make_project(pair_rows(4), specs=["column:score", "column:score?lower_is_better=true"])
    assert build_map(project).map_scorer == ENSEMBLE
    names = sorted(path.stem for path in project.score_logs())
    assert all(name.startswith("column-score-") for name in names)
    assert sorted({row["scorer"] for row in read_table_rows(project.map, "point")}) == [*names, ENSEMBLE]


def test_no_scorer_can_be_called_ensemble(import_rows, log_scores):
    project = import_rows(pair_rows(2))
    path = log_scores(project, ENSEMBLE, {}, file="mine")
    with pytest.raises(ConfigError) as refused:
        build_map(project)
    assert str(refused.value) == f"{path} calls its scorer ensemble: that is the mean of all. Change line 1 of it."


# Score logs as they may be found


def test_a_score_cut_at_any_byte_loses_only_itself(import_rows, log_scores):
    project = import_rows(pair_rows(2))
    ids = response_ids(project)
    log = log_scores(project, "judge", dict(zip(ids, (0.5, 0.25, 0.75, -1.125), strict=True)))
    whole = log.read_bytes()
    for cut in range(whole[:-1].rfind(b"\n") + 1, len(whole), 5):
        log.write_bytes(whole[:cut])
        assert build_map(project).map_scorer == "judge"
        assert [row["quality"] for row in points(project, "judge")] == [0.375, 0.75]
    log.write_bytes(whole[:-1])
    build_map(project)
    assert [row["quality"] for row in points(project, "judge")] == [0.375, 0.75]


@pytest.mark.parametrize("torn", [b"", b'{"response":"ab", "va'])
@pytest.mark.parametrize("broken", [b"garbage", b'{"response":', b"[1]", b'{"value":1}'])
def test_a_broken_score_before_the_last_is_named(import_rows, log_scores, broken, torn):
    project = import_rows(pair_rows(2))
    log = log_scores(project, "judge", dict.fromkeys(response_ids(project), 0.5))
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], broken + b"\n", *lines[2:], torn]))
    with pytest.raises(LogDamagedError) as damaged:
        build_map(project)
    assert str(damaged.value) == f"{log}, line 3 is no score. Mend or remove that line, then map again."


@pytest.mark.parametrize("content", [b"", b'{"kind":"header","scor'])
def test_a_log_that_was_never_begun_is_passed_over(import_rows, content):
    project = import_rows(pair_rows(2))
    (project.scores / "judge.jsonl").write_bytes(content)
    assert build_map(project) == (2, "", [], [])


def test_the_newest_score_counts_but_a_failure_takes_none_away(import_rows, log_scores):
    project = import_rows(pair_rows(2))
    ids = response_ids(project)
    log = log_scores(project, "judge", dict.fromkeys(ids, 0.5))
    with Log(log) as opened:
        opened.append(
            {"response": ids[0], "value": 0.75},
            {"response": ids[1], "value": None, "reason": "timeout"},
            {"response": "f" * 16, "value": 9.0},
        )
    build_map(project)
    scores = {row["response_id"]: row["value"] for row in read_table_rows(project.map, "score")}
    assert scores == {ids[0]: 0.75, ids[1]: 0.5, ids[2]: 0.5, ids[3]: 0.5}


def test_the_newest_score_counts_in_a_log_of_many_lines(import_rows, log_scores):
    project = import_rows(pair_rows(1))
    log = log_scores(project, "judge", {})
    ids = response_ids(project)
    with log.open("a") as file:
        file.writelines(json.dumps({"response": ids[n % 2], "value": n}) + "\n" for n in range(200_000))
    build_map(project)
    assert [row["quality"] for row in points(project, "judge")] == [199_998.5]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([1.0, 3.0], [-1, 1]), ([2.0, 2.0], [0, 0]), ([np.nan, 1.0, 3.0], [np.nan, -1, 1]), ([np.nan], [np.nan])],
)
def test_scores_are_standardised_over_all_that_are_known(scores, expected):
    assert standardise(np.array(scores)) == pytest.approx(expected, nan_ok=True)
