"""Filters over a map, beside what plain Python says of the same samples."""

import operator
import statistics
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FilterError
from engine.mapping import build_map
from engine.querying.columns import LONGEST_SEARCH
from engine.querying.filtering import SELECTIONS, parse
from engine.querying.matching import Matcher
from engine.records import Labelled
from engine.reviewing import Review
from engine.scorers.catalog import make_scorer
from engine.scoring import score
from engine.store import Store
from engine.verdicts.outcomes import Outcomes

TEXTS = ['say "Hi"', "STRASSE\n\u00c9tude", "back\\slash a.b [x]", "user", "straße étude", ""]

ROWS = [
    {"prompt": f"Question {n}? {TEXTS[n % 6]}", "chosen": f"Good {TEXTS[n % 5]}", "rejected": "Bad" * (n % 4 + 1),
     "source": ["flan", "Flan_2", "", "share GPT"][n % 4], "score_chosen": None if n % 5 == 3 else n * 7 % 11,
     "score_rejected": n * 5 % 7, "judge_chosen": n % 3, "judge_rejected": n % 2}
    for n in range(24)
]  # fmt: skip
ROWS += [ROWS[2], {**ROWS[4], "chosen": ROWS[4]["rejected"], "rejected": ROWS[4]["chosen"]}]


@pytest.fixture(scope="module")
def project(import_rows):
    project = import_rows(ROWS)
    project = import_rows([{"prompt": "p", "chosen": "", "rejected": "b"}], project, name="more")
    for spec in ("column:score", "column:judge"):
        score(project, make_scorer(spec, {}))
    build_map(project)
    with closing(Store.open(project.map)) as store, closing(Review(project, "kim")) as kim:
        for n, verdict in enumerate(["keep", "flip", "flip", "tie", "drop", "skip"]):
            kim.give(store.sample(n), verdict)
        kim.give_all(store.labelled([5, 6, 7]), "drop")
        kim.note(store.sample(1).sample_id, "Is THIS so?")
        kim.flag(store.sample(8).sample_id)
        kim.give(store.sample(9), "skip")
    with closing(Store.open(project.map)) as store, closing(Review(project, "Lee")) as lee:
        lee.give(store.sample(1), "keep")
        lee.give(store.sample(10), "flip")
        lee.flag(store.sample(11).sample_id)
    return project


@pytest.fixture(scope="module")
def store(project):
    with closing(Store.open(project.map)) as opened:
        yield opened


@pytest.fixture(scope="module")
def outcomes(project):
    return Outcomes.read(project.review_logs())


def find(store, outcomes, text: str, reviewer: str | None = None) -> list[int]:
    return np.flatnonzero(Matcher(store, lambda: outcomes, reviewer).find(text)).tolist()


def having(store, test) -> list[int]:
    return [n for n in range(store.count("sample")) if test(store.sample(n), store.entries([n])[0])]


SIGNS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
}

NUMBERS = {
    "suspicion": lambda _, entry: entry.suspicion,
    "margin": lambda _, entry: entry.margin,
    "against": lambda _, entry: entry.against,
    "quality": lambda _, entry: entry.quality,
    "variability": lambda _, entry: entry.variability,
    "correlation": lambda _, entry: entry.correlation,
    "len": lambda sample, _: max(len(one.text) for one in sample.responses),
    "len_chosen": lambda sample, _: len(sample.responses[sample.pair.chosen].text),
    "len_rejected": lambda sample, _: len(sample.responses[sample.pair.rejected].text),
    "responses": lambda sample, _: len(sample.responses),
    "turns": lambda sample, _: len(sample.prompt),
    "row": lambda sample, _: sample.row,
}


@pytest.mark.parametrize("column", NUMBERS)
def test_a_number_is_compared_as_in_python_and_null_never_fits(store, outcomes, column):
    values = [NUMBERS[column](store.sample(n), store.entries([n])[0]) for n in range(store.count("sample"))]
    middle = statistics.median(value for value in values if value is not None)
    for sign, holds in SIGNS.items():
        expected = [n for n, value in enumerate(values) if value is not None and holds(value, middle)]
        assert find(store, outcomes, f"{column}{sign}{middle!r}") == expected, sign
    assert find(store, outcomes, f"{column}:none") == [n for n, value in enumerate(values) if value is None]
    assert find(store, outcomes, f"{column}!=none") == [n for n, value in enumerate(values) if value is not None]


def test_disagreement_is_the_spread_of_the_margins(store, outcomes):
    for ordinal in range(store.count("sample")):
        margins = [margin for margin in store.margins(ordinal).values() if margin is not None]
        spread = max(margins) - min(margins) if len(margins) > 1 else None
        assert (ordinal in find(store, outcomes, f"row={store.sample(ordinal).row} disagreement:none")) == (
            spread is None
        )
        if spread is not None:
            assert ordinal in find(store, outcomes, f"disagreement>={spread - 1e-9} disagreement<={spread + 1e-9}")


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("source:FLAN", lambda sample, _: "flan" in sample.source.lower()),
        ("source=flan", lambda sample, _: sample.source == "flan"),
        ("source!=flan", lambda sample, _: sample.source != "flan"),
        ('source=""', lambda sample, _: not sample.source),
        ("source:", lambda sample, _: sample.source),
        ('source:"share g"', lambda sample, _: sample.source == "share GPT"),
        ("source:%", lambda *_: False),
        ("file:more", lambda sample, _: sample.file == "more.jsonl"),
        ("file=pairs.jsonl", lambda sample, _: sample.file == "pairs.jsonl"),
        ("region:average", lambda _, entry: "average" in (entry.region or "")),
        ("region=high_variance", lambda _, entry: entry.region == "high_variance"),
        ("not region:", lambda _, entry: entry.region is None),
        ("flag:empty", lambda sample, _: "empty response" in sample.flags),
        ("flag=empty", lambda *_: False),
        ('flag="empty response"', lambda sample, _: "empty response" in sample.flags),
        ("flag:", lambda sample, _: sample.flags),
    ],
)
def test_a_text_column_contains_a_word_or_is_it(store, outcomes, text, test):
    assert find(store, outcomes, text) == having(store, test)


def test_an_id_is_found_by_its_beginning(store, outcomes):
    ids = store.sample_ids().tolist()
    assert find(store, outcomes, f"id:{ids[3][:10].upper()}") == [3]
    assert find(store, outcomes, f"id={ids[2]}") == [2]
    assert find(store, outcomes, f"id:{ids[2]}") == [2, 24]
    assert find(store, outcomes, "id:") == list(range(len(ids)))


WORDS = [
    "bad",
    'SAY "hI"',
    "Étude",
    "strasse\né",
    "slash",
    "k\\s",
    "a.b",
    "A?B",
    "[X]",
    "user",
    "ß",
    "question 1",
    "nowhere",
    "",
]


@pytest.mark.parametrize("word", WORDS)
def test_texts_are_searched_for_as_they_stand_in_either_case(store, outcomes, word):
    def holds(text: str) -> bool:
        return word.lower() in text.lower()

    quoted = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    in_prompt = having(store, lambda sample, _: any(holds(turn.content) for turn in sample.prompt))
    in_response = having(store, lambda sample, _: any(holds(one.text) for one in sample.responses))
    assert find(store, outcomes, f"prompt:{quoted}") == in_prompt
    assert find(store, outcomes, f"response:{quoted}") == in_response
    assert find(store, outcomes, f"text:{quoted}") == sorted({*in_prompt, *in_response})
    order = store.order("random")
    assert store.search(word, order).tolist() == [n for n in order if n in in_prompt or n in in_response]


def test_turns_of_one_response_alone_are_searched_with_it(make_project):
    def talk(opening: str, answer: str) -> list:
        turns = [("user", opening), ("assistant", "well"), ("user", "and?"), ("assistant", answer)]
        return [{"role": role, "content": content} for role, content in turns]

    project = make_project([{"chosen": talk("first words", "a"), "rejected": talk("other words", "b")}])
    with closing(Store.open(project.map)) as store:
        assert store.containing("OTHER words").tolist() == store.containing("first", "response").tolist() == [0]
        assert store.containing("assistant").tolist() == store.containing("nothing").tolist() == []


def test_a_text_that_is_too_long_to_search_for_is_refused(store):
    assert store.containing("x" * LONGEST_SEARCH).tolist() == []
    with pytest.raises(FilterError, match="1,001 characters is too long"):
        store.containing("é" * (LONGEST_SEARCH + 1))


@pytest.mark.parametrize(
    ("text", "anybody", "kim"),
    [
        ("verdict:keep", [0, 1], [0]),
        ("verdict:flip", [1, 2, 10, 24], [1, 2, 24]),
        ("verdict:drop", [4, 5, 6, 7, 25], [4, 5, 6, 7, 25]),
        ("verdict:skip", [9], [9]),
        ("verdict=tie", [3], [3]),
        ("reviewed", [0, 1, 2, 3, 4, 5, 6, 7, 10, 24, 25], [0, 1, 2, 3, 4, 5, 6, 7, 24, 25]),
        ("not verdict:none not reviewed", [9], [9]),
        ("verdict!=none not reviewed", [9], [9]),
        ("bulk", [5, 6, 7], [5, 6, 7]),
        ("by:lee", [1, 10], [1, 10]),
        ("by:LEE verdict:flip", [1, 10], [1]),
        ("by!=kim reviewed", [10], []),
        ("flagged", [8, 11], [8]),
        ("flag", [8, 11], [8]),
        ("note:this", [1], [1]),
        ("note:", [1], [1]),
        ("note=this", [], []),
        ('note="is this so?"', [1], [1]),
    ],
)
def test_what_reviewers_said_is_asked_of_anybody_or_of_one(store, outcomes, text, anybody, kim):
    assert find(store, outcomes, text) == anybody
    assert find(store, outcomes, text, "kim") == kim


def test_selections_are_filters(store, outcomes):
    assert {name: find(store, outcomes, text) for name, text in SELECTIONS.items()} == {
        "flagged": [8, 11],
        "undecided": [9],
        "conflicts": [1],
    }


LEAVES = ["len>20", "source:flan", "text:bad", "reviewed", "margin<0", "suspicion:none", "row>12"]


def nested(parts):
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda texts: "(" + " and ".join(texts) + ")"),
        several.map(lambda texts: "(" + " or ".join(texts) + ")"),
        parts.map(lambda text: f"not {text}"),
    )


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.sampled_from(LEAVES), nested, max_leaves=6))
def test_conditions_are_joined_as_in_python(store, outcomes, text):
    single = {leaf: set(find(store, outcomes, leaf)) for leaf in LEAVES}
    code = text
    for leaf in LEAVES:
        code = code.replace(leaf, f"(n in single[{leaf!r}])")
    expected = [n for n in range(store.count("sample")) if eval(code, {"n": n, "single": single})]
    assert find(store, outcomes, text) == expected


def test_an_empty_filter_fits_everything(store, outcomes):
    assert find(store, outcomes, " ") == list(range(store.count("sample")))
    assert Matcher(store, lambda: outcomes).fit(parse("not bulk or bulk")).all()


def test_known_values_come_the_commonest_first(store, outcomes):
    known = Matcher(store, lambda: outcomes).values()
    assert known["source"] == ["flan", "Flan_2", "share GPT"]
    assert known["file"] == ["pairs.jsonl", "more.jsonl"]
    assert known["by"] == ["Lee", "kim"]
    assert known["flag"] == ["empty response"]
    assert (known["verdict"][:2], known["id"]) == (["keep", "flip"], [])


def test_the_pair_of_a_label_is_read_in_the_order_asked_for(store):
    for labelled, ordinal in zip(store.labelled([7, 0, 26]), [7, 0, 26], strict=True):
        sample = store.sample(ordinal)
        pair = sample.pair
        assert labelled == Labelled(
            sample.sample_id, sample.responses[pair.chosen].response_id, sample.responses[pair.rejected].response_id
        )
    assert store.labelled([]) == []


def test_a_label_without_direction_has_no_pair_to_read(make_project):
    row = {"instruction": "q", "completions": [
        {"response": text, "annotations": {}, "fine-grained_score": 2} for text in ("a", "b")]}  # fmt: skip
    project = make_project([row, {**row, "instruction": "r"}], name="ties")
    with closing(Store.open(project.map)) as store:
        ids = store.sample_ids()
        assert store.labelled([1, 0]) == [Labelled(ids[1], None, None), Labelled(ids[0], None, None)]
