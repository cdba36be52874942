"""What holds of every export format, and what each one alone refuses."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from engine.commands.export import FORMATS as OFFERED
from engine.errors import RowRefusedError, VerifyError
from engine.exporting import DESCRIPTION, export
from engine.exports.drafting import BOTH_WAYS, NOT_IN_COLUMNS, TWICE, fits
from engine.exports.manifests import ExportPlan
from engine.formats.catalog import VERBATIM, WRITERS, detect_format, load_format, load_writer
from engine.importing import import_file
from engine.map_writer import read_parquet_rows
from engine.pairs import MORE_THAN_TEXT
from engine.project import Project
from engine.records import Message, TrainingPair
from engine.sources import SourceReader
from engine.verifying import verify

Json = dict[str, Any]

READ_BY = {"trl": "trl", "trl-standard": "trl", "openai": "openai", "llamafactory": "sharegpt", "axolotl": "axolotl",
           "openrlhf": "trl"}  # fmt: skip
"""The format that reads what a writer writes."""


def said(role: str, content: str, **more: object) -> Json:
    return {"role": role, "content": content, **more}


def row_of(prompt: list[Json], chosen: str, rejected: str, **more: object) -> Json:
    return {"prompt": prompt, "chosen": [said("assistant", chosen)], "rejected": [said("assistant", rejected)], **more}


def question(n: object, **more: object) -> Json:
    return row_of([said("user", f"Question {n}?")], f"Good {n}.", f"Bad {n}.", **more)


LONGER = [said("user", "Hi."), said("assistant", "Hello."), said("user", "Why is it so?")]
SYSTEM = said("system", "Be brief.")
ROWS = [
    question(1),
    row_of(LONGER, "Because.", "No idea."),
    row_of([SYSTEM, said("user", "Why?")], "It is\nso.", "Why\u2028not?"),
    row_of([SYSTEM, *LONGER], "é ü 漢字 🎉", 'quo"te \\ back'),
    question("2024-01-01"),
    row_of([said("user", " spaced \r\n")], "NaN", "null"),
]
CALLED = said("assistant", "", tool_calls=[{"type": "function", "function": {"name": "look", "arguments": "{}"}}])
WITH_CALLS = row_of([said("user", "Look."), CALLED, said("tool", "Found.")], "Here.", "There.")
WITH_TOOLS = question("tools", tools=[{"type": "function", "function": {"name": "look"}}])


def write_pair(layout: str, **changes: object) -> list[Json]:
    pair = {
        "sample_id": "s", "prompt": (Message("user", "Why?"),),
        "chosen": Message("assistant", "Therefore."), "rejected": Message("assistant", "Just so."),
    }  # fmt: skip
    return load_writer(layout).to_rows(TrainingPair(**(pair | changes)))


def read_lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def export_as(layout: str, project: Project, output: Path):
    return export(project, output, ExportPlan(format=layout))


# All of them


def test_the_command_offers_every_writer():
    assert (*WRITERS, *VERBATIM) == OFFERED


@pytest.mark.parametrize("layout", WRITERS)
def test_what_is_written_passes_verify(import_rows, tmp_path, layout):
    done = export_as(layout, import_rows([*ROWS, WITH_CALLS, WITH_TOOLS]), tmp_path / "out.jsonl")
    writer = load_writer(layout)
    rows = read_lines(done.output)
    assert [writer.find_problem(row) for row in rows] == [""] * done.rows
    assert done.rows == done.kept * (2 if layout == "kto" else 1)
    assert done.kept + sum(done.dropped.values()) == done.samples == 8
    assert done.kept >= 6
    assert verify(done.output).rows == done.rows
    counts = json.loads(done.manifest.read_text())["counts"]
    assert (counts["kept"], counts["rows"], counts["rows_left_out"]) == (done.kept, done.rows, {})


@pytest.mark.parametrize("layout", WRITERS)
def test_no_null_is_written(import_rows, tmp_path, layout):
    done = export_as(layout, import_rows(ROWS), tmp_path / "out.jsonl")
    assert b"null," not in done.output.read_bytes().replace(b'"null"', b"")


def parts_of(value: object, path: tuple = ()) -> list[tuple]:
    """Give the place of each value in a row, at any depth; the optional parts left aside."""
    if isinstance(value, dict):
        inner = [part for key, one in value.items() if key != "tools" for part in parts_of(one, (*path, key))]
    elif isinstance(value, list):
        inner = [part for number, one in enumerate(value) for part in parts_of(one, (*path, number))]
    else:
        inner = []
    return [path, *inner] if path else inner


def replaced(row: Json, path: tuple, value: object) -> Json:
    row = deepcopy(row)
    place: Any = row
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return row


@pytest.mark.parametrize("wrong", [None, 7, ["x"], {"x": "y"}], ids=str)
@pytest.mark.parametrize("layout", WRITERS)
def test_a_wrong_value_anywhere_is_found(layout, wrong):
    (row, *_) = write_pair(layout, prompt=tuple(Message(turn["role"], turn["content"]) for turn in [SYSTEM, *LONGER]))
    writer = load_writer(layout)
    assert writer.find_problem(row) == ""
    for path in parts_of(row):
        assert writer.find_problem(replaced(row, path, wrong)), path


@pytest.mark.parametrize("layout", WRITERS)
def test_a_missing_column_is_found(layout):
    writer = load_writer(layout)
    for row in write_pair(layout):
        for name in row:
            assert writer.find_problem({key: value for key, value in row.items() if key != name})


@pytest.mark.parametrize("layout", WRITERS)
def test_an_empty_response_is_found(layout):
    writer = load_writer(layout)
    assert any(map(writer.find_problem, write_pair(layout, chosen=Message("assistant", " \n"))))


@pytest.mark.parametrize("layout", [name for name in WRITERS if name != "kto"])
def test_equal_responses_are_found(layout):
    (row,) = write_pair(layout, chosen=Message("assistant", "Just so."))
    assert load_writer(layout).find_problem(row) == "chosen and rejected are the same".replace(
        "chosen and rejected",
        "preferred_output and non_preferred_output" if layout == "openai" else "chosen and rejected",
    )


@pytest.mark.parametrize("layout", [name for name in WRITERS if name != "trl-standard"])
def test_a_prompt_that_ends_with_an_answer_is_found(layout):
    (row, *_) = write_pair(layout, prompt=(Message("user", "Hi."), Message("assistant", "Hello.")))
    assert load_writer(layout).find_problem(row)


@pytest.mark.parametrize("ending", [".parquet", ".duckdb"])
@pytest.mark.parametrize("layout", WRITERS)
def test_all_kinds_of_files_hold_the_same_rows(import_rows, tmp_path, layout, ending):
    project = import_rows(ROWS * 3)
    one, other = (export_as(layout, project, tmp_path / f"out{kind}") for kind in (".jsonl", ending))
    assert verify(other.output).rows == other.rows == one.rows
    if ending == ".parquet":
        assert list(read_parquet_rows(other.output)) == read_lines(one.output)


@pytest.mark.parametrize("row", [WITH_CALLS, WITH_TOOLS], ids=["calls", "tools"])
@pytest.mark.parametrize("layout", WRITERS)
def test_no_column_loses_what_a_row_holds(import_rows, tmp_path, layout, row):
    project = import_rows([question(1), row])
    one, other = (export_as(layout, project, tmp_path / f"out{ending}") for ending in (".jsonl", ".parquet"))
    kept = [one for one in read_lines(one.output) if fits(one, load_writer(layout).types)]
    assert list(read_parquet_rows(other.output)) == kept
    assert verify(other.output).rows == other.rows
    assert other.kept == one.kept or other.dropped == {NOT_IN_COLUMNS: 1}


@pytest.mark.parametrize("layout", READ_BY)
def test_an_export_is_read_again_as_the_same_samples(import_rows, tmp_path, layout):
    reader = READ_BY[layout]
    rows = [row for row in ROWS if layout != "trl-standard" or row["prompt"][0] != SYSTEM]
    project = import_rows(rows)
    done = export_as(layout, project, tmp_path / "out.jsonl")
    written = read_lines(done.output)
    assert detect_format(written, "out.jsonl") == reader
    again = Project(tmp_path / "again.prefmap")
    import_file(again, done.output)
    before, after = list(SourceReader(project)), list(SourceReader(again))
    if layout == "trl-standard":  # a transcript's answers begin with the space that ends its last line
        after = [load_format("trl").to_sample(_without_space(row)) for row in written]
    assert [sample.sample_id for sample in after] == [sample.sample_id for sample in before]
    assert [pair_of(sample) for sample in after] == [pair_of(sample) for sample in before]


TRAPS = [
    ("blue", "blueish"),
    ("Seven. Or two.", "Seven."),
    (" Spaced \n", "Not."),
    ("One\r\ntwo.", "One\ntwo."),
    ("Human: an animal.", "One.\n\nHuman: two.\n\nAssistant: three."),
    ("\ufeffMarked.", "Not marked.\u2028"),
]


@pytest.mark.parametrize(("chosen", "rejected"), TRAPS, ids=[chosen.strip()[:5] for chosen, _ in TRAPS])
@pytest.mark.parametrize("layout", READ_BY)
def test_texts_that_are_easily_mistaken_are_read_again_as_they_were(import_rows, tmp_path, layout, chosen, rejected):
    done = export_as(layout, import_rows([row_of([said("user", "Which?")], chosen, rejected)]), tmp_path / "out.jsonl")
    again = Project(tmp_path / "again.prefmap")
    import_file(again, done.output)
    (sample,) = SourceReader(again)
    texts = (chosen.strip(), rejected.strip()) if layout == "axolotl" else (chosen, rejected)
    assert sample.prompt == (Message("user", "Which?"),)
    assert pair_of(sample) == texts


@pytest.mark.parametrize("layout", [*READ_BY, "kto"])
def test_an_export_that_is_imported_is_exported_as_the_same_bytes(import_rows, tmp_path, layout):
    first = export_as(layout, import_rows(ROWS), tmp_path / "first.jsonl")
    again = Project(tmp_path / "again.prefmap")
    import_file(again, first.output)
    second = export_as(layout, again, tmp_path / "second.jsonl")
    assert first.kept >= len(ROWS) - 1
    assert second.output.read_bytes() == first.output.read_bytes()


def _without_space(row: Json) -> Json:
    return row | {side: row[side].strip() for side in ("chosen", "rejected")}


def pair_of(sample) -> tuple[str, str]:
    return sample.responses[sample.pair.chosen].text, sample.responses[sample.pair.rejected].text


# kto


def test_kto_writes_two_rows_of_a_pair_and_never_side_by_side(import_rows, tmp_path):
    done = export_as("kto", import_rows([question(n) for n in range(3)]), tmp_path / "out.jsonl")
    rows = read_lines(done.output)
    assert rows[0] == {
        "prompt": [said("user", "Question 0?")], "completion": [said("assistant", "Good 0.")], "label": True,
    }  # fmt: skip
    assert [(row["completion"][0]["content"], row["label"]) for row in rows] == [
        ("Good 0.", True), ("Good 1.", True), ("Bad 0.", False),
        ("Good 2.", True), ("Bad 1.", False), ("Bad 2.", False),
    ]  # fmt: skip


def test_kto_leaves_out_an_answer_with_both_labels_and_writes_equal_rows_once(import_rows, tmp_path):
    asked = [said("user", "Why?")]
    best, middle, worst = "So.", "Hm.", "No."
    rows = [
        row_of(asked, best, middle),
        row_of(asked, middle, worst),
        row_of(asked, best, worst),
        row_of([said("user", "How?")], best, middle),
    ]
    done = export_as("kto", import_rows(rows), tmp_path / "out.jsonl")
    assert {(row["prompt"][0]["content"], row["completion"][0]["content"], row["label"])
            for row in read_lines(done.output)} == {
        ("Why?", best, True), ("Why?", worst, False), ("How?", best, True), ("How?", middle, False),
    }  # fmt: skip
    assert (done.samples, done.kept, done.rows, done.dropped) == (4, 3, 4, {TWICE: 1})
    assert done.rows_left_out == {BOTH_WAYS: 2}
    assert verify(done.output).rows == 4


def test_kto_drops_a_sample_whose_label_another_one_contradicts(import_rows, tmp_path):
    asked = [said("user", "Why?")]
    project = import_rows([row_of(asked, "A", "B"), row_of(asked, "B", "A"), question(1)])
    done = export_as("kto", project, tmp_path / "out.jsonl")
    assert (done.kept, done.rows, done.dropped, done.rows_left_out) == (1, 2, {BOTH_WAYS: 2}, {})


def test_verify_finds_an_answer_that_kto_has_twice(import_rows, tmp_path, monkeypatch):
    project = import_rows([question(1), question(1)])
    done = export_as("kto", project, tmp_path / "out.jsonl")
    rows = done.output.read_text() * 2
    done.output.write_text(rows)
    monkeypatch.setattr(
        "engine.verifying.hash_file", lambda _: json.loads(done.manifest.read_text())["output"]["sha256"]
    )
    with pytest.raises(VerifyError, match="row 3: an earlier row has the same answer"):
        verify(done.output)


# The rest, one by one


@pytest.mark.parametrize("layout", ["trl-standard", "openai", "llamafactory", "axolotl", "openrlhf"])
def test_what_is_more_than_text_is_left_out_with_that_reason(import_rows, tmp_path, layout):
    done = export_as(layout, import_rows([question(1), WITH_CALLS]), tmp_path / "out.jsonl")
    assert (done.kept, done.dropped) == (1, {MORE_THAN_TEXT: 1})


def test_openai_rows_hold_input_and_two_outputs():
    assert write_pair("openai", tools='[{"type": "function"}]') == [
        {
            "input": {"messages": [said("user", "Why?")], "tools": [{"type": "function"}]},
            "preferred_output": [said("assistant", "Therefore.")],
            "non_preferred_output": [said("assistant", "Just so.")],
        }
    ]


@pytest.mark.parametrize("tools", ["not JSON", '{"type": "function"}', '["look"]', "[{}]", "[" * 9999], ids=len)
def test_openai_refuses_tools_that_are_no_list_of_tools(tools):
    (row,) = write_pair("openai", tools=tools)
    assert load_writer("openai").find_problem(row) == "tools is not a list of tools"


def test_llamafactory_rows_have_the_system_prompt_in_its_own_column():
    prompt = tuple(Message(turn["role"], turn["content"]) for turn in [SYSTEM, *LONGER])
    assert write_pair("llamafactory", prompt=prompt) == [
        {
            "conversations": [
                {"from": "human", "value": "Hi."},
                {"from": "gpt", "value": "Hello."},
                {"from": "human", "value": "Why is it so?"},
            ],
            "chosen": {"from": "gpt", "value": "Therefore."},
            "rejected": {"from": "gpt", "value": "Just so."},
            "system": "Be brief.",
        }
    ]


def test_llamafactory_is_told_how_to_read_the_export(import_rows, tmp_path):
    done = export_as("llamafactory", import_rows(ROWS), tmp_path / "pairs.jsonl")
    assert done.description == tmp_path / f"pairs.jsonl{DESCRIPTION}"
    told = json.loads(done.description.read_text())
    assert told == {
        "pairs": {
            "file_name": "pairs.jsonl",
            "ranking": True,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"},
        }
    }
    assert set(told["pairs"]["columns"].values()) == read_lines(done.output)[0].keys()


@pytest.mark.parametrize(
    "roles",
    [["user", "user"], ["assistant", "user"], ["user", "assistant"], ["user", "system", "user"], ["developer", "user"]],
)
def test_llamafactory_leaves_out_turns_that_it_would_skip(roles):
    (row,) = write_pair("llamafactory", prompt=tuple(Message(role, "Hi.") for role in roles))
    assert load_writer("llamafactory").find_problem(row) == (
        "the turns are not human and gpt in turn, from human to human"
    )


def test_axolotl_strips_responses():
    pair = {"chosen": Message("assistant", " Therefore.\n"), "rejected": Message("assistant", "\tJust so. ")}
    (row,) = write_pair("axolotl", **pair)
    assert row == {
        "messages": [said("user", "Why?")],
        "chosen": said("assistant", "Therefore."),
        "rejected": said("assistant", "Just so."),
    }
    assert load_writer("axolotl").find_problem(row | {"chosen": said("assistant", " Therefore.")}) == (
        "a response has white space around it"
    )


@pytest.mark.parametrize("text", ["user", "assistant", "4", "message", "You are a helpful assistant."])
def test_axolotl_refuses_a_response_that_it_would_find_in_the_header(text):
    (row,) = write_pair("axolotl", chosen=Message("assistant", text))
    assert load_writer("axolotl").find_problem(row) == "a response also stands in the header of a chat template"


@pytest.mark.parametrize("layout", ["trl-standard", "llamafactory", "axolotl", "openrlhf"])
def test_tools_are_refused_where_the_trainer_would_not_show_them(layout):
    with pytest.raises(RowRefusedError, match="more than text"):
        write_pair(layout, tools='[{"type": "function"}]')
