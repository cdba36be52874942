"""Draw a table in the width that there is."""

from collections.abc import Sequence
from itertools import zip_longest

from tui.page import Row, Span
from tui.spans import row_width, wrap_row
from tui.terminal import Charset

NARROWEST_COLUMN = 6
"""Cells of a column that can be read; with less, the rows are written one below the other."""

BETWEEN = 3
"""Cells between two columns: a bar and its blanks."""


def draw_table(cells: Sequence[Sequence[Row]], width: int, charset: Charset) -> list[Row]:
    """Draw rows of cells, the heading first; each cell wraps in its column."""
    natural = [max(map(row_width, column)) for column in zip(*cells, strict=True)]
    columns = _share(natural, width - BETWEEN * (len(natural) - 1))
    if any(column < min(one, NARROWEST_COLUMN) for column, one in zip(columns, natural, strict=True)):
        return _draw_as_list(cells, width)
    drawn = [_draw_cells(row, columns, charset) for row in cells]
    return [*drawn[0], _line(columns, charset), *(row for rows in drawn[1:] for row in rows)]


def _line(columns: Sequence[int], charset: Charset) -> Row:
    crossing = charset.rule + ("\u253c" if charset.has_frames else "+") + charset.rule
    return [Span(crossing.join(charset.rule * column for column in columns), "rule")]


def _share(natural: Sequence[int], room: int) -> list[int]:
    """Share the width out: what one column does not need, the others take."""
    columns = [0] * len(natural)
    waiting = sorted(range(len(natural)), key=lambda n: natural[n])
    for place, n in enumerate(waiting):
        columns[n] = max(min(natural[n], room // (len(waiting) - place)), 0)
        room -= columns[n]
    return columns


def _draw_cells(cells: Sequence[Row], columns: Sequence[int], charset: Charset) -> list[Row]:
    wrapped = [wrap_row(cell, column) for cell, column in zip(cells, columns, strict=True)]
    return [_join(parts, columns, charset) for parts in zip_longest(*wrapped, fillvalue=list[Span]())]


def _join(parts: Sequence[Row], columns: Sequence[int], charset: Charset) -> Row:
    row: Row = []
    for place, (part, column) in enumerate(zip(parts, columns, strict=True)):
        row += [Span(f" {charset.bar} ", "rule")] if place else []
        row += [*part, Span(" " * max(column - row_width(part), 0))]
    return row


def _draw_as_list(cells: Sequence[Sequence[Row]], width: int) -> list[Row]:
    """Write `heading: cell` for each cell, and a blank row after each row of the table."""
    head, *body = cells
    rows: list[Row] = []
    for row in body or [head]:
        rows += [[]] if rows else []
        for name, cell in zip(head, row, strict=True):
            rows += wrap_row([*name, Span(": "), *cell], width)
    return rows
