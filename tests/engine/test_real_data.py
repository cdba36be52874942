"""What real files hold, counted once by hand; the folder lies beside the repository and may be missing."""

import gzip
import json
from pathlib import Path

import pytest

from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.importing import import_file
from engine.project import Project
from engine.records import Sample
from engine.sources import SourceReader
from engine.verifying import verify

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

HH = DATA / "hh-harmless-test.jsonl.gz"
ULTRAFEEDBACK = DATA / "ultrafeedback-highvar-pairs.jsonl.gz"
STUMBLES = "roles do not alternate"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data of {DATA} is not here")


def import_whole(path: Path, folder: Path) -> tuple[Project, list[Sample], list[dict[str, str]]]:
    """Import a file; give the project, its samples, and the rows as they stand in the file."""
    project = Project(folder / "real.prefmap")
    import_file(project, path)
    with gzip.open(path) as lines:
        return project, list(SourceReader(project)), [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def hh(tmp_path_factory):
    return import_whole(HH, tmp_path_factory.mktemp("hh"))


@pytest.fixture(scope="module")
def ultrafeedback(tmp_path_factory):
    return import_whole(ULTRAFEEDBACK, tmp_path_factory.mktemp("ultrafeedback"))


def test_hh_is_imported_without_a_loss(hh):
    project, samples, rows = hh
    (file,) = project.source_files()
    assert (file.format, file.rows, file.samples, file.refused) == ("hh", 2_312, 2_312, ())
    assert file.flags == {"contexts differ": 5, "empty response": 4, STUMBLES: 9}
    assert [sample.row for sample in samples] == list(range(1, 2_313))
    assert len({sample.sample_id for sample in samples}) == len(rows) == 2_312


def test_hh_responses_are_what_follows_the_last_assistant_mark(hh):
    _, samples, rows = hh
    texts = [[one.text for one in sample.responses] for sample in samples]
    assert texts == [
        [row[side].rpartition("\n\nAssistant:")[2].strip() for side in ("chosen", "rejected")] for row in rows
    ]


def test_hh_prompts_end_with_the_user_so_that_none_holds_the_start_of_its_answer(hh):
    _, samples, _ = hh
    assert {sample.prompt[-1].role for sample in samples} == {"user"}
    odd = [
        sample.row
        for sample in samples
        if any(own and own[-1].role != "user" for own in (one.turns for one in sample.responses))
    ]
    flagged = [sample.row for sample in samples if set(sample.flags) >= {"contexts differ", STUMBLES}]
    assert odd == flagged == [1255, 1689, 1951, 1953, 2037]


def test_hh_conversations_are_the_transcripts_turn_by_turn(hh):
    _, samples, rows = hh
    marks = {"user": "\n\nHuman:", "assistant": "\n\nAssistant:"}

    def squeeze(text: str) -> str:
        return "".join(text.split())

    for sample, row in zip(samples, rows, strict=True):
        for side, response in zip(("chosen", "rejected"), sample.responses, strict=True):
            turns = "".join(f"{marks[turn.role]} {turn.content}" for turn in (*sample.prompt, *response.turns))
            assert squeeze(f"{turns}{marks['assistant']} {response.text}") == squeeze(row[side])


def test_hh_has_as_many_empty_and_multi_turn_rows_as_counted(hh):
    _, samples, _ = hh
    assert sum(not sample.responses[0].text for sample in samples) == 4
    assert sum(not sample.responses[1].text for sample in samples) == 0
    assert round(sum(len(sample.prompt) > 1 for sample in samples) / len(samples), 2) == 0.71


def test_ultrafeedback_pairs_are_imported_without_a_loss(ultrafeedback):
    project, samples, rows = ultrafeedback
    (file,) = project.source_files()
    assert (file.format, file.rows, file.samples, file.refused) == ("alpaca", 10_159, 10_159, ())
    assert file.flags == {"duplicate": 677, "empty response": 104}
    assert [(sample.prompt[0].content, *(one.text for one in sample.responses)) for sample in samples] == [
        (row["instruction"], row["chosen"], row["rejected"]) for row in rows
    ]
    assert {row["input"] for row in rows} == {""}


def test_ultrafeedback_empty_responses_are_102_rejected_and_2_chosen(ultrafeedback):
    _, samples, _ = ultrafeedback
    assert sum(not sample.responses[1].text.strip() for sample in samples) == 102
    assert sum(not sample.responses[0].text.strip() for sample in samples) == 2


def test_ultrafeedback_duplicates_are_equal_rows_and_are_numbered(ultrafeedback):
    _, samples, rows = ultrafeedback
    assert len(rows) - len({tuple(row.items()) for row in rows}) == 677
    assert len({sample.content_id for sample in samples}) == 10_159 - 677
    assert len({sample.sample_id for sample in samples}) == 10_159
    assert sum("-" in sample.sample_id for sample in samples) == 677
    assert len({sample.prompt_id for sample in samples}) == 1_956


FILES = sorted(path for path in DATA.rglob("*") if path.name.endswith((".json", ".jsonl.gz")))
FORMATS = {"hh": "hh", "llamafactory": "sharegpt", "pandalm": "pandalm", "ultrafeedback": "alpaca"}
"""By the first word of a file's name; the others are all LLMBar's."""


def read_plainly(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".gz":
        with gzip.open(path) as lines:
            return [json.loads(line) for line in lines]
    rows: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_row_of_a_real_file_is_kept_and_comes_out_as_it_went_in(path, tmp_path):
    rows = read_plainly(path)
    project = Project(tmp_path / "real.prefmap")
    (file, _) = import_file(project, path)
    assert file.format == FORMATS.get(path.name.partition("-")[0], "llmbar")
    assert (file.rows, file.samples, file.refused) == (len(rows), len(rows), ())
    assert [sample.row for sample in SourceReader(project)] == list(range(1, len(rows) + 1))
    done = export(project, tmp_path / "same.jsonl", ExportPlan(format="same"))
    with done.output.open(encoding="utf-8") as lines:
        assert [json.loads(line) for line in lines] == rows
    assert verify(done.output).rows == len(rows)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_real_file_with_damaged_lines_loses_those_alone(path, tmp_path):
    rows = read_plainly(path)
    spoiled = {at + 1 for at in range(0, len(rows), 7)}
    lines = [json.dumps(row)[:-2] if number in spoiled else json.dumps(row) for number, row in enumerate(rows, start=1)]
    (tmp_path / "damaged.jsonl").write_text("\n".join(lines), encoding="utf-8")
    project = Project(tmp_path / "real.prefmap")
    (file, _) = import_file(project, tmp_path / "damaged.jsonl")
    assert {one.row for one in file.refused} == spoiled
    assert file.rows == len(rows) == file.samples + len(file.refused)
    assert [sample.row for sample in SourceReader(project)] == [n for n in range(1, len(rows) + 1) if n not in spoiled]
