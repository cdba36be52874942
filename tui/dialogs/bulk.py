"""Gives one verdict to all samples of the queue, after it was said to how many, and some of them were read."""

from collections.abc import Callable
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.records import Verdict
from tui.page import Row, Span
from tui.terminal import Charset
from tui.text import clip, wrap
from tui.widgets.page_view import PageView

KEYS: dict[str, Verdict] = {"y": "keep", "f": "flip", "t": "tie", "x": "drop", "s": "skip"}


class Preview(NamedTuple):
    """What a verdict would do, in words that are fit to be sent."""

    given: int
    sentences: list[str]
    examples: list[str]


class BulkDialog(ModalScreen[Verdict | None]):
    """Gives the verdict that was confirmed, or None."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "back", priority=True),
        *(Binding(key, f"choose('{verdict}')", verdict) for key, verdict in KEYS.items()),
        Binding("q", "dismiss(None)", "back"),
    ]

    def __init__(self, title: str, preview: Callable[[Verdict], Preview], charset: Charset) -> None:
        super().__init__()
        self.title_text = title
        self.preview = preview
        self.charset = charset
        self.verdict: Verdict | None = None
        self.count = 0

    def compose(self) -> ComposeResult:
        yield PageView(id="body")
        yield Input(id="count", restrict="[0-9,]*", disabled=True)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        keys = "   ".join(f"{key} {verdict}" for key, verdict in KEYS.items())
        self.draw([self.title_text, "", "Which verdict for all of them?", "", f"{keys}   q back"])

    def draw(self, lines: list[str]) -> None:
        width, height = self.app.size.width, self.app.size.height
        rows: list[Row] = [[Span(f" {line}")] for text in lines for line in self.fold(text, width - 2)]
        rows[0] = [Span(clip(f" {lines[0]}", width, ellipsis=self.charset.ellipsis), "accent")]
        self.query_one(PageView).rows = rows[: height - 1]

    def fold(self, text: str, width: int) -> list[str]:
        """Wrap a sentence; an example, which is set in, keeps to one line."""
        return (
            [clip(text, width, ellipsis=self.charset.ellipsis)] if text.startswith("  ") else wrap(text, width) or [""]
        )

    def action_choose(self, verdict: Verdict) -> None:
        """Say what the verdict would do, and ask for the count."""
        seen = self.preview(verdict)
        self.verdict, self.count = verdict, seen.given
        examples = ["", "Some of them:", *(f"  {one}" for one in seen.examples)] if seen.examples else []
        ask = f"Type {seen.given} and press enter to {verdict} them; esc goes back." if seen.given else "esc goes back."
        self.draw([f"{verdict} all of: {self.title_text}", "", *seen.sentences, *examples, "", ask])
        line = self.query_one(Input)
        line.disabled = not seen.given
        line.focus()

    @on(Input.Submitted)
    def confirm(self, event: Input.Submitted) -> None:
        if event.value.replace(",", "") == str(self.count):
            self.dismiss(self.verdict)
        else:
            self.query_one(Input).value = ""
