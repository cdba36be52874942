"""Put axes, cuts and regions around a picture of the cloud: rows of spans."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from engine.pages.axes import tick_label, ticks
from tui.box import Box, draw_box
from tui.cloud import REGIONS, Cloud
from tui.map_view import MapView
from tui.page import STACKED_COLUMNS, Row, Span
from tui.picture import Colouring, Glyphs, Picture, Styles
from tui.terminal import Charset

GUTTER_COLUMNS = 5
LONGEST_NUMBER = 9
ROWS_PER_TICK, COLUMNS_PER_TICK = 3, 7
FINER_TICKS, FINER_GAP = 5, 4
"""The root pulls small variabilities apart: finer ticks fill the gaps, with more space around them."""

REGION_COLUMNS, REGION_ROWS = 17, 8
"""What the names of the regions take beside the plot, and the least rows they need there."""


def fit(cloud: Cloud, view: MapView, width: int, height: int) -> MapView:
    """Give a view the cells that a page of so many columns and rows, the x axis included, has for it."""
    tall = replace(view, columns=1, rows=max(height - 1, 1))
    beside = REGION_COLUMNS if shows_regions(width, tall.rows) else 0
    return replace(tall, columns=max(width - _gutter(_quality_labels(cloud, tall)) - beside, 1))


def shows_regions(width: int, rows: int) -> bool:
    return width >= STACKED_COLUMNS and rows >= REGION_ROWS


def draw(
    cloud: Cloud, picture: Picture, view: MapView, width: int, colouring: Colouring, charset: Charset, box: Box | None
) -> list[Row]:
    """Put the box and the cursor into a picture, its axes around it, and the regions beside it where there is room."""
    glyphs, styles = picture.glyphs.copy(), picture.styles.copy()
    if box:
        draw_box(box, view, glyphs, styles, charset)
    column, row = view.cell
    styles[row, column] = "cursor"
    labels = _quality_labels(cloud, view)
    gutter = _gutter(labels)
    names = _region_names(cloud, view, picture.seen, colouring) if shows_regions(width, view.rows) else {}
    plot: list[Row] = []
    for number in range(view.rows):
        label, style = labels.get(number, Span(""))
        left = Span(f"{label:>{gutter - 1}} ", style)
        plot.append([left, *_spans(glyphs[number], styles[number]), *names.get(number, [])])
    return [*plot, [Span(" " * gutter), *_x_axis(cloud, view)]]


def _spans(glyphs: Sequence[str] | Glyphs, styles: Sequence[str] | Styles) -> Row:
    """Join neighbours of one style."""
    alike = groupby(zip(glyphs, styles, strict=True), key=itemgetter(1))
    return [Span("".join(glyph for glyph, _ in run), style) for style, run in alike]


def number(value: float, step: float) -> str:
    """Write a number with the decimals that tell it from one a step away: `.25`."""
    text = tick_label(value, step) if step > 0 else f"{value:g}"
    text = text if len(text) <= LONGEST_NUMBER else f"{value:.1e}"
    return re.sub(r"^(-?)0\.", r"\1.", text)


def _quality_labels(cloud: Cloud, view: MapView) -> dict[int, Span]:
    """Label rows: some round numbers, and the cut."""
    bounds = view.bounds
    values = ticks(bounds.y_low, bounds.y_high, max(view.rows // ROWS_PER_TICK, 2))
    step = values[1] - values[0] if len(values) > 1 else bounds.height / view.rows
    labels = {view.row_of(value): Span(number(value, step), "faint") for value in values}
    if cloud.y_cut is not None and (row := view.row_of(cloud.y_cut)) is not None:
        labels[row] = Span(number(cloud.y_cut, bounds.height / view.rows), "cut")
    return {row: label for row, label in labels.items() if row is not None}


def _gutter(labels: Mapping[int, Span]) -> int:
    return max(GUTTER_COLUMNS, 1 + max((len(label.text) for label in labels.values()), default=0))


def _x_axis(cloud: Cloud, view: MapView) -> Row:
    """Label columns: the cut, then the name of the axis, then some round numbers where there is room."""
    axis = cloud.axis
    low, high = axis.value(view.bounds.x_low), axis.value(view.bounds.x_high)
    line = Line([" "] * view.columns, [""] * view.columns)
    if cloud.x_cut is not None and (column := view.column_of(cloud.x_cut)) is not None:
        width = view.bounds.width / view.columns
        line.write(f"cut {number(axis.value(cloud.x_cut), 2 * cloud.x_cut * width)}", column, "cut")
    line.write(axis.name, view.columns, "faint")
    most = max(view.columns // COLUMNS_PER_TICK, 2)
    for at_most, gap in ((most, 1), (most * FINER_TICKS, FINER_GAP)) if axis.is_rooted else ((most, 1),):
        values = ticks(low, high, at_most)
        step = values[1] - values[0] if len(values) > 1 else high - low
        for value in values:
            if (column := view.column_of(float(axis.place(value)))) is not None:
                line.write(number(value, step), column, "faint", gap=gap)
    return _spans(line.glyphs, line.styles)


class Line(NamedTuple):
    """A line of text in the making."""

    glyphs: list[str]
    styles: list[str]

    def write(self, text: str, centre: int, style: str, *, gap: int = 1) -> None:
        """Write a text around a column with spaces on each side; leave it out where it does not fit."""
        start = max(min(centre - len(text) // 2, len(self.glyphs) - len(text)), 0)
        end = start + len(text)
        if end <= len(self.glyphs) and not "".join(self.glyphs[max(start - gap, 0) : end + gap]).strip():
            self.glyphs[start:end], self.styles[start:end] = text, [style] * len(text)


def _region_names(cloud: Cloud, view: MapView, seen: Sequence[int], colouring: Colouring) -> dict[int, Row]:
    """Name the regions beside the rows where they are, with how many of their samples are in view."""
    cut = view.row_of(cloud.y_cut)
    between = view.rows // 2 if cut is None else cut
    tops = [between // 2 - 1, between - 1, (between + view.rows) // 2 - 1]
    for place in (1, 2):
        tops[place] = max(tops[place], tops[place - 1] + 3)
    for place in (2, 1, 0):
        tops[place] = max(min(tops[place], view.rows - 2 - 3 * (2 - place)), 3 * place)
    rows: dict[int, Row] = {}
    for name, top, count, all_ in zip(REGIONS, tops, seen, cloud.region_counts, strict=True):
        style = name if colouring == "region" else ""
        rows[top] = [Span(f" {name}", style if count else "faint")]
        rows[top + 1] = [Span(f" {_share(count, all_)}", "faint")]
    return rows


def _share(count: int, all_: int) -> str:
    """Say how many of all, if that is not all: in the columns that there are."""
    for text in (f"{all_:,}" if count == all_ else f"{count:,} of {all_:,}", f"{count:,} seen"):
        if len(text) < REGION_COLUMNS:
            return text
    return f"{count:.1e} seen"
