"""Lay a sample out as rows of styled text: pure functions from a view to a page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tui.looks import draw
from tui.page import (
    GAP_COLUMNS,
    LEAST_BODY_ROWS,
    PROMPT_SHARE,
    SIDE_BY_SIDE_COLUMNS,
    STACKED_COLUMNS,
    Block,
    Page,
    Row,
    Span,
    View,
)
from tui.terminal import Charset
from tui.text import cell_width, clip, row_width

RULE_COLUMNS = 9
"""Dashes and blanks of a rule, beside what it says."""


def lay_out(view: View, width: int, height: int, charset: Charset) -> Page:
    """Fill a page of so many columns and rows."""
    if view.aside is not None:
        return _finish([_Column([view.aside], [height])], view.top, width, charset)
    if view.focus is not None or width < STACKED_COLUMNS:
        alone = view.responses[view.focus or 0]
        hidden = "  ".join(block.title.split("  ")[0] for block in view.responses if block is not alone)
        view = replace(view, also=f"not in view: {hidden}  (tab)")
        rows = _prompt_rows(view, width, height, charset, rows_needed(alone, width, charset))
        return _with_prompt(view, [_Column([alone], [height - rows])], rows, width, charset)
    pair = list(view.responses[:2])
    if width >= SIDE_BY_SIDE_COLUMNS:
        half = (width - GAP_COLUMNS) // 2
        rows = _prompt_rows(view, width, height, charset, max(rows_needed(block, half, charset) for block in pair))
        columns = [_Column([block], [height - rows]) for block in pair]
        return _with_prompt(view, columns, rows, width, charset)
    needed = [rows_needed(block, width, charset) for block in pair]
    rows = _prompt_rows(view, width, height, charset, sum(needed))
    heights = share_rows(needed, height - rows)
    return _with_prompt(view, [_Column(pair, heights)], rows, width, charset)


class _Column(NamedTuple):
    """Blocks one below the other, each with the rows it has, its rule included."""

    blocks: list[Block]
    heights: list[int]


def _prompt_rows(view: View, width: int, height: int, charset: Charset, responses: int) -> int:
    """Give the prompt what the rows of the responses leave, and at least its share."""
    also = 1 if view.also else 0
    needed = rows_needed(view.prompt, width, charset)
    spare = height - also - responses
    if spare >= needed:
        return needed + also
    return min(needed - 1, max(LEAST_BODY_ROWS, height // PROMPT_SHARE, spare)) + also


def rows_needed(block: Block, width: int, charset: Charset) -> int:
    """Count the rows that a whole block takes: its rule, its lines, and one to set it off."""
    return len(draw(block, width, charset).rows) + 2


def share_rows(needed: Sequence[int], height: int) -> list[int]:
    """Share rows out evenly; what one does not need, another takes, and what none needs is left below the last."""
    rows = [0] * len(needed)
    waiting = sorted(range(len(needed)), key=lambda n: needed[n])
    left = height
    for place, n in enumerate(waiting):
        fair = left // (len(waiting) - place)
        rows[n] = min(needed[n], fair)
        left -= rows[n]
    rows[-1] += left
    return rows


def _with_prompt(view: View, columns: list[_Column], rows: int, width: int, charset: Charset) -> Page:
    also = 1 if view.also else 0
    top = _draw(view.prompt, width, rows - also, 0, charset)
    if also:
        top.append([Span(" " + clip(view.also, width - 1, ellipsis=charset.ellipsis), "faint")])
    body = _finish(columns, view.top, width, charset)
    return Page(top + body.rows, body.last_top, body.page)


def _finish(columns: list[_Column], top: int, width: int, charset: Charset) -> Page:
    gaps = GAP_COLUMNS * (len(columns) - 1)
    each = (width - gaps) // len(columns)
    bodies = [
        (block, rows - 1) for column in columns for block, rows in zip(column.blocks, column.heights, strict=True)
    ]
    last_top = max((len(draw(block, each, charset).rows) - rows for block, rows in bodies), default=0)
    top = min(max(top, 0), max(last_top, 0))
    drawn = [_draw_column(column, each, top, charset) for column in columns]
    rows = [_join(parts, each) for parts in zip(*drawn, strict=True)]
    return Page(rows, max(last_top, 0), max(min((rows for _, rows in bodies), default=1), 1))


def _draw_column(column: _Column, width: int, top: int, charset: Charset) -> list[Row]:
    drawn = (_draw(block, width, rows, top, charset) for block, rows in zip(column.blocks, column.heights, strict=True))
    return [row for rows in drawn for row in rows]


def _join(parts: Sequence[Row], each: int) -> Row:
    row: Row = []
    for place, part in enumerate(parts):
        if place:
            row.append(Span(" " * GAP_COLUMNS))
        row += part
        if place < len(parts) - 1:
            row.append(Span(" " * max(each - row_width(part), 0)))
    return row


def _draw(block: Block, width: int, height: int, top: int, charset: Charset) -> list[Row]:
    """Draw one block in exactly so many rows: a rule, and the lines from `top` on."""
    if height <= 0:
        return []
    text, note = draw(block, width, charset)
    room = height - 1
    start = min(top, max(len(text) - room, 0))
    shown = text[start : start + room]
    room_beside = width - cell_width(block.title) - RULE_COLUMNS - 1
    said = _describe(block, note, _part(start, len(shown), len(text)), room_beside)
    rows: list[Row] = [_rule(block, said, width, charset)]
    rows += [[Span(" "), *row] for row in shown]
    return rows + [[] for _ in range(height - len(rows))]


def _part(start: int, shown: int, total: int) -> str:
    return "all shown" if shown >= total else f"lines {start + 1}-{start + shown}/{total}"


def _describe(block: Block, note: str, part: str, width: int) -> str:
    """Say what is to be known of a text; its size only where there is room beside the title."""
    words = [word for word in (block.note, note, block.size, part) if word]
    is_full = cell_width(", ".join(words)) > width
    return ", ".join(word for word in words if not is_full or word != block.size)


def _rule(block: Block, note: str, width: int, charset: Charset) -> Row:
    dash = charset.rule
    note = clip(note, max(width - 12, 0), ellipsis=charset.ellipsis)
    title = clip(block.title, max(width - cell_width(note) - RULE_COLUMNS - 1, 4), ellipsis=charset.ellipsis)
    between = width - cell_width(title) - cell_width(note) - RULE_COLUMNS
    return [
        Span(f" {dash * 2} ", "rule"),
        Span(title, block.style or "title"),
        Span(f" {dash * max(between, 1)} ", "rule"),
        Span(note, "faint"),
        Span(f" {dash * 2}", "rule"),
    ]
