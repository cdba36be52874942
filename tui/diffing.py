"""Mark in a text the words that another one does not have, and fold what both share."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tui.matching import Match, match
from tui.page import Row, Span
from tui.spans import make_harmless, wrap_row
from tui.terminal import Charset

PUNCTUATION = r"!-/:-@\[-`{-~"
IDEOGRAPH = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
WORD = re.compile(
    rf"{IDEOGRAPH}[\u0300-\u036f\u3099\u309a]*|(?:(?!{IDEOGRAPH})[^\s{PUNCTUATION}])+(?:'(?:(?!{IDEOGRAPH})[^\s{PUNCTUATION}])+)*|[{PUNCTUATION}]+"
)
"""A word, a character of a script that writes no spaces, or punctuation in a row."""

FEWEST_SHARED = 3
"""Words in a row that count as shared between two changes; fewer are chance, and would tear what changed apart."""

LITTLE_IN_COMMON = 0.1
"""Share of the words of both texts below which they are not compared."""

MOST_WORDS = 30_000
"""In one text; a longer one is compared by lines."""

CONTEXT_ROWS = 2
"""Rows that are shown next to a change."""

FEWEST_FOLDED = 4
"""Rows that are worth a fold."""

LINE = re.compile(r"[^\n]+")

Places = tuple[tuple[int, int], ...]
"""Where parts of a text start and end."""


class Difference(NamedTuple):
    """What one text has for itself."""

    alone: Places
    note: str = ""
    """Why there is nothing to mark; empty: there is."""


def find_alone(text: str, other: str) -> Difference:
    """Find what only the first text has. Exchanging the texts finds the other side of the same comparison."""
    one, two = _compare(min(text, other), max(text, other))
    return one if text <= other else two


@lru_cache(maxsize=16)
def _compare(text: str, other: str) -> tuple[Difference, Difference]:
    pattern = WORD if max(text.count(" "), other.count(" ")) < MOST_WORDS else LINE
    places, others = _places(pattern, text), _places(pattern, other)
    words, other_words = _words(text, places), _words(other, others)
    if words == other_words:
        return _nothing("the same text" if text == other else "the same words, spaced differently")
    if max(len(words), len(other_words)) > MOST_WORDS:
        return _nothing("plain: too long to compare")
    shared = _drop_chance(match(words, other_words), len(words), len(other_words))
    if 2 * sum(one.size for one in shared) < LITTLE_IN_COMMON * (len(words) + len(other_words)):
        return _nothing("little in common")
    turned = [Match(one.right, one.left, one.size) for one in shared]
    return Difference(tuple(_gaps(shared, places))), Difference(tuple(_gaps(turned, others)))


def _nothing(note: str) -> tuple[Difference, Difference]:
    return Difference((), note), Difference((), note)


def draw_diff(text: str, alone: Places, sign: str, width: int, charset: Charset) -> list[Row]:
    """Set what is alone in signs, wrap, and fold rows that are far from it."""
    lines = _mark(text, alone, sign)
    return _fold([row for line in lines for row in wrap_row(make_harmless(line, charset), width)], width, charset)


def _places(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [found.span() for found in pattern.finditer(text)]


def _words(text: str, places: Sequence[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in places]


def _drop_chance(matches: Sequence[Match], left: int, right: int) -> list[Match]:
    """Leave out the short matches between two changes."""
    return [
        one
        for one in matches
        if one.size >= FEWEST_SHARED
        or (one.left, one.right) == (0, 0)
        or (one.left + one.size, one.right + one.size) == (left, right)
    ]


def _gaps(shared: Sequence[Match], places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The stretches of the text between what is shared."""
    first = 0
    for after in (*shared, Match(len(places), 0, 0)):
        if first < after.left:
            yield places[first][0], places[after.left - 1][1]
        first = after.left + after.size


def _mark(text: str, alone: Places, sign: str) -> Iterator[Row]:
    """Cut a text into lines, with signs around what is alone in each."""
    waiting = list(reversed(alone))
    begin = 0
    for line in text.split("\n"):
        row: Row = []
        at, stop = begin, begin + len(line)
        while waiting and waiting[-1][0] < stop:
            start, end = waiting.pop()
            if end > stop:
                waiting.append((stop, end))
            row.append(Span(text[at : max(start, at)]))
            row += _set_apart(text[max(start, at) : min(end, stop)], sign)
            at = min(end, stop)
        yield [*row, Span(text[at:stop])]
        begin = stop + 1


def _set_apart(part: str, sign: str) -> Row:
    """Put signs around the words of a part; blanks at its ends stay outside."""
    words = part.strip(" ")
    if not words:
        return [Span(part)]
    before, after = part[: len(part) - len(part.lstrip(" "))], part[len(part.rstrip(" ")) :]
    return [Span(before), Span(f"{{{sign}", "sign"), Span(words, "alone"), Span(f"{sign}}}", "sign"), Span(after)]


def _fold(rows: Sequence[Row], width: int, charset: Charset) -> list[Row]:
    """Replace the rows that are far from any change by one that counts them."""
    near = {
        place
        for n, row in enumerate(rows)
        if any(span.style in ("alone", "sign") for span in row)
        for place in range(n - CONTEXT_ROWS, n + CONTEXT_ROWS + 1)
    }
    folded: list[Row] = []
    n = 0
    while n < len(rows):
        end = n
        while end < len(rows) and end not in near:
            end += 1
        if end - n >= FEWEST_FOLDED:
            told = [Span(f"{charset.ellipsis} {end - n:,} lines the same {charset.ellipsis}", "faint")]
            folded += wrap_row(told, width)
        else:
            folded += rows[n:end]
        folded += rows[end : end + 1]
        n = end + 1
    return folded
