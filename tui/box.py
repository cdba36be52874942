"""A box on the map: some cells, chosen to read their samples."""

import math
from typing import NamedTuple

import numpy as np

from engine.verdicts.outcomes import VERDICTS
from tui.cloud import Cloud
from tui.map_view import MapView
from tui.picture import Glyphs, Styles
from tui.raster import Bounds, Counts
from tui.terminal import Charset

INSIDE_COLUMNS = 16
"""Columns that the counts take inside the frame."""

ROUNDING = 1e-6
"""Of a cell: so far may an edge be from the border between two cells that it is meant to be."""


class BoxCounts(NamedTuple):
    """What is in a box."""

    samples: int
    read: int
    flips: int


class Box(NamedTuple):
    """Cells from one corner to the other, in the units of the cloud: it outlasts zoom and another size."""

    start: Bounds
    """The cell where it begins."""

    end: Bounds
    """The cell where it ends."""

    is_open: bool
    """Whether the cursor still stretches it."""

    counts: BoxCounts

    @property
    def bounds(self) -> Bounds:
        return _span(self.start, self.end)


def _span(start: Bounds, end: Bounds) -> Bounds:
    return Bounds(
        min(start.x_low, end.x_low),
        max(start.x_high, end.x_high),
        min(start.y_low, end.y_low),
        max(start.y_high, end.y_high),
    )


def stretch(cloud: Cloud, start: Bounds, end: Bounds, *, is_open: bool) -> Box:
    """Put a box around two cells."""
    inside = np.flatnonzero(_span(start, end).holds(cloud.x, cloud.y))
    verdicts = cloud.verdict[inside]
    read = np.count_nonzero((verdicts >= 0) & (verdicts != VERDICTS.index("skip")))
    flips = np.count_nonzero(verdicts == VERDICTS.index("flip"))
    return Box(start, end, is_open, BoxCounts(len(inside), int(read), int(flips)))


def members(cloud: Cloud, box: Box) -> Counts:
    """List the samples in a box by ordinal."""
    return np.flatnonzero(box.bounds.holds(cloud.x, cloud.y))


def draw_box(box: Box, view: MapView, glyphs: Glyphs, styles: Styles, charset: Charset) -> None:
    """Draw the sides of a box that are in view, and its counts inside where they have room."""
    left, right = _cells(box.bounds.x_low, box.bounds.x_high, view.bounds.x_low, view.bounds.width, view.columns)
    below, above = _cells(box.bounds.y_low, box.bounds.y_high, view.bounds.y_low, view.bounds.height, view.rows)
    top, bottom = view.rows - 1 - above, view.rows - 1 - below
    if right < 0 or left >= view.columns or bottom < 0 or top >= view.rows:
        return
    columns, rows = slice(max(left, 0), right + 1), slice(max(top, 0), bottom + 1)
    for row in (row for row in (top, bottom) if 0 <= row < view.rows):
        glyphs[row, columns], styles[row, columns] = charset.box_rule, "accent"
    for column in (column for column in (left, right) if 0 <= column < view.columns):
        glyphs[rows, column], styles[rows, column] = charset.box_bar, "accent"
    for (row, column), glyph in zip(
        ((top, left), (top, right), (bottom, left), (bottom, right)), charset.box_corners, strict=True
    ):
        if 0 <= row < view.rows and 0 <= column < view.columns:
            glyphs[row, column] = glyph
    if top >= 0 and left >= 0:
        inside = np.s_[top + 1 : bottom, left + 1 : right]
        _write_counts(box.counts, glyphs[inside], styles[inside])


def _write_counts(counts: BoxCounts, glyphs: Glyphs, styles: Styles) -> None:
    """Write the counts into the first rows of the cells inside a frame."""
    height, width = glyphs.shape
    if height < len(counts) or width < INSIDE_COLUMNS:
        return
    for row, (name, count) in enumerate(zip(("box", "read", "flips"), counts, strict=True)):
        text = f" {name:5} {count:>{INSIDE_COLUMNS - 8},} "
        glyphs[row, : len(text)], styles[row, : len(text)] = list(text), "accent"


def _cells(low: float, high: float, view_low: float, span: float, cells: int) -> tuple[int, int]:
    """Number the first and the last cell that an interval covers, counted from the low end; they may be out of view."""
    first, behind = (min(max((edge - view_low) / span * cells, -1.0), cells + 1.0) for edge in (low, high))
    return math.floor(first + ROUNDING), max(math.ceil(behind - ROUNDING) - 1, math.floor(first + ROUNDING))
