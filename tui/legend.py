"""What is said below the map: of its signs, of the cursor, of the box, of what is hidden."""

from engine.verdicts.outcomes import VERDICTS
from tui.box import Box
from tui.cloud import REGIONS, Cloud
from tui.map_view import MapView
from tui.page import STACKED_COLUMNS, Row, Span
from tui.picture import (
    OTHER_SOURCE,
    REGION_LETTERS,
    SHOWN_SUSPICION,
    SOURCE_LETTERS,
    VERDICT_LETTERS,
    Colouring,
    Letter,
    Picture,
    UnderCursor,
)
from tui.plot import number
from tui.raster import RAMP
from tui.screens.describe import fraction
from tui.terminal import Charset
from tui.text import cell_width, clip

FINER = 10
"""The edges of a box are told to a part of its size."""

LETTER_COLUMNS = 4
"""A letter with the spaces around it and its name."""

SOURCE_COLUMNS = 16
"""At most so much of the name of a source is shown."""


def describe_cursor(under: UnderCursor, cloud: Cloud, view: MapView, width: int) -> str:
    """Say what is under the cursor, in fewer words where the terminal is narrow."""
    cell, axis = view.cell_bounds, cloud.axis
    x = number(axis.value(view.at[0]), abs(axis.value(cell.x_high) - axis.value(cell.x_low)))
    quality = number(view.at[1], cell.height)
    wide = width >= STACKED_COLUMNS
    place = f" {axis.name} {x}  quality {quality}" if wide else f" {x}, {quality}"
    if not under.samples:
        return f"{place}  no sample here"
    suspicion = f"{'median ' if wide else ''}suspicion {fraction(under.suspicion)}"
    return "  ".join([place, _count(under.samples, "sample"), suspicion, _count(under.verdicts, "verdict")])


def describe_box(box: Box) -> str:
    """Say what is in the box, and what can be done with it."""
    counts = box.counts
    words = [_count(counts.samples, "sample"), f"{counts.read:,} read", _count(counts.flips, "flip")]
    return f"box: {', '.join(words)}.  enter reads them{', space ends it' * box.is_open}"


def name_box(box: Box, cloud: Cloud) -> str:
    """Say where a box is in the words of a filter; its numbers are rounded."""
    bounds, axis = box.bounds, cloud.axis
    edges = {
        axis.name: (axis.value(bounds.x_low), axis.value(bounds.x_high)),
        "quality": (bounds.y_low, bounds.y_high),
    }
    return " ".join(
        f"{name}>={number(low, (high - low) / FINER)} {name}<={number(high, (high - low) / FINER)}"
        for name, (low, high) in edges.items()
    )


def describe_hidden(cloud: Cloud, picture: Picture) -> str:
    """Say how many samples are not to be seen, and why."""
    hidden = {
        "out of view": len(cloud.x) - cloud.unplaced - len(picture.placed.inside),
        f"without {cloud.axis.name} or quality": cloud.unplaced,
    }
    parts = [f"{count:,} {why}" for why, count in hidden.items() if count]
    return "hidden: " + ", ".join(parts) if parts else "every sample is in view"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def legend(cloud: Cloud, colouring: Colouring, charset: Charset, width: int) -> Row:
    """Explain the signs of a colouring, in fewer words where the terminal is narrow."""
    wide = width >= STACKED_COLUMNS
    if colouring == "suspicion":
        below = f"; no digit: below {fraction(SHOWN_SUSPICION, 1)}" if wide else ""
        return [Span(f" digits: mean suspicion in tenths{below}", "faint")]
    if colouring == "region":
        return _explain([*zip(REGION_LETTERS, REGIONS, strict=True)], width)
    if colouring == "verdict":
        return _explain([*zip(VERDICT_LETTERS, VERDICTS, strict=True)], width)
    if colouring == "source":
        if not cloud.sources:
            return [Span(" no sample names its source", "faint")]
        others = [(OTHER_SOURCE, "others")] if (cloud.source == len(cloud.sources)).any() else []
        names = _shorten([charset.show(name) for name in cloud.sources], width - len(others) * len(" o others "))
        return _explain([*zip(SOURCE_LETTERS, names, strict=False), *others], width)
    dots = f"few {''.join(RAMP[1:])} many (log)"
    if charset.has_frames:
        dots = "a dot: one sample or more; brighter: many" if wide else "brighter: more samples"
    lines = [Span("   "), Span(f"{charset.rule} {charset.bar} cuts", "cut")] if cloud.x_cut is not None else []
    return [Span(f" {dots}", "faint"), *lines]


def _shorten(names: list[str], width: int) -> list[str]:
    """Cut names to the same length, the greatest with which all of them fit beside their letters."""
    for most in range(SOURCE_COLUMNS, 1, -1):
        cut = [clip(name, most, ellipsis="") for name in names]
        if sum(cell_width(name) + LETTER_COLUMNS for name in cut) <= width:
            return cut
    return names


def _explain(letters: list[tuple[Letter, str]], width: int) -> Row:
    """Name letters as far as the width goes, then say what a letter stands for where there is room for that."""
    row, used = [], 0
    for (letter, style), name in letters:
        columns = cell_width(name) + LETTER_COLUMNS
        if used + columns > width:
            break
        row += [Span(f" {letter}", style), Span(f" {name} ", "faint")]
        used += columns
    rest = ": the commonest in the cell"
    return [*row, Span(rest, "faint")] if used + len(rest) <= width else row
