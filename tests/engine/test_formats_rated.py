"""HelpSteer, Nectar, SHP, WebGPT and PKU-SafeRLHF: signed strengths, ratings, ranks, scores and ids."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, RowRefusedError
from engine.formats.catalog import FORMATS, GENERAL, Format, GroupedFormat, detect_format, load_format, recognise
from engine.records import Sample
from engine.rows import Row
from engine.sources import parse, read_samples

Json = dict[str, Any]

ASKED = ("user", "Name a prime.")


class Told(NamedTuple):
    """What a sample says, ids left aside."""

    labels: list[float | None]
    columns: list[dict[str, float | None]] = [{}, {}]
    votes: dict[str, int | None] = {}
    flags: list[str] = []
    source: str = ""
    prompt: list[tuple[str, str]] = [ASKED]
    texts: list[str] = ["Seven.", "Nine."]


class Fixture(NamedTuple):
    format: str
    row: Json
    told: Told
    dimension: str | None = None


def tell(sample: Sample) -> Told:
    return Told(
        labels=[one.label for one in sample.responses],
        columns=[dict(one.columns) for one in sample.responses],
        votes=dict(sample.votes),
        flags=list(sample.flags),
        source=sample.source,
        prompt=[(turn.role, turn.content) for turn in sample.prompt],
        texts=[one.text for one in sample.responses],
    )


def scores(name: str, *values: float | None) -> list[dict[str, float | None]]:
    return [{name: value} for value in values]


FIRST: list[float | None] = [1.0, 0.0]
SECOND: list[float | None] = [0.0, 1.0]
TIE: list[float | None] = [0.5, 0.5]
NONE: list[float | None] = [None, None]

STRENGTH = {"split": "train", "prompt": "Name a prime.", "response_1": "Seven.", "response_2": "Nine."}
TURNS = {
    "domain": "stem", "language": "en", "context": [{"role": "user", "content": "Name a prime."}],
    "response1": "Seven.", "response2": "Nine.",
}  # fmt: skip
SHP = {
    "post_id": "x", "domain": "askmath_train", "history": "Name a prime.", "human_ref_A": "Seven.",
    "human_ref_B": "Nine.", "labels": 1, "score_A": 12, "score_B": 3, "score_ratio": 4.0, "seconds_difference": 9.0,
}  # fmt: skip
WEBGPT = {
    "question": {"dataset": "eli5", "id": "q", "full_text": "Name a prime."},
    "quotes_0": {"title": ["Primes"], "extract": ["2, 3, 5"]}, "answer_0": "Seven.", "score_0": 0.5,
    "quotes_1": {"title": [], "extract": []}, "answer_1": "Nine.", "score_1": -0.5,
}  # fmt: skip
PKU = {
    "prompt": "Name a prime.", "response_0": "Seven.", "response_1": "Nine.", "prompt_source": "Alpaca",
    "is_response_0_safe": True, "is_response_1_safe": False, "response_0_severity_level": 0,
    "response_1_severity_level": 2, "better_response_id": 1, "safer_response_id": 0,
}  # fmt: skip
PKU_OLD = {
    "prompt": "Name a prime.", "response_0": "Seven.", "response_1": "Nine.", "is_response_0_safe": None,
    "better_response_id": 0, "safer_response_id": 1,
}  # fmt: skip
BASE = {
    "prompt": "Name a prime.", "response": "Seven.", "helpfulness": 4, "correctness": "4", "coherence": 4.0,
    "complexity": None, "verbosity": "N/A",
}  # fmt: skip
PKU_COLUMNS = [{"safe": 1.0, "severity_level": 0.0}, {"safe": 0.0, "severity_level": -2.0}]


def strength(value: object, *votes: object) -> Json:
    cast_votes = {"all_preferences_unprocessed": [{"strength": vote, "justification": "-"} for vote in votes]}
    return {**STRENGTH, "preference_strength": value, **(cast_votes if votes else {})}


def overall(value: object, *votes: object) -> Json:
    return {**TURNS, "overall_preference": value, "individual_preference": [{"score": vote} for vote in votes]}


def nectar(*ranks: object, source: object = None) -> Json:
    texts = ("Seven.", "Nine.", "Two.", "Six.", "Five.", "Four.", "One.")
    answers = [{"answer": text, "model": "m", "rank": rank} for text, rank in zip(texts, ranks, strict=False)]
    prompt = "\n\nHuman: Name a prime.\n\nAssistant: "
    return {"prompt": prompt, "answers": answers, "turns": 1, "source": source, "good_natured": True}


FIXTURES = {
    "helpsteer2, a negative strength prefers the first": Fixture("helpsteer2", strength(-2), Told(FIRST)),
    "helpsteer2, a positive one the second": Fixture("helpsteer2", strength(1), Told(SECOND)),
    "helpsteer2, 0 is a tie": Fixture("helpsteer2", strength(0), Told(TIE, flags=["tie"])),
    "helpsteer2, text": Fixture("helpsteer2", strength("-3"), Told(FIRST)),
    "helpsteer2, a float": Fixture("helpsteer2", strength(3.0), Told(SECOND)),
    "helpsteer2, a text with a point": Fixture("helpsteer2", strength(" -2. "), Told(FIRST)),
    "helpsteer2, a decimal": Fixture("helpsteer2", strength(Decimal(-2)), Told(FIRST)),
    "helpsteer2, -100 is no label": Fixture("helpsteer2", strength(-100), Told(NONE, flags=["no label"])),
    "helpsteer2, null is no label": Fixture("helpsteer2", strength(None), Told(NONE, flags=["no label"])),
    "helpsteer2, N/A is no label": Fixture("helpsteer2", strength("N/A"), Told(NONE, flags=["no label"])),
    "helpsteer2, votes, of which one was not cast": Fixture(
        "helpsteer2",
        strength(-2, -3, -100, 0, 1),
        Told(FIRST, votes={"annotator 1": 0, "annotator 3": None, "annotator 4": 1}, flags=["annotators split"]),
    ),
    "helpsteer2, all votes agree": Fixture(
        "helpsteer2",
        {**strength(2, 1, 2, 3), "three_most_similar_preferences": [{"statement": "-", "strength": 2}, 1, None]},
        Told(SECOND, votes={"annotator 1": 1, "annotator 2": 1, "annotator 3": 1}),
    ),
    "helpsteer2, votes that are text": Fixture(
        "helpsteer2", {**strength(2), "all_preferences_unprocessed": "[{'strength': -2}]"}, Told(SECOND)
    ),
    "helpsteer2, many turns": Fixture(
        "helpsteer2",
        {**strength(2), "prompt": "Hi\n<extra_id_1>Assistant\nHello.\nYes?\n<extra_id_1>User\nName a prime."},
        Told(SECOND, prompt=[("user", "Hi"), ("assistant", "Hello.\nYes?"), ASKED]),
    ),
    "helpsteer2, a mark that opens no turn": Fixture(
        "helpsteer2",
        {**strength(2), "prompt": "What is <extra_id_1>?"},
        Told(SECOND, prompt=[("user", "What is <extra_id_1>?")]),
    ),
    "helpsteer2, empty": Fixture(
        "helpsteer2",
        {**strength(2), "prompt": "", "response_2": ""},
        Told(SECOND, prompt=[], texts=["Seven.", ""], flags=["no prompt", "empty response"]),
    ),
    "helpsteer3, a negative preference is for the first": Fixture(
        "helpsteer3", overall(-2, -2), Told(FIRST, votes={"annotator 1": 0}, source="stem")
    ),
    "helpsteer3, a positive one for the second": Fixture(
        "helpsteer3",
        overall(1, 2, -1, -100, None),
        Told(SECOND, votes={"annotator 1": 1, "annotator 2": 0}, flags=["annotators split"], source="stem"),
    ),
    "helpsteer3, 0 is a tie": Fixture(
        "helpsteer3", overall(0, 0), Told(TIE, votes={"annotator 1": None}, flags=["tie"], source="stem")
    ),
    "helpsteer3, many turns": Fixture(
        "helpsteer3",
        {
            **overall(-1),
            "domain": None,
            "context": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                *TURNS["context"],
            ],
        },
        Told(FIRST, prompt=[("user", "Hi"), ("assistant", "Hello."), ASKED]),
    ),
    "nectar, rank 1 is the best": Fixture(
        "nectar", nectar(1.0, 2.0), Told([-1.0, -2.0], scores("rank", -1.0, -2.0), source="")
    ),
    "nectar, the other way": Fixture(
        "nectar",
        nectar(2, 1, source=["anthropic-hh", 7]),
        Told([-2, -1], scores("rank", -2, -1), source="anthropic-hh"),
    ),
    "nectar, equal ranks": Fixture(
        "nectar",
        nectar("1.0", "1.", source="lmsys"),
        Told([-1, -1], scores("rank", -1, -1), flags=["tie"], source="lmsys"),
    ),
    "nectar, seven answers, some equal, one without a rank": Fixture(
        "nectar",
        nectar(3, 1, 1, None, "N/A", 7, 7),
        Told(
            [-3, -1, -1, None, None, -7, -7],
            scores("rank", -3, -1, -1, None, None, -7, -7),
            texts=["Seven.", "Nine.", "Two.", "Six.", "Five.", "Four.", "One."],
        ),
    ),
    "nectar, many turns": Fixture(
        "nectar",
        {**nectar(1, 2), "prompt": "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Name a prime.\n\nAssistant: "},
        Told([-1, -2], scores("rank", -1, -2), prompt=[("user", "Hi"), ("assistant", "Hello."), ASKED]),
    ),
    "shp, 1 prefers A": Fixture("shp", SHP, Told(FIRST, scores("score", 12, 3), source="askmath_train")),
    "shp, 0 prefers B": Fixture(
        "shp",
        {**SHP, "labels": 0, "score_B": 13, "domain": 3},
        Told(SECOND, scores("score", 12, 13)),
    ),
    "shp, as a table": Fixture(
        "shp",
        {**SHP, "labels": "0", "score_A": "2", "score_B": "2.0"},
        Told(SECOND, scores("score", 2, 2), source="askmath_train"),
    ),
    "shp, scores that say otherwise": Fixture(
        "shp",
        {**SHP, "labels": 0},
        Told(SECOND, scores("score", 12, 3), flags=["scores contradict the label"], source="askmath_train"),
    ),
    "shp, no scores, no label": Fixture(
        "shp",
        {"history": "Name a prime.", "human_ref_A": "Seven.", "human_ref_B": "Nine.", "labels": None},
        Told(NONE, scores("score", None, None), flags=["no label"]),
    ),
    "webgpt, the higher score": Fixture("webgpt", WEBGPT, Told([0.5, -0.5], scores("score", 0.5, -0.5), source="eli5")),
    "webgpt, the other way": Fixture(
        "webgpt",
        {**WEBGPT, "score_0": -1, "score_1": "1.0", "question": {"full_text": "Name a prime."}},
        Told([-1, 1], scores("score", -1, 1)),
    ),
    "webgpt, 0 is a tie": Fixture(
        "webgpt",
        {**WEBGPT, "score_0": 0, "score_1": -0.0},
        Told([0, 0], scores("score", 0, 0), flags=["tie"], source="eli5"),
    ),
    "webgpt, one score": Fixture(
        "webgpt",
        {**WEBGPT, "score_1": None},
        Told([0.5, None], scores("score", 0.5, None), flags=["no label"], source="eli5"),
    ),
    "pku, better": Fixture("pku", PKU, Told(SECOND, PKU_COLUMNS, source="Alpaca"), "better"),
    "pku, safer contradicts better": Fixture("pku", PKU, Told(FIRST, PKU_COLUMNS, source="Alpaca"), "safer"),
    "pku, first release, better": Fixture("pku", PKU_OLD, Told(FIRST, [{"safe": None}, {}]), "better"),
    "pku, first release, safer": Fixture("pku", PKU_OLD, Told(SECOND, [{"safe": None}, {}]), "safer"),
    "pku, as a table": Fixture(
        "pku", {**PKU_OLD, "safer_response_id": "1.0"}, Told(SECOND, [{"safe": None}, {}]), "safer"
    ),
    "pku, no label": Fixture(
        "pku", {**PKU_OLD, "better_response_id": None}, Told(NONE, [{"safe": None}, {}], flags=["no label"]), "better"
    ),
}

SIGNED = "not -3 or -2 or -1 or 0 or 1 or 2 or 3"
REFUSED = {
    "strength of 4": ("helpsteer2", strength(4), f"preference_strength is 4, {SIGNED}"),
    "strength of a half": ("helpsteer2", strength(-0.5), f"preference_strength is -0.5, {SIGNED}"),
    "strength that is true": ("helpsteer2", strength(True), f"preference_strength is True, {SIGNED}"),
    "strength in words": ("helpsteer2", strength("first"), f"preference_strength is 'first', {SIGNED}"),
    "strength out of": ("helpsteer2", strength("1/3"), f"preference_strength is '1/3', {SIGNED}"),
    "a vote of 9": ("helpsteer2", strength(1, 9), f"strength is 9, {SIGNED}"),
    "a vote in a list": ("helpsteer3", overall(1, [1]), f"score is a list, {SIGNED}"),
    "no second response": (
        "helpsteer2",
        {**STRENGTH, "preference_strength": 1, "response_2": None},
        "response_2 is null or missing, not text",
    ),
    "overall preference of -4": ("helpsteer3", overall(-4), f"overall_preference is -4, {SIGNED}"),
    "context that is text": (
        "helpsteer3",
        {**overall(1), "context": "Name a prime."},
        "context is text, not a list of messages",
    ),
    "empty context": ("helpsteer3", {**overall(1), "context": []}, "context is an empty list, not a list of messages"),
    "one answer": ("nectar", nectar(1), "answers holds fewer than two responses"),
    "answers that are text": (
        "nectar",
        {**nectar(1, 2), "answers": ["a", "b"]},
        "answers holds something other than an object with answer and rank",
    ),
    "rank in words": ("nectar", nectar(1, "best"), "rank is 'best', not a number"),
    "rank that is true": ("nectar", nectar(1, True), "rank is True, not a number"),
    "infinite rank": ("nectar", nectar(1, float("inf")), "rank is inf, not a finite number"),
    "prompt as messages": ("nectar", {**nectar(1, 2), "prompt": []}, "prompt is an empty list, not text"),
    "labels 2": ("shp", {**SHP, "labels": 2}, "labels is 2, not 1 or 0"),
    "labels A": ("shp", {**SHP, "labels": "A"}, "labels is 'A', not 1 or 0"),
    "labels true": ("shp", {**SHP, "labels": True}, "labels is True, not 1 or 0"),
    "score in words": ("shp", {**SHP, "score_B": "few"}, "score_B is 'few', not a number"),
    "score of an answer in words": ("webgpt", {**WEBGPT, "score_1": "0.5/1"}, "score_1 is '0.5/1', not a number"),
    "question that is text": ("webgpt", {**WEBGPT, "question": "q"}, "question is not an object with its full_text"),
    "question without text": ("webgpt", {**WEBGPT, "question": {}}, "full_text is null or missing, not text"),
    "better id 2": ("pku", {**PKU, "better_response_id": 2}, "better_response_id is 2, not 0 or 1"),
    "better id true": ("pku", {**PKU, "better_response_id": True}, "better_response_id is True, not 0 or 1"),
    "safe in words": ("pku", {**PKU, "is_response_1_safe": "yes"}, "is_response_1_safe is 'yes', not a number"),
    "severity in words": (
        "pku",
        {**PKU, "response_0_severity_level": "low"},
        "response_0_severity_level is 'low', not a number",
    ),
    "one rated response": (
        "helpsteer2-base",
        BASE,
        "no other row has its prompt, so there is nothing to compare its response with",
    ),
    "helpfulness out of": ("helpsteer2-base", {**BASE, "helpfulness": "4/4"}, "helpfulness is '4/4', not a number"),
}

KEYS = sorted({key for fixture in FIXTURES.values() for key in fixture.row} | {"answer", "rank", "strength", "score"})
HOSTILE = ["", "\0", "\ud800", "N/A", "8/10", "1_0", "nan", "-2", "1.0", " 2. ", "+1", "0", "<extra_id_1>User\n"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-4, 4)
    | st.sampled_from([10**400, -100, 1.0, -3.0, -0.0])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(HOSTILE)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=8,
)


def load(fixture: Fixture) -> Format:
    return load_format(fixture.format, fixture.dimension)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


@st.composite
def mutants(draw: st.DrawFn) -> Fixture:
    """A fixture with one to three values replaced by anything, or gone."""
    fixture = draw(st.sampled_from(list(FIXTURES.values())))
    row = copy.deepcopy(fixture.row)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(row))))
        inside: Any = row
        for key in path:
            inside = inside[key]
        if len(row) > 1 and draw(st.sampled_from([False, False, False, True])):
            del inside[last]
        else:
            inside[last] = draw(values)
    return fixture._replace(row=row)


def check_exchange(layout: Format, row: Json) -> None:
    """Fail unless the labels of chosen and rejected change places, and come back."""
    sample = parse(Row(1, row), layout)
    if sample.pair is None:
        return
    before = copy.deepcopy(row)
    chosen, rejected = sample.pair.chosen, sample.pair.rejected
    exchanged = layout.exchange(row, chosen, rejected)
    other = parse(Row(1, exchanged), layout)
    assert other.sample_id == sample.sample_id
    assert [one.text for one in other.responses] == [one.text for one in sample.responses]
    expected = [one.label for one in sample.responses]
    expected[chosen], expected[rejected] = expected[rejected], expected[chosen]
    assert [one.label for one in other.responses] == expected
    assert list(exchanged) == list(row)
    assert repr(row) == repr(before)
    assert repr(layout.exchange(exchanged, chosen, rejected)) == repr(row)


def exchange(layout: Format, row: Json) -> Json:
    pair = parse(Row(1, row), layout).pair
    assert pair is not None
    return layout.exchange(row, pair.chosen, pair.rejected)


@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=FIXTURES.keys())
def test_a_rated_row_is_read_whole(fixture):
    assert tell(parse(Row(1, fixture.row), load(fixture))) == fixture.told


@pytest.mark.parametrize("fixture", [*FIXTURES.values(), Fixture("helpsteer2-base", BASE, Told([]))])
def test_a_rated_row_is_recognised_as_its_format_and_no_other(fixture):
    fits = [name for name in FORMATS if name not in GENERAL and recognise(name).looks_like(fixture.row)]
    assert fits == [fixture.format]
    assert detect_format([fixture.row], "pairs.jsonl") == fixture.format


@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=FIXTURES.keys())
def test_exchanged_labels_change_places_and_come_back(fixture):
    check_exchange(load(fixture), fixture.row)


@pytest.mark.parametrize(("name", "row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_rated_row_that_cannot_be_read_is_refused_with_its_reason(name, row, reason):
    with pytest.raises(RowRefusedError) as refusal:
        parse(Row(1, row), recognise(name))
    assert str(refusal.value) == reason


@settings(max_examples=500, deadline=None)
@given(mutants())
def test_a_rated_row_with_anything_in_it_is_read_or_refused(mutant):
    layout = load(mutant)
    assert layout.looks_like(mutant.row) in (True, False)
    try:
        told, reason = tell(parse(Row(1, mutant.row), layout)), ""
    except RowRefusedError as refusal:
        told, reason = None, str(refusal)
    assert reason.isprintable()
    assert len(reason) < 200
    if told is None:
        return
    assert len(told.texts) > 1
    assert json.dumps(told, allow_nan=False, ensure_ascii=False).encode()
    check_exchange(layout, mutant.row)


def test_an_exchange_leaves_all_but_the_labels_alone():
    rows = {
        "helpsteer2": ({**strength(-2, -3, -100), "note": 1}, {**strength(2, 3, -100), "note": 1}),
        "helpsteer3": (overall("1.0", 0, 2.0), overall("-1.0", 0, -2.0)),
        "shp": (SHP, {**SHP, "labels": 0, "score_A": 3, "score_B": 12}),
        "webgpt": (WEBGPT, {**WEBGPT, "score_0": -0.5, "score_1": 0.5}),
        "nectar": (nectar(1, 3, 2), nectar(3, 1, 2)),
        "pku": (PKU, {**PKU, "better_response_id": 0}),
    }
    for name, (row, exchanged) in rows.items():
        assert json.dumps(exchange(recognise(name), row)) == json.dumps(exchanged)


def test_pku_has_no_dimension_unless_one_is_chosen():
    with pytest.raises(ConfigError) as error:
        load_format("pku")
    assert str(error.value) == "The format pku has labels that differ: say --dimension better|safer."


def test_all_pairs_of_a_post_share_its_prompt():
    one, other = (parse(Row(1, {**SHP, "human_ref_B": text}), load_format("shp")) for text in ("Nine.", "One."))
    assert one.prompt_id == other.prompt_id
    assert one.sample_id != other.sample_id


def rate(prompt: str, response: str, helpfulness: object) -> Json:
    return {**BASE, "prompt": prompt, "response": response, "helpfulness": helpfulness}


def test_the_responses_of_one_prompt_make_a_sample(tmp_path):
    rows = [
        rate("Name a prime.", "Seven.", 4),
        rate("Alone", "Yes.", 3),
        rate("Name a prime.", "Nine.", "0"),
        rate("Tied", "a", 2),
        rate("Name a prime.", "Eight.", "bad"),
        rate("Tied", "b", 2.0),
        rate("Hi\n<extra_id_1>Assistant\nHello.\n<extra_id_1>User\nName a prime.", "Two.", None),
        rate("Hi\n<extra_id_1>Assistant\nHello.\n<extra_id_1>User\nName a prime.", "Three.", 4),
        rate("Name a prime.", "Eleven.", 3),
    ]
    file = tmp_path / "rated.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parsed = list(read_samples(file, load_format(detect_format(rows, "f"))))
    others = {"correctness": 4.0, "coherence": 4.0, "complexity": None, "verbosity": None}
    assert {one.number: one.problem for one in parsed if one.problem} == {
        2: "no other row has its prompt, so there is nothing to compare its response with",
        5: "helpfulness is 'bad', not a number",
    }
    told = {one.number: tell(one.sample) for one in parsed if one.sample}
    assert told == {
        1: Told(
            [4, 0, 3], [{"helpfulness": label, **others} for label in (4, 0, 3)], texts=["Seven.", "Nine.", "Eleven."]
        ),
        4: Told(
            [2, 2],
            [{"helpfulness": 2, **others}] * 2,
            flags=["tie"],
            prompt=[("user", "Tied")],
            texts=["a", "b"],
        ),
        7: Told(
            [None, 4],
            [{"helpfulness": None, **others}, {"helpfulness": 4, **others}],
            flags=["no label"],
            prompt=[("user", "Hi"), ("assistant", "Hello."), ASKED],
            texts=["Two.", "Three."],
        ),
    }


def test_a_spoiled_row_spoils_no_other_response_to_its_prompt(tmp_path):
    rows = [rate("Name a prime.", text, 3) for text in ("Sev\0en.", "Two.", "\ud800", "Three.")]
    file = tmp_path / "rated.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parsed = list(read_samples(file, load_format("helpsteer2-base")))
    assert {one.number for one in parsed if one.problem} == {1, 3}
    assert [tell(one.sample).texts for one in parsed if one.sample] == [["Two.", "Three."]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(BASE)), values), min_size=1, max_size=3))
def test_rated_responses_with_anything_in_them_are_joined_or_refused(changes):
    layout = cast(GroupedFormat, load_format("helpsteer2-base"))
    rows = [{**BASE, **change} for change in changes]
    for row in rows:
        assert layout.looks_like(row)
        try:
            assert isinstance(layout.key_of(row), str)
        except RowRefusedError:
            with pytest.raises(RowRefusedError):
                layout.join([row, BASE])
    with suppress(RowRefusedError, UnicodeEncodeError):
        assert len(layout.join(rows).responses) == len(rows) > 1


def test_a_row_with_one_response_has_no_labels_to_exchange():
    with pytest.raises(RowRefusedError, match="one response"):
        load_format("helpsteer2-base").exchange(BASE, 0, 1)
