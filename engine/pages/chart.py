"""The map of a page as SVG: a picture without a script, and with one a map to point at."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from engine.pages.axes import Span, tick_label, ticks
from engine.pages.dots import COLUMNS, REGIONS, ROWS, VERDICTS, Dot, Field
from engine.pages.markup import Html, join, tag

LEFT, TOP = 74, 14
SQUARE = 8
"""Pixels of the whole picture, and of a square."""

WIDTH, HEIGHT = COLUMNS * SQUARE, ROWS * SQUARE
RIGHT, BELOW = 18, 52
MOST_TICKS = 6
FEW = 500
RADIUS, RADIUS_OF_FEW = 3, 5
"""Pixels; samples that are few are drawn larger."""

STEPS = (0.2, 0.5)
"""Suspicion from which a dot has the second and the third colour, as on the map of the app."""

COLOURINGS: Mapping[str, Sequence[tuple[str, str]]] = {
    "suspicion": (("s0", "below .2"), ("s1", ".2 to .5"), ("s2", ".5 and more"), ("s", "unknown")),
    "region": (*((f"r{n}", name) for n, name in enumerate(REGIONS)), ("r", "none")),
    "verdict": (*((f"v{n}", name) for n, name in enumerate(VERDICTS)), ("v", "not read")),
}
"""The classes of the dots by what colours them, and what each means."""


def draw_map(field: Field, cuts: Mapping[str, float | None], caption: Sequence[str]) -> Html:
    """Draw the map with a choice of colours that needs no script."""
    kinds = dict(COLOURINGS)
    if field.is_squared:
        kinds["number"] = name_shades(choose_shades(field))
    return tag(
        "div",
        tag("fieldset", tag("legend", "Colour by"), *(_choice(name, is_first=n == 0) for n, name in enumerate(kinds))),
        tag(
            "figure",
            _draw(field, cuts),
            *(_legend(name, entries) for name, entries in kinds.items()),
            tag("p", id="told", class_="told", hidden=True, aria_live="polite"),
            tag("figcaption", " ".join([*caption, _say_dots(field)])),
        ),
        class_="map",
    )


def _choice(name: str, *, is_first: bool) -> Html:
    chosen = tag("input", type="radio", name="by", id=f"by-{name}", checked=is_first)
    return tag("label", chosen, " number of samples" if name == "number" else f" {name}")


def choose_shades(field: Field) -> list[int]:
    """Choose the least number of samples of each of four shades, by the logarithm."""
    most = max((dot.samples for dot in field.dots), default=1)
    return sorted({max(round(most**power), 1) for power in (0, 1 / 4, 1 / 2, 3 / 4)})


def name_shades(shades: Sequence[int]) -> list[tuple[str, str]]:
    """Name the classes of the shades, and what each means."""
    ends = [*(f"{low:,} to {high - 1:,}" if high - 1 > low else f"{low:,}" for low, high in pairwise(shades))]
    return [(f"n{number}", said) for number, said in enumerate([*ends, f"{shades[-1]:,} or more"])]


def _legend(name: str, entries: Sequence[tuple[str, str]]) -> Html:
    rows = []
    for code, said in entries:
        square = tag("svg", tag("rect", class_=code, width=10, height=10), viewBox="0 0 10 10", aria_hidden="true")
        rows.append(tag("li", square, said))
    return tag("ul", *rows, class_=f"legend is-{name}", aria_label=f"colours by {name}")


def _say_dots(field: Field) -> str:
    if field.is_squared:
        return "A dot is a square of the map: its mean suspicion, its commonest region and verdict."
    return "A dot is a sample."


def _draw(field: Field, cuts: Mapping[str, float | None]) -> Html:
    width, height = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW
    shades = choose_shades(field)
    return tag(
        "svg",
        tag("rect", class_="plot", x=LEFT, y=TOP, width=WIDTH, height=HEIGHT),
        *_axes(field),
        tag("g", join(_mark(dot, field, shades) for dot in field.dots), class_="dots"),
        *_cuts(field, cuts),
        tag("circle", id="ring", r=7, class_="ring", hidden=True),
        viewBox=f"0 0 {width} {height}",
        role="img",
        id="chart",
        aria_label=f"Map of {field.shown:,} samples by variability and quality; the tables below have its numbers.",
    )


def _mark(dot: Dot, field: Field, shades: Sequence[int]) -> Html:
    x, y = LEFT + dot.x * WIDTH, TOP + (1 - dot.y) * HEIGHT
    told = tag("title", "\n".join(describe(dot)))
    if field.is_squared:
        side = SQUARE - 1
        return tag("rect", told, class_=_classes(dot, shades), x=f"{x - side / 2:.4g}", y=f"{y - side / 2:.4g}",
                   width=side, height=side)  # fmt: skip
    return tag(
        "circle",
        told,
        class_=_classes(dot, shades),
        cx=f"{x:.4g}",
        cy=f"{y:.4g}",
        r=RADIUS_OF_FEW if field.shown < FEW else RADIUS,
    )


def _classes(dot: Dot, shades: Sequence[int]) -> str:
    suspicion = "" if np.isnan(dot.suspicion) else int(np.digitize(dot.suspicion, STEPS))
    region, verdict = (
        names.index(one) if one else "" for names, one in ((REGIONS, dot.region), (VERDICTS, dot.verdict))
    )
    return f"s{suspicion} r{region} v{verdict} n{int(np.digitize(dot.samples, shades)) - 1}"


def describe(dot: Dot) -> Iterator[str]:
    """Say what is under the pointer, line by line."""
    one = dot.likeliest
    if dot.samples > 1:
        yield f"{dot.samples:,} samples, mean suspicion {write(dot.suspicion)}, mostly {dot.region or 'no region'}"
    who = f"{one.sample_id}, {one.file} row {one.row}"
    yield f"Likeliest wrong: {who}" if dot.samples > 1 else who
    numbers = {"suspicion": one.suspicion, "quality": one.quality, "variability": one.variability}
    yield ", ".join([*(f"{name} {write(value)}" for name, value in numbers.items()), one.region or "no region"])
    if one.source or dot.verdict:
        yield ", ".join(filter(None, (one.source and f"source {one.source}", dot.verdict and f"verdict {dot.verdict}")))
    yield dot.prompt


def write(value: float | None, digits: int = 3) -> str:
    """Write a number; `--` where there is none."""
    return "--" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def _axes(field: Field) -> Iterator[Html]:
    x_span, y_span = field.x_span, field.y_span
    bottom = TOP + HEIGHT
    values = ticks(x_span.low**2, x_span.high**2, MOST_TICKS)
    for value, text in _label(values):
        x = f"{LEFT + WIDTH * float(x_span.share(np.sqrt(value))):.1f}"
        yield tag("path", class_="grid", d=f"M{x} {TOP}V{bottom}")
        yield tag("text", text, x=x, y=bottom + 20, text_anchor="middle")
    for value, text in _label(ticks(*y_span, MOST_TICKS)):
        y = TOP + HEIGHT * (1 - float(y_span.share(value)))
        yield tag("path", class_="grid", d=f"M{LEFT} {y:.1f}H{LEFT + WIDTH}")
        yield tag("text", text, x=LEFT - 8, y=f"{y + 5:.1f}", text_anchor="end")
    yield tag("text", "variability (root scale)", x=LEFT + WIDTH // 2, y=bottom + 44, text_anchor="middle")
    middle = TOP + HEIGHT // 2
    yield tag("text", "quality", x=16, y=middle, text_anchor="middle", transform=f"rotate(-90 16 {middle})")


def _label(values: Sequence[float]) -> Iterator[tuple[float, str]]:
    step = values[1] - values[0] if len(values) > 1 else 1.0
    for value in values:
        text = tick_label(value, step) if value else "0"
        yield value, text.replace("0.", ".", 1) if abs(value) < 1 else text


def _cuts(field: Field, cuts: Mapping[str, float | None]) -> Iterator[Html]:
    """Draw the variability cut, and the quality cut left of it."""
    x_cut, y_cut = cuts.get("variability"), cuts.get("quality")
    right = LEFT + WIDTH
    if x_cut is not None and (share := _share(field.x_span, float(np.sqrt(x_cut)))) is not None:
        right = round(LEFT + share * WIDTH)
        yield tag("path", class_="cut", d=f"M{right} {TOP}V{TOP + HEIGHT}")
    if y_cut is not None and (share := _share(field.y_span, y_cut)) is not None:
        yield tag("path", class_="cut", d=f"M{LEFT} {TOP + HEIGHT * (1 - share):.1f}H{right}")


def _share(span: Span, value: float) -> float | None:
    share = float(span.share(value))
    return share if 0 <= share <= 1 else None
