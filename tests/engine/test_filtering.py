"""The filter language: what it means, how it says that it does not understand, and what may come next."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import FilterError
from engine.querying.completing import complete
from engine.querying.filtering import (
    BY_NAME,
    COLUMNS,
    COMPARISONS,
    Condition,
    Either,
    Every,
    Not,
    describe_language,
    parse,
)

SUSPECT = Condition("suspicion", ">", 0.8)
FLAN = Condition("source", ":", "flan")
LONG = Condition("len", ">", 500.0)
REVIEWED = Condition("reviewed", "")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Every()),
        ("  ", Every()),
        ("suspicion>.8", SUSPECT),
        ("SUSPICION > 0.8", SUSPECT),
        ("suspicion>.8 source:flan", Every((SUSPECT, FLAN))),
        ("suspicion>.8 and source:flan and len>500 and not reviewed", Every((SUSPECT, FLAN, LONG, Not(REVIEWED)))),
        ("suspicion>.8 or source:flan len>500", Either((SUSPECT, Every((FLAN, LONG))))),
        ("(suspicion>.8 OR source:flan) len>500", Every((Either((SUSPECT, FLAN)), LONG))),
        ("not(suspicion>.8)source:flan", Every((Not(SUSPECT), FLAN))),
        ("not not reviewed", Not(Not(REVIEWED))),
        ("((reviewed))", REVIEWED),
        ("margin=-2.1", Condition("margin", "=", -2.1)),
        ("margin==1e3", Condition("margin", "=", 1000.0)),
        ("against:2", Condition("against", ":", 2.0)),
        ("quality!=none", Condition("quality", "!=", None)),
        ('text:"as an AI" by:kim', Every((Condition("text", ":", "as an AI"), Condition("by", ":", "kim")))),
        (r'text:"say \"no\" \\ (now)"', Condition("text", ":", 'say "no" \\ (now)')),
        ("text:and", Condition("text", ":", "and")),
        ("file:a/b:c>d.jsonl", Condition("file", ":", "a/b:c>d.jsonl")),
        ('source=""', Condition("source", "=", "")),
        ("flag note: bulk", Every((Condition("flagged", ""), Condition("note", ":", ""), Condition("bulk", "")))),
        ("flag:tie verdict:none", Every((Condition("flag", ":", "tie"), Condition("verdict", ":", "none")))),
        ("verdict != keep", Condition("verdict", "!=", "keep")),
    ],
)
def test_a_filter_means(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("suspicon>.8", "There is no column 'suspicon' (character 1): did you mean suspicion?"),
        ("len>5 xyzzy", "There is no column 'xyzzy' (character 7): to search the texts, write text:xyzzy."),
        ("len>5 suspicion", "suspicion needs a value, such as suspicion>.8 (character 7 of the filter)."),
        ("source", "source needs a value, such as source:WORD (character 1 of the filter)."),
        ("verdict", "verdict needs a value, such as verdict:keep (character 1 of the filter)."),
        ("len>long", "'long' is no number: len takes one, such as len>1 (character 1 of the filter)."),
        ("len>nan", "'nan' is no number: len takes one, such as len>1 (character 1 of the filter)."),
        ("len:", "'' is no number: len takes one, such as len>1 (character 1 of the filter)."),
        ("len>none", "'none' is no number: len takes one, such as len>1 (character 1 of the filter)."),
        ("len>", "A value is missing after > (character 5 of the filter)."),
        ("source>flan", "source is a text, so it takes : or =, not > (character 1 of the filter)."),
        ("reviewed:yes", "reviewed stands alone, without : (character 1 of the filter)."),
        ("verdict:flop", "verdict is never 'flop': did you mean flip (character 1 of the filter)."),
        ("verdict:", "verdict is never '': it may be keep, flip, tie, drop, skip, none (character 1 of the filter)."),
        ("(reviewed", "The ( is not closed (character 1 of the filter)."),
        ("reviewed)", "There is a ) too many (character 9 of the filter)."),
        ("()", "')' stands where a condition is due (character 2 of the filter)."),
        ("reviewed or", "The end comes where a condition is due (character 12 of the filter)."),
        ("and reviewed", "A condition is missing before 'and' (character 1 of the filter)."),
        ("not or bulk", "A condition is missing before 'or' (character 5 of the filter)."),
        ('text:"as an', 'The " is not closed (character 6 of the filter).'),
        ('"as an AI"', 'A text in quotes needs a column, as in text:"as an AI" (character 1 of the filter).'),
        (">5", "'>' stands where a condition is due (character 1 of the filter)."),
        ("(" * 60, "Too many parentheses or `not` stand within each other (character 51 of the filter)."),
        ("not " * 999 + "bulk", "Too many parentheses or `not` stand within each other (character 200 of the filter)."),
        ("text:\udce9", "The filter is not UTF-8 text."),
    ],
)
def test_what_is_no_filter_is_told_in_a_sentence_with_the_place(text, problem):
    with pytest.raises(FilterError) as refused:
        parse(text)
    assert str(refused.value) == problem


def write(tree) -> str:
    match tree:
        case Not():
            return f"not {write(tree.part)}"
        case Every() | Either():
            return "(" + (" " if isinstance(tree, Every) else " or ").join(map(write, tree.parts)) + ")"
    if not tree.operator:
        return tree.column
    if isinstance(tree.value, str):
        return f'{tree.column}{tree.operator}"' + tree.value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{tree.column}{tree.operator}{'none' if tree.value is None else tree.value}"


def conditions():
    numbers = [column.name for column in COLUMNS if column.kind == "number"]
    texts = [column.name for column in COLUMNS if column.kind == "text"]
    words = [column.name for column in COLUMNS if column.kind == "word"]
    number = st.floats(-1e6, 1e6, allow_nan=False)
    text = st.text(st.characters(codec="utf-8"), max_size=8)
    return st.one_of(
        st.builds(Condition, st.sampled_from(numbers), st.sampled_from([*COMPARISONS, ":"]), number),
        st.builds(Condition, st.sampled_from(numbers), st.sampled_from([":", "=", "!="])),
        st.builds(Condition, st.sampled_from(texts), st.sampled_from([":", "=", "!="]), text),
        st.builds(Condition, st.just("verdict"), st.just(":"), st.sampled_from(BY_NAME["verdict"].words)),
        st.builds(Condition, st.sampled_from(words), st.just("")),
    )


def joined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(Every, several), st.builds(Either, several))


TREES = st.recursive(conditions(), joined, max_leaves=8)


@given(TREES)
def test_a_tree_that_is_written_down_is_read_again(tree):
    assert parse(write(tree)) == tree


@given(st.one_of(st.text(max_size=40), st.text('suspicion>.8 andort"():source=!', max_size=30)))
@example("len" + ">" * 40)
def test_any_text_is_a_filter_or_is_refused(text):
    with suppress(FilterError):
        assert isinstance(parse(text), Condition | Not | Every | Either)


# Completion


KNOWN = {"source": ["flan", "ultra chat", 'e"v'], "verdict": ["keep", "flip", "none"], "flag": ["tie"]}
NAMES = ["suspicion", "source:", "len", "verdict:", "reviewed", "flagged", "not"]


@pytest.mark.parametrize(
    ("text", "start", "choices"),
    [
        ("su", 0, ["suspicion"]),
        ("len>5 RE", 6, ["responses", "region:", "response:", "reviewed"]),
        ("suspicion", 0, ["suspicion>", "suspicion<", "suspicion>=", "suspicion<=", "suspicion=", "suspicion!="]),
        ("suspicion>", 10, []),
        ("suspicion> ", 11, []),
        ("source:", 7, ["flan", '"ultra chat"', '"e\\"v"']),
        ("source:F", 7, ["flan"]),
        ('source="ultra c', 7, ['"ultra chat"']),
        ("not verdict:", 12, ["keep", "flip", "none"]),
        ("verdict!=n", 9, ["none"]),
        ('text:"as an', 5, []),
        ('text:"as an AI" no', 16, ["note:", "not"]),
        ("bulk an", 5, ["and"]),
        ("bulk or an", 8, []),
        ("xyzzy:", 6, []),
    ],
)
def test_what_may_come_next(text, start, choices):
    assert complete(text, KNOWN) == (start, choices)


@pytest.mark.parametrize(
    ("text", "joins"),
    [("", False), ("(", False), ("not ", False), ("bulk ", True), ("note: ", True), ("(bulk) ", True)],
)
def test_columns_may_always_come_and_a_join_behind_a_condition(text, joins):
    completion = complete(text, KNOWN)
    assert completion.start == len(text)
    assert set(NAMES) <= set(completion.choices)
    assert ("and" in completion.choices, "or" in completion.choices) == (joins, joins)


@pytest.mark.parametrize("value", KNOWN["source"])
def test_a_value_that_is_offered_can_be_read(value):
    _, choices = complete("bulk source:", KNOWN)
    assert Condition("source", ":", value) in [parse("source:" + choice) for choice in choices]


def test_the_language_is_told_a_line_for_each_column():
    lines = describe_language()
    assert [line.split()[0] for line in lines] == [column.name for column in COLUMNS]
    assert all(len(line) <= 90 for line in lines)
