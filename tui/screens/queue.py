"""The queue as a list; only the rows in view are read."""

from textual.app import ComposeResult

from tui.keys import ANYWHERE, LIST, bind, footer
from tui.messages import SampleChosen
from tui.page import Row, Span
from tui.screens.base import BaseScreen
from tui.screens.describe import NO_VALUE, SHOWN_DIGITS, fraction
from tui.widgets.page_view import PageView

HEADING = "id        suspicion  margin  against  verdict  prompt"
NARROW_HEADING = "id        suspicion  verdict  prompt"
WIDE_HEADING_FROM = 100
"""Columns from which margin and scorers leave room for the prompt."""


class QueueScreen(BaseScreen):
    """Lists the queue from the sample at hand on."""

    BINDINGS = bind(LIST, ANYWHERE)

    def compose(self) -> ComposeResult:
        yield PageView(id="body")

    def on_mount(self) -> None:
        self.cursor = min(self.session.position, max(len(self.session.order) - 1, 0))
        self.top = max(self.cursor - self.room // 2, 0)
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    @property
    def room(self) -> int:
        """How many samples are in view."""
        return max(self.app.size.height - 3, 1)

    def draw(self) -> None:
        count = len(self.session.order)
        self.top = min(max(self.top, self.cursor - self.room + 1, 0), self.cursor, max(count - self.room, 0))
        is_wide = self.app.size.width >= WIDE_HEADING_FROM
        digits = max(len(f"{count:,}"), len("rank"))
        rows: list[Row] = [
            self.heading(f"queue: {self.session.by}", f"{self.cursor + 1:,} of {count:,}"),
            [Span(self.fit(f"  {'rank':>{digits}}  {HEADING if is_wide else NARROW_HEADING}", 0), "faint")],
        ]
        places = range(self.top, min(self.top + self.room, count))
        entries = self.session.entries(self.session.order[self.top : self.top + self.room])
        prompts = self.session.store.prompts(self.session.order[self.top : self.top + self.room])
        for place, entry, prompt in zip(places, entries, prompts, strict=True):
            margin = NO_VALUE if entry.margin is None else f"{entry.margin:+.2f}"
            against = f"{margin:>6}  {f'{entry.against}/{entry.scorers}':>7}  " if is_wide else ""
            line = (
                f"  {place + 1:>{digits},}  {entry.sample_id[:SHOWN_DIGITS]}  {fraction(entry.suspicion, 3):>9}  "
                f"{against}{self.session.verdict_on(entry.content_id):7}  {self.charset.show(prompt)}"
            )
            mark, style = (">", "cursor") if place == self.cursor else (" ", "")
            rows.append([Span(self.fit(mark + line[1:], 0), style)])
        rows += [[]] * (self.room - len(entries))
        self.query_one(PageView).rows = [*rows, footer(LIST, width=self.app.size.width, keymap=self.settings.keymap)]

    def action_move(self, steps: int) -> None:
        self.cursor = min(max(self.cursor + steps, 0), max(len(self.session.order) - 1, 0))
        self.draw()

    def action_page(self, steps: int) -> None:
        self.action_move(steps * self.room)

    def action_top(self) -> None:
        self.action_move(-self.cursor)

    def action_end(self) -> None:
        self.action_move(len(self.session.order))

    def action_open(self) -> None:
        ordinal = int(self.session.order[self.cursor])
        self.action_back()
        self.app.screen.post_message(SampleChosen(ordinal))
