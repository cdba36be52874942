import random
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.visible import visible
from tui.diffing import find_alone
from tui.looks import DIFF, Drawn, draw
from tui.matching import Match, match
from tui.page import Block
from tui.spans import row_width, text_of
from tui.terminal import Charset

UTF8 = Charset(has_frames=True, has_unicode=True)
NASTY = "ab ,.\n\t\r\x1b\u0301\u200d\ufe0f\u202e\u4e2d\U0001f468'"
few_words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]))
texts = st.text(alphabet=NASTY)

SOFT = "Run:\n\ngit reset --soft HEAD~1\n\nThat keeps what you did in the staging area."
HARD = "Run:\n\ngit reset --hard HEAD~1\n\nThat loses what you did in the staging area. Sorry!"


def compare(text: str, other: str, *, sign: str = "+", width: int = 60) -> Drawn:
    return draw(Block("", text, look=DIFF, against=other, sign=sign), width + 2, UTF8)


def shown(drawn: Drawn) -> list[str]:
    return [text_of(row) for row in drawn.rows]


def test_each_response_marks_the_words_that_the_other_does_not_have():
    chosen, rejected = compare(SOFT, HARD), compare(HARD, SOFT, sign="-")
    assert shown(chosen) == [
        "Run:",
        "",
        "git reset --{+soft+} HEAD~1",
        "",
        "That {+keeps+} what you did in the staging area.",
    ]
    assert shown(rejected) == [
        "Run:",
        "",
        "git reset --{-hard-} HEAD~1",
        "",
        "That {-loses-} what you did in the staging area. {-Sorry!-}",
    ]
    assert (chosen.note, rejected.note) == ("+ only here", "- only here")


def test_marks_carry_a_style_too():
    assert compare("a b c d x", "a b c d").rows == [
        [("a b c d ", ""), ("", ""), ("{+", "sign"), ("x", "alone"), ("+}", "sign"), ("", ""), ("", "")]
    ]


def test_what_changed_over_lines_is_marked_in_each():
    assert shown(compare("a b c d\nx y\n\n z\ne f g", "a b c d\ne f g")) == [
        "a b c d",
        "{+x y+}",
        "",
        " {+z+}",
        "e f g",
    ]


def test_words_shared_by_chance_do_not_tear_a_change_apart():
    assert shown(compare("one two three x y the z u end it now", "one two three p q the r s end it now")) == [
        "one two three {+x y the z u+} end it now"
    ]


def test_rows_far_from_a_change_are_folded():
    lines = [f"line {n} is the same" for n in range(20)]
    changed = [*lines[:10], "new", *lines[10:]]
    assert shown(compare("\n".join(changed), "\n".join(lines))) == [
        "… 8 lines the same …",
        *lines[8:10],
        "{+new+}",
        *lines[10:12],
        "… 8 lines the same …",
    ]


@pytest.mark.parametrize(
    ("text", "other", "note"),
    [
        ("a b", "a b", "the same text"),
        ("a b\n", "a  b", "the same words, spaced differently"),
        ("one two three", "four five six", "little in common"),
        ("word", "", "little in common"),
        ("x\n" * 40_000, "y\n" * 40_001, "plain: too long to compare"),
    ],
)
def test_what_cannot_be_compared_is_shown_as_it_stands_and_says_so(text, other, note):
    for one, two in ((text, other), (other, text)):
        drawn = compare(one, two)
        assert drawn.note == note
        assert drawn.rows == draw(Block("", one), 62, UTF8).rows


def test_scripts_without_spaces_are_compared_by_character():
    assert shown(compare("我今天很高兴去学校", "我今天不高兴去学校")) == ["我今天{+很+}高兴去学校"]


@settings(deadline=None)
@given(texts, texts, st.integers(2, 40))
@example("#\ufe0f\u20e3 a b c", "# a b c", 20)
@example("\x1b", "a\x1b", 2)
def test_a_diff_is_never_too_wide_or_alive(text, other, width):
    for row in compare(text, other, width=width).rows:
        assert row_width(row) <= width
        assert visible(text_of(row)) == text_of(row)


@given(few_words, few_words)
def test_a_diff_keeps_every_word_and_marks_the_same_ones_whoever_comes_first(left, right):
    text, other = " ".join(left), " ".join(right)
    drawn = compare(text, other, width=10_000)
    assert re.sub(r"\{\+|\+\}", "", " ".join(shown(drawn))).split() == left
    rest, other_rest = _unmarked(text, other), _unmarked(other, text)
    assert rest == other_rest or find_alone(text, other).note


def _unmarked(text: str, other: str) -> list[str]:
    rest = list(text)
    for start, end in find_alone(text, other).alone:
        rest[start:end] = " " * (end - start)
    return "".join(rest).split()


@given(few_words, few_words)
def test_matches_hold_the_same_words_and_rise(left, right):
    found = match(left, right)
    assert found == [Match(one.right, one.left, one.size) for one in match(right, left)]
    ends = (0, 0)
    for one in found:
        assert left[one.left : one.left + one.size] == right[one.right : one.right + one.size]
        assert one.size > 0
        assert ends[0] <= one.left
        assert ends[1] <= one.right
        ends = (one.left + one.size, one.right + one.size)


@given(few_words)
def test_a_list_matches_itself_whole(words):
    assert match(words, words) == ([Match(0, 0, len(words))] if words else [])


@pytest.mark.parametrize("vocabulary", [1, 2, 50, 100_000])
def test_long_texts_of_any_kind_are_compared_at_once(vocabulary):
    numbers = random.Random(vocabulary)
    text, other = (" ".join(str(numbers.randrange(vocabulary)) for _ in range(4_000)) for _ in range(2))
    start = time.process_time()
    compare(text, other + " end")
    assert time.process_time() - start < 1.0
