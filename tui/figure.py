"""A view of the map as a figure to be printed: dots on a fine grid, each of one of a few kinds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.pages.axes import ticks
from engine.pages.caption import count_samples, describe_axes
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE
from engine.verdicts.outcomes import VERDICTS
from tui.cloud import REGIONS, Cloud
from tui.map_view import MapView
from tui.picture import SUSPICION_STEPS, Colouring
from tui.plot import number
from tui.raster import Counts, Placed, cell_means, cell_modes, place

COLUMNS, ROWS = 360, 240
"""Dots of the plot."""

MOST_TICKS = 8
LARGE = 3
"""How many dots wide a sample with a verdict is drawn: there are few of them."""

GREY = "#bbbbbb"
DENSITIES = (1, 2, 4, 8)
"""The least number of samples at a dot of each shade."""

SHADES = ("#b8cfe0", "#7fa8c9", "#3f7dae", "#0a4a7c")
REGION_COLOURS = {HIGH_AVERAGE: "#009e73", HIGH_VARIANCE: "#0072b2", LOW_AVERAGE: "#e69f00"}
VERDICT_COLOURS = {"keep": "#009e73", "flip": "#d55e00", "tie": "#0072b2", "drop": "#000000", "skip": "#cc79a7"}
SOURCE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a6d00")


class Kind(NamedTuple):
    """A kind of dots."""

    name: str
    colour: str
    size: int = 1


class Tick(NamedTuple):
    """A number on an axis."""

    share: float
    """Of the axis, from its low end."""

    text: str


class Figure(NamedTuple):
    """All that is drawn. Its texts are as they are in the data."""

    title: str
    kinds: Sequence[Kind]
    dots: Counts
    """As rows x columns, row 0 at the top: the place in `kinds`; -1: no sample."""

    x_name: str
    y_name: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    x_cut: float | None
    """As a share of the axis; None: there is none in view."""

    y_cut: float | None
    caption: Sequence[str]


def make_figure(cloud: Cloud, view: MapView, colouring: Colouring, title: str, scorers: str) -> Figure:
    """Draw the samples in view. `scorers` says in a sentence whose map it is."""
    bounds, axis = view.bounds, cloud.axis
    placed = place(cloud.x, cloud.y, columns=COLUMNS, rows=ROWS, bounds=bounds)
    kinds, dots = _leave_out_unused(*_choose_kinds(cloud, placed, colouring), placed)
    values = ticks(axis.value(bounds.x_low), axis.value(bounds.x_high), MOST_TICKS)
    return Figure(
        title,
        kinds,
        dots,
        f"{axis.name}{' (root scale)' if axis.is_rooted else ''}",
        "quality",
        _label(values, [float(axis.place(value)) for value in values], bounds.x_low, bounds.width),
        _label(values := ticks(bounds.y_low, bounds.y_high, MOST_TICKS), values, bounds.y_low, bounds.height),
        _share(cloud.x_cut, bounds.x_low, bounds.width),
        _share(cloud.y_cut, bounds.y_low, bounds.height),
        [
            scorers,
            describe_axes(axis.name, cloud.cuts),
            count_samples(len(cloud.x), len(placed.inside), cloud.unplaced, axis.name),
            _describe_colours(colouring),
        ],
    )


def _choose_kinds(cloud: Cloud, placed: Placed, colouring: Colouring) -> tuple[list[Kind], Counts]:
    """Choose the kinds of dots, and the kind of each dot that has a sample."""
    if colouring == "suspicion":
        low, high = SUSPICION_STEPS
        names = (f"below {low:g}", f"{low:g} to {high:g}", f"{high:g} and more")
        kinds = [Kind(name, colour) for name, colour in zip(names, (GREY, "#e69f00", "#d55e00"), strict=True)]
        return kinds, np.digitize(np.nan_to_num(cell_means(placed, cloud.suspicion)), SUSPICION_STEPS)
    if colouring == "none":
        counts = [*map(str, DENSITIES[:-1]), f"{DENSITIES[-1]} samples or more"]
        kinds = [Kind(name, colour) for name, colour in zip(counts, SHADES, strict=True)]
        return kinds, np.digitize(placed.counts, DENSITIES) - 1
    codes, kinds = {
        "region": (cloud.region, [Kind(name, REGION_COLOURS[name]) for name in REGIONS]),
        "source": (cloud.source, [*map(Kind, cloud.sources, SOURCE_COLOURS), Kind("others", GREY)]),
        "verdict": (cloud.verdict, [Kind(name, VERDICT_COLOURS[name], LARGE) for name in VERDICTS]),
    }[colouring]
    return [Kind("none", GREY), *kinds], cell_modes(placed, codes) + 1


def _leave_out_unused(kinds: Sequence[Kind], dots: Counts, placed: Placed) -> tuple[list[Kind], Counts]:
    """Number the kinds that any dot is of; -1 where there is no sample."""
    there = placed.counts > 0
    used, numbers = np.unique(dots[there], return_inverse=True)
    numbered = np.full(dots.shape, -1)
    numbered[there] = numbers
    return [kinds[code] for code in used], numbered


def _label(values: Sequence[float], places: Sequence[float], low: float, span: float) -> list[Tick]:
    step = values[1] - values[0] if len(values) > 1 else span
    shares = [(place - low) / span for place in places]
    return [Tick(share, number(value, step)) for value, share in zip(values, shares, strict=True) if 0 <= share <= 1]


def _share(value: float | None, low: float, span: float) -> float | None:
    share = None if value is None else (value - low) / span
    return share if share is not None and 0 <= share <= 1 else None


def _describe_colours(colouring: Colouring) -> str:
    return {
        "none": "Colour: how many samples share a dot.",
        "suspicion": "Colour: mean suspicion (probability that the label is wrong) of the samples that share a dot.",
    }.get(colouring, f"Colour: the commonest {colouring} of the samples that share a dot.")
