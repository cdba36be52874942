import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, FormatUnknownError, RowRefusedError
from engine.formats.catalog import DIMENSIONS, FORMATS, GENERAL, detect_format, load_format, recognise
from engine.records import Sample
from engine.rows import Row
from engine.sources import parse

Turn = tuple[str, str]
Json = dict[str, Any]

ASKED = ("user", "Name a prime.")


class Told(NamedTuple):
    """What a sample says, ids left aside, as plain values that can be written down."""

    prompt: list[Turn]
    texts: list[str]
    labels: list[float | None] = [1.0, 0.0]
    flags: list[str] = []
    columns: list[dict[str, float | None]] = [{}, {}]
    turns: list[list[Turn]] = [[], []]
    systems: list[str | None] = [None, None]
    source: str = ""


class Fixture(NamedTuple):
    format: str
    row: Json
    told: Told


def tell(sample: Sample) -> Told:
    return Told(
        prompt=[(turn.role, turn.content) for turn in sample.prompt],
        texts=[one.text for one in sample.responses],
        labels=[one.label for one in sample.responses],
        flags=list(sample.flags),
        columns=[dict(one.columns) for one in sample.responses],
        turns=[[(turn.role, turn.content) for turn in one.turns] for one in sample.responses],
        systems=[one.system for one in sample.responses],
        source=sample.source,
    )


def said(role: str, content: object) -> Json:
    return {"role": role, "content": content}


def talk(*contents: str, system: str = "") -> list[Json]:
    turns = [said(("user", "assistant")[at % 2], content) for at, content in enumerate(contents)]
    return [said("system", system), *turns] if system else turns


def answered(content: str) -> list[Json]:
    return [said("assistant", content)]


def rated(response: str, *ratings: object, mean: object = None, overall: object = None, system: object = None) -> Json:
    aspects = ("helpfulness", "honesty", "instruction_following", "truthfulness")
    annotations = {
        aspect: {"Rating": rating, "Rationale": "-"} for aspect, rating in zip(aspects, ratings, strict=True)
    }
    extra = {} if system is None else {"custom_system_prompt": system}
    scores = {"fine-grained_score": mean, "overall_score": overall}
    return {"model": "m", "response": response, "annotations": annotations, "critique": "-", **scores, **extra}


def numbers(*values: float | None) -> dict[str, float | None]:
    names = ("helpfulness", "honesty", "instruction_following", "truthfulness", "fine-grained_score", "overall_score")
    return dict(zip(names, values, strict=True))


def ultrafeedback(*completions: Json) -> Json:
    return {"source": "sharegpt", "instruction": "Name a prime.", "models": ["m"], "completions": list(completions)}


def many_rated(count: int) -> Fixture:
    """As many completions, each rated one less than the one before it, but never below 1."""
    stars = [max(5 - at, 1) for at in range(count)]
    return Fixture(
        "ultrafeedback",
        ultrafeedback(*(rated(f"Answer {at}.", *[str(star)] * 4, mean=star) for at, star in enumerate(stars))),
        Told(
            [ASKED],
            [f"Answer {at}." for at in range(count)],
            labels=[float(star) for star in stars],
            columns=[numbers(*[float(star)] * 5, None) for star in stars],
            turns=[[]] * count,
            systems=[None] * count,
            source="sharegpt",
        ),
    )


SEVEN_NINE = ["Seven.", "Nine."]
TRANSCRIPTS = {
    "chosen": "\n\nHuman: Name a prime.\n\nAssistant: Seven.",
    "rejected": "\n\nHuman: Name a prime.\n\nAssistant: Nine.",
}
WHOLE = {"chosen": talk("Name a prime.", "Seven."), "rejected": talk("Name a prime.", "Nine.")}
PLAIN = {"prompt": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."}
ALPACA = {"instruction": "Name a prime.", "input": "", "chosen": "Seven.", "rejected": "Nine."}
ARGILLA_TEXTS = {
    "instruction": "Name a prime.", "chosen_response": "Seven.", "rejected_response": "Nine.",
    "chosen_avg_rating": 4.5, "rejected_avg_rating": 2, "chosen_model": "m1", "source": "evol",
}  # fmt: skip
ARGILLA_TALKS = {
    **WHOLE,
    "chosen-rating": 4.5,
    "rejected-rating": "2.0",
    "chosen-model": "m1",
    "prompt": "Name a prime.",
}
H4 = {**WHOLE, "prompt": "Name a prime.", "prompt_id": "p1", "messages": [], "score_chosen": 8.0, "score_rejected": 5}
PANDALM = {
    "instruction": "Name a prime.", "input": "", "response1": "Seven.", "response2": "Nine.",
    "annotator1": 1, "annotator2": 1, "annotator3": 0,
}  # fmt: skip
LLMBAR = {"input": "Name a prime.", "output_1": "Seven.", "output_2": "Nine.", "label": 1}
JUDGEBENCH = {"question": "Name a prime.", "response_A": "Seven.", "response_B": "Nine.", "label": "A>B"}
AUTOJ = {"prompt": "Name a prime.", "response 1": "Seven.", "response 2": "Nine.", "label": 0}
RMBENCH = {"prompt": "Name a prime.", "chosen": ["7", "Seven."], "rejected": ["9", "Nine."], "error_key": "nine"}
OPENAI = {
    "input": {"messages": talk("Name a prime.")},
    "preferred_output": answered("Seven."),
    "non_preferred_output": answered("Nine."),
}
SHAREGPT = {
    "conversations": [{"from": "human", "value": "Name a prime."}],
    "chosen": {"from": "gpt", "value": "Seven."},
    "rejected": {"from": "gpt", "value": "Nine."},
}
INTEL = {"question": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."}
AXOLOTL = {"messages": talk("Name a prime."), "chosen": answered("Seven.")[0], "rejected": answered("Nine.")[0]}
ARENA = {"conversation_a": WHOLE["chosen"], "conversation_b": WHOLE["rejected"], "winner": "model_a"}
ARENA_CSV = {
    "prompt": '["Name a prime."]', "response_a": '["Seven."]', "response_b": '["Nine."]',
    "winner_model_a": "1", "winner_model_b": "0", "winner_tie": "0",
}  # fmt: skip
HELPSTEER2 = {"prompt": "Name a prime.", "response_1": "Seven.", "response_2": "Nine.", "preference_strength": -2}
HELPSTEER3 = {
    "context": talk("Name a prime."), "response1": "Seven.", "response2": "Nine.", "overall_preference": -1,
}  # fmt: skip
NECTAR = {
    "prompt": "\n\nHuman: Name a prime.\n\nAssistant: ",
    "answers": [{"answer": "Seven.", "rank": 1.0}, {"answer": "Nine.", "rank": 2.0}],
}
SHP = {"history": "Name a prime.", "human_ref_A": "Seven.", "human_ref_B": "Nine.", "labels": 1}
WEBGPT = {
    "question": {"full_text": "Name a prime."}, "quotes_0": {"title": []},
    "answer_0": "Seven.", "answer_1": "Nine.", "score_0": 1.0, "score_1": -1.0,
}  # fmt: skip
PKU = {
    "prompt": "Name a prime.", "response_0": "Seven.", "response_1": "Nine.",
    "better_response_id": 0, "safer_response_id": 1,
}  # fmt: skip
RATINGS = [{"rating": 4.5}, {"rating": 2.0}]
SCORES: list[dict[str, float | None]] = [{"score": 8.0}, {"score": 5.0}]

FIXTURES = {
    "trl standard, explicit": Fixture("trl", PLAIN, Told([ASKED], SEVEN_NINE)),
    "trl standard, implicit": Fixture(
        "trl",
        {"chosen": "Name a prime. Seven.", "rejected": "Name a prime. Nine."},
        Told([], ["Name a prime. Seven.", "Name a prime. Nine."], flags=["no prompt"]),
    ),
    "trl standard, leading and trailing space": Fixture(
        "trl", {**PLAIN, "chosen": " Seven. ", "rejected": "\tNine.\r\n"}, Told([ASKED], [" Seven. ", "\tNine.\r\n"])
    ),
    "trl standard, prompt as messages": Fixture(
        "trl",
        {**PLAIN, "prompt": talk("Name a prime.", system="Be brief.")},
        Told([("system", "Be brief."), ASKED], SEVEN_NINE),
    ),
    "trl standard, prompt as transcript": Fixture(
        "trl",
        {
            **PLAIN,
            "prompt": "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Name a prime.\n\nAssistant:",
            "chosen": " Seven.",
        },
        Told([("user", "Hi"), ("assistant", "Hello."), ASKED], SEVEN_NINE),
    ),
    "trl standard, prompt that quotes a transcript": Fixture(
        "trl",
        {**PLAIN, "prompt": "Sum up:\n\nHuman: Hi\n\nAssistant: Hello.", "chosen": " Seven."},
        Told([("user", "Sum up:\n\nHuman: Hi\n\nAssistant: Hello.")], [" Seven.", "Nine."]),
    ),
    "trl standard, transcripts beside another column": Fixture(
        "trl", {**TRANSCRIPTS, "source": "hh", "tools": "[]"}, Told([ASKED], SEVEN_NINE, source="hh")
    ),
    "trl standard, empty prompt": Fixture("trl", {**PLAIN, "prompt": ""}, Told([], SEVEN_NINE, flags=["no prompt"])),
    "trl conversational, explicit": Fixture(
        "trl",
        {"prompt": talk("Name a prime."), "chosen": answered("Seven."), "rejected": answered("Nine.")},
        Told([ASKED], SEVEN_NINE),
    ),
    "trl conversational, explicit, many turns": Fixture(
        "trl",
        {"prompt": talk("Hi", "Hello.", "Name a prime."), "chosen": answered("Seven."), "rejected": answered("Nine.")},
        Told([("user", "Hi"), ("assistant", "Hello."), ASKED], SEVEN_NINE),
    ),
    "trl conversational, implicit": Fixture("trl", WHOLE, Told([ASKED], SEVEN_NINE)),
    "trl conversational, shared first letters": Fixture(
        "trl",
        {"chosen": talk("Which colour?", "blue"), "rejected": talk("Which colour?", "blueish")},
        Told([("user", "Which colour?")], ["blue", "blueish"]),
    ),
    "trl conversational, only answers": Fixture(
        "trl", {"chosen": answered("Seven."), "rejected": answered("Nine.")}, Told([], SEVEN_NINE, flags=["no prompt"])
    ),
    "trl mixed: prompt as text, answers as lists": Fixture(
        "trl", {**PLAIN, "chosen": answered("Seven."), "rejected": answered("Nine.")}, Told([ASKED], SEVEN_NINE)
    ),
    "trl mixed: prompt as text, whole conversations": Fixture(
        "trl", {**WHOLE, "prompt": " Name a prime.\n"}, Told([ASKED], SEVEN_NINE)
    ),
    "trl mixed: prompt as text, whole conversations with a system turn": Fixture(
        "trl",
        {
            "prompt": "Name a prime.",
            "chosen": talk("Name a prime.", "Seven.", system="Be brief."),
            "rejected": talk("Name a prime.", "Nine.", system="Be brief."),
        },
        Told([("system", "Be brief."), ASKED], SEVEN_NINE),
    ),
    "trl explicit, prompt repeated in the answers": Fixture(
        "trl", {**WHOLE, "prompt": talk("Name a prime.")}, Told([ASKED], SEVEN_NINE)
    ),
    "trl, the question asked again later is no repeated prompt": Fixture(
        "trl",
        {
            "prompt": "Again!",
            "chosen": [*answered("Hm?"), *talk("Again!", "Seven.")],
            "rejected": [*answered("Hm?"), *talk("Again!", "Nine.")],
        },
        Told([("user", "Again!"), ("assistant", "Hm?"), ("user", "Again!")], SEVEN_NINE),
    ),
    "trl, contexts differ": Fixture(
        "trl",
        {"chosen": talk("Hi", "Yes?", "A prime.", "Seven."), "rejected": talk("Hi", "What?", "A prime.", "Nine.")},
        Told(
            [("user", "Hi")],
            SEVEN_NINE,
            flags=["contexts differ"],
            turns=[[("assistant", "Yes?"), ("user", "A prime.")], [("assistant", "What?"), ("user", "A prime.")]],
        ),
    ),
    "trl, one context longer": Fixture(
        "trl",
        {"chosen": talk("Name a prime.", "Seven."), "rejected": [*talk("Name a prime.", "Hm."), *answered("Nine.")]},
        Told(
            [ASKED],
            SEVEN_NINE,
            flags=["contexts differ", "roles do not alternate"],
            turns=[[], [("assistant", "Hm.")]],
        ),
    ),
    "trl, consecutive turns of one speaker": Fixture(
        "trl",
        {
            "chosen": [said("user", "Hi."), *talk("Name a prime.", "Seven.")],
            "rejected": [said("user", "Hi."), *talk("Name a prime.", "Nine.")],
        },
        Told([("user", "Hi."), ASKED], SEVEN_NINE, flags=["roles do not alternate"]),
    ),
    "trl, content in parts": Fixture(
        "trl",
        {
            **PLAIN,
            "chosen": [said("assistant", [{"type": "text", "text": "Se"}, {"type": "text", "text": "ven."}])],
            "rejected": answered("Nine."),
        },
        Told([ASKED], SEVEN_NINE),
    ),
    "trl, columns that a trainer knows": Fixture(
        "trl",
        {
            **WHOLE,
            "margin": 2.5,
            "tools": '[{"name": "f"}]',
            "messages": [],
            "images": None,
            "deep": {"a": [{"b": 1}]},
            "chosen_reward": 1,
            "rejected_reward": None,
            "reward-chosen-2": "x",
            "chosen_model": "m1",
        },
        Told([ASKED], SEVEN_NINE, columns=[{"reward": 1.0}, {"reward": None}]),
    ),
    "trl, empty answer": Fixture(
        "trl", {**PLAIN, "rejected": " \n"}, Told([ASKED], ["Seven.", " \n"], flags=["empty response"])
    ),
    "trl, identical answers": Fixture(
        "trl", {**PLAIN, "rejected": "Seven."}, Told([ASKED], ["Seven.", "Seven."], flags=["identical responses"])
    ),
    "trl, one answer the beginning of the other": Fixture(
        "trl", {**PLAIN, "rejected": "Seven. Or two."}, Told([ASKED], ["Seven.", "Seven. Or two."])
    ),
    "hh": Fixture("hh", TRANSCRIPTS, Told([ASKED], SEVEN_NINE)),
    "hh, many turns": Fixture(
        "hh",
        {
            "chosen": "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: A colour?\n\nAssistant:  blue \n",
            "rejected": "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: A colour?\n\nAssistant: blueish",
        },
        Told([("user", "Hi"), ("assistant", "Hello."), ("user", "A colour?")], ["blue", "blueish"]),
    ),
    "hh, Human: inside an answer": Fixture(
        "hh",
        {
            **TRANSCRIPTS,
            "chosen": "\n\nHuman: Name a prime.\n\nAssistant: Human: an animal.\nAssistant: a job.\n\nHumans",
        },
        Told([ASKED], ["Human: an animal.\nAssistant: a job.\n\nHumans", "Nine."]),
    ),
    "hh, empty answer": Fixture(
        "hh",
        {**TRANSCRIPTS, "chosen": "\n\nHuman: Name a prime.\n\nAssistant:"},
        Told([ASKED], ["", "Nine."], flags=["empty response"]),
    ),
    "hh, contexts differ": Fixture(
        "hh",
        {
            "chosen": "\n\nHuman: Hi\n\nAssistant: A\n\nHuman: B\n\nAssistant: Seven.",
            "rejected": "\n\nHuman: Hi\n\nAssistant: Nine.",
        },
        Told(
            [("user", "Hi")],
            SEVEN_NINE,
            flags=["contexts differ"],
            turns=[[("assistant", "A"), ("user", "B")], []],
        ),
    ),
    "ultrafeedback": Fixture(
        "ultrafeedback",
        ultrafeedback(
            rated("Seven.", "4", "N/A", "5", "3", mean=4.0, overall=7.5, system="Be kind."),
            rated("Nine.", "1", "2", "10.", " 4.0 ", mean="4.25", overall="8.5", system=""),
        ),
        Told(
            [ASKED],
            SEVEN_NINE,
            labels=[4.0, 4.25],
            columns=[numbers(4.0, None, 5.0, 3.0, 4.0, 7.5), numbers(1.0, 2.0, 10.0, 4.0, 4.25, 8.5)],
            systems=["Be kind.", None],
            source="sharegpt",
        ),
    ),
    "ultrafeedback, the mean where the release lacks it": Fixture(
        "ultrafeedback",
        ultrafeedback(
            {"response": "Seven.", "annotations": rated("", "4", "N/A", None, "5")["annotations"]},
            {"response": "Nine.", "annotations": {}, "fine-grained_score": 2},
        ),
        Told(
            [ASKED],
            SEVEN_NINE,
            labels=[4.5, 2.0],
            columns=[numbers(4.0, None, None, 5.0, 4.5, None), numbers(None, None, None, None, 2.0, None)],
            source="sharegpt",
        ),
    ),
    "ultrafeedback, equal ratings": Fixture(
        "ultrafeedback",
        ultrafeedback(rated("Seven.", 3, 3, 3, 3, mean=3.0), rated("Nine.", "3", "3", "3", "3", mean="3")),
        Told(
            [ASKED],
            SEVEN_NINE,
            labels=[3.0, 3.0],
            flags=["tie"],
            columns=[numbers(3.0, 3.0, 3.0, 3.0, 3.0, None)] * 2,
            source="sharegpt",
        ),
    ),
    "ultrafeedback, all aspects N/A": Fixture(
        "ultrafeedback",
        ultrafeedback(
            rated("Seven.", "N/A", "", None, math.nan, mean=0.0), rated("Nine.", "3", "3", "3", "3", mean=3.0)
        ),
        Told(
            [ASKED],
            SEVEN_NINE,
            labels=[None, 3.0],
            flags=["no label"],
            columns=[numbers(*[None] * 6), numbers(3.0, 3.0, 3.0, 3.0, 3.0, None)],
            source="sharegpt",
        ),
    ),
    "ultrafeedback, overall 10 beside a mean of 1": Fixture(
        "ultrafeedback",
        ultrafeedback(
            rated("Seven.", "1", "1", "1", "1", mean=1.0, overall=10),
            rated("Nine.", "5", "5", "5", "5", mean=5, overall=10),
        ),
        Told(
            [ASKED],
            SEVEN_NINE,
            labels=[1.0, 5.0],
            flags=["overall score doubtful"],
            columns=[numbers(1.0, 1.0, 1.0, 1.0, 1.0, 10.0), numbers(5.0, 5.0, 5.0, 5.0, 5.0, 10.0)],
            source="sharegpt",
        ),
    ),
    "ultrafeedback, the same text under two system prompts": Fixture(
        "ultrafeedback",
        ultrafeedback(
            rated("Seven.", 1, 1, 1, 1, mean=1, system="Be kind."),
            rated("Seven.", 2, 2, 2, 2, mean=2, system="Be rude."),
        ),
        Told(
            [ASKED],
            ["Seven.", "Seven."],
            labels=[1.0, 2.0],
            columns=[numbers(1.0, 1.0, 1.0, 1.0, 1.0, None), numbers(2.0, 2.0, 2.0, 2.0, 2.0, None)],
            systems=["Be kind.", "Be rude."],
            source="sharegpt",
        ),
    ),
    **{f"ultrafeedback, {count} completions": many_rated(count) for count in range(2, 8)},
    "h4": Fixture("h4", H4, Told([ASKED], SEVEN_NINE, columns=SCORES)),
    "h4, no messages, no prompt": Fixture(
        "h4", {**WHOLE, "score_chosen": 8, "score_rejected": "5.0"}, Told([ASKED], SEVEN_NINE, columns=SCORES)
    ),
    "h4, equal scores": Fixture(
        "h4",
        {**H4, "score_rejected": 8},
        Told([ASKED], SEVEN_NINE, labels=[0.5, 0.5], flags=["tie"], columns=[{"score": 8.0}, {"score": 8.0}]),
    ),
    "h4, no score": Fixture(
        "h4",
        {**H4, "score_chosen": None, "score_rejected": "N/A"},
        Told([ASKED], SEVEN_NINE, columns=[{"score": None}, {"score": None}]),
    ),
    "h4, scores against the label": Fixture(
        "h4",
        {**H4, "score_chosen": 5, "score_rejected": 8},
        Told([ASKED], SEVEN_NINE, flags=["scores contradict the label"], columns=[{"score": 5.0}, {"score": 8.0}]),
    ),
    "h4, answers without their question": Fixture(
        "h4",
        {**H4, "chosen": answered("Seven."), "rejected": answered("Nine.")},
        Told([ASKED], SEVEN_NINE, columns=SCORES),
    ),
    "argilla, conversations": Fixture("argilla", ARGILLA_TALKS, Told([ASKED], SEVEN_NINE, columns=RATINGS)),
    "argilla, texts": Fixture("argilla", ARGILLA_TEXTS, Told([ASKED], SEVEN_NINE, columns=RATINGS, source="evol")),
    "argilla, ratings against the label": Fixture(
        "argilla",
        {**ARGILLA_TALKS, "chosen-rating": 1},
        Told([ASKED], SEVEN_NINE, flags=["ratings contradict the label"], columns=[{"rating": 1.0}, {"rating": 2.0}]),
    ),
    "argilla, equal and missing ratings leave the label": Fixture(
        "argilla",
        {**ARGILLA_TEXTS, "chosen_avg_rating": None, "rejected_avg_rating": "nan"},
        Told([ASKED], SEVEN_NINE, columns=[{"rating": None}, {"rating": None}], source="evol"),
    ),
    "alpaca": Fixture("alpaca", ALPACA, Told([ASKED], SEVEN_NINE)),
    "alpaca, no input": Fixture(
        "alpaca", {key: value for key, value in ALPACA.items() if key != "input"}, Told([ASKED], SEVEN_NINE)
    ),
    "alpaca, with everything": Fixture(
        "alpaca",
        {
            **ALPACA,
            "input": "Below 10.",
            "system": "Be brief.",
            "history": [["Hi", "Hello."], ["Ready?", "Yes."]],
            "source": "book",
            "score_chosen": 2,
            "score_rejected": 1.5,
        },
        Told(
            [
                ("system", "Be brief."),
                ("user", "Hi"),
                ("assistant", "Hello."),
                ("user", "Ready?"),
                ("assistant", "Yes."),
                ("user", "Name a prime.\nBelow 10."),
            ],
            SEVEN_NINE,
            columns=[{"score": 2.0}, {"score": 1.5}],
            source="book",
        ),
    ),
    "alpaca, nothing in the optional columns": Fixture(
        "alpaca", {**ALPACA, "input": None, "system": "", "history": []}, Told([ASKED], SEVEN_NINE)
    ),
    "helpsteer2": Fixture("helpsteer2", HELPSTEER2, Told([ASKED], SEVEN_NINE)),
    "helpsteer3": Fixture("helpsteer3", HELPSTEER3, Told([ASKED], SEVEN_NINE)),
    "nectar": Fixture(
        "nectar", NECTAR, Told([ASKED], SEVEN_NINE, labels=[-1, -2], columns=[{"rank": -1}, {"rank": -2}])
    ),
    "shp": Fixture("shp", SHP, Told([ASKED], SEVEN_NINE, columns=[{"score": None}] * 2)),
    "webgpt": Fixture(
        "webgpt", WEBGPT, Told([ASKED], SEVEN_NINE, labels=[1, -1], columns=[{"score": 1}, {"score": -1}])
    ),
    "pku": Fixture("pku", PKU, Told([ASKED], SEVEN_NINE)),
    "dissection": Fixture(
        "dissection",
        {
            "query": "Name a prime.",
            "response_1": {"content": "Seven.", "model": "m1"},
            "response_2": {"content": "Nine.", "model": "m2"},
            "preference_labels": {"human": "response_1", "m3": "response_2"},
        },
        Told([ASKED], SEVEN_NINE, columns=[{"m3": 0.0}, {"m3": 1.0}]),
    ),
    "openai": Fixture("openai", OPENAI, Told([ASKED], SEVEN_NINE)),
    "sharegpt": Fixture("sharegpt", SHAREGPT, Told([ASKED], SEVEN_NINE)),
    "intel": Fixture("intel", INTEL, Told([ASKED], SEVEN_NINE)),
    "axolotl": Fixture("axolotl", AXOLOTL, Told([ASKED], SEVEN_NINE)),
    "arena": Fixture("arena", ARENA, Told([ASKED], SEVEN_NINE)),
    "arena-csv": Fixture("arena-csv", ARENA_CSV, Told([ASKED], SEVEN_NINE)),
    "pandalm": Fixture("pandalm", PANDALM, Told([ASKED], SEVEN_NINE, flags=["annotators split"])),
    "llmbar": Fixture("llmbar", LLMBAR, Told([ASKED], SEVEN_NINE)),
    "judgebench": Fixture("judgebench", JUDGEBENCH, Told([ASKED], SEVEN_NINE)),
    "autoj": Fixture("autoj", AUTOJ, Told([ASKED], SEVEN_NINE)),
    "rmbench": Fixture(
        "rmbench",
        RMBENCH,
        Told(
            [ASKED],
            ["7", "Seven.", "9", "Nine."],
            [1.0, 1.0, 0.0, 0.0],
            columns=[{}] * 4,
            turns=[[]] * 4,
            systems=[None] * 4,
        ),
    ),
}

REFUSED = {
    "strength of 4": (
        "helpsteer2",
        {**HELPSTEER2, "preference_strength": 4},
        "preference_strength is 4, not -3 or -2 or -1 or 0 or 1 or 2 or 3",
    ),
    "empty context": (
        "helpsteer3",
        {**HELPSTEER3, "context": []},
        "context is an empty list, not a list of messages",
    ),
    "one rated response": (
        "helpsteer2-base",
        {"prompt": "Name a prime.", "response": "Seven.", "helpfulness": 4},
        "no other row has its prompt, so there is nothing to compare its response with",
    ),
    "no answers": ("nectar", {**NECTAR, "answers": []}, "answers holds fewer than two responses"),
    "labels 2": ("shp", {**SHP, "labels": 2}, "labels is 2, not 1 or 0"),
    "question that is text": ("webgpt", {**WEBGPT, "question": "q"}, "question is not an object with its full_text"),
    "third response better": ("pku", {**PKU, "better_response_id": 2}, "better_response_id is 2, not 0 or 1"),
    "input that is text": ("openai", {**OPENAI, "input": "Hi"}, "input is text, not an object with messages"),
    "no turns": ("sharegpt", {**SHAREGPT, "conversations": []}, "conversations is an empty list, not a list of turns"),
    "number as question": ("intel", {**INTEL, "question": 7}, "question is 7, not text"),
    "question as answer": (
        "axolotl",
        {**AXOLOTL, "chosen": said("user", "Hi")},
        "chosen does not end with an assistant turn",
    ),
    "model as winner": (
        "arena",
        {**ARENA, "winner": "m1"},
        "winner is 'm1', not model_a or model_b or tie or tie (bothbad) or both_bad",
    ),
    "no winner": (
        "arena-csv",
        {**ARENA_CSV, "winner_model_a": "0"},
        "winner_model_a, winner_model_b, winner_tie are not one 1 and two 0",
    ),
    "single completion": (
        "kto",
        {"prompt": "Name a prime.", "completion": "Seven.", "label": True},
        "its prompt has one completion only, so there is nothing to compare it with",
    ),
    "no such judge": ("dissection", {"preference_labels": {}}, "preference_labels holds no judge 'human'"),
    "vote of three": ("pandalm", {**PANDALM, "annotator1": 3}, "annotator1 is 3, not 1 or 2 or 0"),
    "label 0 where they count from 1": ("llmbar", {**LLMBAR, "label": 0}, "label is 0, not 1 or 2"),
    "label without a winner": ("judgebench", {**JUDGEBENCH, "label": "A=B"}, "label is 'A=B', not A>B or B>A"),
    "label of three": ("autoj", {**AUTOJ, "label": 3}, "label is 3, not 0 or 1 or 2"),
    "more right than wrong": ("rmbench", {**RMBENCH, "rejected": ["9"]}, "chosen holds 2 texts and rejected 1"),
    "no rejected": ("trl", {"prompt": "Name a prime.", "chosen": "Seven."}, "rejected is null or missing, not text"),
    "empty list": ("trl", {**WHOLE, "chosen": []}, "chosen is an empty list, not a list of messages"),
    "list and text": ("trl", {**WHOLE, "rejected": "Nine."}, "chosen is a list, not text"),
    "empty list as prompt": ("trl", {**PLAIN, "prompt": []}, "prompt is an empty list, not a list of messages"),
    "number as prompt": ("trl", {**PLAIN, "prompt": 7}, "prompt is neither text nor a list of messages"),
    "last turn of the user": ("trl", {**WHOLE, "chosen": talk("Hi")}, "chosen does not end with an assistant turn"),
    "turn that is text": ("trl", {**WHOLE, "chosen": ["Hi"]}, "chosen holds text, not a message with role and content"),
    "unknown role": (
        "trl",
        {**WHOLE, "chosen": [said("human", "Hi")]},
        "chosen holds a turn with the role 'human', not one of assistant, developer, system, tool, user",
    ),
    "role that is a list": (
        "trl",
        {**WHOLE, "chosen": [said(["user"], "Hi")]},  # type: ignore[arg-type]
        "chosen holds a turn with the role ['user'], not one of assistant, developer, system, tool, user",
    ),
    "infinite score": (
        "trl",
        {**PLAIN, "chosen_score": math.inf, "rejected_score": 1},
        "chosen_score is inf, not a finite number",
    ),
    "infinite score under a hostile name": (
        "trl",
        {**PLAIN, "chosen\ud800\x1b": math.inf, "rejected\ud800\x1b": 1},
        "'chosen\\ud800\\x1b' is inf, not a finite number",
    ),
    "lone surrogate": (
        "trl",
        {**PLAIN, "chosen": "Se\ud800ven."},
        "it holds half of a surrogate pair, which is no character",
    ),
    "lone surrogate in the source": (
        "trl",
        {**PLAIN, "source": "\udc00"},
        "it holds half of a surrogate pair, which is no character",
    ),
    "NUL": ("trl", {**PLAIN, "rejected": "Ni\0ne."}, "it holds a NUL character"),
    "NUL in the tools": ("trl", {**WHOLE, "tools": "[\0]"}, "it holds a NUL character"),
    "lone surrogate in the tools": (
        "trl",
        {**WHOLE, "tools": "[\ud800]"},
        "it holds half of a surrogate pair, which is no character",
    ),
    "an image that is no reference": (
        "trl",
        {**WHOLE, "chosen": talk([{"type": "image", "image": b"PNG"}], "Seven.")},
        "chosen holds what JSON cannot say (bytes, a time, NaN)",
    ),
    "NaN in a call": (
        "trl",
        {**WHOLE, "chosen": [*talk("Hi"), {**said("assistant", ""), "tool_calls": [{"n": math.nan}]}]},
        "chosen holds what JSON cannot say (bytes, a time, NaN)",
    ),
    "NaN in the tools": (
        "trl",
        {**WHOLE, "tools": [math.inf]},
        "tools holds what JSON cannot say (bytes, a time, NaN)",
    ),
    "lone surrogate in the name of a number": (
        "trl",
        {**PLAIN, "chosen_\ud800": 1, "rejected_\ud800": 2},
        "it holds half of a surrogate pair, which is no character",
    ),
    "NUL in a turn of one side": (
        "trl",
        {**WHOLE, "chosen": talk("Name\0", "a", "b", "Seven.")},
        "it holds a NUL character",
    ),
    "text before the first turn": (
        "hh",
        {**TRANSCRIPTS, "chosen": f"Once{TRANSCRIPTS['chosen']}"},
        "chosen does not begin with a turn of Human or Assistant",
    ),
    "transcript that ends with a question": (
        "hh",
        {**TRANSCRIPTS, "rejected": f"{TRANSCRIPTS['rejected']}\n\nHuman: Why?"},
        "rejected does not end with an assistant turn",
    ),
    "one completion": (
        "ultrafeedback",
        ultrafeedback(rated("Seven.", 1, 1, 1, 1)),
        "completions holds fewer than two responses",
    ),
    "rating out of": (
        "ultrafeedback",
        ultrafeedback(rated("", "8/10", 1, 1, 1), rated("", 1, 1, 1, 1)),
        "the rating of helpfulness is '8/10', not a number",
    ),
    "rating with an underscore": (
        "ultrafeedback",
        ultrafeedback(rated("", 1, 1, 1, "4_5"), rated("", 1, 1, 1, 1)),
        "the rating of truthfulness is '4_5', not a number",
    ),
    "rating that is true": (
        "ultrafeedback",
        ultrafeedback(rated("", 1, True, 1, 1), rated("", 1, 1, 1, 1)),
        "the rating of honesty is True, not a number",
    ),
    "overall score in words": (
        "ultrafeedback",
        ultrafeedback(rated("", 1, 1, 1, 1, overall="good"), rated("", 1, 1, 1, 1)),
        "overall_score is 'good', not a number",
    ),
    "annotations in a list": (
        "ultrafeedback",
        ultrafeedback({"response": "Seven.", "annotations": [1]}, rated("", 1, 1, 1, 1)),
        "annotations is not an object with a rating per aspect",
    ),
    "annotation without its Rating": (
        "ultrafeedback",
        ultrafeedback({"response": "Seven.", "annotations": {"honesty": "5"}}, rated("", 1, 1, 1, 1)),
        "the annotation of honesty is not an object with a Rating",
    ),
    "system prompt that is a number": (
        "ultrafeedback",
        ultrafeedback(rated("", 1, 1, 1, 1, system=7), rated("", 1, 1, 1, 1)),
        "custom_system_prompt is 7, not text",
    ),
    "null response": (
        "ultrafeedback",
        ultrafeedback(rated("", 1, 1, 1, 1), {**rated("", 1, 1, 1, 1), "response": None}),
        "response is null or missing, not text",
    ),
    "score out of": ("h4", {**H4, "score_chosen": "8/10"}, "score_chosen is '8/10', not a number"),
    "rating in a list": ("argilla", {**ARGILLA_TALKS, "chosen-rating": [4]}, "chosen-rating is a list, not a number"),
    "null answer": (
        "argilla",
        {**ARGILLA_TEXTS, "rejected_response": None},
        "rejected_response is null or missing, not text",
    ),
    "input that is a list": ("alpaca", {**ALPACA, "input": ["x"]}, "input is a list, not text"),
    "history that is text": ("alpaca", {**ALPACA, "history": "Hi"}, "history is not a list of [question, answer]"),
    "history of three": (
        "alpaca",
        {**ALPACA, "history": [["Hi", "Hello.", "Bye."]]},
        "history holds something other than [question, answer]",
    ),
}

KEYS = sorted({key for fixture in FIXTURES.values() for key in fixture.row} | {"role", "content", "response", "type"})
HOSTILE = ["", "\0", "\ud800", "N/A", "8/10", "1_0", "nan", "user", "assistant", "\n\nHuman: a\n\nAssistant: b"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -100])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(HOSTILE)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=8,
)
rows = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), values, max_size=8)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """List every place in a row: what stands there can be replaced."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


@st.composite
def mutants(draw: st.DrawFn) -> Fixture:
    """A fixture with one to three values replaced by anything."""
    fixture = draw(st.sampled_from(list(FIXTURES.values())))
    row = copy.deepcopy(fixture.row)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(row))))
        inside: Any = row
        for key in path:
            inside = inside[key]
        inside[last] = draw(values)
    return fixture._replace(row=row)


def check_parsed(name: str, row: Mapping[str, object]) -> None:
    """Fail unless the row is read into what can be stored, or refused with a reason of one line."""
    try:
        told = tell(parse(Row(1, row), recognise(name)))
    except RowRefusedError as refusal:
        told, reason = None, str(refusal)
    if told is None:
        assert reason.isprintable()
        assert len(reason) < 200
    else:
        assert len(told.texts) > 1
        assert json.dumps(told, allow_nan=False, ensure_ascii=False).encode()


def read(fixture: Fixture, dimension: str | None = None) -> Sample:
    layout = load_format(fixture.format, dimension) if dimension else recognise(fixture.format)
    return parse(Row(1, fixture.row), layout)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_fixture_and_a_refused_row(name):
    grouped = hasattr(recognise(name), "join")
    assert grouped or name in {fixture.format for fixture in FIXTURES.values()}
    assert name in {refused[0] for refused in REFUSED.values()}


@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=FIXTURES.keys())
def test_a_row_is_read_whole(fixture):
    assert tell(read(fixture)) == fixture.told


@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=FIXTURES.keys())
def test_a_row_is_recognised_as_its_format_and_no_other(fixture):
    fits = [name for name in FORMATS if name not in GENERAL and recognise(name).looks_like(fixture.row)]
    assert fits == [fixture.format] * (fixture.format not in GENERAL)
    assert detect_format([fixture.row], "pairs.jsonl") == fixture.format


@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=FIXTURES.keys())
def test_reading_a_row_twice_gives_the_same_and_leaves_the_row_alone(fixture):
    before = copy.deepcopy(fixture.row)
    assert read(fixture) == read(fixture)
    assert repr(fixture.row) == repr(before)


@pytest.mark.parametrize(("name", "row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_row_that_cannot_be_read_is_refused_with_its_reason(name, row, reason):
    with pytest.raises(RowRefusedError) as refusal:
        parse(Row(1, row), recognise(name))
    assert str(refusal.value) == reason


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_of_another_format_is_refused_or_read_but_never_a_crash(name):
    for fixture in FIXTURES.values():
        check_parsed(name, fixture.row)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_no_row_is_too_strange_to_be_looked_at(row):
    for name in FORMATS:
        assert recognise(name).looks_like(row) in (True, False)
        check_parsed(name, row)


@settings(max_examples=400, deadline=None)
@given(mutants())
def test_a_row_with_anything_in_it_is_read_or_refused(mutant):
    check_parsed(mutant.format, mutant.row)


@pytest.mark.parametrize(
    ("tools", "kept"),
    [(None, ""), ("", ""), ([], ""), ('[{"name": "f"}]', '[{"name": "f"}]'), ([{"name": "é"}], '[{"name": "é"}]')],
)
def test_tools_are_kept_as_a_list_or_as_its_text(tools, kept):
    assert parse(Row(1, {**WHOLE, "tools": tools}), load_format("trl")).tools == kept


def test_a_long_value_is_quoted_short_in_the_reason():
    row = ultrafeedback(rated("", "x" * 10_000, 1, 1, 1), rated("", 1, 1, 1, 1))
    with pytest.raises(RowRefusedError) as refusal:
        parse(Row(1, row), load_format("ultrafeedback"))
    assert str(refusal.value) == f"the rating of helpfulness is '{'x' * 39}..., not a number"


def test_a_transcript_as_prompt_gives_the_ids_of_the_same_row_in_hh():
    beside = {"prompt": "\n\nHuman: Name a prime.\n\nAssistant:", "chosen": " Seven.", "rejected": " Nine."}
    assert parse(Row(1, beside), load_format("trl")) == parse(Row(1, TRANSCRIPTS), load_format("hh"))


def test_all_shapes_of_one_pair_have_one_id():
    shapes = [
        PLAIN,
        WHOLE,
        {**PLAIN, "prompt": talk("Name a prime.")},
        TRANSCRIPTS,
        H4,
        ARGILLA_TALKS,
        ARGILLA_TEXTS,
        ALPACA,
    ]
    assert len({parse(Row(1, row), load_format(detect_format([row], "f"))).sample_id for row in shapes}) == 1


DIMENSION_LABELS = {
    None: [4.0, 4.25],
    "mean": [4.0, 4.25],
    "overall": [7.5, 8.5],
    "helpfulness": [4.0, 1.0],
    "honesty": [None, 2.0],
    "instruction_following": [5.0, 10.0],
    "truthfulness": [3.0, 4.0],
}


@pytest.mark.parametrize(("dimension", "labels"), DIMENSION_LABELS.items())
def test_a_dimension_picks_the_rating_that_becomes_the_label(dimension, labels):
    fixture = FIXTURES["ultrafeedback"]
    flags = ["no label"] if None in labels else []
    assert tell(read(fixture, dimension)) == fixture.told._replace(labels=labels, flags=flags)
    assert dimension is None or dimension in DIMENSIONS["ultrafeedback"]


LOAD_ERRORS = {
    "misspelt": (("alpacca", None), "There is no format 'alpacca'. Did you mean alpaca? See: prefmap list formats"),
    "unknown": (("x", None), "There is no format 'x'. See: prefmap list formats"),
    "no dimensions": (("hh", "overall"), "The format hh has no dimensions; leave --dimension out."),
    "unknown dimension": (
        ("ultrafeedback", "speed"),
        "The format ultrafeedback has no dimension 'speed': it has mean, overall, helpfulness, honesty, "
        "instruction_following, truthfulness.",
    ),
}


@pytest.mark.parametrize(("asked", "sentence"), LOAD_ERRORS.values(), ids=LOAD_ERRORS.keys())
def test_an_unknown_format_or_dimension_is_named_with_what_there_is(asked, sentence):
    with pytest.raises(ConfigError) as error:
        load_format(*asked)
    assert str(error.value) == sentence


DETECTED = {
    "one row in ten is broken": ([TRANSCRIPTS] * 9 + [{"chosen": "", "rejected": ""}], "hh"),
    "only the general format covers most": ([H4] * 4 + [WHOLE] * 6, "trl"),
    "half of the rows": ([ALPACA, {}], "alpaca"),
}


@pytest.mark.parametrize(("rows", "name"), DETECTED.values(), ids=DETECTED.keys())
def test_the_format_that_fits_at_least_half_of_the_first_rows_is_taken(rows, name):
    assert detect_format(rows, "pairs.jsonl") == name


UNKNOWN = {
    "unpaired rows": (
        [{"prompt": "q", "completion": "a", "label": "good"}],
        "f is in no format that prefmap knows: its columns are prompt, completion, label. See: prefmap list formats",
    ),
    "another dataset": (
        [{"conversations": [], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}],
        "f is in no format that prefmap knows: its columns are conversations, chosen, rejected. "
        "See: prefmap list formats",
    ),
    "hostile columns": (
        [{"\x1b[2J": 1, "\ud800": 2, "k" * 50: 3}],
        f"f is in no format that prefmap knows: its columns are '\\x1b[2J', '\\ud800', '{'k' * 39}.... "
        "See: prefmap list formats",
    ),
    "no columns": ([{}], "f is in no format that prefmap knows: its columns are none. See: prefmap list formats"),
    "too few rows": (
        [PLAIN, {}, {}],
        "f is in no format that prefmap knows: its columns are prompt, chosen, rejected. "
        "1 of the first 3 rows look like trl. See: prefmap list formats",
    ),
    "no rows": ([], "f holds no row that could be read."),
    "two formats in one file": (
        [ALPACA, H4, H4],
        "f fits more than one format: h4 (2 of the first 3 rows) and alpaca (1). Choose one with --format.",
    ),
    "two formats in one row": (
        [{**H4, "chosen-rating": 1, "rejected-rating": 2}],
        "f fits more than one format: h4 (1 of the first 1 rows) and argilla (1). Choose one with --format.",
    ),
}


@pytest.mark.parametrize(("rows", "sentence"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_fits_no_format_or_two_is_said_in_one_sentence(rows, sentence):
    with pytest.raises(FormatUnknownError) as error:
        detect_format(rows, "f")
    assert str(error.value) == sentence
