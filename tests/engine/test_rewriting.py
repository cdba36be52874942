import json
from contextlib import closing

import duckdb
import pytest

from engine.errors import ExportRefusedError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.importing import import_file
from engine.project import Project
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verifying import verify

PAIRS = [
    {"prompt": f"q{n}", "chosen": f"good {n}", "rejected": f"bad {n}", "score_chosen": n, "score_rejected": -n, "id": n}
    for n in range(4)
]
TIE = {"prompt": "same", "chosen": "x", "rejected": "x", "big": 2**70}


def rated(*ratings):
    completions = [
        {"response": f"answer {n}", "annotations": {}, "fine-grained_score": rating, "overall_score": rating}
        for n, rating in enumerate(ratings)
    ]
    return {"source": "s", "instruction": f"q {ratings}", "completions": completions}


def project_of(tmp_path, rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    project = Project(tmp_path / "p.prefmap")
    import_file(project, file)
    return project


def judge(project, *verdicts):
    """Give verdicts to the first samples: a name, or a pair of indices; None gives none."""
    with closing(Review(project, "kim")) as review:
        for sample, verdict in zip(SourceReader(project), verdicts, strict=False):
            if isinstance(verdict, tuple):
                review.give(sample, "flip", preferred=verdict[0], rejected=verdict[1])
            elif verdict:
                review.give(sample, verdict, text="why not")


def exported(project, name, tmp_path):
    output = tmp_path / f"{name}.jsonl"
    done = export(project, output, ExportPlan(format=name))
    assert verify(output).rows == done.rows
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()], done


@pytest.mark.parametrize("rows", [[*PAIRS, TIE], [rated(1, 4, 2), rated(3, 3)]], ids=["pairs", "rated"])
def test_unreviewed_rows_come_out_as_they_went_in(tmp_path, rows):
    assert exported(project_of(tmp_path, rows), "same", tmp_path)[0] == rows


NUMBERS = {"id": 2**64 + 1, "low": -(2**63) - 1, "parts": [10**30 + 1, 2**63 - 1, 0.1]}
NESTED = {"deep": {"a": [{"b": [1, None, {"c": "x"}]}], "e": []}, "margin": 2.5, "tools": "[]", "messages": []}
HALF = {"a\ud800": "\udfff", "model": "m\0"}


EXTRAS = {"long integers": NUMBERS, "nested": NESTED, "halves of surrogate pairs": HALF}


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
def test_what_stands_beside_the_texts_comes_out_as_it_went_in(tmp_path, extra):
    row = {**PAIRS[1], **extra}
    (same,), _ = exported(project_of(tmp_path, [row]), "same", tmp_path)
    assert repr(same) == repr(row)


def test_a_number_that_json_has_no_word_for_comes_out_as_null(tmp_path):
    row = {**PAIRS[1], "mean": float("nan"), "most": float("inf")}
    assert exported(project_of(tmp_path, [row]), "same", tmp_path)[0] == [{**row, "mean": None, "most": None}]


def test_a_column_that_json_cannot_say_refuses_the_export_and_leaves_no_file(tmp_path):
    file = tmp_path / "rows.parquet"
    query = "SELECT 'q' AS prompt, 'a' AS chosen, 'b' AS rejected, MAP {'x'::BLOB: 1} AS odd"
    duckdb.sql(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    project = Project(tmp_path / "p.prefmap")
    import_file(project, file)
    with pytest.raises(ExportRefusedError, match="A row cannot be written as JSON: keys must be str"):
        exported(project, "same", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.prefmap", "rows.parquet"]


def test_only_the_labels_of_flipped_rows_change(tmp_path):
    project = project_of(tmp_path, PAIRS)
    judge(project, "flip", "keep", "drop", "skip")
    rows, done = exported(project, "same", tmp_path)
    flipped = {**PAIRS[0], "chosen": "bad 0", "rejected": "good 0", "score_chosen": 0, "score_rejected": 0}
    assert rows == [flipped, PAIRS[1], PAIRS[3]]
    assert (done.changed, done.dropped) == (1, {"dropped by verdict": 1})


def test_two_ratings_change_places(tmp_path):
    project = project_of(tmp_path, [rated(1, 4, 2), rated(5, 1, 3)])
    judge(project, (2, 1), (0, 1))
    rows, _ = exported(project, "same", tmp_path)
    assert [[one["fine-grained_score"] for one in row["completions"]] for row in rows] == [[1, 2, 4], [5, 1, 3]]
    assert [one["response"] for one in rows[0]["completions"]] == ["answer 0", "answer 1", "answer 2"]


def test_flipping_what_was_exported_gives_the_source_back(tmp_path):
    project = project_of(tmp_path, PAIRS)
    judge(project, *["flip"] * 4)
    (tmp_path / "again").mkdir()
    once = project_of(tmp_path / "again", exported(project, "same", tmp_path)[0])
    judge(once, *["flip"] * 4)
    assert exported(once, "same", tmp_path / "again")[0] == PAIRS


def test_a_patch_holds_only_what_changed(tmp_path):
    project = project_of(tmp_path, PAIRS)
    judge(project, "flip", "keep", "drop")
    rows, done = exported(project, "patch", tmp_path)
    samples = list(SourceReader(project))
    assert [(row["sample_id"], row["source"]["row"], row["before"], row["after"]) for row in rows] == [
        (samples[0].sample_id, 1, {"chosen": 0, "rejected": 1}, {"chosen": 1, "rejected": 0}),
        (samples[2].sample_id, 3, {"chosen": 0, "rejected": 1}, "dropped by verdict"),
    ]
    (said,) = rows[0]["verdicts"]
    assert (said["verdict"], said["reviewer"], said["note"]) == ("flip", "kim", "why not")
    assert done.dropped == {"label stands": 2}


def test_rows_of_one_response_each_cannot_be_written_back(tmp_path):
    rows = [{"prompt": "q", "completion": text, "label": text == "good"} for text in ("good", "bad")]
    with pytest.raises(ExportRefusedError, match="hold one response each"):
        exported(project_of(tmp_path, rows), "same", tmp_path)


def test_original_rows_fit_no_table(tmp_path):
    with pytest.raises(ExportRefusedError, match=r"\.jsonl, not \.parquet"):
        export(project_of(tmp_path, PAIRS), tmp_path / "o.parquet", ExportPlan(format="same"))
