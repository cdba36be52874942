import math
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RowRefusedError
from engine.records import Message
from engine.turns import (
    Split,
    is_transcript,
    opens_with_turn,
    read_conversations,
    read_marked,
    read_messages,
    read_pair_columns,
    read_prompt,
    read_rating,
    read_text,
    read_transcript,
    split_conversations,
)

USER, ANSWER = Message("user", "q"), Message("assistant", "a")


def said(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


RATINGS = {
    "text": ("4", 4.0),
    "text with a point": ("10.", 10.0),
    "text with space around it": (" 4.0\n", 4.0),
    "integer": (4, 4.0),
    "zero": (0, 0.0),
    "negative": ("-3", -3.0),
    "decimal of a parquet file": (Decimal("7.5"), 7.5),
    "null": (None, None),
    "N/A": ("N/A", None),
    "n/a with space": (" n/a ", None),
    "empty": ("", None),
    "space": ("  ", None),
    "None as text": ("None", None),
    "NaN as text": ("NaN", None),
    "NaN": (math.nan, None),
    "vote not cast": (-100, None),
    "vote not cast, as text": ("-100.0", None),
}
NOT_RATINGS = {
    "fraction": ("8/10", "x is '8/10', not a number"),
    "words": ("good", "x is 'good', not a number"),
    "comma": ("4,5", "x is '4,5', not a number"),
    "underscore": ("1_0", "x is '1_0', not a number"),
    "bool": (True, "x is True, not a number"),
    "list": ([4], "x is a list, not a number"),
    "object": ({"Rating": 4}, "x is an object, not a number"),
    "infinite": (math.inf, "x is inf, not a finite number"),
    "infinite as text": ("-Infinity", "x is '-Infinity', not a finite number"),
    "too large": (10**400, f"x is 1{'0' * 39}..., not a number"),
    "long": ("1" * 99 + "x", f"x is '{'1' * 39}..., not a number"),
}


@pytest.mark.parametrize(("value", "rating"), RATINGS.values(), ids=RATINGS.keys())
def test_a_rating_is_a_number_or_none_never_a_guess(value, rating):
    assert read_rating(value, "x") == rating


@pytest.mark.parametrize(("value", "reason"), NOT_RATINGS.values(), ids=NOT_RATINGS.keys())
def test_what_is_no_clear_rating_is_refused(value, reason):
    with pytest.raises(RowRefusedError) as refusal:
        read_rating(value, "x")
    assert str(refusal.value) == reason


@given(st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.decimals()))
def test_a_rating_that_is_read_is_finite(value):
    try:
        rating = read_rating(value, "x")
    except RowRefusedError:
        rating = None
    assert rating is None or math.isfinite(rating)


NOT_TEXT = {
    "missing": ({}, "x is null or missing, not text"),
    "null": ({"x": None}, "x is null or missing, not text"),
    "number": ({"x": 1.5}, "x is 1.5, not text"),
    "empty list": ({"x": []}, "x is an empty list, not text"),
    "list": ({"x": ["a"]}, "x is a list, not text"),
    "object": ({"x": {}}, "x is an object, not text"),
    "bytes": ({"x": b"a" * 99}, f"x is b'{'a' * 38}..., not text"),
}


@pytest.mark.parametrize(("row", "reason"), NOT_TEXT.values(), ids=NOT_TEXT.keys())
def test_a_column_that_is_not_text_is_refused(row, reason):
    with pytest.raises(RowRefusedError) as refusal:
        read_text(row, "x")
    assert str(refusal.value) == reason


@pytest.mark.parametrize("text", ["", " a \r\n", "\0"])
def test_text_is_taken_as_it_is(text):
    assert read_text({"x": text}, "x") == text


MESSAGES = {
    "every role": (
        [said(role, role[0]) for role in ("system", "developer", "user", "assistant", "tool")],
        [("system", "s"), ("developer", "d"), ("user", "u"), ("assistant", "a"), ("tool", "t")],
    ),
    "space kept": ([said("user", " q\n")], [("user", " q\n")]),
    "parts joined": ([said("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])], [("user", "ab")]),
    "no parts": ([said("user", [])], [("user", "")]),
    "other keys": ([{"role": "user", "content": "q", "weight": 1, "tool_calls": None}], [("user", "q")]),
    "a name": ([{"role": "user", "content": "q", "name": "n"}], [("user", "q", '{"name": "n"}')]),
    "a tool call": (
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}],
        [("assistant", "", '{"tool_calls": [{"id": "1"}]}')],
    ),
    "an image": (
        [said("user", [{"type": "text", "text": "See "}, {"type": "image"}])],
        [("user", "See [image]", '{"content": [{"type": "text", "text": "See "}, {"type": "image"}]}')],
    ),
}


@pytest.mark.parametrize(("value", "messages"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_list_of_messages_is_read_turn_by_turn(value, messages):
    assert read_messages(value, "x") == tuple(Message(*turn) for turn in messages)


NOT_MESSAGES = {
    "null": (None, "x is null or missing, not a list of messages"),
    "text": ("q", "x is text, not a list of messages"),
    "empty": ([], "x is an empty list, not a list of messages"),
    "from and value": (
        [{"from": "human", "value": "q"}],
        "x holds a turn with the role None, not one of assistant, developer, system, tool, user",
    ),
    "role in capitals": (
        [said("User", "q")],
        "x holds a turn with the role 'User', not one of assistant, developer, system, tool, user",
    ),
    "role that is an object": (
        [{"role": {}, "content": "q"}],
        "x holds a turn with the role {}, not one of assistant, developer, system, tool, user",
    ),
    "role without end": (
        [said("u" * 99, "q")],
        f"x holds a turn with the role '{'u' * 39}..., not one of assistant, developer, system, tool, user",
    ),
    "no content": ([{"role": "user"}], "x holds a turn whose content is null or missing, not text"),
    "number as content": ([said("user", 7)], "x holds a turn whose content is 7, not text"),
    "part without its type": ([said("user", [{"url": "u"}])], "x holds a turn whose content is a list, not text"),
    "part that is text": ([said("user", ["q"])], "x holds a turn whose content is a list, not text"),
    "part without its text": ([said("user", [{"type": "text"}])], "text is null or missing, not text"),
}


@pytest.mark.parametrize(("value", "reason"), NOT_MESSAGES.values(), ids=NOT_MESSAGES.keys())
def test_a_list_that_holds_no_messages_is_refused(value, reason):
    with pytest.raises(RowRefusedError) as refusal:
        read_messages(value, "x")
    assert str(refusal.value) == reason


TRANSCRIPTS = {
    "one turn each": ("\n\nHuman: q\n\nAssistant: a", [("user", "q"), ("assistant", "a")]),
    "white space goes": ("\n \n\nHuman:q \n\n\n\nAssistant:\ta\n", [("user", "q"), ("assistant", "a")]),
    "empty answer": ("\n\nHuman: q\n\nAssistant:", [("user", "q"), ("assistant", "")]),
    "speaker twice": ("\n\nAssistant: a\n\nAssistant: b", [("assistant", "a"), ("assistant", "b")]),
    "marks inside a line": ("\n\nHuman: I am Human: yes\nAssistant: no", [("user", "I am Human: yes\nAssistant: no")]),
    "paragraphs": ("\n\nAssistant: a\n\nb\n\nHumane: c", [("assistant", "a\n\nb\n\nHumane: c")]),
}


@pytest.mark.parametrize(("text", "turns"), TRANSCRIPTS.values(), ids=TRANSCRIPTS.keys())
def test_a_transcript_is_cut_where_a_line_opens_a_turn(text, turns):
    assert read_transcript(text, "x") == tuple(Message(*turn) for turn in turns)


@pytest.mark.parametrize("text", ["", "q", "Human: q\n\nAssistant: a", "Hi\n\nHuman: q"])
def test_a_text_that_does_not_begin_with_a_turn_is_no_transcript(text):
    with pytest.raises(RowRefusedError, match=r"^x does not begin with a turn of Human or Assistant$"):
        read_transcript(text, "x")


@given(
    st.lists(
        st.tuples(st.sampled_from(["Human", "Assistant"]), st.text(alphabet="ab :\n").map(str.strip)).filter(
            lambda turn: "\n\n" not in turn[1]
        ),
        min_size=1,
    )
)
def test_a_transcript_gives_back_the_turns_it_was_made_of(turns):
    roles = {"Human": "user", "Assistant": "assistant"}
    text = "".join(f"\n\n{speaker}: {content}" for speaker, content in turns)
    assert read_transcript(text, "x") == tuple(Message(roles[speaker], content) for speaker, content in turns)


OPENINGS = {
    "transcript": ("\n\nHuman: q\n\nAssistant:", True, True),
    "white space before it": (" \n\n\nHuman: q\n\nAssistant:", True, True),
    "words before it": ("Sum up:\n\nHuman: q\n\nAssistant: a", True, False),
    "one speaker": ("\n\nHuman: q", False, False),
    "no text": (["\n\nHuman: q\n\nAssistant:"], False, False),
}


@pytest.mark.parametrize(("text", "holds", "opens"), OPENINGS.values(), ids=OPENINGS.keys())
def test_a_text_that_quotes_a_transcript_is_told_from_one_that_is_one(text, holds, opens):
    assert (is_transcript(text), opens_with_turn(text)) == (holds, opens)


PROMPTS = {
    "null": (None, []),
    "empty": ("", []),
    "space": (" ", [("user", " ")]),
    "text": ("q\n", [("user", "q\n")]),
    "messages": ([said("system", "s"), said("user", "q")], [("system", "s"), ("user", "q")]),
    "transcript up to the answer": ("\n\nHuman: q\n\nAssistant:", [("user", "q")]),
    "transcript with the answer begun": ("\n\nHuman: q\n\nAssistant: Sure,", [("user", "q"), ("assistant", "Sure,")]),
}


@pytest.mark.parametrize(("value", "turns"), PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_is_read_in_all_its_shapes(value, turns):
    assert read_prompt(value) == tuple(Message(*turn) for turn in turns)


def test_the_prompt_goes_before_answers_that_hold_no_question_and_is_left_out_elsewhere():
    answers = {"a": [said("assistant", "x")], "b": [said("assistant", "y")], "prompt": "q"}
    assert read_conversations(answers, ("a", "b")) == [
        (USER, Message("assistant", "x")),
        (USER, Message("assistant", "y")),
    ]
    whole = {"a": [said("user", "q"), said("assistant", "a")], "b": [said("assistant", "y")], "prompt": 7}
    assert read_conversations(whole, ("a", "b")) == [(USER, ANSWER), (Message("assistant", "y"),)]


SPLITS = {
    "shared context": (
        [[USER, ANSWER], [USER, Message("assistant", "b")]],
        Split((USER,), ["a", "b"], [""] * 2, [(), ()]),
    ),
    "no context": ([[ANSWER], [ANSWER]], Split((), ["a", "a"], [""] * 2, [(), ()])),
    "nothing shared": (
        [[USER, ANSWER], [Message("user", "r"), ANSWER]],
        Split((), ["a", "a"], [""] * 2, [(USER,), (Message("user", "r"),)]),
    ),
    "one longer": ([[USER, ANSWER], [USER, ANSWER, ANSWER]], Split((USER,), ["a", "a"], [""] * 2, [(), (ANSWER,)])),
    "three": ([[USER, ANSWER]] * 3, Split((USER,), ["a"] * 3, [""] * 3, [(), (), ()])),
}


@pytest.mark.parametrize(("conversations", "split"), SPLITS.values(), ids=SPLITS.keys())
def test_conversations_are_cut_before_the_last_answer(conversations, split):
    assert split_conversations(conversations, "abc"[: len(conversations)]) == split


@pytest.mark.parametrize("turns", [[], [USER], [USER, ANSWER, Message("tool", "t")]])
def test_a_conversation_that_does_not_end_with_an_answer_is_refused(turns):
    with pytest.raises(RowRefusedError, match=r"^b does not end with an assistant turn$"):
        split_conversations([[USER, ANSWER], turns], ["a", "b"])


conversations = st.lists(
    st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), st.sampled_from("ab")), max_size=4),
    min_size=2,
    max_size=3,
)


@given(conversations)
def test_prompt_own_turns_and_text_put_together_are_the_conversation(contexts):
    whole = [(*context, ANSWER) for context in contexts]
    split = split_conversations(whole, ["x"] * len(whole))
    again = [
        (*split.prompt, *own, Message("assistant", text)) for own, text in zip(split.turns, split.texts, strict=True)
    ]
    assert again == whole
    assert len({own[0] if own else None for own in split.turns}) > 1 or not any(split.turns)


PAIR_COLUMNS = {
    "in front": ({"chosen_score": 1, "rejected_score": 2.5}, [{"score": 1.0}, {"score": 2.5}]),
    "behind": ({"score_chosen": 1, "score_rejected": None}, [{"score": 1.0}, {"score": None}]),
    "hyphens and several": (
        {"chosen-rating": 1, "rejected-rating": 2, "logps_chosen_ref": -3, "logps_rejected_ref": -4},
        [{"rating": 1.0, "logps__ref": -3.0}, {"rating": 2.0, "logps__ref": -4.0}],
    ),
    "decimals": ({"chosen_r": Decimal("1.5"), "rejected_r": Decimal(2)}, [{"r": 1.5}, {"r": 2.0}]),
    "a column of neither side": ({"__index_level_0__": 7, "_score": 1, "-": 2}, [{}, {}]),
    "one side only": ({"chosen_score": 1, "rejectedscore": 2}, [{}, {}]),
    "words": ({"chosen_model": "a", "rejected_model": "b", "chosen": 1, "rejected": 2}, [{}, {}]),
    "bool": ({"chosen_ok": True, "rejected_ok": False}, [{}, {}]),
    "NaN": ({"chosen_score": math.nan, "rejected_score": 1}, [{"score": None}, {"score": 1.0}]),
}


@pytest.mark.parametrize(("row", "columns"), PAIR_COLUMNS.values(), ids=PAIR_COLUMNS.keys())
def test_numbers_of_both_sides_are_kept_under_their_common_name(row, columns):
    assert read_pair_columns(row, ("chosen", "rejected")) == columns


OPENED = "<extra_id_1>User\n"
MARKED = {
    "no mark": ("q\n\n", [("user", "q\n\n")]),
    "empty": ("", []),
    "lines before a mark": (f"q\n\n\n<extra_id_1>Assistant\na\n\n{OPENED}q\n", [
        ("user", "q"), ("assistant", "a"), ("user", "q\n"),
    ]),
    "a mark first": (f"\n{OPENED}q", [("user", "q")]),
    "nothing said": (f"q{OPENED}{OPENED}", [("user", "q"), ("user", ""), ("user", "")]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "turns"), MARKED.values(), ids=MARKED.keys())
def test_a_marked_prompt_is_cut_where_a_mark_opens_a_turn(text, turns):
    assert [(turn.role, turn.content) for turn in read_marked(text)] == turns


@pytest.mark.parametrize("text", ["\n" * 200_000, "\n\n\n" + OPENED * 20_000], ids=["empty lines", "marks"])
def test_a_long_marked_prompt_takes_no_longer_than_it_must(text):
    began = time.process_time()
    read_marked(text)
    assert time.process_time() - began < 2
