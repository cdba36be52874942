import json
import random
import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import (
    ConfigError,
    ExportRefusedError,
    LogDamagedError,
    MapMissingError,
    MapUnreadableError,
    PrefmapError,
    VerifyError,
)
from engine.exporting import ENDINGS, Exported, export
from engine.exports.manifests import ExportPlan, manifest_of
from engine.formats.catalog import WRITERS
from engine.map_writer import read_parquet_rows, read_table_rows
from engine.mapping import build_map
from engine.project import Project
from engine.records import Message
from engine.reviewing import Review
from engine.sources import SourceReader, fingerprint
from engine.store import Store
from engine.verifying import Verified, verify

STRANGE = [
    "plain", "é ü 漢字 🎉", "two\nlines\r\n", "tab\there", 'quo"te \\ back', "\u2028 separators \u2029", "2024-01-01",
    "NaN", "null", "1.0", "[1, 2]", '{"a": 1}', "</s><|im_end|>", " spaces ", "\x1b[31mred", "\ufeffmark", "'; DROP",
]  # fmt: skip


def pair_row(n: int, **more: object) -> dict:
    return {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", **more}


def scored_rows(count: int) -> list[dict]:
    return [pair_row(n, score_chosen=n * 7 % 31 / 31, score_rejected=n * 11 % 29 / 29) for n in range(count)]


def trl_row(n: int, *, flipped: bool = False) -> dict:
    good, bad = ([{"role": "assistant", "content": f"{word} {n}."}] for word in ("Good", "Bad"))
    chosen, rejected = (bad, good) if flipped else (good, bad)
    return {"prompt": [{"role": "user", "content": f"Question {n}?"}], "chosen": chosen, "rejected": rejected}


def review(project: Project, *verdicts: tuple[int, str], reviewer: str = "kim") -> None:
    samples = list(SourceReader(project))
    with closing(Review(project, reviewer)) as opened:
        for number, verdict in verdicts:
            opened.give(samples[number], verdict)


def read_back(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return list(read_parquet_rows(path))
    if path.suffix == ".duckdb":
        return list(read_table_rows(path, "selected"))
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


# Verdicts


def test_verdicts_are_applied(import_rows, tmp_path):
    project = import_rows([pair_row(n) for n in range(7)])
    review(project, (0, "keep"), (1, "flip"), (2, "tie"), (3, "drop"), (4, "skip"), (6, "flip"))
    review(project, (6, "keep"), reviewer="lee")
    done = export(project, tmp_path / "out.jsonl", ExportPlan())
    assert done == Exported(
        output=tmp_path / "out.jsonl",
        manifest=tmp_path / "out.jsonl.manifest.json",
        samples=7,
        kept=4,
        rows=4,
        dropped={"conflict between reviewers": 1, "dropped by verdict": 1, "tie by verdict": 1},
        changed=1,
        is_by_fitted_scorer=False,
        rows_left_out={},
    )
    assert read_back(done.output) == [trl_row(0), trl_row(1, flipped=True), trl_row(4), trl_row(5)]
    assert verify(done.output) == Verified(done.output, 4)


def test_a_flip_leaves_the_texts_untouched(import_rows, tmp_path):
    rows = [{"prompt": f"{n} {text}", "chosen": text, "rejected": f"{text}!"} for n, text in enumerate(STRANGE)]
    project = import_rows(rows)
    review(project, *((n, "flip") for n in range(len(rows))))
    done = export(project, tmp_path / "out.jsonl", ExportPlan())
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in read_back(done.output)] == [
        (row["rejected"], row["chosen"]) for row in rows
    ]


def test_a_duplicate_with_exchanged_labels_is_exported_the_right_way(import_rows, tmp_path):
    project = import_rows([pair_row(0), {"prompt": "Question 0?", "chosen": "Bad 0.", "rejected": "Good 0."}])
    review(project, (0, "flip"))
    done = export(project, tmp_path / "out.jsonl", ExportPlan())
    assert (read_back(done.output), done.changed) == ([trl_row(0, flipped=True)] * 2, 1)


def test_a_choice_among_many_is_that_pair(import_rows, tmp_path):
    completions = [
        {"response": f"R{n}", "annotations": {"helpfulness": {"Rating": str(rating)}}}
        for n, rating in enumerate([2, 5, 1, 4])
    ]
    project = import_rows([{"instruction": f"Q{n}", "completions": completions} for n in range(3)])
    samples = list(SourceReader(project))
    with closing(Review(project, "kim")) as opened:
        opened.give(samples[1], "flip", preferred=3, rejected=0)
        opened.give(samples[2], "flip")
    rows = read_back(export(project, tmp_path / "out.jsonl", ExportPlan()).output)
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows] == [
        ("R1", "R2"), ("R3", "R0"), ("R2", "R1"),
    ]  # fmt: skip


REASONS = {"conflict": "conflict between reviewers", "drop": "dropped by verdict", "tie": "tie by verdict"}
VERDICTS = st.lists(
    st.tuples(
        st.integers(0, 19), st.sampled_from(["keep", "flip", "tie", "drop", "skip"]), st.sampled_from(["kim", "lee"])
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(VERDICTS, st.sampled_from([("all", 1 / 3), ("random", 0.5), ("adm", 1 / 3), ("adm", 0.6)]))
def test_counts_reconcile(reconciled, verdicts, selection):
    policy, fraction = selection
    with TemporaryDirectory() as folder:
        project = Project(Path(folder) / "p.prefmap")
        shutil.copytree(reconciled.path, project.path)
        for reviewer in ("kim", "lee"):
            review(project, *((n, verdict) for n, verdict, who in verdicts if who == reviewer), reviewer=reviewer)
        done = export(project, Path(folder) / "out.jsonl", ExportPlan(policy=policy, fraction=fraction))
        counts = json.loads(done.manifest.read_text())["counts"]
        assert counts == {"samples": 20, "kept": done.rows, "dropped": done.dropped, "changed": done.changed,
                          "rows": done.rows, "rows_left_out": {}}  # fmt: skip
        assert done.rows + sum(done.dropped.values()) == 20
        assert len(read_back(done.output)) == done.rows
        assert verify(done.output).rows == done.rows
        said = {(n, who): verdict for n, verdict, who in verdicts}
        told = [{said[key] for key in said if key[0] == n} - {"skip"} for n in range(20)]
        if policy == "all":
            expected = Counter("conflict" if len(one) > 1 else "".join(one) for one in told)
            assert done.changed == expected["flip"]
            assert done.dropped == {reason: expected[word] for word, reason in REASONS.items() if expected[word]}


@pytest.fixture(scope="module")
def reconciled(import_rows, log_scores) -> Project:
    """20 samples with a map."""
    project = import_rows([pair_row(n) for n in range(20)])
    ids = [response.response_id for sample in SourceReader(project) for response in sample.responses]
    log_scores(project, "judge", {one: n * 7 % 13 / 13 for n, one in enumerate(ids)})
    build_map(project)
    return project


# What a trainer would stumble over


HH = "\n\nHuman: {}\n\nAssistant: {}"
DROPS = {
    "empty response": pair_row(1, chosen=" \n"),
    "identical responses": pair_row(2, chosen="Same.", rejected="Same."),
    "contexts differ": {"chosen": HH.format("Why?", "A"), "rejected": HH.format("How?", "B")},
    "no prompt": {"chosen": "A", "rejected": "B"},
    "prompt ends with a turn of the assistant": pair_row(
        5, prompt=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        chosen=[{"role": "assistant", "content": "A"}], rejected=[{"role": "assistant", "content": "B"}],
    ),
    "prompt ends with a turn of the system": pair_row(
        6, prompt=[{"role": "system", "content": "Be brief."}],
        chosen=[{"role": "assistant", "content": "A"}], rejected=[{"role": "assistant", "content": "B"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", ["trl", "trl-standard"])
@pytest.mark.parametrize("reason", DROPS)
def test_a_pair_that_would_mislead_is_left_out_with_its_reason(import_rows, tmp_path, reason, layout):
    project = import_rows([pair_row(0), DROPS[reason], pair_row(9)])
    done = export(project, tmp_path / "out.jsonl", ExportPlan(format=layout))
    assert (done.samples, done.rows, done.dropped) == (3, 2, {reason: 1})
    assert len(read_back(done.output)) == 2


def test_all_reasons_are_counted_apart(import_rows, tmp_path):
    rows = [row for n, row in enumerate(DROPS.values()) for _ in range(n + 1)]
    done = export(import_rows([pair_row(0), *rows]), tmp_path / "out.jsonl", ExportPlan())
    assert done.dropped == {reason: n + 1 for n, reason in enumerate(sorted(DROPS, key=list(DROPS).index))}
    assert list(done.dropped) == sorted(DROPS)


def test_labels_that_tie_or_are_missing_are_left_out(import_rows, tmp_path):
    def row(name: str, *ratings: str) -> dict:
        completions = [
            {"response": f"R{n}", "annotations": {"helpfulness": {"Rating": rating}}}
            for n, rating in enumerate(ratings)
        ]
        return {"instruction": name, "completions": completions}

    project = import_rows([row("a", "3", "3"), row("b", "3", "N/A"), row("c", "3", "4")])
    done = export(project, tmp_path / "out.jsonl", ExportPlan())
    assert (done.rows, done.dropped) == (1, {"no label": 1, "tie": 1})


def test_nothing_left_to_export_is_an_empty_file(import_rows, tmp_path):
    project = import_rows([pair_row(0)])
    review(project, (0, "drop"))
    for ending in ENDINGS:
        done = export(project, tmp_path / f"out{ending}", ExportPlan())
        assert (done.rows, read_back(done.output), verify(done.output).rows) == (0, [], 0)


# Kinds of files


@pytest.mark.parametrize("layout", ["trl", "trl-standard"])
def test_all_kinds_of_files_hold_the_same_rows(import_rows, tmp_path, layout):
    rows = [{"prompt": f"{n} {text}", "chosen": text, "rejected": f"{text}!"} for n, text in enumerate(STRANGE)]
    project = import_rows(rows * 20)
    found = []
    for ending in ENDINGS:
        done = export(project, tmp_path / f"out{ending}", ExportPlan(format=layout))
        found.append(read_back(done.output))
        assert verify(done.output) == Verified(done.output, 20 * len(rows))
    assert found[0] == found[1] == found[2]
    assert list(found[0][0]) == ["prompt", "chosen", "rejected"]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_the_same_project_gives_the_same_bytes(reconciled, tmp_path, ending):
    one, other = (export(reconciled, tmp_path / name / f"out{ending}", ExportPlan()) for name in make_two(tmp_path))
    assert one.manifest.read_bytes() == other.manifest.read_bytes()
    assert one.output.read_bytes() == other.output.read_bytes()


def test_the_same_project_gives_the_same_rows_in_a_database(reconciled, tmp_path):
    one, other = (export(reconciled, tmp_path / name / "out.duckdb", ExportPlan()) for name in make_two(tmp_path))
    assert read_back(one.output) == read_back(other.output)


def make_two(folder: Path) -> list[str]:
    for name in ("a", "b"):
        (folder / name).mkdir()
    return ["a", "b"]


def test_a_very_long_text_is_exported_to_all_kinds(import_rows, tmp_path):
    project = import_rows([pair_row(0, chosen="long " * 3_500_000)])
    for ending in ENDINGS:
        done = export(project, tmp_path / f"out{ending}", ExportPlan())
        assert len(read_back(done.output)[0]["chosen"][0]["content"]) == 17_500_000


def test_an_export_is_read_again_as_the_same_samples(import_rows, tmp_path):
    project = import_rows(
        [{"prompt": f"{n} {text}", "chosen": text, "rejected": f"{text}!"} for n, text in enumerate(STRANGE)]
    )
    done = export(project, tmp_path / "out.jsonl", ExportPlan())
    again = import_rows(read_back(done.output))
    assert [sample.sample_id for sample in SourceReader(again)] == [
        sample.sample_id for sample in SourceReader(project)
    ]


# trl-standard


TURNS = "\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: Why is it {}?\n\nAssistant:{}"


def test_transcripts_come_out_as_transcripts(import_rows, tmp_path):
    rows = [
        {"chosen": TURNS.format(n, " Because.\n\nSo it is."), "rejected": TURNS.format(n, " No.")} for n in range(3)
    ]
    project = import_rows(rows)
    done = export(project, tmp_path / "out.jsonl", ExportPlan(format="trl-standard"))
    written = read_back(done.output)
    assert written == [
        {"prompt": TURNS.format(n, ""), "chosen": " Because.\n\nSo it is.", "rejected": " No."} for n in range(3)
    ]
    assert [row["prompt"] + row["chosen"] for row in written] == [row["chosen"] for row in rows]
    again = list(SourceReader(import_rows(written)))
    assert [sample.prompt for sample in again] == [sample.prompt for sample in SourceReader(project)]
    assert verify(done.output).rows == 3


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "A", "rejected": "B"},
        {"chosen": HH.format("Why?", "A"), "rejected": HH.format("Why?", "B")},
    ],
)
def test_a_single_question_stays_plain_text(import_rows, tmp_path, row):
    done = export(import_rows([row]), tmp_path / "out.jsonl", ExportPlan(format="trl-standard"))
    assert read_back(done.output) == [{"prompt": "Why?", "chosen": "A", "rejected": "B"}]


def test_a_system_prompt_goes_before_the_transcript(import_rows, tmp_path):
    row = pair_row(0, prompt=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    row |= {side: [{"role": "assistant", "content": row[side]}] for side in ("chosen", "rejected")}
    done = export(import_rows([row]), tmp_path / "out.jsonl", ExportPlan(format="trl-standard"))
    (written,) = read_back(done.output)
    assert written == {
        "prompt": "Be brief.\n\nHuman: Why?\n\nAssistant:", "chosen": " Good 0.", "rejected": " Bad 0.",
    }  # fmt: skip


@pytest.mark.parametrize(("systems", "kept"), [(("S", "S"), True), (("S", "T"), False), (("S", ""), False)])
def test_a_system_prompt_that_both_responses_had_goes_before_the_prompt(import_rows, tmp_path, systems, kept):
    completions = [
        {"response": f"R{n}", "annotations": {"helpfulness": {"Rating": str(n)}}, "custom_system_prompt": system}
        for n, system in enumerate(systems)
    ]
    project = import_rows([{"instruction": "Q", "completions": completions}])
    (row,) = read_back(export(project, tmp_path / "out.jsonl", ExportPlan()).output)
    system = [{"role": "system", "content": "S"}] if kept else []
    assert row["prompt"] == [*system, {"role": "user", "content": "Q"}]
    assert next(iter(SourceReader(project))).prompt == (Message("user", "Q"),)


# Policies


def test_policy_adm_exports_high_average(make_project, tmp_path):
    project = make_project(scored_rows(31), specs=["column:score"])
    done = export(project, tmp_path / "out.jsonl", ExportPlan(policy="adm"))
    with closing(Store.open(project.map)) as store:
        high = [ordinal for ordinal, region in enumerate(store.points().region) if region == "high_average"]
    assert read_back(done.output) == [trl_row(n) for n in high]
    assert (done.rows, done.dropped) == (10, {"not selected by policy adm": 21})
    manifest = json.loads(done.manifest.read_text())
    assert manifest["map"]["map_scorer"] == "column-score"
    assert [cut["axis"] for cut in manifest["cuts"]] == ["variability", "quality"]


@pytest.mark.parametrize(("kind", "is_fitted"), [("crossfit", True), ("judge", False)])
def test_policy_adm_tells_of_a_map_fitted_on_the_labels(import_rows, log_scores, tmp_path, kind, is_fitted):
    project = import_rows([pair_row(n) for n in range(6)])
    ids = [response.response_id for sample in SourceReader(project) for response in sample.responses]
    data = fingerprint(SourceReader(project)) if kind == "crossfit" else ""
    log_scores(project, "mine", {one: n / 12 for n, one in enumerate(ids)}, kind=kind, fingerprint=data)
    build_map(project)
    found = [export(project, tmp_path / f"{policy}.jsonl", ExportPlan(policy=policy)) for policy in ("adm", "all")]
    assert [done.is_by_fitted_scorer for done in found] == [is_fitted, False]


def test_policy_random_needs_no_map_and_takes_a_seed(import_rows, tmp_path):
    project = import_rows([pair_row(n) for n in range(30)])
    found = [
        read_back(export(project, tmp_path / f"{n}.jsonl", ExportPlan(policy="random", fraction=0.5, seed=seed)).output)
        for n, seed in enumerate((1, 1, 2))
    ]
    assert [len(rows) for rows in found] == [15, 15, 15]
    assert found[0] == found[1] != found[2]


def test_policy_adm_refuses_a_missing_or_older_map(make_project, import_rows, tmp_path):
    project = make_project(scored_rows(9), specs=["column:score"])
    import_rows([pair_row(99)], project, name="more")
    plan = ExportPlan(policy="adm")
    with pytest.raises(ExportRefusedError) as older:
        export(project, tmp_path / "out.jsonl", plan)
    assert str(older.value) == f"{project.map} is older than the imported files. Run: prefmap map {project.path}"
    project.map.unlink()
    with pytest.raises(MapMissingError):
        export(project, tmp_path / "out.jsonl", plan)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_unknown_format_is_refused(import_rows, tmp_path):
    with pytest.raises(ConfigError) as refused:
        export(import_rows([pair_row(0)]), tmp_path / "out.jsonl", ExportPlan(format="csv"))
    assert str(refused.value) == f"There is no export format 'csv': it may be {', '.join(WRITERS)}."


# Where it goes


def test_an_existing_file_is_replaced_only_by_force(import_rows, tmp_path):
    project = import_rows([pair_row(0)])
    output = tmp_path / "out.jsonl"
    output.write_text("mine\n")
    with pytest.raises(ExportRefusedError) as refused:
        export(project, output, ExportPlan())
    assert str(refused.value) == f"{output} exists. Choose another name, or say --force to replace it."
    assert output.read_text() == "mine\n"
    export(project, output, ExportPlan(), force=True)
    assert verify(output).rows == 1


@pytest.mark.parametrize("name", ["out", "out.csv", "out.jsonl.gz", "out.JSONL"])
def test_an_ending_that_is_unknown_is_refused(import_rows, tmp_path, name):
    with pytest.raises(ExportRefusedError) as refused:
        export(import_rows([pair_row(0)]), tmp_path / name, ExportPlan())
    assert str(refused.value) == f"{tmp_path / name} ends in none of .jsonl, .parquet, .duckdb."


def test_a_folder_that_is_missing_is_refused(import_rows, tmp_path):
    with pytest.raises(ExportRefusedError, match=rf"^There is no folder {tmp_path / 'no'} to export into\.$"):
        export(import_rows([pair_row(0)]), tmp_path / "no" / "out.jsonl", ExportPlan())


@pytest.mark.parametrize("place", ["map.duckdb", "reviews/kim.jsonl", "scores/a.jsonl", "sources/a.jsonl"])
def test_the_project_s_own_files_are_no_place_for_an_export(make_project, place):
    project = make_project([pair_row(0)])
    with pytest.raises(ExportRefusedError, match=r"is a place of the project's own files\. Choose another one\.$"):
        export(project, project.path / place, ExportPlan(), force=True)


def damage_map(project: Project) -> None:
    project.map.write_bytes(b"garbage" * 5000)


def damage_score_log(project: Project) -> None:
    (project.scores / "judge.jsonl").write_bytes(b"garbage\n")


def damage_source(project: Project) -> None:
    (source,) = project.sources.iterdir()
    source.write_bytes(source.read_bytes()[:-20])


def damage_review(project: Project) -> None:
    (project.reviews / "kim.here.jsonl").write_bytes(b"garbage\n")


@pytest.mark.parametrize("damage", [damage_map, damage_score_log, damage_source, damage_review])
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_that_fails_leaves_the_old_one_and_nothing_else(make_project, tmp_path, damage, ending):
    project = make_project([pair_row(n) for n in range(50)])
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / f"out{ending}"
    export(project, output, ExportPlan())
    before = [output.read_bytes(), manifest_of(output).read_bytes()]
    damage(project)
    with pytest.raises(PrefmapError):
        export(project, output, ExportPlan(), force=True)
    assert [output.read_bytes(), manifest_of(output).read_bytes()] == before
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, manifest_of(output).name]


def test_a_damaged_map_or_log_is_named(make_project, tmp_path):
    project = make_project([pair_row(0)])
    damage_score_log(project)
    with pytest.raises(LogDamagedError, match=r"judge\.jsonl, line 1 is not a JSON object"):
        export(project, tmp_path / "out.jsonl", ExportPlan())
    (project.scores / "judge.jsonl").unlink()
    damage_map(project)
    with pytest.raises(MapUnreadableError, match=r"Run: prefmap map"):
        export(project, tmp_path / "out.jsonl", ExportPlan())


def test_an_export_writes_nothing_into_the_project(reconciled, tmp_path):
    def look() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in reconciled.path.rglob("*") if path.is_file()}

    before = look()
    export(reconciled, tmp_path / "out.jsonl", ExportPlan(policy="adm"))
    assert look() == before


# Manifest and verify


def test_the_manifest_says_what_the_export_depends_on(make_project, tmp_path):
    project = make_project(scored_rows(9), specs=["column:score"])
    review(project, (0, "flip"), (1, "keep"))
    done = export(project, tmp_path / "out.jsonl", ExportPlan(policy="random", fraction=0.5, seed=3))
    said = json.loads(done.manifest.read_text())
    assert sorted(said) == [
        "counts",
        "cuts",
        "map",
        "output",
        "plan",
        "prefmap",
        "project",
        "reviews",
        "scorers",
        "selection",
        "sources",
    ]
    assert said["plan"] == {
        "policy": "random", "fraction": 0.5, "seed": 3, "format": "trl", "holdout": None, "pairs": "best-worst",
        "map_scorer": None, "after_verdicts": False, "match": None, "control": 0, "majority": False,
    }  # fmt: skip
    assert said["output"]["file"] == "out.jsonl"
    assert [(one["lines"], len(one["head"])) for one in said["reviews"]] == [(2, 64)]
    assert [(one["scorer"], one["parameters"]["column"]) for one in said["scorers"]] == [("column-score", "score")]
    assert [(one["name"], one["rows"], one["refused"]) for one in said["sources"]] == [("pairs.jsonl", 9, 0)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_verify_finds_any_changed_byte(reconciled, tmp_path, ending):
    output = tmp_path / f"out{ending}"
    export(reconciled, output, ExportPlan())
    whole = output.read_bytes()
    chance = random.Random(ending)
    for place in chance.sample(range(len(whole)), 200):
        changed = bytearray(whole)
        changed[place] ^= chance.randrange(1, 256)
        output.write_bytes(changed)
        with pytest.raises(VerifyError) as found:
            verify(output)
        assert str(found.value) == f"{output} is not the file that was exported: its sha256 differs. Export it again."
    output.write_bytes(whole)
    assert verify(output).rows == 20


def test_verify_never_stumbles_over_a_changed_manifest(reconciled, tmp_path):
    output = tmp_path / "out.jsonl"
    manifest = export(reconciled, output, ExportPlan()).manifest
    whole = manifest.read_bytes()
    chance = random.Random(0)
    refused: Counter[str] = Counter()
    for place in chance.sample(range(len(whole)), 200):
        changed = bytearray(whole)
        changed[place] ^= chance.randrange(1, 256)
        manifest.write_bytes(changed)
        try:
            verify(output)
        except PrefmapError as error:
            refused[type(error).__name__] += 1
    assert refused["VerifyError"] > 20


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '"x"', '{"output": 1}', '{"counts": {"dropped": 5}}',
     '{"output": {"sha256": "a"}, "plan": {"format": "trl"},'
     ' "counts": {"samples": 1, "kept": 1, "rows": 1, "dropped": 5}}',
     '{"output": {"sha256": "a"}, "plan": {"format": "trl"},'
     ' "counts": {"samples": "1", "kept": 1, "rows": 1, "dropped": {}}}',
     '{"output": {"sha256": "a"}, "plan": {"format": "trl"}, "counts": {"dropped": {}}}'],
)  # fmt: skip
def test_what_is_no_manifest_is_said_to_be_none(reconciled, tmp_path, text):
    output = tmp_path / "out.jsonl"
    manifest = export(reconciled, output, ExportPlan()).manifest
    manifest.write_text(text)
    with pytest.raises(VerifyError, match=rf"^{manifest} is no manifest of prefmap \(.+\)\.$"):
        verify(output)


def test_verify_needs_the_file_and_its_manifest(reconciled, tmp_path):
    output = tmp_path / "out.jsonl"
    with pytest.raises(VerifyError, match=rf"^There is no {output}\.$"):
        verify(output)
    manifest = export(reconciled, output, ExportPlan()).manifest
    manifest.unlink()
    with pytest.raises(VerifyError) as missing:
        verify(output)
    assert str(missing.value) == f"There is no {manifest}: only an export with its manifest can be verified."


def change_manifest(manifest: Path, change) -> None:
    said = json.loads(manifest.read_text())
    change(said)
    manifest.write_text(json.dumps(said))


def test_verify_finds_a_wrong_count(reconciled, tmp_path):
    output = tmp_path / "out.jsonl"
    manifest = export(reconciled, output, ExportPlan()).manifest
    change_manifest(manifest, lambda said: said["counts"].update(rows=21))
    with pytest.raises(VerifyError) as wrong:
        verify(output)
    assert str(wrong.value) == f"{output} holds 20 rows, not 21 as its manifest says."
    change_manifest(manifest, lambda said: said["counts"].update(rows=20, samples=22))
    with pytest.raises(VerifyError) as wrong:
        verify(output)
    assert str(wrong.value) == f"{manifest} does not add up: samples are not kept plus dropped."


@pytest.mark.parametrize("ending", ENDINGS)
def test_verify_looks_at_each_row_as_its_trainer_would(reconciled, tmp_path, ending):
    output = tmp_path / f"out{ending}"
    manifest = export(reconciled, output, ExportPlan()).manifest
    change_manifest(manifest, lambda said: said["plan"].update(format="trl-standard"))
    with pytest.raises(VerifyError) as wrong:
        verify(output)
    assert str(wrong.value) == f"{output}, row 1: prompt, chosen or rejected is empty or no text."
