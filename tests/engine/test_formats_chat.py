"""Rows as trainers and arenas write them: how each is read, refused, gathered and exchanged."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RowRefusedError
from engine.formats.catalog import FORMATS, GENERAL, detect_format, load_format, recognise
from engine.formats.kto import Kto
from engine.importing import import_file
from engine.project import Project
from engine.records import Message, Sample
from engine.rows import Row
from engine.sources import SourceReader, parse, read_samples

Json = dict[str, Any]

DEMO = Path(__file__).resolve().parents[3] / "shared" / "data" / "llamafactory-dpo-en-demo.json"

FIRST, SECOND, TIE, NONE = (1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (None, None)
ASKED = Message("user", "Name a prime.")
BRIEF = Message("system", "Be brief.")
TOOLS = [{"type": "function", "function": {"name": "sieve"}}]


class Case(NamedTuple):
    format: str
    row: Json
    told: Sample


def told(labels: Any = FIRST, *before: Message, texts: Any = ("Seven.", "Nine."), **rest: Any) -> Sample:
    """Make the sample of a prompt, the usual question last, and two answers."""
    return Sample.of(prompt=[*before, ASKED], texts=texts, labels=labels, **rest)


def turn(role: str, content: object = "Name a prime.", **more: object) -> Json:
    return {"role": role, "content": content, **more}


def said(speaker: str, value: object) -> Json:
    return {"from": speaker, "value": value}


def talk(*contents: object) -> list[Json]:
    return [turn(("user", "assistant")[at % 2], content) for at, content in enumerate(contents)]


def parts(*texts: str) -> list[Json]:
    return [{"type": "text", "text": text, "image": None, "mimeType": None} for text in texts]


def answer(content: str) -> Json:
    return turn("assistant", content)


CALL = {"id": "c1", "type": "function", "function": {"name": "sieve", "arguments": "{}"}}
CALLED = json.dumps({"tool_calls": [CALL]})
SIEVE = '{"name": "sieve", "arguments": {"below": 10}}'
SIEVED = json.dumps({"tool_calls": [{"type": "function", "function": json.loads(SIEVE)}]})
IMAGE = [{"type": "text", "text": "Name a prime. "}, {"type": "image", "image": "a.png"}]
IMAGE_PROMPT = Message("user", "Name a prime. [image]", json.dumps({"content": IMAGE}))

OPENAI = {
    "input": {"messages": [turn("user")], "tools": [], "parallel_tool_calls": True},
    "preferred_output": [answer("Seven.")],
    "non_preferred_output": [answer("Nine.")],
}
SHAREGPT = {
    "conversations": [said("human", "Name a prime.")],
    "chosen": said("gpt", "Seven."),
    "rejected": said("gpt", "Nine."),
}
INTEL = {"system": "Be brief.", "question": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."}
ORCA = {
    "system": "", "input": "Name a prime.", "chosen": "Seven.", "rejected": "Nine.", "generations": ["Seven.", "Nine."],
    "order": ["chosen", "rejected"], "rating": [9.0, 4.0], "status": "unchanged", "original_chosen": "Nine.",
    "original_rejected": "Seven.", "chosen_score": 9.0, "in_gsm8k_train": False,
}  # fmt: skip
AXOLOTL = {"messages": [turn("user")], "chosen": answer("Seven."), "rejected": answer("Nine.")}
ARENA = {
    "question_id": "q1", "model_a": "m1", "model_b": "m2", "winner": "model_a", "judge": "arena_user_1",
    "conversation_a": talk("Name a prime.", "Seven."), "conversation_b": talk("Name a prime.", "Nine."),
    "turn": 1, "anony": True, "language": "English", "toxic_chat_tag": {"roberta-large": {"flagged": False}},
}  # fmt: skip
CSV = {
    "id": "30192", "model_a": "m1", "model_b": "m2", "prompt": '["Name a prime."]', "response_a": '["Seven."]',
    "response_b": '["Nine."]', "winner_model_a": "1", "winner_model_b": "0", "winner_tie": "0",
}  # fmt: skip
KTO = {"prompt": "Name a prime.", "completion": "Seven.", "label": True}
ULTRAFEEDBACK_OF_TRL = {
    "chosen": talk("Name a prime.", "Seven."), "rejected": talk("Name a prime.", "Nine."),
    "score_chosen": 8.0, "score_rejected": 5.0,
}  # fmt: skip


def duel(a: object, b: object, tie: object) -> Json:
    return {**CSV, "winner_model_a": a, "winner_model_b": b, "winner_tie": tie}


CASES = {
    "openai": Case("openai", OPENAI, told()),
    "openai, tools": Case(
        "openai", {**OPENAI, "input": {"messages": [turn("user")], "tools": TOOLS}}, told(tools=json.dumps(TOOLS))
    ),
    "openai, developer and history": Case(
        "openai",
        {**OPENAI, "input": {"messages": [turn("developer", "Be brief."), *talk("Hi", "Hello."), turn("user")]}},
        told(FIRST, Message("developer", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello.")),
    ),
    "openai, a call with null content": Case(
        "openai",
        {**OPENAI, "preferred_output": [turn("assistant", None, tool_calls=[CALL])]},
        told(texts=("", "Nine."), extras=(CALLED, "")),
    ),
    "openai, an image": Case(
        "openai",
        {**OPENAI, "input": {"messages": [turn("user", IMAGE)]}},
        Sample.of(prompt=[IMAGE_PROMPT], texts=("Seven.", "Nine."), labels=FIRST),
    ),
    "openai, empty output": Case(
        "openai", {**OPENAI, "non_preferred_output": [answer("")]}, told(texts=("Seven.", ""))
    ),
    "openai, a call before one answer": Case(
        "openai",
        {
            **OPENAI,
            "preferred_output": [
                turn("assistant", "", tool_calls=[CALL]), turn("tool", "7", tool_call_id="c1"), answer("Seven."),
            ],
        },
        told(
            turns=[
                (Message("assistant", "", CALLED), Message("tool", "7", json.dumps({"tool_call_id": "c1"}))),
                (),
            ]
        ),
    ),
    "sharegpt": Case("sharegpt", SHAREGPT, told()),
    "sharegpt, system turn": Case(
        "sharegpt",
        {**SHAREGPT, "conversations": [said("system", "Be brief."), said("human", "Name a prime.")], "system": "Long."},
        told(FIRST, BRIEF),
    ),
    "sharegpt, system column": Case("sharegpt", {**SHAREGPT, "system": "Be brief."}, told(FIRST, BRIEF)),
    "sharegpt, empty system column": Case("sharegpt", {**SHAREGPT, "system": "", "tools": ""}, told()),
    "sharegpt, many turns": Case(
        "sharegpt",
        {**SHAREGPT, "conversations": [said("human", "Hi"), said("gpt", "Hello."), said("human", "Name a prime.")]},
        told(FIRST, Message("user", "Hi"), Message("assistant", "Hello.")),
    ),
    "sharegpt, a tool was called": Case(
        "sharegpt",
        {
            **SHAREGPT,
            "conversations": [said("human", "Name a prime."), said("function_call", SIEVE), said("observation", "7")],
            "tools": json.dumps(TOOLS),
        },
        Sample.of(
            prompt=[ASKED, Message("assistant", "", SIEVED), Message("tool", "7")],
            texts=("Seven.", "Nine."),
            labels=FIRST,
            tools=json.dumps(TOOLS),
        ),
    ),
    "sharegpt, a call is better than an answer": Case(
        "sharegpt",
        {**SHAREGPT, "chosen": said("function_call", f"[{SIEVE}]")},
        told(texts=("", "Nine."), extras=(SIEVED, "")),
    ),
    "sharegpt, ends with an answer": Case(
        "sharegpt",
        {**SHAREGPT, "conversations": [*SHAREGPT["conversations"], said("gpt", "Hm.")]},  # type: ignore[misc]
        Sample.of(prompt=[ASKED, Message("assistant", "Hm.")], texts=("Seven.", "Nine."), labels=FIRST),
    ),
    "sharegpt, scores": Case(
        "sharegpt",
        {**SHAREGPT, "chosen_score": 4, "rejected_score": -100.0, "source": "book"},
        told(columns=({"score": 4.0}, {"score": None}), source="book"),
    ),
    "intel": Case("intel", INTEL, told(FIRST, BRIEF)),
    "intel, no system": Case("intel", {key: INTEL[key] for key in ("question", "chosen", "rejected")}, told()),
    "intel, null system": Case("intel", {**INTEL, "system": None}, told()),
    "intel, identical": Case("intel", {**INTEL, "rejected": "Seven."}, told(FIRST, BRIEF, texts=["Seven."] * 2)),
    "intel, spaces stay": Case(
        "intel", {**INTEL, "chosen": " Seven.\r\n"}, told(FIRST, BRIEF, texts=(" Seven.\r\n", "Nine."))
    ),
    "orca of argilla": Case("intel", ORCA, told()),
    "orca of argilla, swapped": Case("intel", {**ORCA, "status": "swapped", "order": ["rejected", "chosen"]}, told()),
    "orca of argilla, tie": Case("intel", {**ORCA, "status": "tie"}, told(TIE)),
    "axolotl": Case("axolotl", AXOLOTL, told()),
    "axolotl, system and history": Case(
        "axolotl",
        {**AXOLOTL, "messages": [turn("system", "Be brief."), *talk("Hi", "Hello."), turn("user")]},
        told(FIRST, BRIEF, Message("user", "Hi"), Message("assistant", "Hello.")),
    ),
    "axolotl, lists of which the last counts": Case(
        "axolotl",
        {**AXOLOTL, "chosen": talk("Name a prime.", "Seven."), "rejected": [answer("Nine.")]},
        told(),
    ),
    "axolotl, texts": Case("axolotl", {**AXOLOTL, "chosen": "Seven.", "rejected": "Nine."}, told()),
    "axolotl, tools": Case("axolotl", {**AXOLOTL, "tools": json.dumps(TOOLS)}, told(tools=json.dumps(TOOLS))),
    "arena": Case("arena", ARENA, told()),
    "arena, second": Case("arena", {**ARENA, "winner": "model_b"}, told(SECOND)),
    "arena, tie": Case("arena", {**ARENA, "winner": "tie"}, told(TIE)),
    "arena, both bad": Case("arena", {**ARENA, "winner": "tie (bothbad)"}, told(TIE, flags=["both bad"])),
    "arena, both bad, newer": Case("arena", {**ARENA, "winner": "both_bad"}, told(TIE, flags=["both bad"])),
    "arena, no winner": Case("arena", {**ARENA, "winner": None}, told(NONE)),
    "arena, content in parts": Case(
        "arena",
        {
            **ARENA,
            "conversation_a": talk(parts("Name a ", "prime."), parts("Seven.")),
            "conversation_b": talk(parts("Name a prime."), parts("Nine.")),
        },
        told(),
    ),
    "arena, an image": Case(
        "arena",
        {**ARENA, "conversation_a": talk(IMAGE, parts("Seven.")), "conversation_b": talk(IMAGE, parts("Nine."))},
        Sample.of(prompt=[IMAGE_PROMPT], texts=("Seven.", "Nine."), labels=FIRST),
    ),
    "arena, two rounds": Case(
        "arena",
        {
            **ARENA,
            "conversation_a": talk("Name a prime.", "Seven.", "Another?", "Five."),
            "conversation_b": talk("Name a prime.", "Nine.", "Another?", "Six."),
        },
        told(
            texts=("Five.", "Six."),
            turns=[
                (Message("assistant", "Seven."), Message("user", "Another?")),
                (Message("assistant", "Nine."), Message("user", "Another?")),
            ],
        ),
    ),
    "arena-csv": Case("arena-csv", CSV, told()),
    "arena-csv, second": Case("arena-csv", duel("0", "1", "0"), told(SECOND)),
    "arena-csv, tie": Case("arena-csv", duel("0", "0", "1"), told(TIE)),
    "arena-csv, numbers": Case("arena-csv", duel(0, 1.0, 0), told(SECOND)),
    "arena-csv, null answer": Case("arena-csv", {**CSV, "response_b": "[null]"}, told(texts=("Seven.", ""))),
    "arena-csv, lists": Case(
        "arena-csv", {**CSV, "prompt": ["Name a prime."], "response_a": ["Seven."], "response_b": ["Nine."]}, told()
    ),
    "arena-csv, two rounds": Case(
        "arena-csv",
        {
            **CSV,
            "prompt": r'["Name a prime.", "Another?"]',
            "response_a": '["Seven.", "Five."]',
            "response_b": r'[null, "Eleven \/ \u00bd."]',
        },
        told(
            texts=("Five.", "Eleven / ½."),
            turns=[
                (Message("assistant", "Seven."), Message("user", "Another?")),
                (Message("assistant", ""), Message("user", "Another?")),
            ],
        ),
    ),
    "ultrafeedback_binarized of trl-lib, which h4 reads": Case(
        "h4", ULTRAFEEDBACK_OF_TRL, told(columns=({"score": 8.0}, {"score": 5.0}))
    ),
    "ultrafeedback_binarized of trl-lib, equal scores": Case(
        "h4", {**ULTRAFEEDBACK_OF_TRL, "score_chosen": 5.0}, told(TIE, columns=[{"score": 5.0}] * 2)
    ),
    "openrlhf, which trl reads": Case(
        "trl",
        {"chosen": talk("Name a prime.", "Seven."), "rejected": talk("Name a prime.", "Nine."),
         "chosen_score": 5.0, "rejected_score": 4.0},
        told(columns=({"score": 5.0}, {"score": 4.0})),
    ),
    "openrlhf with a prompt": Case(
        "trl",
        {"prompt": [turn("user")], "chosen": [answer("Seven.")], "rejected": [answer("Nine.")], "margin": 1.5},
        told(),
    ),
    "openrlhf, texts": Case(
        "trl", {"prompt": "Name a prime.", "chosen": "Seven.", "rejected": "Nine.", "margin": 1.5}, told()
    ),
}  # fmt: skip

REFUSED = {
    "openai, input that is text": ("openai", {**OPENAI, "input": "Hi"}, "input is text, not an object with messages"),
    "openai, no messages": (
        "openai", {**OPENAI, "input": {}}, "input.messages is null or missing, not a list of messages",
    ),
    "openai, null output": (
        "openai", {**OPENAI, "non_preferred_output": None},
        "non_preferred_output is null or missing, not a list of messages",
    ),
    "openai, a question as output": (
        "openai", {**OPENAI, "preferred_output": [turn("user")]},
        "preferred_output does not end with an assistant turn",
    ),
    "openai, tools in an object": (
        "openai", {**OPENAI, "input": {"messages": [turn("user")], "tools": {}}}, "tools is an object, not a list",
    ),
    "sharegpt, empty": (
        "sharegpt", {**SHAREGPT, "conversations": []}, "conversations is an empty list, not a list of turns",
    ),
    "sharegpt, unknown speaker": (
        "sharegpt", {**SHAREGPT, "conversations": [said("bard", "Hi")]},
        "conversations has a turn from 'bard', not one of human, gpt, system, function_call, observation",
    ),
    "sharegpt, text as turn": (
        "sharegpt", {**SHAREGPT, "conversations": ["Hi"]},
        "conversations is or holds text, not a turn with from and value",
    ),
    "sharegpt, null value": (
        "sharegpt", {**SHAREGPT, "chosen": said("gpt", None)},
        "chosen has a turn whose value is null or missing, not text",
    ),
    "sharegpt, a question as rejected": (
        "sharegpt", {**SHAREGPT, "rejected": said("human", "Why?")}, "rejected does not end with an assistant turn",
    ),
    "sharegpt, no rejected": (
        "sharegpt", {**SHAREGPT, "rejected": None},
        "rejected is or holds null or missing, not a turn with from and value",
    ),
    "sharegpt, a call in words": (
        "sharegpt", {**SHAREGPT, "chosen": said("function_call", "sieve")},
        "chosen has a function_call that is not JSON",
    ),
    "sharegpt, a call that is nested too deep": (
        "sharegpt", {**SHAREGPT, "chosen": said("function_call", f'{{"name": "f", "a": {"[" * 200}{"]" * 200}}}')},
        "chosen has a function_call that is nested too deep",
    ),
    "sharegpt, a call without a name": (
        "sharegpt", {**SHAREGPT, "chosen": said("function_call", "[]")},
        "chosen has a function_call without the name of a function",
    ),
    "sharegpt, NUL in a turn": (
        "sharegpt", {**SHAREGPT, "conversations": [said("human", "\0")]}, "it holds a NUL character",
    ),
    "intel, null chosen": ("intel", {**INTEL, "chosen": None}, "chosen is null or missing, not text"),
    "intel, a question in parts": ("intel", {**INTEL, "question": ["x"]}, "question is a list, not text"),
    "intel, system that is a number": ("intel", {**INTEL, "system": 7}, "system is 7, not text"),
    "axolotl, no messages": (
        "axolotl", {**AXOLOTL, "messages": []}, "messages is an empty list, not a list of messages",
    ),
    "axolotl, empty list": ("axolotl", {**AXOLOTL, "chosen": []}, "chosen is an empty list, not a list of messages"),
    "axolotl, a question as chosen": (
        "axolotl", {**AXOLOTL, "chosen": turn("user")}, "chosen does not end with an assistant turn",
    ),
    "arena, unknown winner": (
        "arena", {**ARENA, "winner": "m1"},
        "winner is 'm1', not model_a or model_b or tie or tie (bothbad) or both_bad",
    ),
    "arena, number as winner": (
        "arena", {**ARENA, "winner": 0}, "winner is 0, not model_a or model_b or tie or tie (bothbad) or both_bad",
    ),
    "arena, unanswered": (
        "arena", {**ARENA, "conversation_b": talk("Hi")}, "conversation_b does not end with an assistant turn",
    ),
    "arena-csv, two winners": (
        "arena-csv", duel("1", "1", "0"), "winner_model_a, winner_model_b, winner_tie are not one 1 and two 0",
    ),
    "arena-csv, no winner": (
        "arena-csv", duel("0", "0", "0"), "winner_model_a, winner_model_b, winner_tie are not one 1 and two 0",
    ),
    "arena-csv, null among the winners": (
        "arena-csv", duel("1", None, "0"), "winner_model_a, winner_model_b, winner_tie are not one 1 and two 0",
    ),
    "arena-csv, winner in words": ("arena-csv", duel("yes", "0", "0"), "winner_model_a is 'yes', not a number"),
    "arena-csv, ragged": (
        "arena-csv", {**CSV, "response_b": '["Nine.", "Six."]'}, "prompt has 1 turns, but response_b 2",
    ),
    "arena-csv, plain text": (
        "arena-csv", {**CSV, "response_a": "Seven."}, "response_a is 'Seven.', not a list of texts as JSON",
    ),
    "arena-csv, empty": ("arena-csv", {**CSV, "prompt": "[]"}, "prompt is an empty list, not a list of texts"),
    "arena-csv, numbers": (
        "arena-csv", {**CSV, "response_a": "[7]"}, "response_a holds something other than text and null",
    ),
    "arena-csv, half a surrogate pair": (
        "arena-csv", {**CSV, "response_a": r'["\ud83d"]'}, "it holds half of a surrogate pair, which is no character",
    ),
    "kto, alone": ("kto", KTO, "its prompt has one completion only, so there is nothing to compare it with"),
    "kto, label in words": ("kto", {**KTO, "label": "true"}, "label is text, not true or false"),
    "kto, null label": ("kto", {**KTO, "label": None}, "label is null or missing, not true or false"),
    "kto, label of 1": ("kto", {**KTO, "label": 1}, "label is 1, not true or false"),
    "kto, no prompt": (
        "kto", {**KTO, "prompt": ""}, "prompt is null, missing or empty, so nothing says which rows belong together",
    ),
    "kto, null completion": ("kto", {**KTO, "completion": None}, "completion is null or missing, not text"),
    "kto, a question as completion": (
        "kto", {**KTO, "completion": [turn("user")]}, "completion does not end with an assistant turn",
    ),
}  # fmt: skip


def read(case: Case) -> Sample:
    return parse(Row(1, case.row), load_format(case.format))


def labels_by_response(sample: Sample) -> list[tuple[str, float | None]]:
    return sorted((one.response_id, one.label) for one in sample.responses)


def check_exchange(case: Case, sample: Sample) -> None:
    """Fail unless the two labels, and nothing else, can be exchanged and exchanged back."""
    layout = load_format(case.format)
    row = layout.exchange(case.row, 0, 1)
    after = parse(Row(1, row), layout)
    one, other = sample.responses
    assert list(row) == list(case.row)
    assert after.sample_id == sample.sample_id
    assert labels_by_response(after) == sorted(
        [(one.response_id, other.label), (other.response_id, one.label)]  # type: ignore[type-var]
    )
    assert json.dumps(layout.exchange(row, 0, 1)) == json.dumps(case.row)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_row_is_read_whole(case):
    before = copy.deepcopy(case.row)
    assert read(case) == case.told
    assert repr(case.row) == repr(before)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_row_is_recognised_as_its_format_and_no_other(case):
    fits = [name for name in FORMATS if name not in GENERAL and recognise(name).looks_like(case.row)]
    assert fits == [case.format] * (case.format not in GENERAL)
    assert detect_format([case.row], "chat.jsonl") == case.format


@pytest.mark.parametrize(("name", "row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_row_that_cannot_be_read_is_refused_with_its_reason(name, row, reason):
    with pytest.raises(RowRefusedError) as refusal:
        parse(Row(1, row), load_format(name))
    assert str(refusal.value) == reason


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.told.pair])
def test_two_labels_change_places_in_the_original_row(case):
    check_exchange(case, case.told)


FLAGS = {
    "openai, empty output": ("empty response",),
    "openai, a call with null content": (),
    "sharegpt, ends with an answer": ("roles do not alternate",),
    "intel, identical": ("identical responses",),
    "orca of argilla, tie": ("tie",),
    "arena, tie": ("tie",),
    "arena, both bad": ("both bad", "tie"),
    "arena, both bad, newer": ("both bad", "tie"),
    "arena, no winner": ("no label",),
    "arena, two rounds": ("contexts differ",),
    "arena-csv, null answer": ("empty response",),
}


@pytest.mark.parametrize(("name", "flags"), FLAGS.items())
def test_what_a_person_should_know_of_a_row_is_flagged(name, flags):
    assert read(CASES[name]).flags == flags


def test_all_shapes_of_one_pair_have_one_id():
    shapes = ("openai", "sharegpt", "intel, no system", "axolotl", "arena", "arena, content in parts", "arena-csv")
    assert {read(CASES[name]).sample_id for name in shapes} == {told().sample_id}


def test_the_models_and_the_parts_stay_as_they_are_when_a_winner_is_exchanged():
    case = CASES["arena, content in parts"]
    assert load_format("arena").exchange(case.row, 0, 1) == {**case.row, "winner": "model_b"}
    assert load_format("arena").exchange({**ARENA, "winner": "both_bad"}, 0, 1)["winner"] == "both_bad"


def test_a_copied_conversation_beside_the_answers_is_not_read_as_the_question():
    row = {**ULTRAFEEDBACK_OF_TRL, "prompt": "Name a prime.", "messages": talk("Name a prime.", "Seven.")}
    assert detect_format([row], "f") == "h4"
    del row["score_chosen"]
    assert detect_format([row], "f") == "trl"


# Unpaired rows


def kto(completion: object, label: object, **more: object) -> Json:
    return {**KTO, "completion": completion, "label": label, **more}


def write(folder: Path, *rows: Json) -> Path:
    path = folder / "unpaired.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


HISTORY = (Message("user", "Hi"), Message("assistant", "Hello."))
JOINED = {
    "texts": ([kto("Seven.", True), kto("Nine.", False)], told(FIRST)),
    "worse first": ([kto("Nine.", False), kto("Seven.", True)], told(SECOND, texts=("Nine.", "Seven."))),
    "messages": (
        [kto([answer("Seven.")], True, prompt=[turn("user")]), kto([answer("Nine.")], False, prompt=[turn("user")])],
        told(FIRST),
    ),
    "text and messages": ([kto("Seven.", True), kto([answer("Nine.")], False, prompt=[turn("user")])], told(FIRST)),
    "transcript": (
        [
            kto(text, label, prompt="\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Name a prime.\n\nAssistant:")
            for text, label in ((" Seven.", True), (" Nine.", False))
        ],
        told(FIRST, *HISTORY),
    ),
    "three": (
        [kto("Seven.", True), kto("Nine.", False), kto("Five.", True)],
        told((1.0, 0.0, 1.0), texts=("Seven.", "Nine.", "Five.")),
    ),
    "all good": ([kto("Seven.", True), kto("Five.", True)], told((1.0, 1.0), texts=("Seven.", "Five."))),
    "all bad": ([kto("Six.", False), kto("Nine.", False)], told((0.0, 0.0), texts=("Six.", "Nine."))),
    "one completion both good and bad": ([kto("Six.", True), kto("Six.", False)], told(FIRST, texts=["Six."] * 2)),
    "empty completion": ([kto("Seven.", True), kto("", False)], told(FIRST, texts=("Seven.", ""))),
    "a call": (
        [kto([turn("assistant", None, tool_calls=[CALL])], True, tools=TOOLS), kto("Nine.", False, tools=TOOLS)],
        told(FIRST, texts=("", "Nine."), extras=(CALLED, ""), tools=json.dumps(TOOLS)),
    ),
}


@pytest.mark.parametrize(("rows", "sample"), JOINED.values(), ids=JOINED.keys())
def test_the_completions_of_a_prompt_make_one_sample(rows, sample):
    assert detect_format(rows, "f") == "kto"
    assert len({Kto().key_of(row) for row in rows}) == 1
    assert Kto().join(rows) == sample


@pytest.mark.parametrize(("rows", "sample"), JOINED.values(), ids=JOINED.keys())
def test_turning_the_label_of_both_rows_of_a_pair_exchanges_their_labels(rows, sample):
    if sample.pair is None:
        return
    pair = (sample.pair.chosen, sample.pair.rejected)
    turned = [Kto().exchange(row, *pair) if at in pair else row for at, row in enumerate(rows)]
    after = Kto().join(turned)
    labels = [one.label for one in sample.responses]
    labels[pair[0]], labels[pair[1]] = labels[pair[1]], labels[pair[0]]
    assert after.sample_id == sample.sample_id
    assert [one.label for one in after.responses] == labels
    assert [Kto().exchange(row, *pair) if at in pair else row for at, row in enumerate(turned)] == rows


def test_prompts_with_only_one_label_are_ties():
    assert [Kto().join(JOINED[name][0]).flags for name in ("all good", "all bad")] == [("tie",), ("tie",)]


def test_unpaired_rows_find_each_other_across_the_file_and_a_bad_one_spoils_none(tmp_path):
    path = write(
        tmp_path,
        kto("Seven.", True),
        kto("Blue.", True, prompt="Name a colour."),
        kto("Nine.", "no"),
        kto("Nine.", False),
        kto("Seven.", True, tools=TOOLS),
    )
    alone = "its prompt has one completion only, so there is nothing to compare it with"
    parsed = {number: (sample, problem) for number, sample, problem in read_samples(path, load_format("kto"))}
    assert parsed == {
        1: (told(FIRST), ""),
        2: (None, alone),
        3: (None, "label is text, not true or false"),
        4: (None, ""),
        5: (None, alone),
    }


def test_a_row_that_no_sample_can_hold_spoils_no_other_of_its_prompt(tmp_path):
    path = write(
        tmp_path,
        kto("Sev\0en.", True),
        kto("Five.", True),
        kto("N\ud800ine.", False),
        kto("Nine.", False),
        kto("Eight.", False, source="\0"),
        kto("Blue.", True, prompt="Name a colour."),
        kto("Gr\0een.", False, prompt="Name a colour."),
        kto("a\0", True, prompt="Spoiled."),
        kto("b\ud800", True, prompt="Spoiled."),
    )
    parsed = list(read_samples(path, load_format("kto")))
    nul, half = "it holds a NUL character", "it holds half of a surrogate pair, which is no character"
    alone = "its prompt has one completion only, so there is nothing to compare it with"
    assert sorted(one.number for one in parsed) == list(range(1, 10))
    assert {one.number: one.problem for one in parsed if one.problem} == {
        1: nul, 3: half, 5: nul, 6: alone, 7: nul, 8: nul, 9: half,
    }  # fmt: skip
    assert [one.sample for one in parsed if one.sample] == [told(FIRST, texts=("Five.", "Nine."))]


# Whatever a row holds

KEYS = sorted({key for case in CASES.values() for key in case.row} | {*KTO, "content", "from", "role", "value"})
WORDS = [
    "", "N/A", "-100", "0", "1", "1.0", " model_b", "model_a", "tie", "both_bad", "user", "assistant", "human", "gpt",
    "function_call", "[]", "[null]", '["a"]', "[" * 9999, SIEVE, "\0", "\ud800", "\n\nHuman: a\n\nAssistant: b",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=8,
)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """List every place in a row: what stands there can be replaced."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def mutate(draw: st.DrawFn, original: Json) -> Json:
    """Copy a row with one to three values replaced by anything, and sometimes a column gone."""
    row = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(row))))
        inside: Any = row
        for key in path:
            inside = inside[key]
        inside[last] = draw(values)
    row.pop(draw(st.sampled_from([None, *row])), None)
    return row


@st.composite
def mutants(draw: st.DrawFn) -> Case:
    case = draw(st.sampled_from([case for case in CASES.values() if case.format not in ("h4", "trl")]))
    return case._replace(row=mutate(draw, case.row))


@st.composite
def mutant_groups(draw: st.DrawFn) -> list[Json]:
    rows, _ = draw(st.sampled_from(list(JOINED.values())))
    return [mutate(draw, row) if draw(st.booleans()) else row for row in rows]


def check_reason(refusal: RowRefusedError) -> None:
    assert str(refusal).isprintable()
    assert len(str(refusal)) < 200


@settings(max_examples=500, deadline=None)
@given(mutants())
def test_a_row_with_anything_in_it_is_read_and_exchanged_or_refused(mutant):
    assert recognise(mutant.format).looks_like(mutant.row) in (True, False)
    try:
        sample = read(mutant)
    except RowRefusedError as refusal:
        check_reason(refusal)
    else:
        if sample.pair:
            check_exchange(mutant, sample)


@settings(max_examples=200, deadline=None)
@given(mutant_groups())
def test_unpaired_rows_with_anything_in_them_are_joined_or_refused(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("kto"), *rows)
    for number, sample, problem in read_samples(path, load_format("kto")):
        assert 1 <= number <= len(rows)
        assert problem.isprintable()
        assert sample is None or len(sample.responses) > 1
    for row in rows:
        assert load_format("kto").looks_like(row) in (True, False)


# A real file


@pytest.mark.skipif(not DEMO.exists(), reason=f"{DEMO} is not here")
def test_the_demo_of_llama_factory_is_imported_without_a_loss(tmp_path):
    project = Project(tmp_path / "demo.prefmap")
    import_file(project, DEMO)
    (file,) = project.source_files()
    rows = json.loads(DEMO.read_text(encoding="utf-8"))
    samples = list(SourceReader(project))
    assert (file.format, file.rows, file.samples, file.refused) == ("sharegpt", 300, 300, ())
    roles = {"human": "user", "gpt": "assistant", "system": "system"}
    for sample, row in zip(samples, rows, strict=True):
        assert [(turn.role, turn.content) for turn in sample.prompt] == [
            (roles[turn["from"]], turn["value"]) for turn in row["conversations"]
        ]
        assert [one.text for one in sample.responses] == [row["chosen"]["value"], row["rejected"]["value"]]
        assert [one.label for one in sample.responses] == [1.0, 0.0]
        assert {turn.role for turn in sample.prompt[-1:]} == {"user"}
    assert sum(sample.prompt[0].role == "system" for sample in samples) == 80
