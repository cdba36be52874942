"""All keys, from the one table."""

from textual.app import ComposeResult
from textual.screen import ModalScreen

from tui.keys import ALL, HELP, NO_KEYMAP, Group, Key, Keymap, bind, shown_name
from tui.page import Row, Span
from tui.terminal import Charset
from tui.text import wrap
from tui.widgets.page_view import PageView

KEYS_COLUMNS = 22


class HelpScreen(ModalScreen[None]):
    """Lists every key with what it does."""

    BINDINGS = bind(HELP)

    def __init__(self, charset: Charset, keymap: Keymap) -> None:
        super().__init__()
        self.charset = charset
        self.keymap = keymap
        self.top = 0

    def compose(self) -> ComposeResult:
        yield PageView(id="body")

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        rows = help_rows(self.app.size.width, self.keymap)
        room = self.app.size.height - 1
        self.top = min(max(self.top, 0), max(len(rows) - room, 0))
        more = f"  lines {self.top + 1}-{min(self.top + room, len(rows))}/{len(rows)}"
        foot: Row = [Span(" j k scroll  q back", "strong"), Span(more, "faint")]
        shown = rows[self.top : self.top + room]
        self.query_one(PageView).rows = [*shown, *([[]] * (room - len(shown))), foot]

    def action_scroll(self, steps: int) -> None:
        self.top += steps
        self.draw()

    def action_back(self) -> None:
        self.dismiss()


def help_rows(width: int, keymap: Keymap = NO_KEYMAP) -> list[Row]:
    """Write the whole help in so many columns."""
    return [row for group in ALL for row in _group_rows(group, width, keymap)]


def _group_rows(group: Group, width: int, keymap: Keymap) -> list[Row]:
    rows: list[Row] = [[Span(f" {group.title}", "accent")]]
    return [*rows, *(row for key in group.keys for row in _key_rows(key, width, keymap)), []]


def _key_rows(key: Key, width: int, keymap: Keymap) -> list[Row]:
    names = [shown_name(name) for name in keymap.get(key.id, key.keys).split(",")]
    shown = "1 .. 9" if key.action == "choose" else "  ".join(names)
    columns = min(KEYS_COLUMNS, width // 2)
    first, *more = wrap(key.does, width - columns - 3)
    start = [Span(f"   {shown:{columns}}", "strong"), Span(first)]
    return [start, *([Span(" " * (columns + 3) + line)] for line in more)]
