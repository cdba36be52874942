"""Asks for one line of text at the bottom of the screen, and says of it while it is typed what it comes to."""

from collections.abc import Callable
from typing import NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.page import Span
from tui.text import cell_width, clip
from tui.widgets.page_view import PageView

NO_CHOICES: list[str] = []

SHORTEST = 24
"""Cells that what is said of a text keeps beside the list of what tab may put there."""


class Question(NamedTuple):
    """What is asked."""

    title: str
    value: str = ""
    """What stands there already."""

    judge: Callable[[str], str] = lambda _: ""
    """Says what a text comes to, fit to be sent; runs beside the screen."""

    complete: Callable[[str], tuple[int, list[str]]] = lambda text: (len(text), NO_CHOICES)
    """Lists what may stand from a place on; tab takes the first."""


class Judged(Message):
    """A text was judged."""

    def __init__(self, text: str, said: str) -> None:
        super().__init__()
        self.text, self.said = text, said


class LineDialog(ModalScreen[str | None]):
    """Gives the text, or None where esc was pressed."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "back"),
        Binding("tab", "complete", "complete", priority=True),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self.early = ""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield PageView(id="said")
            value = self.question.value.replace("\n", " ") + self.early
            yield Input(value, select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.say(self.question.title)

    def add(self, text: str) -> None:
        """Take what was typed before the line had the focus: over a slow link many keys come at once."""
        lines = self.query(Input)
        if lines:
            lines.first().insert_text_at_cursor(text)
        else:
            self.early += text

    def say(self, text: str) -> None:
        self.query_one(PageView).rows = [[Span(f" {self.fit(text)}", "strong")]]

    def fit(self, text: str, taken: int = 0) -> str:
        """Clip a text to what the width has left beside something else, so that both are seen."""
        return clip(text, max(self.app.size.width - 1 - taken, SHORTEST), ellipsis="...")

    @on(Input.Changed)
    def look_at(self, event: Input.Changed) -> None:
        self.judge(event.value)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def judge(self, text: str) -> None:
        _, choices = self.question.complete(text)
        said = self.question.judge(text) if text.strip() else self.question.title
        hint = f"   tab: {'  '.join(choices[:6])}" if choices and text.strip() else ""
        self.post_message(Judged(text, self.fit(said, cell_width(hint)) + hint))

    @on(Judged)
    def show_judged(self, message: Judged) -> None:
        if message.text == self.query_one(Input).value:
            self.say(message.said)

    def action_complete(self) -> None:
        """Put the first choice in place of the word that was begun."""
        line = self.query_one(Input)
        start, choices = self.question.complete(line.value)
        if choices:
            line.value = line.value[:start] + choices[0]
            line.cursor_position = len(line.value)

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
