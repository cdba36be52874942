"""Fit text into terminal cells."""

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from tui.page import Row

NARROWEST = 2
"""Cells in the narrowest row that can hold every character."""

HEAD_PER_CELL = 16
"""Characters of a text that are looked at for each cell to be filled with it."""

WORD = re.compile(r"^ *[^ ]+|[^ ]+")
"""A word; the first of a line has the line's indentation with it."""


def cell_width(text: str) -> int:
    """Count the terminal cells of one line."""
    return cell_len(text)


def row_width(row: Row) -> int:
    """Count the terminal cells of a row."""
    return sum(cell_width(span.text) for span in row)


def wrap(text: str, width: int) -> list[str]:
    """Break text into rows of at most `width` cells (2 or more); only spaces at the end of a row are lost."""
    width = max(width, NARROWEST)
    return [row for line in text.split("\n") for row in _wrap_line(line, width)]


def clip(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Put text on one line of at most `width` cells, and end it with the ellipsis if some is cut."""
    head = text[: max(width, 1) * HEAD_PER_CELL].replace("\n", " ")
    if len(head) == len(text) and cell_width(head) <= width:
        return head
    room = width - cell_width(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    return _chop(head, room)[0] + ellipsis


def _wrap_line(line: str, width: int) -> Iterator[str]:
    if cell_width(line) <= width:
        yield line
        return
    row, used, end = "", 0, 0
    for word in WORD.finditer(line):
        gap = " " * (word.start() - end)
        size = cell_width(word[0])
        end = word.end()
        if used + len(gap) + size <= width:
            row += gap + word[0]
            used += len(gap) + size
            continue
        if size <= width or used + len(gap) + NARROWEST > width:
            yield row
            row = gap = ""
        *full, row = _chop(row + gap + word[0], width)
        yield from full
        used = cell_width(row)
    yield row + line[end:][: width - used]


def _chop(text: str, width: int) -> list[str]:
    """Cut into pieces of at most `width` cells; rich would lose a text that takes no cell at all."""
    return chop_cells(text, width) or [text]
