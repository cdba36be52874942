"""The map as a figure for a paper, in the three styles of arXiv 2505.23114; needs matplotlib."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from engine.pages.axes import TRIM, Span, enclose
from engine.pages.caption import count_samples, describe_axes, describe_scorers
from engine.pages.styles import Colour, Style
from engine.pages.targets import check_target
from engine.project import Project, replacing
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE
from engine.store import MapPoints, Store
from engine.visible import ascii_only, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

KINDS = (".png", ".svg", ".pdf")

WIDTH, HEIGHT = 10.0, 6.0
"""Inches of the figure without its caption."""

LINE = 0.17
"""Inches of a line of the caption."""

CAPTION_COLUMNS = 150
DOTS_PER_INCH = 300
POINT = 12
RAMP = ("#6a0dad", "#20639B", "#3CAEA3", "#F6D55C")
FACE, GRID, UNKNOWN = "#f5f5f5", "#dddddd", "#999999"
CELLS = 30
"""In each row and column of the binned style."""

MOST_VECTORS = 5_000
"""Points that an SVG or PDF draws one by one; more are a picture inside it."""

UNIT_VARIABILITY, UNIT_QUALITY = Span(0.0, 0.25), Span(0.0, 1.0)
"""What scores in [0, 1] can have: the axes of the paper."""

NAMES = {HIGH_AVERAGE: "Aligned", HIGH_VARIANCE: "Partially aligned", LOW_AVERAGE: "Misaligned"}
REGION_COLOURS = {HIGH_AVERAGE: "#009e73", HIGH_VARIANCE: "#0072b2", LOW_AVERAGE: "#e69f00"}

NAME_PLACES = {
    HIGH_AVERAGE: (0.015, 0.93, "left"),
    HIGH_VARIANCE: (0.985, 0.93, "right"),
    LOW_AVERAGE: (0.015, 0.07, "left"),
}
"""Of the names: shares of the axes, and which end of the name is there. Each is on its region's side of the cuts."""


class Scene(NamedTuple):
    """What is drawn."""

    points: MapPoints
    inside: npt.NDArray[np.bool_]
    """The samples in view."""

    x_span: Span
    y_span: Span
    cuts: dict[str, float | None]
    colour: Colour

    @property
    def values(self) -> Floats:
        """What the colours stand for."""
        return np.asarray(getattr(self.points, self.colour))


def write_figure(project: Project, path: Path, style: Style, colour: Colour = "correlation") -> None:
    """Draw the map of the map scorer; the suffix says as what. Raises ConfigError, OSError."""
    check_target(path, KINDS, "kind of picture")
    if find_spec("matplotlib") is None:
        raise ConfigError("A figure needs matplotlib. Install it: pip install 'prefmap[figures]'")
    with closing(Store.open(project.map)) as store:
        cuts = {cut.axis: cut.value for cut in store.cuts() if cut.scorer == store.map_scorer}
        scene = choose_view(store.points(), cuts, colour)
        said = [describe_scorers(store), *_describe(scene, style)]
    if not scene.inside.any():
        raise ConfigError(f"{project.path} has no sample with a place on the map. Run: prefmap score {project.path}")
    canvas = _draw(scene, style, f"{project.name}: {style}", said)
    kind = path.suffix.lower().removeprefix(".")
    undated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "prefmap"}), replacing(path) as beside:
        canvas.savefig(beside, format=kind, dpi=DOTS_PER_INCH, metadata=undated)


def choose_view(points: MapPoints, cuts: dict[str, float | None], colour: Colour = "correlation") -> Scene:
    """Take the axes of the paper where the samples fit and fill half of each; else those that enclose nearly all."""
    placed = ~(np.isnan(points.variability) | np.isnan(points.quality))
    x_span, y_span = enclose(points.variability[placed], floor=0.0), enclose(points.quality[placed])
    fitting = UNIT_VARIABILITY.holds(points.variability) & UNIT_QUALITY.holds(points.quality)
    is_filled = x_span.width > UNIT_VARIABILITY.width / 2 and y_span.width > UNIT_QUALITY.width / 2
    if is_filled and (placed & ~fitting).sum() <= TRIM / 100 * placed.sum():
        x_span, y_span = UNIT_VARIABILITY, UNIT_QUALITY
    inside = x_span.holds(points.variability) & y_span.holds(points.quality)
    return Scene(points, inside, x_span, y_span, cuts, colour)


def _describe(scene: Scene, style: Style) -> list[str]:
    points, shown = scene.points, int(scene.inside.sum())
    unplaced = int((np.isnan(points.variability) | np.isnan(points.quality)).sum())
    said = [
        describe_axes("variability", scene.cuts),
        count_samples(len(points.quality), shown, unplaced, "variability") + " No subsample was drawn.",
    ]
    if style == "regions":
        return [*said, "Colour: the region. The quality cut divides the low-variability part alone."]
    cell = f"the mean, in each of {CELLS} x {CELLS} cells, of " if style == "binned" else ""
    what = {
        "correlation": "preference correlation, the uncentred cosine of labels and scores",
        "suspicion": "suspicion, the estimated probability that the label is wrong",
        "margin": "margin, chosen less rejected, in standard deviations of each scorer",
    }[scene.colour]
    colours = f"Colour: {cell}{what}."
    if scene.colour == "correlation" and (points.quality[scene.inside] < 0).any():
        colours += " Scores are signed, so it says little of agreement."
    if missing := int((scene.inside & np.isnan(scene.values)).sum()):
        colours += f" {missing:,} samples have none: {'they are left out' if style == 'binned' else 'grey'}."
    return [*said, colours]


def _draw(scene: Scene, style: Style, title: str, said: list[str]) -> Figure:
    from matplotlib.figure import Figure

    lines = [line for text in said for line in wrap(_plain(text), CAPTION_COLUMNS)]
    below = LINE * (len(lines) + 1)
    canvas = Figure((WIDTH, HEIGHT + below))
    tall = HEIGHT + below
    axes = canvas.add_axes((0.07, (below + 0.55) / tall, 0.91 if style == "regions" else 0.98, (HEIGHT - 1.0) / tall))
    axes.set_facecolor(FACE)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlim(*scene.x_span)
    axes.set_ylim(*scene.y_span)
    {"continuous": _draw_points, "binned": _draw_cells, "regions": _draw_regions}[style](canvas, axes, scene)
    axes.set_xlabel("Variability (population variance of the scores)")
    axes.set_ylabel("Quality (mean of the scores)")
    axes.set_title(_plain(title), loc="left", parse_math=False, fontsize=11)
    for number, line in enumerate(reversed(lines)):
        canvas.text(0.07, LINE * (number + 0.7) / tall, line, fontsize=8, parse_math=False, color="#333333")
    return canvas


def _draw_points(canvas: Figure, axes: Axes, scene: Scene) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    known = scene.inside & ~np.isnan(scene.values)
    _scatter(axes, scene, scene.inside & ~known, UNKNOWN)
    ramp = LinearSegmentedColormap.from_list("prefmap", RAMP)
    drawn = _scatter(axes, scene, known, scene.values[known], cmap=ramp)
    _add_bar(canvas, axes, scene, drawn)


def _draw_cells(canvas: Figure, axes: Axes, scene: Scene) -> None:
    means = mean_cells(scene)
    across, up = (np.linspace(*span, CELLS + 1) for span in (scene.x_span, scene.y_span))
    drawn = axes.pcolormesh(across, up, np.ma.masked_invalid(means), cmap="viridis")
    _add_bar(canvas, axes, scene, drawn)


def mean_cells(scene: Scene) -> Floats:
    """Average what the colours stand for in each cell, as rows from the bottom x columns; NaN in an empty one."""
    known = scene.inside & ~np.isnan(scene.values)
    column, row = (
        np.minimum((span.share(values[known]) * CELLS).astype(np.int64), CELLS - 1)
        for span, values in ((scene.x_span, scene.points.variability), (scene.y_span, scene.points.quality))
    )
    counts = np.bincount(row * CELLS + column, minlength=CELLS * CELLS)
    sums = np.bincount(row * CELLS + column, weights=scene.values[known], minlength=CELLS * CELLS)
    means: Floats = np.divide(sums, counts, out=np.full(CELLS * CELLS, np.nan), where=counts > 0)
    return means.reshape(CELLS, CELLS)


def _draw_regions(canvas: Figure, axes: Axes, scene: Scene) -> None:  # noqa: ARG001
    for region, colour in REGION_COLOURS.items():
        here = scene.inside & (scene.points.region == region)
        _scatter(axes, scene, here, colour)
    x_cut, y_cut = scene.cuts.get("variability"), scene.cuts.get("quality")
    right = scene.x_span.high if x_cut is None else x_cut
    line: dict[str, Any] = {"colors": "#222222", "linestyles": "dashed", "linewidth": 1.2}
    if x_cut is not None:
        axes.vlines(x_cut, *scene.y_span, **line)
    if y_cut is not None:
        axes.hlines(y_cut, scene.x_span.low, right, **line)
    for region, (x, y, side) in NAME_PLACES.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": REGION_COLOURS[region], "alpha": 0.9}
        name = f"{NAMES[region]}\n{region}"
        axes.text(x, y, name, ha=side, va="center", fontsize=9, bbox=box, transform=axes.transAxes)


def _scatter(axes: Axes, scene: Scene, here: npt.NDArray[np.bool_], colour: Any, **more: Any) -> Any:
    x, y = scene.points.variability[here], scene.points.quality[here]
    return axes.scatter(x, y, s=POINT, c=colour, linewidths=0, rasterized=scene.inside.sum() > MOST_VECTORS, **more)


def _add_bar(canvas: Figure, axes: Axes, scene: Scene, drawn: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    name = "Preference correlation" if scene.colour == "correlation" else scene.colour.capitalize()
    steps = MaxNLocator(nbins=8, steps=[1, 2, 5, 10])
    canvas.colorbar(drawn, ax=axes, label=name, format="%.2f", pad=0.02, ticks=steps)


def _plain(text: str) -> str:
    """Write text in letters that each font has."""
    return ascii_only(visible(text))
