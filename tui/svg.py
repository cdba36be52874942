"""Write a figure as SVG: pure text, without a library."""

from collections.abc import Iterator
from html import escape

import numpy as np

from engine.visible import visible
from tui.figure import COLUMNS, ROWS, Figure, Kind
from tui.text import cell_width, wrap

DOT = 2
"""Pixels in the side of a dot."""

LEFT, TOP = 70, 40
WIDTH, HEIGHT = COLUMNS * DOT, ROWS * DOT
LINE = 18
LETTER = 7
"""Pixels from one line or letter of text to the next."""

CAPTION_COLUMNS = 110
STYLE = "text{font:12px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}.axis{fill:none;stroke:#444}"
CUT = "stroke='#444' stroke-dasharray='6 4'"


def write_svg(figure: Figure) -> str:
    """Write a figure as one SVG document."""
    legend = list(_legend(figure, TOP + HEIGHT + 3 * LINE))
    first = TOP + HEIGHT + 3 * LINE + LINE * (2 + max((line for line, _ in legend), default=0))
    lines = [line for text in figure.caption for line in wrap(visible(text), CAPTION_COLUMNS)]
    height = first + LINE * len(lines)
    width = LEFT + WIDTH + LEFT // 2
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>",
        f"<title>{_safe(figure.title)}</title><style>{STYLE}</style><rect width='100%' height='100%' fill='white'/>",
        f"<text class='title' x='{LEFT}' y='{TOP - 16}'>{_safe(figure.title)}</text>",
        *_dots(figure),
        f"<rect class='axis' x='{LEFT}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}'/>",
        *_axes(figure),
        *(part for _, part in legend),
        *(f"<text x='{LEFT}' y='{first + LINE * n}'>{_safe(line)}</text>" for n, line in enumerate(lines)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _safe(text: str) -> str:
    """Make outside text fit to stand in XML, which has no place for control characters."""
    return escape(visible(text))


def _dots(figure: Figure) -> Iterator[str]:
    """Draw each kind of dots as one path; the last kinds lie on top."""
    for code, kind in enumerate(figure.kinds):
        rows, columns = np.nonzero(figure.dots == code)
        side = kind.size * DOT
        middles = zip((LEFT + columns * DOT + DOT // 2).tolist(), (TOP + rows * DOT + DOT // 2).tolist(), strict=True)
        steps = "".join(f"M{x - side // 2} {y}h{side}" for x, y in middles)
        if steps:
            yield f"<path stroke='{kind.colour}' stroke-width='{side}' d='{steps}'/>"


def _axes(figure: Figure) -> Iterator[str]:
    bottom = TOP + HEIGHT
    for share, text in figure.x_ticks:
        x = LEFT + share * WIDTH
        yield f"<path class='axis' d='M{x:.1f} {bottom}v5'/>"
        yield f"<text x='{x:.1f}' y='{bottom + LINE}' text-anchor='middle'>{text}</text>"
    for share, text in figure.y_ticks:
        y = bottom - share * HEIGHT
        yield f"<path class='axis' d='M{LEFT} {y:.1f}h-5'/>"
        yield f"<text x='{LEFT - 9}' y='{y + 4:.1f}' text-anchor='end'>{text}</text>"
    right = LEFT + (WIDTH if figure.x_cut is None else figure.x_cut * WIDTH)
    if figure.x_cut is not None:
        yield f"<path {CUT} d='M{right:.1f} {TOP}v{HEIGHT}'/>"
    if figure.y_cut is not None:
        yield f"<path {CUT} d='M{LEFT} {bottom - figure.y_cut * HEIGHT:.1f}H{right:.1f}'/>"
    yield f"<text x='{LEFT + WIDTH / 2:.0f}' y='{bottom + 2 * LINE}' text-anchor='middle'>{figure.x_name}</text>"
    middle = TOP + HEIGHT // 2
    yield f"<text transform='rotate(-90 18 {middle})' x='18' y='{middle}' text-anchor='middle'>{figure.y_name}</text>"


def _legend(figure: Figure, top: int) -> Iterator[tuple[int, str]]:
    """Explain the kinds of dots from left to right, each with the number of its line."""
    x, line = LEFT, 0
    for kind in figure.kinds:
        width = (cell_width(visible(kind.name)) + 4) * LETTER
        if x + width > LEFT + WIDTH and x > LEFT:
            x, line = LEFT, line + 1
        yield line, _legend_entry(kind, x, top + line * LINE)
        x += width


def _legend_entry(kind: Kind, x: int, y: int) -> str:
    square = f"<rect x='{x}' y='{y - 9}' width='10' height='10' fill='{kind.colour}'/>"
    return f"{square}<text x='{x + 15}' y='{y}'>{_safe(kind.name)}</text>"
