"""Show a text as a trainer gets it: what cannot be seen is marked, and nothing is left out."""

import re

from tui.page import Row, Span
from tui.spans import make_harmless, wrap_row
from tui.terminal import Charset

TAB_COLUMNS = 4

UNSEEN = re.compile(
    r"(?P<blanks> +$|(?<=[^ ]) {2,})"
    r"|(?P<tab>\t)"
    r"|(?P<return>\r)"
    r"|(?P<character>[\x00-\x09\x0b-\x1f\x7f-\x9f\xa0\xad\u034f\u061c\u1680\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff])"
)
"""Blanks at the end of a line or several in it, tabs, carriage returns, and characters without a shape."""


def draw_raw(text: str, width: int, charset: Charset) -> list[Row]:
    """Mark what is unseen in each line, and wrap it."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    lines = [_mark(line, charset) for line in body.split("\n")]
    lines[-1] += [_line_end(charset)] if ends else []
    lines += [[_line_end(charset)] for _ in range(ends - 1)]
    return [row for line in lines for row in wrap_row(make_harmless(line, charset), width)]


def _line_end(charset: Charset) -> Span:
    return Span("\u21b5" if charset.has_frames else "<LF>", "mark")


def _mark(line: str, charset: Charset) -> Row:
    row: Row = []
    end = column = 0
    for found in UNSEEN.finditer(line):
        seen = charset.show(line[end : found.start()])
        column += len(seen)
        mark = _name(found, column, charset)
        column += len(mark)
        row += [Span(seen), Span(mark, "mark")] if seen else [Span(mark, "mark")]
        end = found.end()
    return [*row, Span(charset.show(line[end:]))]


def _name(found: re.Match[str], column: int, charset: Charset) -> str:
    """Write what stands for something unseen: signs where the terminal has them, else names."""
    if found["blanks"]:
        return "\u00b7" * len(found[0]) if charset.has_frames else f"<{len(found[0])}SP>"
    if found["tab"]:
        gap = TAB_COLUMNS - 1 - column % TAB_COLUMNS
        return "\u2192" + " " * gap if charset.has_frames else "<TAB>"
    if found["return"]:
        return "<CR>"
    return "<NBSP>" if found[0] == "\xa0" else f"<U+{ord(found[0]):04X}>"
