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
INCHES = (9.0, 8.0)
DOTS_PER_INCH = 120


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
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(INCHES, dpi=DOTS_PER_INCH)
    plot = canvas.add_axes((0.1, 0.33, 0.86, 0.6))
    for code, kind in enumerate(figure.kinds):
        rows, columns = np.nonzero(figure.dots == code)
        plot.scatter(
            columns + 0.5, ROWS - 0.5 - rows, s=3.0 * kind.size, c=kind.colour, marker="s", linewidths=0,
            label=_plain(kind.name),
        )  # fmt: skip
    plot.set_xlim(0, COLUMNS)
    plot.set_ylim(0, ROWS)
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
    legend = plot.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=5, frameon=False, markerscale=4, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
    caption = "\n".join(_plain(line) for line in figure.caption)
    canvas.text(0.1, 0.03, caption, fontsize=8, parse_math=False, wrap=True)
    with path.open("xb") as file:
        canvas.savefig(file, format="png")


def _plain(text: str) -> str:
    """Write text in letters that each font has."""
    return ascii_only(visible(text))
