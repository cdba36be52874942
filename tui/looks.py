"""The ways to look at a text: as it stands, raw, rendered, or compared with another one."""

from functools import lru_cache
from typing import NamedTuple

from tui.page import Block, Row, Span
from tui.terminal import Charset
from tui.text import wrap

LOOKS = ("plain", "raw", "rendered")
"""In the order in which the key walks through them."""

DIFF = "diff"

MOST_DRAWN = 60_000
"""Characters of the longest text that is marked or rendered."""


class Drawn(NamedTuple):
    """The rows of a text, and what is to be said of them."""

    rows: list[Row]
    note: str = ""
    """For the rule above: the look, or why it is another one."""


@lru_cache(maxsize=32)
def draw(block: Block, width: int, charset: Charset) -> Drawn:
    """Draw the text of a block in rows of at most so many cells; the last few are kept, for scrolling."""
    width = max(width - 2, 2)
    if block.look == "raw":
        return _draw_raw(block.text, width, charset)
    if block.look == "rendered":
        return _draw_rendered(block.text, width, charset)
    if block.look == DIFF and block.against is not None:
        return _draw_diff(block, width, charset)
    return Drawn(_draw_plain(block.text, width, charset))


def _draw_plain(text: str, width: int, charset: Charset) -> list[Row]:
    return [[Span(line)] for line in wrap(charset.show(text), width)]


def _draw_raw(text: str, width: int, charset: Charset) -> Drawn:
    if len(text) > MOST_DRAWN:
        return Drawn(_draw_plain(text, width, charset), "plain: too long to mark")
    from tui.raw import draw_raw

    return Drawn(draw_raw(text, width, charset), "raw")


def _draw_rendered(text: str, width: int, charset: Charset) -> Drawn:
    if len(text) > MOST_DRAWN:
        return Drawn(_draw_plain(text, width, charset), "plain: too long to render")
    from tui.rendering import draw_rendered

    rows = draw_rendered(text, width, charset)
    if rows is None:
        return Drawn(_draw_plain(text, width, charset), "plain: too deep to render")
    return Drawn(rows, "rendered")


def _draw_diff(block: Block, width: int, charset: Charset) -> Drawn:
    from tui.diffing import draw_diff, find_alone

    text, other = charset.show(block.text), charset.show(block.against or "")
    alone, note = find_alone(text, other)
    if note:
        return Drawn(_draw_plain(text, width, charset), note)
    return Drawn(draw_diff(text, alone, block.sign, width, charset), f"{block.sign} only here")
