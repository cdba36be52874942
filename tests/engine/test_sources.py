import csv
import gzip
import io
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import FormatUnknownError, ProjectDamagedError, SourceUnreadableError
from engine.importing import Reading, import_file
from engine.nesting import DEEPEST
from engine.project import Project
from engine.records import Message, Sample
from engine.rows import Row, kind_of, read_rows
from engine.sources import SourceReader, detect_file, fingerprint

PAIRS = [
    {"prompt": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."},
    {"prompt": 'Say "a, b"\nand stop.', "chosen": "a, b\r\n", "rejected": ""},
    {"prompt": "Ein Wort?", "chosen": "Bäume 中文 \U0001f600", "rejected": "\ufeffno"},
]
LINE = b'{"prompt":"q","chosen":"a","rejected":"b"}'
GOOD = {"prompt": "q", "chosen": "a", "rejected": "b"}
BOM = b"\xef\xbb\xbf"


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_array(rows: list[dict[str, str]]) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=2).encode()


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, str]], folder: Path) -> bytes:
    lines, target = folder / "rows.jsonl", folder / "rows.parquet"
    lines.write_bytes(as_lines(rows))
    return write_parquet(target, f"SELECT * FROM read_json('{lines}', format = 'newline_delimited')")


def write_parquet(target: Path, query: str) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    return target.read_bytes()


KINDS: dict[str, Callable[[list[dict[str, str]], Path], bytes]] = {
    "p.jsonl": lambda rows, _: as_lines(rows),
    "p.jsonl.gz": lambda rows, _: gzip.compress(as_lines(rows)),
    "p.JSONL.GZ": lambda rows, _: gzip.compress(as_lines(rows)),
    "two members.jsonl.gz": lambda rows, _: gzip.compress(as_lines(rows[:1])) + gzip.compress(as_lines(rows[1:])),
    "no last line end.jsonl": lambda rows, _: as_lines(rows).rstrip(),
    "bom.jsonl": lambda rows, _: BOM + as_lines(rows),
    "windows.jsonl": lambda rows, _: as_lines(rows).replace(b"\n", b"\r\n"),
    "array.json": lambda rows, _: as_array(rows),
    "array.json.gz": lambda rows, _: gzip.compress(as_array(rows)),
    "array with bom.json": lambda rows, _: BOM + b" \r\n" + as_array(rows),
    "lines.json": lambda rows, _: as_lines(rows),
    "p.csv": lambda rows, _: as_csv(rows),
    "p.csv.gz": lambda rows, _: gzip.compress(as_csv(rows)),
    "p.tsv": lambda rows, _: as_csv(rows, "\t"),
    "p.jsonl.zst": lambda rows, _: zstandard.compress(as_lines(rows)),
    "two frames.jsonl.zst": lambda rows, _: (
        zstandard.compress(as_lines(rows[:1])) + zstandard.compress(as_lines(rows[1:]))
    ),
    "array.json.zst": lambda rows, _: zstandard.compress(as_array(rows)),
    "bom.csv": lambda rows, _: BOM + as_csv(rows),
    "p.parquet": as_parquet,
    "[odd] name * of ?.jsonl": lambda rows, _: as_lines(rows),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_rows(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(KINDS[name](PAIRS, tmp_path))
    assert list(read_rows(path)) == [Row(number, row) for number, row in enumerate(PAIRS, start=1)]
    assert detect_file(path) == "trl"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_samples_again_from_the_copy(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(KINDS[name](PAIRS, tmp_path))
    project = Project(tmp_path / "p.prefmap")
    import_file(project, path)
    path.unlink()
    expected = [
        Sample.of(prompt=[Message("user", row["prompt"])], texts=[row["chosen"], row["rejected"]], labels=[1.0, 0.0])
        for row in PAIRS
    ]
    assert list(SourceReader(project)) == [
        replace(sample, file=name, row=number) for number, sample in enumerate(expected, start=1)
    ]


def bad(number: int, problem: str) -> Row:
    return Row(number, None, problem)


LINES = {
    "blank lines keep their numbers": (b"\n\n" + LINE + b"\n \t\n" + LINE, [Row(3, GOOD), Row(5, GOOD)]),
    "bad JSON in the middle": (
        LINE + b'\n{"prompt":"q",\n' + LINE,
        [
            Row(1, GOOD),
            bad(2, "not JSON: Expecting property name enclosed in double quotes at column 15"),
            Row(3, GOOD),
        ],
    ),
    "two rows in one line": (LINE + LINE, [bad(1, "not JSON: Extra data at column 43")]),
    "torn last line": (
        LINE + b"\n" + LINE[:5],
        [Row(1, GOOD), bad(2, "not JSON: Unterminated string starting at at column 2")],
    ),
    "list": (b"[1]", [bad(1, "the row is list, not an object with columns")]),
    "null": (b"null", [bad(1, "the row is NoneType, not an object with columns")]),
    "text": (b'"q"', [bad(1, "the row is str, not an object with columns")]),
    "number": (b"NaN", [bad(1, "the row is float, not an object with columns")]),
    "empty object": (b"{}", [Row(1, {})]),
    "not UTF-8": (
        b'{"prompt":"\xff"}\n' + LINE,
        [bad(1, "byte 12 of the line is not UTF-8"), Row(2, GOOD)],
    ),
    "BOM in the middle": (
        LINE + b"\n" + BOM + LINE,
        [Row(1, GOOD), bad(2, "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at column 1")],
    ),
    "raw NUL": (b'{"prompt":"\0"}', [bad(1, "not JSON: Invalid control character at at column 12")]),
    "escaped NUL and surrogate": (b'{"prompt":"\\u0000\\ud800"}', [Row(1, {"prompt": "\0\ud800"})]),
    "infinite": (b'{"a":Infinity,"b":-1e999}', [Row(1, {"a": math.inf, "b": -math.inf})]),
    "nothing": (b"", []),
    "only blank lines": (b"\n\r\n \n", []),
}


@pytest.mark.parametrize(("content", "rows"), LINES.values(), ids=LINES.keys())
def test_a_line_that_cannot_be_read_says_why_and_the_next_one_follows(content, rows, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    assert list(read_rows(path)) == rows


ENDLESS = {
    "nested without end": b"[" * 100_000,
    "integer of 5,000 digits": b'{"a":' + b"1" * 5_000 + b"}",
}


@pytest.mark.parametrize("line", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_line_that_python_gives_up_on_is_a_bad_row(line, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(line + b"\n" + LINE)
    first, second = read_rows(path)
    assert (first.number, first.values, first.problem[:27]) == (1, None, "not JSON that can be read: ")
    assert second == Row(2, GOOD)


def nested(depth: int) -> object:
    """Give lists and objects in turn, as many deep as that."""
    value: object = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("name", ["p.jsonl", "p.json"])
def test_a_row_is_refused_when_it_is_nested_deeper_than_any_reader_likes(name, tmp_path):
    path = tmp_path / name
    rows = [{"a": nested(DEEPEST - 1)}, {"a": nested(DEEPEST)}, {"a": nested(300)}]
    path.write_text(json.dumps(rows) if name == "p.json" else "\n".join(map(json.dumps, rows)))
    problem = "lists and objects stand in one another more than 100 deep"
    assert list(read_rows(path)) == [Row(1, rows[0]), bad(2, problem), bad(3, problem)]


def test_an_integer_of_any_length_is_not_rounded(tmp_path):
    path = tmp_path / "p.jsonl"
    numbers = [sign * (10**digits + 7) for digits in (17, 18, 19, 20, 40) for sign in (1, -1)]
    path.write_text(json.dumps({"a": numbers}) + "\n")
    (row,) = read_rows(path)
    assert repr(row.values) == repr({"a": numbers})


def test_nan_in_a_row_is_nan_and_no_error(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"a":NaN}')
    (row,) = read_rows(path)
    assert row.values is not None
    assert math.isnan(row.values["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["p.jsonl", "p.json", "p.csv", "p.jsonl.gz", "p.csv.gz"])
def test_a_row_of_a_megabyte_is_read_whole(name, tmp_path):
    path = tmp_path / name
    rows = [{**GOOD, "chosen": "ä" * 500_000}, GOOD]
    content = as_csv(rows) if ".csv" in name else as_lines(rows)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [row.values for row in read_rows(path)] == rows


ARRAYS = {
    "empty": (b"[]", []),
    "rows that are no objects": (
        b'[{"a":1},[],null]',
        [
            Row(1, {"a": 1}),
            bad(2, "the row is list, not an object with columns"),
            bad(3, "the row is NoneType, not an object with columns"),
        ],
    ),
}


@pytest.mark.parametrize(("content", "rows"), ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_is_read_row_by_row(content, rows, tmp_path):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    assert list(read_rows(path)) == rows


RAGGED = "it has more or fewer cells than the header"
TABLES = {
    "cells missing and left over": (
        b"a,b\n1,2\n3\n4,5,6\n7,8\n",
        [Row(1, {"a": "1", "b": "2"}), bad(2, RAGGED), bad(3, RAGGED), Row(4, {"a": "7", "b": "8"})],
    ),
    "blank lines, Windows line ends": (b"a,b\r\n\r\n1,2\r\n\r\n", [Row(1, {"a": "1", "b": "2"})]),
    "empty cells": (b"a,b\n,\n", [Row(1, {"a": "", "b": ""})]),
    "line end inside a cell": (b'a,b\n"1\n2",3\n', [Row(1, {"a": "1\n2", "b": "3"})]),
    "only the header": (b"a,b\n", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("content", "rows"), TABLES.values(), ids=TABLES.keys())
def test_a_table_is_read_row_by_row(content, rows, tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    assert list(read_rows(path)) == rows


def test_what_parquet_holds_comes_as_plain_values(tmp_path):
    path = tmp_path / "p.parquet"
    write_parquet(
        path,
        "SELECT [{'role': 'user', 'content': 'q'}] AS chosen, NULL AS rejected, 1.5::DECIMAL(3, 1) AS score, "
        "2::TINYINT AS n, 'nan'::DOUBLE AS nothing, {'a': [1]} AS deep",
    )
    (row,) = read_rows(path)
    assert row.values is not None
    values = dict(row.values)
    assert math.isnan(values.pop("nothing"))  # type: ignore[arg-type]
    assert values == {
        "chosen": [{"role": "user", "content": "q"}],
        "rejected": None,
        "score": Decimal("1.5"),
        "n": 2,
        "deep": {"a": [1]},
    }


@pytest.mark.parametrize(
    ("value", "deep"),
    [
        ("[" * 16 + "1" + "]" * 16, False),
        ("[" * 17 + "1" + "]" * 17, True),
        ("[{'a': " * 17 + "1" + "}]" * 17, True),
        ("{'x': 1, " + ", ".join(f"'l{n} (a, [b' : [[{n}]]" for n in range(20)) + "}", False),
        ("[{'a': 1.5::DECIMAL(3, 1), 'b': [{'c': ['x'::ENUM('x', '(')]}]}]", False),
    ],
    ids=["16 lists", "17 lists", "17 lists of objects", "lists side by side", "types with commas"],
)
def test_lists_in_lists_that_duckdb_would_never_finish_are_refused(value, deep, tmp_path):
    path = tmp_path / "p.parquet"
    write_parquet(path, f"SELECT {value} AS value")
    if deep:
        with pytest.raises(SourceUnreadableError, match="holds lists in lists, more than 16 deep"):
            list(read_rows(path))
    else:
        assert len(list(read_rows(path))) == 1


def test_times_in_parquet_come_as_text_at_any_depth(tmp_path):
    path = tmp_path / "p.parquet"
    write_parquet(
        path,
        "SELECT DATE '2024-01-02' AS day, {'at': TIMESTAMPTZ '2024-01-02 03:00:00+00'} AS zoned, "
        "MAP {DATE '2024-01-02': 1} AS days, [{'DATE': TIME '03:00:00', 'n': 1}] AS times, 7 AS \"TIME (s)\"",
    )
    (row,) = read_rows(path)
    assert row.values is not None
    zoned = row.values["zoned"]
    assert isinstance(zoned, dict)
    assert str(zoned["at"])[:4] == "2024"
    assert {**row.values, "zoned": None} == {
        "day": "2024-01-02",
        "zoned": None,
        "days": {"2024-01-02": 1},
        "times": [{"DATE": "03:00:00", "n": 1}],
        "TIME (s)": 7,
    }


@pytest.mark.parametrize("query", ["SELECT 'marked' AS prompt", "SELECT '\"marked\"'::JSON AS prompt"])
def test_parquet_whose_text_is_not_utf8_is_named(query, tmp_path):
    path = tmp_path / "p.parquet"
    content = write_parquet(path, query)
    assert b"marked" in content
    path.write_bytes(content.replace(b"marked", b"\xed\xa0\x80\xff\xfe\xc3"))
    with pytest.raises(SourceUnreadableError, match="is not parquet that DuckDB can read: "):
        list(read_rows(path))


PACKED = gzip.compress(as_lines([{**GOOD, "chosen": random.Random(7).randbytes(9_000).hex()}] * 9))
UNREADABLE = {
    "truncated gzip": (
        "p.jsonl.gz",
        PACKED[:-2_000],
        "{} is cut short or damaged inside (Compressed file ended before the end-of-stream marker was reached). "
        "Fetch it again.",
    ),
    "not gzip": (
        "p.jsonl.gz",
        LINE,
        "{} is cut short or damaged inside (Not a gzipped file (b'{{\"')). Fetch it again.",
    ),
    "gzip with another sum": (
        "p.json.gz",
        PACKED[:-8] + bytes(8),
        "{} is cut short or damaged inside (CRC check failed",
    ),
    "gzip damaged inside": (
        "p.csv.gz",
        PACKED[:2_000] + bytes(99) + PACKED[2_099:],
        "{} is cut short or damaged inside (",
    ),
    "truncated zstd": ("p.jsonl.zst", zstandard.compress(LINE * 50)[:-4], "{} is cut short or damaged inside ("),
    "no zstd": ("p.jsonl.zst", LINE, "{} is cut short or damaged inside ("),
    "array cut short": (
        "p.json",
        b"[" + LINE + b",",
        "{} is one JSON array, and it is broken: Expecting value: line 1 column 45 (char 44).",
    ),
    "array nested without end": ("p.json", b"[" * 100_000, "{} is one JSON array, and it is broken: maximum recursion"),
    "array that is not UTF-8": ("p.json", b'["\xff"]', "{}: byte 3 is not UTF-8. Save it as UTF-8."),
    "table that is not UTF-8": ("p.csv", b"a,b\n1,\xff\n", "{}: after row 0 it is not UTF-8. Save it as UTF-8."),
    "open quote": ("p.csv", b'a,b\n1,2\n3,"4\n', "{}: after row 1 it is not CSV: unexpected end of data."),
    "quote inside a cell": ("p.csv", b'a,b\n"1"2,3\n', "{}: after row 0 it is not CSV: ',' expected after '\"'."),
    "no parquet": ("p.parquet", LINE, "{} is not parquet that DuckDB can read: "),
    "empty parquet": ("p.parquet", b"", "{} is not parquet that DuckDB can read: "),
    "unknown ending": (
        "p.txt",
        LINE,
        "{} has no ending that prefmap knows (.jsonl, .json, .csv, .tsv, each also with .gz or .zst; .parquet).",
    ),
    "packed parquet": (
        "p.parquet.gz",
        gzip.compress(b"PAR1"),
        "{} has no ending that prefmap knows (.jsonl, .json, .csv, .tsv, each also with .gz or .zst; .parquet).",
    ),
}


@pytest.mark.parametrize(("name", "content", "sentence"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_damaged_file_is_named_with_what_is_wrong(name, content, sentence, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceUnreadableError) as error:
        list(read_rows(path))
    told = str(error.value)
    assert told.startswith(sentence.format(path))
    assert "\n" not in told
    if sentence.endswith("."):
        assert told == sentence.format(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    for name, why in {"none.jsonl": "No such file or directory", "folder.jsonl": "Is a directory"}.items():
        with pytest.raises(SourceUnreadableError) as error:
            list(read_rows(tmp_path / name))
        assert str(error.value) == f"{tmp_path / name} cannot be read: {why}."


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jsonl", ".jsonl"), ("A.JSON", ".json"), ("a.csv.gz", ".csv"), ("a.b.Parquet", ".parquet"), (".json", ".json")],
)
def test_the_kind_of_a_file_is_its_ending(name, kind):
    assert kind_of(Path(name)) == kind


NO_ROWS = {
    "empty": ("p.jsonl", b"", ""),
    "empty gzip": ("p.jsonl.gz", b"", ""),
    "empty table": ("p.csv", b"", ""),
    "empty array": ("p.json", b"[]", ""),
    "UTF-16": ("p.jsonl", '{"a":1}'.encode("utf-16"), " Row 1: byte 1 of the line is not UTF-8."),
    "packed without saying so": ("p.jsonl", PACKED, " Row 1: byte 2 of the line is not UTF-8."),
    "one object over several lines": (
        "p.json",
        b'{\n"a": 1\n}',
        " Row 1: not JSON: Expecting property name enclosed in double quotes at column 2.",
    ),
}


@pytest.mark.parametrize(("name", "content", "why"), NO_ROWS.values(), ids=NO_ROWS.keys())
def test_a_file_without_a_row_says_so_and_why(name, content, why, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatUnknownError) as error:
        detect_file(path)
    assert str(error.value) == f"{path} holds no row that could be read.{why}"


def test_a_format_is_recognised_by_the_first_hundred_rows_that_can_be_read(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(
        b"{\n" * 200 + (LINE + b"\n") * 100 + b'{"completions":[{"response":"","annotations":{}}]}\n' * 900
    )
    assert detect_file(path) == "trl"


def test_reading_tells_how_far_it_is(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes((LINE + b"\n") * 60_000)
    told: list[int] = []
    assert len(list(read_rows(path, told.append))) == 60_000
    assert len(told) == 3
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


pieces = st.sampled_from(
    [
        LINE,
        LINE.replace(b"q", b"r"),
        b"",
        b" \t",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"null",
        b'{"chosen":"\\ud800","rejected":""}',
    ]
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=12), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_no_row_is_lost_each_is_a_sample_or_refused_by_its_line(tmp_path, lines, end, packed):
    path = tmp_path / ("p.jsonl.gz" if packed else "p.jsonl")
    content = end.join(lines)
    path.write_bytes(gzip.compress(content) if packed else content)
    project = Project(tmp_path / "p.prefmap")
    project.source_file.unlink(missing_ok=True)
    good = [number for number, line in enumerate(lines, start=1) if b"prompt" in line]
    told = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not good:
        with pytest.raises(SourceUnreadableError):
            import_file(project, path, Reading("trl"))
        return
    file = import_file(project, path, Reading("trl")).file
    assert (file.rows, file.samples) == (len(told), len(good))
    assert [sample.row for sample in SourceReader(project)] == good
    assert [one.row for one in file.refused] == sorted(set(told) - set(good))


def import_pairs(folder: Path, rows: list[dict[str, str]]) -> Project:
    path = folder / "p.jsonl"
    path.write_bytes(as_lines(rows))
    project = Project(folder / "p.prefmap")
    import_file(project, path)
    return project


def test_duplicates_are_numbered_whatever_their_order_and_labels(tmp_path):
    turned = {**GOOD, "chosen": "b", "rejected": "a"}
    samples = list(SourceReader(import_pairs(tmp_path, [GOOD, PAIRS[0], GOOD, turned])))
    first, other, *again = samples
    assert [sample.sample_id for sample in again] == [f"{first.sample_id}-2", f"{first.sample_id}-3"]
    assert {sample.content_id for sample in again} == {first.sample_id}
    assert other.sample_id != first.sample_id
    assert [sample.row for sample in samples] == [1, 2, 3, 4]


def test_samples_can_be_read_again_and_counted(tmp_path):
    reader = SourceReader(import_pairs(tmp_path, PAIRS))
    assert list(reader) == list(reader)
    assert len(reader) == 3


def test_a_copy_that_is_gone_is_named_with_the_file_it_came_from(tmp_path):
    project = import_pairs(tmp_path, PAIRS)
    (copy,) = project.sources.iterdir()
    copy.unlink()
    with pytest.raises(ProjectDamagedError) as error:
        list(SourceReader(project))
    assert str(error.value) == f"{copy} is missing. Import {tmp_path / 'p.jsonl'} again."


def test_a_copy_that_is_damaged_is_named(tmp_path):
    project = import_pairs(tmp_path, PAIRS)
    (copy,) = project.sources.iterdir()
    copy.write_bytes(copy.read_bytes()[:-12])
    with pytest.raises(SourceUnreadableError, match=rf"^{copy} is cut short or damaged inside"):
        list(SourceReader(project))


def make_sample(prompt: str, *, labels: tuple[float, float] = (1.0, 0.0)) -> Sample:
    return Sample.of(prompt=[Message("user", prompt)], texts=["a", "b"], labels=labels)


def test_a_fingerprint_depends_on_samples_and_labels_and_not_on_their_order():
    one, two = make_sample("1"), make_sample("2")
    assert fingerprint([one, two]) == fingerprint([two, one]) == fingerprint([replace(two, file="f", row=9), one])
    flipped = make_sample("2", labels=(0.0, 1.0))
    sets = [[], [one], [two], [one, one], [one, two], [one, flipped], [one, two, two]]
    assert len({fingerprint(samples) for samples in sets}) == len(sets)


def test_a_parquet_file_is_read_alone_whatever_its_name(tmp_path):
    import duckdb

    for name, value in (("a[1].parquet", "mine"), ("a1.parquet", "other")):
        duckdb.sql(f"SELECT '{value}' AS prompt, now() AS time, DATE '2026-01-02' AS day").write_parquet(
            str(tmp_path / name)
        )
    (row,) = read_rows(tmp_path / "a[1].parquet")
    assert row.values["prompt"] == "mine"
    assert row.values["day"] == "2026-01-02"
    assert isinstance(row.values["time"], str)


def test_pieces_number_their_samples_past_blank_and_refused_rows(tmp_path):
    project = Project(tmp_path / "p.prefmap")
    rows = [json.dumps({"prompt": f"q{n}", "chosen": "a", "rejected": "b"}) for n in range(1200)]
    rows[0], rows[600], rows[601] = "{}", "", "[]"
    lines, array = tmp_path / "lines.jsonl", tmp_path / "array.json"
    lines.write_text("\n".join(rows))
    array.write_text("[" + ",".join(filter(None, rows)).replace('"q', '"other') + "]")
    for file in (lines, array):
        import_file(project, file)
    samples = SourceReader(project)
    numbered = [pair for piece in samples.pieces() for pair in enumerate(piece.read(), piece.place.start)]
    assert [number for number, _ in numbered] == list(range(1197 + 1197))
    assert [piece.place.stop for piece in samples.pieces()][-1] == 1197 + 1197
    assert [one.prompt for _, one in numbered] == [one.prompt for one in samples]
    assert len(list(samples.pieces())) > len(samples.files)
