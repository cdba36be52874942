"""HTML as values: whatever is no Html is outside text, and is escaped. There is no other way into a page."""

from collections.abc import Iterable, Sequence
from html import escape

from engine.visible import visible

EMPTY = ("br", "col", "input", "meta", "rect", "circle", "path", "line")
"""Elements that hold nothing, unless something is put into them."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = str | Html | None
"""None: nothing."""


def safe(text: Part) -> str:
    """Give HTML as it is; make of other text what no browser takes for an element, or for a control character."""
    if text is None:
        return ""
    return text if isinstance(text, Html) else escape(visible(text))


def tag(element: str, /, *parts: Part, **attributes: object) -> Html:
    """Write an element; `class_` stands for class, `aria_label` for aria-label. True: an attribute without value."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(visible(str(value)))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(map(safe, parts))
    if element in EMPTY and not inside:
        return Html(f"<{element}{said}/>")
    return Html(f"<{element}{said}>{inside}</{element}>")


def join(parts: Iterable[Part], between: str = "\n") -> Html:
    """Put parts behind each other."""
    return Html(between.join(safe(part) for part in parts))


def table(caption: str, head: Sequence[Part], rows: Iterable[Sequence[Part]]) -> Html:
    """Write a table; the first cell of each row names it. It scrolls by itself where it is too wide."""
    top = tag("tr", *(tag("th", name, scope="col") for name in head))
    body = join(tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows)
    whole = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", body))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def bar(share: float) -> Html:
    """Draw a share as a bar; the number stands beside it."""
    full = tag("rect", width=100, height=8, class_="rail")
    part = tag("rect", width=round(100 * min(max(share, 0.0), 1.0), 1), height=8, class_="full")
    return tag("svg", full, part, class_="bar", viewBox="0 0 100 8", aria_hidden="true")
