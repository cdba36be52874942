"""Paint the cloud in view: a glyph and a style for each cell."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from tui.cloud import NAMED_SOURCES, REGIONS, Cloud
from tui.map_view import MapView
from tui.raster import (
    DOT_COLUMNS,
    DOT_ROWS,
    Codes,
    Counts,
    Floats,
    Placed,
    ascii_ramp,
    braille,
    cell_means,
    cell_modes,
    place,
)
from tui.terminal import Charset

Glyphs = npt.NDArray[np.str_]
Styles = npt.NDArray[np.object_]

Colouring = Literal["none", "suspicion", "region", "source", "verdict"]
COLOURINGS: tuple[Colouring, ...] = get_args(Colouring)

Letter = tuple[str, str]
"""How something is drawn: its letter and its style."""

VERDICT_LETTERS: tuple[Letter, ...] = (
    ("K", "chosen"), ("F", "rejected"), ("T", "strong"), ("X", "strong"), ("S", "strong"),
)  # fmt: skip
"""In the order of VERDICTS."""

REGION_LETTERS: tuple[Letter, ...] = tuple(zip("HVL", REGIONS, strict=True))
SOURCE_STYLES = ("accent", "chosen", "rejected", "warning", "cut", "strong")
SOURCE_LETTERS: tuple[Letter, ...] = tuple(
    (letter, SOURCE_STYLES[place % len(SOURCE_STYLES)]) for place, letter in enumerate("abcdefgh"[:NAMED_SOURCES])
)
OTHER_SOURCE: Letter = ("o", "faint")

SHOWN_SUSPICION = 0.2
"""Mean suspicion from which a cell shows a digit: twice the share of wrong labels that is assumed."""

SUSPICION_STEPS = (SHOWN_SUSPICION, 0.5)
SUSPICION_STYLES = np.array(["faint", "suspect", "warning"], dtype=object)


DOTS = DOT_COLUMNS * DOT_ROWS
DENSITY_STYLES = np.array(["faint", "", "strong"], dtype=object)
"""A full cell of braille looks the same whether it holds eight samples or thousands."""


class Picture(NamedTuple):
    """A view of the cloud, painted; only the cursor and the box are missing."""

    glyphs: Glyphs
    """As rows x columns."""

    styles: Styles
    """As rows x columns."""

    placed: Placed
    seen: Sequence[int]
    """How many samples of each region are in view."""


def paint(cloud: Cloud, view: MapView, colouring: Colouring, charset: Charset) -> Picture:
    """Paint the cloud, then the cuts where they hide no sample, then the letters."""
    placed = place(cloud.x, cloud.y, columns=view.columns, rows=view.rows, bounds=view.bounds)
    counts = placed.counts
    glyphs = np.array([list(line) for line in (braille(placed.dots) if charset.has_frames else ascii_ramp(counts))])
    glyphs[counts == 0] = " "
    styles = np.full(glyphs.shape, "faint" if colouring == "verdict" else "", dtype=object)
    if colouring == "none" and charset.has_frames and counts.max(initial=0) > DOTS:
        styles[:] = DENSITY_STYLES[np.digitize(counts, _thirds(counts))]
    _paint_cuts(cloud, view, charset, glyphs, styles)
    if colouring == "suspicion":
        _paint_suspicion(cloud, placed, glyphs, styles)
    else:
        for codes, letters in _choose_letters(cloud, colouring):
            _paint_letters(cell_modes(placed, codes), letters, glyphs, styles)
    seen = np.bincount(cloud.region[placed.inside] + 1, minlength=len(REGIONS) + 1)[1:]
    return Picture(glyphs, styles, placed, seen.tolist())


def _thirds(counts: Counts) -> Floats:
    """Part the numbers of samples in a cell in three, by the logarithm."""
    return np.asarray(counts.max() ** np.array([1 / 3, 2 / 3]))


def _paint_cuts(cloud: Cloud, view: MapView, charset: Charset, glyphs: Glyphs, styles: Styles) -> None:
    """Draw the variability cut through the plot, and the quality cut left of it; over samples it is a style alone."""
    column, row = view.column_of(cloud.x_cut), view.row_of(cloud.y_cut)
    on_cut = np.zeros(glyphs.shape, dtype=np.bool_)
    blank = glyphs == " "
    if row is not None:
        left = column if column is not None else view.columns if _is_left_of_cut(cloud, view) else 0
        on_cut[row, :left] = True
        glyphs[blank & on_cut] = charset.rule
    if column is not None:
        on_cut[:, column] = True
        glyphs[blank[:, column], column] = charset.bar
    styles[on_cut] = "cut"


def _paint_suspicion(cloud: Cloud, placed: Placed, glyphs: Glyphs, styles: Styles) -> None:
    means = cell_means(placed, cloud.suspicion)
    known = np.nan_to_num(means)
    shown = known >= SHOWN_SUSPICION
    tenths = np.minimum(known * 10, 9).astype(np.int64)
    glyphs[shown] = tenths[shown].astype(np.str_)
    there = ~np.isnan(means)
    styles[there] = SUSPICION_STYLES[np.digitize(known[there], SUSPICION_STEPS)]


def _choose_letters(cloud: Cloud, colouring: Colouring) -> list[tuple[Codes, Sequence[Letter]]]:
    """Choose what letters are drawn, and by which numbers of the samples."""
    if colouring == "region":
        return [(cloud.region, REGION_LETTERS)]
    if colouring == "source":
        return [(cloud.source, [*SOURCE_LETTERS[: len(cloud.sources)], OTHER_SOURCE])]
    return [(cloud.verdict, VERDICT_LETTERS)] if colouring == "verdict" else []


def _paint_letters(modes: Counts, letters: Sequence[Letter], glyphs: Glyphs, styles: Styles) -> None:
    there = modes >= 0
    glyphs[there] = np.array([letter for letter, _ in letters])[modes[there]]
    styles[there] = np.array([style for _, style in letters], dtype=object)[modes[there]]


def _is_left_of_cut(cloud: Cloud, view: MapView) -> bool:
    return cloud.x_cut is None or view.bounds.x_high < cloud.x_cut


class UnderCursor(NamedTuple):
    """What is in the cell under the cursor."""

    samples: int
    suspicion: float | None
    """The median; None where no sample has one."""

    verdicts: int
    likeliest: int | None
    """The ordinal of the sample of highest suspicion; None in an empty cell."""


def look(cloud: Cloud, picture: Picture, view: MapView) -> UnderCursor:
    """Say what is under the cursor."""
    here = picture.placed.in_cell(*view.cell)
    if not len(here):
        return UnderCursor(0, None, 0, None)
    suspicion = cloud.suspicion[here]
    known = suspicion[~np.isnan(suspicion)]
    likeliest = int(here[np.nan_to_num(suspicion, nan=-1.0).argmax()])
    verdicts = int(np.count_nonzero(cloud.verdict[here] >= 0))
    return UnderCursor(len(here), float(np.median(known)) if len(known) else None, verdicts, likeliest)
