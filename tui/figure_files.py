"""Write a figure to files beside each other: SVG always, PNG where matplotlib is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from engine.visible import ascii_only, visible
from tui.figure import COLUMNS, ROWS, Figure
from tui.svg import write_svg

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME = 100
DOT = 3
"""Pixels in the side of a dot."""

DOTS_PER_INCH = 120
WIDTH, HEIGHT = 1260, 1000
POINTS_PER_INCH = 72
LEFT, TOP = 110, 50
"""Pixels of the whole picture, and to the plot."""


def write_figure(figure: Figure, folder: Path, *words: str) -> list[Path]:
    """Write a figure under a name of these words that no file has yet. Raises OSError."""
    stem = NOT_IN_NAMES.sub("_", "-".join(words))[:LONGEST_NAME]
    svg = _free_name(folder, stem)
    with svg.open("x", encoding="utf-8") as file:
        file.write(write_svg(figure))
    if find_spec("matplotlib") is None:
        return [svg]
    png = svg.with_name(svg.name.removesuffix(".svg") + ".png")
    _write_png(figure, png)
    return [svg, png]


def _free_name(folder: Path, stem: str) -> Path:
    number = 1
    while True:
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.svg"
        if not path.exists() and not path.with_name(path.name.removesuffix(".svg") + ".png").exists():
            return path
        number += 1


def _write_png(figure: Figure, path: Path) -> None:
    from matplotlib.colors import to_rgba_array
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import Patch

    canvas = Canvas((WIDTH / DOTS_PER_INCH, HEIGHT / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    high = ROWS * DOT
    plot = canvas.add_axes((LEFT / WIDTH, (HEIGHT - TOP - high) / HEIGHT, COLUMNS * DOT / WIDTH, high / HEIGHT))
    colours = to_rgba_array([*(kind.colour for kind in figure.kinds), "white"])
    plot.imshow(colours[figure.dots], extent=(0, COLUMNS, 0, ROWS), aspect="auto", interpolation="nearest")
    for code, kind in enumerate(figure.kinds):
        if kind.size > 1:
            rows, columns = np.nonzero(figure.dots == code)
            side = kind.size * DOT * POINTS_PER_INCH / DOTS_PER_INCH
            plot.scatter(columns + 0.5, ROWS - 0.5 - rows, s=side**2, c=kind.colour, marker="s")
    plot.set_xticks([tick.share * COLUMNS for tick in figure.x_ticks], [tick.text for tick in figure.x_ticks])
    plot.set_yticks([tick.share * ROWS for tick in figure.y_ticks], [tick.text for tick in figure.y_ticks])
    right = COLUMNS if figure.x_cut is None else figure.x_cut * COLUMNS
    if figure.x_cut is not None:
        plot.vlines(right, 0, ROWS, colors="#444444", linestyles="dashed", linewidth=0.8)
    if figure.y_cut is not None:
        plot.hlines(figure.y_cut * ROWS, 0, right, colors="#444444", linestyles="dashed", linewidth=0.8)
    plot.set_xlabel(figure.x_name)
    plot.set_ylabel(figure.y_name)
    plot.set_title(_plain(figure.title), loc="left", parse_math=False)
    squares = [Patch(facecolor=kind.colour, label=_plain(kind.name)) for kind in figure.kinds]
    legend = plot.legend(handles=squares, loc="upper left", bbox_to_anchor=(0, -0.08), ncols=6, frameon=False,
                         fontsize=8, handlelength=0.8)  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
    caption = "\n".join(_plain(line) for line in figure.caption)
    canvas.text(LEFT / WIDTH, 0.02, caption, fontsize=8, parse_math=False, wrap=True)
    with path.open("xb") as file:
        canvas.savefig(file, format="png")


def _plain(text: str) -> str:
    """Write text in letters that each font has."""
    return ascii_only(visible(text))
