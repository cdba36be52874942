"""Draws rows of styled text, as they are."""

from itertools import zip_longest

from rich.segment import Segment
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.page import Row
from tui.text import row_width

NO_ROW: Row = []


class PageView(Widget):
    """A page of rows. Everything in them is text: no markup, no escapes."""

    COMPONENT_CLASSES = {
        "page--title",
        "page--rule",
        "page--faint",
        "page--chosen",
        "page--rejected",
        "page--strong",
        "page--cursor",
        "page--accent",
        "page--warning",
        "page--suspect",
        "page--cut",
        "page--high_average",
        "page--high_variance",
        "page--low_average",
        "page--mark",
        "page--sign",
        "page--alone",
        "page--emphasis",
        "page--code",
        "page--quoted",
        "page--name",
        "page--link",
    }

    DEFAULT_CSS = """
    PageView {
        height: 1fr;
        & .page--title { text-style: bold; }
        & .page--rule { color: $faint; }
        & .page--faint { color: $faint; }
        & .page--chosen { color: $success; text-style: bold; }
        & .page--rejected { color: $warning; text-style: bold; }
        & .page--strong { text-style: bold; }
        & .page--cursor { text-style: reverse; }
        & .page--accent { color: $primary; text-style: bold; }
        & .page--warning { color: $error; text-style: bold; }
        & .page--suspect { color: $warning; }
        & .page--cut { color: $secondary; }
        & .page--high_average { color: $success; }
        & .page--high_variance { color: $primary; }
        & .page--low_average { color: $warning; }
        & .page--mark { color: $warning; }
        & .page--sign { color: $primary; text-style: bold; }
        & .page--alone { text-style: bold; }
        & .page--emphasis { text-style: underline; }
        & .page--code { color: $secondary; }
        & .page--quoted { color: $success; }
        & .page--name { color: $primary; }
        & .page--link { color: $primary; }
    }
    """

    rows: reactive[list[Row]] = reactive(list, repaint=False)
    """What is drawn, from the top; rows that are missing are blank."""

    def watch_rows(self, before: list[Row], now: list[Row]) -> None:
        """Send only the rows that changed, as far as there is text: over a slow link blanks cost as much as letters."""
        both = enumerate(zip_longest(before, now, fillvalue=NO_ROW))
        changed = [Region(0, y, max(row_width(was), row_width(is_)), 1) for y, (was, is_) in both if was != is_]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y >= len(self.rows):
            return Strip.blank(self.size.width, base)
        segments = [Segment(text, self._style(style)) for text, style in self.rows[y]]
        return Strip(segments).simplify().adjust_cell_length(self.size.width, base)

    def _style(self, name: str):  # type: ignore[no-untyped-def]
        return self.get_component_rich_style(f"page--{name}") if name else self.rich_style
