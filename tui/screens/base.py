"""What all screens share: the terminal's charset, a page to draw on, and how errors are shown."""

from textual.screen import Screen
from textual.worker import Worker, WorkerState

from tui.page import Row, Span
from tui.screens.help import HelpScreen
from tui.session import Session
from tui.settings import Settings
from tui.terminal import Charset
from tui.text import cell_width, clip
from tui.widgets.page_view import PageView

SMALLEST = (40, 10)
"""Columns and rows below which nothing can be read, and no verdict is taken."""

PROGRAM = " prefmap"
PROJECT_COLUMNS = 16
"""At least so much of the project's name stands in the heading, and at most a third of the width."""

REVIEWER_COLUMNS = 16
DEFAULTS = Settings()
MOST_GAP = 6
"""Columns between two words of the heading where there is room."""


class BaseScreen(Screen[None]):
    """A screen of one session, drawn as pages of rows."""

    def __init__(self, session: Session, charset: Charset) -> None:
        super().__init__()
        self.session = session
        self.charset = charset

    @property
    def settings(self) -> Settings:
        """What the person set; the app has it."""
        settings: Settings = getattr(self.app, "settings", DEFAULTS)
        return settings

    def page(self, selector: str) -> PageView:
        return self.query_one(selector, PageView)

    def heading(self, *words: str, mode: str = "") -> Row:
        """Write the first line: the program, the project, and what this screen is about, spread over the width."""
        reviewer = self.session.review.reviewer if self.session.review else "read-only"
        project = self.charset.show(self.session.store.path.parent.resolve().name)
        project = clip(project, max(self.app.size.width // 3, PROJECT_COLUMNS), ellipsis=self.charset.ellipsis)
        reviewer = clip(self.charset.show(reviewer), REVIEWER_COLUMNS, ellipsis=self.charset.ellipsis)
        reviewer = f"share of {reviewer}" if self.session.has_share else reviewer
        parts = [project, *words, reviewer, *([mode] if mode else [])]
        free = self.app.size.width - len(PROGRAM) - sum(map(cell_width, parts))
        gap = " " * max(2, min(MOST_GAP, free // len(parts)))
        if free < 2 * len(parts):
            return [Span(self.fit(" " + "  ".join(parts), 0))]
        return [Span(PROGRAM, "accent"), Span("  " + gap.join(parts))]

    def fit(self, text: str, taken: int = 1) -> str:
        """Clip a text to what the width has left."""
        return clip(text, max(self.app.size.width - taken, 1), ellipsis=self.charset.ellipsis)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.charset, self.settings.keymap))

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_quit(self) -> None:
        self.app.exit()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Fail as if the work had been done here; the app knows how to end."""
        if event.state is WorkerState.ERROR:
            raise event.worker.error or RuntimeError("a worker failed without an error")
