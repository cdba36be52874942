import gzip
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest
import zstandard

from engine.cli import prefmap, run
from engine.errors import PrefmapError, ProjectDamagedError, ScorerRefusedError, SourceUnreadableError
from engine.importing import Imported, Reading, import_file, name_project, summarise_refusals
from engine.logs import read_log
from engine.project import Project, Refused, SourceFile
from engine.score_importing import ScoresImported, import_scores
from engine.sources import SourceReader

GOOD = {"prompt": "q", "chosen": "a", "rejected": "b"}
OTHER = {"prompt": "r", "chosen": "c", "rejected": "d"}
EMPTY = {"prompt": "q", "chosen": "a", "rejected": ""}
SYSTEM = {"instruction": "q", "completions": []}


def rated(response: str, overall: float, helpfulness: str) -> dict[str, object]:
    annotations = {"helpfulness": {"Rating": helpfulness}}
    return {"response": response, "annotations": annotations, "fine-grained_score": 3.0, "overall_score": overall}


RATED = {"instruction": "q", "completions": [rated("a", 7.0, "4"), rated("b", 8.0, "2"), rated("c", 9.0, "N/A")]}


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(*rows))
    return path


def look_at(folder: Path) -> dict[str, tuple[bytes | None, int]]:
    """Everything in a folder: name, bytes, time of the last change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else None, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def rows_of(project: Project) -> list[tuple[str, str, int]]:
    return [(sample.prompt[0].content, sample.file, sample.row) for sample in SourceReader(project)]


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "p.prefmap")


def test_an_import_is_recorded_whole(project, tmp_path):
    path = write(tmp_path / "pairs.jsonl", GOOD, EMPTY, GOOD, {"chosen": "a", "rejected": None}, 7, EMPTY)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = SourceFile(
        name="pairs.jsonl",
        path=str(path),
        stored=f"{sha256[:12]}-pairs.jsonl.zst",
        sha256=sha256,
        format="trl",
        dimension=None,
        columns=None,
        rows=6,
        samples=4,
        refused=(
            Refused(4, "rejected is null or missing, not text"),
            Refused(5, "the row is int, not an object with columns"),
        ),
        flags={"duplicate": 2, "empty response": 2},
        prefmap=version("prefmap"),
    )
    assert import_file(project, path) == Imported(expected, is_new=True)
    assert project.source_files() == [expected]
    assert json.loads(project.source_file.read_bytes()) == {
        "version": 1,
        "files": [
            {
                "name": "pairs.jsonl",
                "path": str(path),
                "stored": f"{sha256[:12]}-pairs.jsonl.zst",
                "sha256": sha256,
                "format": "trl",
                "dimension": None,
                "columns": None,
                "rows": 6,
                "samples": 4,
                "refused": [
                    {"row": 4, "reason": "rejected is null or missing, not text"},
                    {"row": 5, "reason": "the row is int, not an object with columns"},
                ],
                "flags": {"duplicate": 2, "empty response": 2},
                "prefmap": version("prefmap"),
            }
        ],
    }
    assert [path.name for path in sorted(project.path.iterdir())] == ["reviews", "scores", "source.json", "sources"]


def as_parquet(path: Path, *rows: object) -> Path:
    source = write(path.with_suffix(".rows.jsonl"), *rows)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM read_json('{source}')) TO '{path}' (FORMAT parquet)")
    source.unlink()
    return path


COPIED = {
    "lines": ("p.jsonl", lines(GOOD, {**OTHER, "deep": {"a": [1.50, None]}}).replace(b", ", b",   "), "-p.jsonl.zst"),
    "no last line end, BOM, bad line": ("p.jsonl", b"\xef\xbb\xbf" + lines(GOOD) + b"\r\n{bad}\n\xff", "-p.jsonl.zst"),
    "packed lines": ("p.jsonl.gz", gzip.compress(lines(GOOD)), "-p.jsonl.gz"),
    "array": ("p.json", json.dumps([GOOD, OTHER]).encode(), "-p.json.zst"),
    "table": ("p.csv", b"prompt,chosen,rejected\r\nq,a,b\r\n", "-p.csv.zst"),
}


@pytest.mark.parametrize(("name", "content", "stored"), COPIED.values(), ids=COPIED.keys())
def test_the_copy_holds_the_bytes_of_the_original(name, content, stored, project, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    import_file(project, path)
    (copy,) = project.sources.iterdir()
    assert copy.name == hashlib.sha256(content).hexdigest()[:12] + stored
    packed = copy.read_bytes()
    assert (
        packed if name.endswith(".gz") else zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    ) == content


def test_the_copy_of_a_parquet_file_is_the_file(project, tmp_path):
    path = as_parquet(tmp_path / "p.parquet", GOOD, OTHER)
    import_file(project, path)
    (copy,) = project.sources.iterdir()
    assert copy.read_bytes() == path.read_bytes()
    assert rows_of(project) == [("q", "p.parquet", 1), ("r", "p.parquet", 2)]


def test_an_import_does_not_touch_its_source(project, tmp_path):
    path = write(tmp_path / "in" / "p.jsonl", GOOD)
    before = look_at(path.parent)
    import_file(project, path)
    import_file(project, path, Reading("trl"))
    assert look_at(path.parent) == before


def test_the_same_file_again_changes_nothing(project, tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD)
    first = import_file(project, path)
    before = look_at(project.path)
    assert import_file(project, path) == Imported(first.file, is_new=False)
    assert import_file(project, path, Reading("trl")) == Imported(first.file, is_new=False)
    assert look_at(project.path) == before


def test_the_same_bytes_at_another_place_change_nothing(project, tmp_path):
    first = import_file(project, write(tmp_path / "p.jsonl", GOOD))
    before = look_at(project.path)
    assert import_file(project, write(tmp_path / "moved" / "q.jsonl", GOOD)) == Imported(first.file, is_new=False)
    assert look_at(project.path) == before


def test_the_same_file_imported_elsewhere_gives_the_same_bytes(tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD, EMPTY)
    one, two = Project(tmp_path / "one.prefmap"), Project(tmp_path / "two.prefmap")
    for project in (one, two):
        import_file(project, path)
    assert [seen[0] for seen in look_at(one.path).values()] == [seen[0] for seen in look_at(two.path).values()]


def test_an_edited_file_takes_the_place_of_the_earlier_one(project, tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD)
    import_file(project, path)
    edited = import_file(project, write(path, OTHER, GOOD))
    assert edited.is_new
    assert project.source_files() == [edited.file]
    assert rows_of(project) == [("r", "p.jsonl", 1), ("q", "p.jsonl", 2)]
    assert import_file(project, write(path, GOOD)).is_new
    assert rows_of(project) == [("q", "p.jsonl", 1)]


def test_samples_keep_their_ids_when_rows_are_added_and_reordered(project, tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD, EMPTY)
    import_file(project, path)
    before = {sample.sample_id for sample in SourceReader(project)}
    import_file(project, write(path, OTHER, EMPTY, GOOD))
    assert before < {sample.sample_id for sample in SourceReader(project)}


def test_another_dimension_of_the_same_file_takes_its_place(project, tmp_path):
    path = write(tmp_path / "p.jsonl", RATED)
    import_file(project, path)
    assert import_file(project, path, Reading(dimension="overall")).is_new
    assert [(file.format, file.dimension, file.flags) for file in project.source_files()] == [
        ("ultrafeedback", "overall", {})
    ]
    (sample,) = SourceReader(project)
    assert [one.label for one in sample.responses] == [7.0, 8.0, 9.0]


def test_files_of_one_name_are_told_apart_by_their_folders(project, tmp_path):
    folders = ["x/a", "y/a", "z/a", "b"]
    for number, folder in enumerate(folders):
        import_file(project, write(tmp_path / folder / "p.jsonl", {**GOOD, "prompt": str(number)}))
    names = ["p.jsonl", "a/p.jsonl", "z/a/p.jsonl", "b/p.jsonl"]
    assert [file.name for file in project.source_files()] == names
    assert rows_of(project) == [(str(number), name, 1) for number, name in enumerate(names)]
    assert len(list(project.sources.iterdir())) == 4


def test_an_edited_file_of_two_of_one_name_keeps_a_name_of_its_own(project, tmp_path):
    first = write(tmp_path / "x" / "p.jsonl", GOOD)
    import_file(project, first)
    import_file(project, write(tmp_path / "y" / "p.jsonl", OTHER))
    import_file(project, write(first, GOOD, GOOD))
    assert [file.name for file in project.source_files()] == ["y/p.jsonl", "p.jsonl"]


def test_a_link_is_named_as_it_was_given(project, tmp_path):
    target = write(tmp_path / "blobs" / "0123.jsonl", GOOD)
    (tmp_path / "train.jsonl").symlink_to(target)
    file = import_file(project, tmp_path / "train.jsonl").file
    assert (file.name, file.path) == ("train.jsonl", str(target))


def test_duplicates_are_numbered_over_all_files(project, tmp_path):
    import_file(project, write(tmp_path / "a.jsonl", GOOD, GOOD))
    import_file(project, write(tmp_path / "b.jsonl", OTHER, {**GOOD, "chosen": "b", "rejected": "a"}))
    first, *others = [sample.sample_id for sample in SourceReader(project)]
    assert others[0] == f"{first}-2"
    assert others[2] == f"{first}-3"
    assert len(set(others)) == 3


NAMES = {
    "not UTF-8": (os.fsdecode(b"\xff\xe4.jsonl"), "\\xff\\xe4.jsonl"),
    "escape": ("\x1b[31m.jsonl", "\x1b[31m.jsonl"),
    "line end": ("a\nb.jsonl", "a\nb.jsonl"),
    "umlaut": ("ä.jsonl", "ä.jsonl"),
    "space and quotes": (" '\".jsonl", " '\".jsonl"),
    "as long as can be": ("n" * 249 + ".jsonl", "n" * 249 + ".jsonl"),
    "as long as can be, in wide letters": ("中" * 83 + ".jsonl", "中" * 83 + ".jsonl"),
}


@pytest.mark.parametrize(("name", "stored"), NAMES.values(), ids=NAMES.keys())
def test_a_file_of_any_name_is_imported_and_read_again(name, stored, project, tmp_path):
    path = write(tmp_path / name, GOOD)
    import_file(project, path)
    assert rows_of(project) == [("q", stored, 1)]
    assert not import_file(project, path).is_new
    assert import_file(project, write(path, OTHER)).is_new
    assert rows_of(project) == [("r", stored, 1)]


PACKED = gzip.compress(b"".join(lines({**GOOD, "prompt": hashlib.sha256(bytes([n])).hexdigest()}) for n in range(200)))
FAILING = {
    "missing": ("none.jsonl", None, {}, "There is no file {}."),
    "folder": (".", None, {}, "{} is a folder. Name the files in it."),
    "no regular file": ("/dev/null", None, {}, "{} is not a regular file."),
    "unknown ending": (
        "p.txt",
        b"q",
        {},
        "{} has no ending that prefmap knows (.jsonl, .json, .csv, .tsv, each also with .gz or .zst; .parquet).",
    ),
    "empty": ("p.jsonl", b"", {}, "{} holds no row that could be read."),
    "empty, format given": ("p.jsonl", b"", {"format": "trl"}, "{} holds no row that can be read as trl."),
    "no known format": (
        "p.jsonl",
        lines({"a": 1}),
        {},
        "p.jsonl is in no format that prefmap knows: its columns are a. See: prefmap list formats",
    ),
    "two formats": (
        "p.jsonl",
        lines({**GOOD, "instruction": "q"}, RATED),
        {},
        "p.jsonl fits more than one format: ultrafeedback (1 of the first 2 rows) and alpaca (1). "
        "Choose one with --format.",
    ),
    "all rows refused": (
        "p.jsonl",
        b"\n" + lines({"chosen": "\0", "rejected": "a"}),
        {},
        "{} holds no row that can be read as trl. Row 2: it holds a NUL character.",
    ),
    "format that does not fit": (
        "p.jsonl",
        lines(GOOD),
        {"format": "hh"},
        "{} holds no row that can be read as hh. Row 1: chosen does not begin with a turn of Human or Assistant.",
    ),
    "unknown format": ("p.jsonl", lines(GOOD), {"format": "x"}, "There is no format 'x'. See: prefmap list formats"),
    "unknown dimension": (
        "p.jsonl",
        lines(GOOD),
        {"dimension": "x"},
        "The format trl has no dimensions; leave --dimension out.",
    ),
    "gzip cut short far behind the first rows": (
        "p.jsonl.gz",
        PACKED[:-9],
        {},
        "{} is cut short or damaged inside (Compressed file ended before the end-of-stream marker was reached). "
        "Fetch it again.",
    ),
}


@pytest.mark.parametrize(("name", "content", "asked", "sentence"), FAILING.values(), ids=FAILING.keys())
def test_an_import_that_fails_says_why_and_leaves_the_project_as_it_was(
    name, content, asked, sentence, project, tmp_path
):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PrefmapError) as error:
        import_file(project, path, Reading(**asked))
    assert str(error.value) == sentence.format(path)
    assert not project.path.exists()
    import_file(project, write(tmp_path / "other.jsonl", OTHER))
    before = look_at(project.path)
    with pytest.raises(PrefmapError):
        import_file(project, path, Reading(**asked))
    assert look_at(project.path) == before


def test_a_project_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"mine")
    with pytest.raises(PrefmapError) as error:
        import_file(Project(tmp_path / "f"), write(tmp_path / "p.jsonl", GOOD))
    assert str(error.value) == f"{tmp_path / 'f'} is a file, and a project is a folder. Give another with -o."
    assert (tmp_path / "f").read_bytes() == b"mine"


def test_a_project_that_cannot_be_written_is_named_with_the_reason(project, tmp_path):
    project.path.mkdir()
    (project.path / "sources").write_bytes(b"")
    path = write(tmp_path / "p.jsonl", GOOD)
    with pytest.raises(SourceUnreadableError) as error:
        import_file(project, path)
    assert str(error.value) == f"{path} cannot be imported into {project.path}: File exists."


DAMAGED = {
    "no JSON": "{",
    "list": "[]",
    "no files": "{}",
    "file that is text": '{"files": ["x"]}',
    "file without columns": '{"files": [{"refused": []}]}',
    "key of a later version": '{"files": [{"refused": [], "name": "x", "new": 1}]}',
    "refused that is a number": '{"files": [{"refused": 1}]}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_of_the_sources_is_named_and_kept(content, project, tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD)
    project.create()
    project.source_file.write_text(content, encoding="utf-8")
    with pytest.raises(ProjectDamagedError) as error:
        import_file(project, path)
    told = str(error.value)
    assert told.startswith(f"{project.source_file} is damaged (")
    assert told.endswith("). Move it away, and import the files again.")
    assert project.source_file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/train.jsonl", "train.prefmap"),
        ("train.v2.jsonl.gz", "train.v2.prefmap"),
        ("train.parquet", "train.prefmap"),
        (".jsonl", ".jsonl.prefmap"),
        ("train", "train.prefmap"),
    ],
)
def test_a_project_is_named_after_its_file(path, name):
    assert name_project(Path(path)) == Path(name)


def test_refusals_are_summed_up_by_reason_most_frequent_first():
    refused = [Refused(2, "a"), Refused(3, "b"), Refused(5, "b"), *[Refused(row, "c") for row in range(7, 1_207)]]
    assert summarise_refusals(refused) == ["1,200 x c (first: row 7)", "2 x b (first: row 3)", "1 x a (first: row 2)"]


def scores_of(project: Project, name: str = "rm") -> list[dict[str, object]]:
    """Everything in a log of scores but its header."""
    return read_log(project.scores / f"{name}.jsonl").lines[1:]


def ids_of(project: Project) -> list[list[str]]:
    return [[one.response_id for one in sample.responses] for sample in SourceReader(project)]


@pytest.fixture
def pairs(project, tmp_path) -> Project:
    """A project of two rows, on lines 1 and 3."""
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(lines(GOOD) + b"\n" + lines(OTHER))
    import_file(project, path)
    return project


def test_scores_come_in_by_row_and_response(pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 0.5}, {"row": 3, "response": 1, "value": "2"})
    assert import_scores(pairs, file, name="rm") == ScoresImported(2, 2, [])
    (first, _), (_, second) = ids_of(pairs)
    assert scores_of(pairs) == [{"response": first, "value": 0.5}, {"response": second, "value": 2.0}]
    header = read_log(pairs.scores / "rm.jsonl").lines[0]
    assert header.pop("started")
    assert header == {
        "kind": "header",
        "scorer": "rm",
        "type": "imported",
        "identity": "rm",
        "fingerprint": "",
        "parameters": {"lower_is_better": False},
        "versions": {},
    }


def test_scores_come_in_by_sample_id_from_parquet_too(pairs, tmp_path):
    one, two = SourceReader(pairs)
    file = as_parquet(
        tmp_path / "s.parquet",
        {"sample_id": one.sample_id, "row": None, "response": 1, "value": 1.5},
        {"sample_id": two.sample_id, "row": None, "response": 0, "value": None},
        {"sample_id": None, "row": 1, "response": 0, "value": -2.5},
    )
    assert import_scores(pairs, file, name="rm") == ScoresImported(3, 3, [])
    assert scores_of(pairs) == [
        {"response": one.responses[1].response_id, "value": 1.5},
        {"response": two.responses[0].response_id, "value": None, "reason": "null in the imported file", "final": True},
        {"response": one.responses[0].response_id, "value": -2.5},
    ]


def test_scores_come_in_by_response_id(pairs, tmp_path):
    (first, _), (_, last) = ids_of(pairs)
    rows = [{"response_id": last, "value": 3}, {"response_id": first, "value": None}]
    assert import_scores(pairs, write(tmp_path / "s.jsonl", *rows), name="rm") == ScoresImported(2, 2, [])
    assert [(line["response"], line["value"]) for line in scores_of(pairs)] == [(last, 3.0), (first, None)]


def test_the_numbers_of_a_csv_table_and_of_floats_are_read(pairs, tmp_path):
    (first, second), (_, last) = ids_of(pairs)
    table = tmp_path / "s.csv"
    table.write_text(f"row,sample_id,response_id,response,value\n3,,,1,2.5\n,,{first},,-1\n1,,,1,\n,0f,,1,2\n")
    assert import_scores(pairs, table, name="rm") == ScoresImported(4, 3, [Refused(4, "there is no sample '0f'")])
    assert [(line["response"], line["value"]) for line in scores_of(pairs)] == [
        (last, 2.5), (first, -1.0), (second, None),
    ]  # fmt: skip
    import_scores(pairs, write(tmp_path / "f.jsonl", {"row": 3.0, "response": 1.0, "value": 7}), name="floats")
    assert scores_of(pairs, "floats") == [{"response": last, "value": 7.0}]


def test_lower_is_better_turns_the_values_round(pairs, tmp_path):
    rows = [{"row": 1, "response": 0, "value": 0.5}, {"row": 1, "response": 1, "value": -3}]
    import_scores(pairs, write(tmp_path / "s.jsonl", *rows), name="loss", lower_is_better=True)
    assert [line["value"] for line in scores_of(pairs, "loss")] == [-0.5, 3.0]
    assert read_log(pairs.scores / "loss.jsonl").lines[0]["parameters"] == {"lower_is_better": True}


MISSING_VALUES = {"null": None, "NaN": float("nan"), "N/A": "N/A", "empty": ""}


@pytest.mark.parametrize("value", MISSING_VALUES.values(), ids=MISSING_VALUES.keys())
def test_a_missing_value_is_null_for_good_and_never_zero(value, pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": value})
    assert import_scores(pairs, file, name="rm") == ScoresImported(1, 1, [])
    assert scores_of(pairs) == [
        {"response": ids_of(pairs)[0][0], "value": None, "reason": "null in the imported file", "final": True}
    ]


NO_PLACE = "it has none of row (a number from 1), sample_id and response_id"
REFUSED = {
    "blank row": ({"row": 2, "response": 0, "value": 1}, "no sample was imported from row 2"),
    "row 0": ({"row": 0, "response": 0, "value": 1}, "no sample was imported from row 0"),
    "row behind the last": ({"row": 4, "response": 0, "value": 1}, "no sample was imported from row 4"),
    "row in words": ({"row": "one", "response": 0, "value": 1}, NO_PLACE),
    "row between two": ({"row": 1.5, "response": 0, "value": 1}, NO_PLACE),
    "unknown response": ({"response_id": "0f", "value": 1}, "there is no response '0f'"),
    "response id that is a list": ({"response_id": [], "value": 1}, "there is no response []"),
    "row that is true": ({"row": True, "response": 0, "value": 1}, NO_PLACE),
    "no place": ({"response": 0, "value": 1}, NO_PLACE),
    "unknown sample": ({"sample_id": "0f", "response": 0, "value": 1}, "there is no sample '0f'"),
    "sample id that is a list": ({"sample_id": [], "response": 0, "value": 1}, "there is no sample []"),
    "response behind the last": (
        {"row": 1, "response": 2, "value": 1},
        "response is 2; the sample has responses 0 to 1",
    ),
    "response before the first": (
        {"row": 1, "response": -1, "value": 1},
        "response is -1; the sample has responses 0 to 1",
    ),
    "no response": ({"row": 1, "value": 1}, "response is None, not an index from 0"),
    "response that is true": ({"row": 1, "response": True, "value": 1}, "response is True, not an index from 0"),
    "response in words": (
        {"row": 1, "response": "chosen", "value": 1},
        "response is 'chosen', not an index from 0",
    ),
    "no value": ({"row": 1, "response": 0, "score": 1}, "it has no value; null says that there is no score"),
    "value in words": ({"row": 1, "response": 0, "value": "high"}, "value is 'high', not a number"),
    "infinite value": ({"row": 1, "response": 0, "value": float("inf")}, "value is inf, not a finite number"),
    "value that is a list": ({"row": 1, "response": 0, "value": [1]}, "value is a list, not a number"),
    "no object": ([1, 0, 1], "the row is list, not an object with columns"),
}


@pytest.mark.parametrize(("row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_score_that_fits_nothing_is_refused_and_counted(row, reason, pairs, tmp_path):
    good = {"row": 3, "response": 1, "value": 4}
    file = write(tmp_path / "s.jsonl", row, good)
    assert import_scores(pairs, file, name="rm") == ScoresImported(2, 1, [Refused(1, reason)])
    assert scores_of(pairs) == [{"response": ids_of(pairs)[1][1], "value": 4.0}]
    alone = write(tmp_path / "alone.jsonl", row)
    with pytest.raises(ScorerRefusedError) as error:
        import_scores(pairs, alone, name="other")
    assert str(error.value) == f"{alone} holds no score that fits this project. Row 1: {reason}."
    assert not (pairs.scores / "other.jsonl").exists()


def test_a_later_file_adds_to_the_log_and_its_values_come_last(pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 1})
    import_scores(pairs, file, name="rm")
    import_scores(pairs, write(file, {"row": 1, "response": 0, "value": 2}), name="rm")
    assert [line["value"] for line in scores_of(pairs)] == [1.0, 2.0]


def test_several_files_are_told_apart_by_file(pairs, tmp_path):
    import_file(pairs, write(tmp_path / "more" / "pairs.jsonl", EMPTY))
    file = write(
        tmp_path / "s.jsonl",
        {"file": "more/pairs.jsonl", "row": 1, "response": 0, "value": 1},
        {"file": "pairs.jsonl", "row": 3, "response": 0, "value": 2},
        {"file": "pairs.jsonl", "row": 2, "response": 0, "value": 3},
        {"row": 1, "response": 0, "value": 4},
        {"file": None, "row": 1, "response": 0, "value": 5},
    )
    first, second, third = ids_of(pairs)
    assert import_scores(pairs, file, name="rm") == ScoresImported(
        5,
        2,
        [
            Refused(3, "no sample was imported from pairs.jsonl:2"),
            Refused(4, "several files were imported, so it needs file beside row"),
            Refused(5, "several files were imported, so it needs file beside row"),
        ],
    )
    assert first != second
    assert scores_of(pairs) == [{"response": third[0], "value": 1.0}, {"response": second[0], "value": 2.0}]


def test_all_duplicates_are_found_by_their_own_ids_and_rows(project, tmp_path):
    import_file(project, write(tmp_path / "pairs.jsonl", GOOD, GOOD))
    ids = [sample.sample_id for sample in SourceReader(project)]
    rows = [{"sample_id": sample_id, "response": 0, "value": at} for at, sample_id in enumerate(ids)]
    file = write(tmp_path / "s.jsonl", *rows, {"row": 2, "response": 0, "value": 2})
    assert import_scores(project, file, name="rm") == ScoresImported(3, 3, [])
    assert len({line["response"] for line in scores_of(project)}) == 1


def test_scores_of_seven_responses_are_found_by_index(project, tmp_path):
    import_file(project, write(tmp_path / "p.jsonl", RATED))
    rows = [{"row": 1, "response": at, "value": at} for at in (2, 0, 1)]
    import_scores(project, write(tmp_path / "s.jsonl", *rows), name="rm")
    (ids,) = ids_of(project)
    assert {line["response"]: line["value"] for line in scores_of(project)} == dict(
        zip(ids, (0.0, 1.0, 2.0), strict=True)
    )


def test_the_log_of_a_scorer_of_prefmap_is_left_alone(pairs, tmp_path):
    log = pairs.scores / "crossfit-12345678.jsonl"
    log.write_bytes(lines({"kind": "header", "type": "crossfit"}))
    before = log.read_bytes()
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 1})
    with pytest.raises(ScorerRefusedError) as error:
        import_scores(pairs, file, name="crossfit-12345678")
    assert str(error.value) == (
        "crossfit-12345678.jsonl is the log of a scorer of prefmap. Give the scores another --scorer name."
    )
    assert log.read_bytes() == before


@pytest.mark.parametrize(("first", "word"), [(False, "without"), (True, "with")])
def test_one_log_does_not_mix_directions(first, word, pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 1})
    import_scores(pairs, file, name="rm", lower_is_better=first)
    before = (pairs.scores / "rm.jsonl").read_bytes()
    with pytest.raises(ScorerRefusedError) as error:
        import_scores(pairs, file, name="rm", lower_is_better=not first)
    assert str(error.value) == (
        f"{pairs.scores / 'rm.jsonl'} was imported {word} --lower-is-better. "
        "Do the same again, give another --scorer name, or remove it."
    )
    assert (pairs.scores / "rm.jsonl").read_bytes() == before


@pytest.mark.parametrize("name", ["", ".", "..", ".rm", "a/b", "../rm", "/tmp/rm", "a\nb", "a\0b", "\udcff", "n" * 201])
def test_a_name_that_cannot_name_a_log_is_refused(name, pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 1})
    before = look_at(tmp_path)
    with pytest.raises(ScorerRefusedError) as error:
        import_scores(pairs, file, name=name)
    assert str(error.value) == (f"{name!r} cannot name scores. Take a short name without a slash or a dot in front.")
    assert look_at(tmp_path) == before


def test_the_name_that_the_map_gives_to_the_mean_is_refused(pairs, tmp_path):
    file = write(tmp_path / "s.jsonl", {"row": 1, "response": 0, "value": 1})
    with pytest.raises(ScorerRefusedError) as error:
        import_scores(pairs, file, name="ensemble")
    assert str(error.value) == (
        "ensemble is what the map calls the mean of several scorers. Give another --scorer name."
    )


def test_the_import_command_says_what_became_of_each_file(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.jsonl", GOOD, EMPTY, 7, {"chosen": "\0", "rejected": ""})
    write(tmp_path / "b.jsonl", RATED)
    assert run(prefmap, ["import", "a.jsonl", "b.jsonl", "a.jsonl"]) == 0
    said = capfd.readouterr()
    assert said.out == ""
    assert [line for line in said.err.splitlines() if not line.startswith("import ")] == [
        "a.jsonl: 2 samples from 4 rows, read as trl.",
        "2 rows refused, each listed in a.prefmap/source.json:",
        "  1 x the row is int, not an object with columns (first: row 3)",
        "  1 x it holds a NUL character (first: row 4)",
        "flagged: 1 empty response",
        "b.jsonl: 1 samples from 1 rows, read as ultrafeedback.",
        "flagged: 1 tie",
        "a.jsonl is in a.prefmap already.",
    ]


def test_the_import_command_prints_one_json_object(tmp_path, capfd):
    path, project = write(tmp_path / "a.jsonl", GOOD, 7), tmp_path / "x.prefmap"
    assert run(prefmap, ["import", str(path), "-o", str(project), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {
        "project": str(project),
        "format": "trl",
        "rows": 2,
        "samples": 1,
        "refused": [{"row": 2, "reason": "the row is int, not an object with columns", "file": "a.jsonl"}],
        "files": [{"name": "a.jsonl", "format": "trl", "rows": 2, "flags": {}}],
    }


HOSTILE = {
    "missing": (["import", "none.jsonl"], 1),
    "folder": (["import", "."], 1),
    "device": (["import", "/dev/zero"], 1),
    "no name": (["import", ""], 1),
    "project that is a file": (["import", "p.jsonl", "-o", "p.jsonl"], 1),
    "project inside a file": (["import", "p.jsonl", "-o", "p.jsonl/x"], 1),
    "project of a name too long": (["import", "p.jsonl", "-o", "n" * 300], 1),
    "file of a name too long": (["import", "n" * 300], 1),
    "nothing to import": (["import"], 2),
    "unknown option": (["import", "p.jsonl", "--colour"], 2),
    "scores of no project": (["import-scores", "none", "s.jsonl", "--scorer", "rm"], 1),
    "scores into a file": (["import-scores", "p.jsonl", "s.jsonl", "--scorer", "rm"], 1),
    "scores without a name": (["import-scores", "p.prefmap", "s.jsonl"], 2),
    "scores from nowhere": (["import-scores", "p.prefmap", "none.jsonl", "--scorer", "rm"], 1),
    "scores from a folder": (["import-scores", "p.prefmap", ".", "--scorer", "rm"], 1),
    "scores into a project of a name too long": (["import-scores", "n" * 300, "s.jsonl", "--scorer", "rm"], 1),
    "scores under a path": (["import-scores", "p.prefmap", "p.jsonl", "--scorer", "../../rm"], 1),
}


@pytest.mark.parametrize(("arguments", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_command_line_ends_in_one_sentence(arguments, code, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import_file(Project(tmp_path / "p.prefmap"), write(tmp_path / "p.jsonl", GOOD))
    before = look_at(tmp_path)
    assert run(prefmap, arguments) == code
    said = capfd.readouterr()
    assert said.out == ""
    *others, last = said.err.splitlines()
    assert last.startswith("prefmap: " if code == 1 else "Error: ")
    assert all(line.startswith(("import ", "Usage: ", "Try ")) for line in others if line)
    assert look_at(tmp_path) == before
