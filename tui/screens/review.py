"""The review screen: one sample, its label, and a key for each verdict."""

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported

from engine.errors import PrefmapError
from engine.verdicts.steps import Outcome
from engine.verdicts.working import Work
from tui.keys import REVIEW_SCREEN, bind, footer
from tui.layout import lay_out
from tui.looks import DIFF, LOOKS
from tui.messages import QueueLoaded
from tui.page import STACKED_COLUMNS, Block, Page, Row, Span
from tui.screens.asides import Aside, conversation, guidelines, history, proof, write_sample
from tui.screens.base import SMALLEST
from tui.screens.describe import describe_look, describe_progress, describe_reason, describe_scores, make_view
from tui.screens.studying import StudyingScreen
from tui.shown import Shown
from tui.text import clip
from tui.widgets.page_view import PageView

NO_PAGE = Page([], 0, 1)
ALL_IS_READ = "Every sample of the queue is read. Quit with q, then export."
SELECTION_IS_READ = "All of this selection is read: w ctrl+u enter brings the rest back."

QUEUE_COLUMNS = 16
"""At least so much of what selects the queue stands in the heading."""


class ReviewScreen(StudyingScreen):
    """Shows the sample at the session's place; every verdict is on disk before anything moves."""

    BINDINGS = bind(*REVIEW_SCREEN)

    def compose(self) -> ComposeResult:
        yield PageView(id="head")
        yield PageView(id="body")
        yield PageView(id="foot")

    def on_mount(self) -> None:
        self.shown: Shown | None = None
        self.drawn = NO_PAGE
        self.focused_response: int | None = None
        self.aside: Aside = ""
        self.with_scores = False
        self.look = LOOKS[0]
        self.half = None
        self.top = 0
        self.last = ""
        self.saved_at = ""
        self.since = self.ready_at = time.monotonic()
        self.is_studying = False
        self.liking = None
        self.others: Mapping[str, Work] = {}
        self.said: Sequence[Outcome] = []
        self.page("#head").rows = [self.heading("reading the queue")]
        self.load_queue()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def load_queue(self) -> None:
        self.session.load_once()
        self.post_message(QueueLoaded())

    @on(QueueLoaded)
    def begin(self) -> None:
        self.last = self.charset.show(self.session.notice)
        self.show_sample()
        self.call_after_refresh(self.study)

    def show_sample(self) -> None:
        """Show the sample at the session's place from its top."""
        self.shown = self.session.show()
        self.focused_response = self.half = None
        self.aside = ""
        self.top = 0
        self.since = time.monotonic()
        self.draw()
        self.ready_at = time.monotonic()
        self.call_after_refresh(self.read_ahead)

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Put everything on the screen as it is now."""
        if not len(self.session.order):
            return
        if self.is_too_small:
            self.page("#head").rows = [[Span(f" {SMALLEST[0]} columns and {SMALLEST[1]} rows are needed")]]
            self.page("#body").rows = self.page("#foot").rows = []
            return
        self.page("#head").rows = self.head_rows()
        self.draw_body()
        self.page("#foot").rows = self.foot_rows()

    def draw_body(self) -> None:
        width, height = self.app.size.width, self.app.size.height - 5
        if self.shown is None:
            said = SELECTION_IS_READ if self.session.where else ALL_IS_READ
            self.page("#body").rows = [[], [Span(self.fit(f" {said}", 0), "strong")]]
            self.drawn = NO_PAGE
            return
        view = make_view(self.shown, scores=self.with_scores and not self.is_hidden, look=self.look)
        view = replace(view, focus=self.focused_response, top=self.top, aside=self.aside_block())
        self.drawn = lay_out(view, width, height, self.charset)
        self.top = min(self.top, self.drawn.last_top)
        self.page("#body").rows = self.drawn.rows

    def aside_block(self) -> Block | None:
        """Make the page that stands in place of the sample, if one does."""
        if self.shown is None or not self.aside:
            return None
        if self.aside == "conversation":
            return replace(conversation(self.shown), look=LOOKS[0] if self.look == DIFF else self.look)
        if self.aside == "guidelines":
            return guidelines(self.settings.guidelines)
        if self.aside == "progress":
            return proof(self.session.progress().audit, self.others)
        is_open = self.session.hides_votes(self.shown.sample.content_id)
        return history(self.shown, None if is_open else self.said, self.session.store.rationales(self.shown.sample))

    @property
    def drawn_responses(self) -> list[int]:
        """The responses on the screen, in their order there."""
        if self.shown is None:
            return []
        is_alone = self.focused_response is not None or self.app.size.width < STACKED_COLUMNS
        return [self.shown.order[self.focused_response or 0]] if is_alone else [*self.shown.order[:2]]

    def head_rows(self) -> list[Row]:
        place = f"{self.session.number:,} of {len(self.session.order):,}"
        title = self.heading(f"queue: {self.session.by}", place, mode=self.session.mode)
        if self.session.where:
            where = self.charset.show(self.session.where)
            where = clip(where, max(self.app.size.width // 3, QUEUE_COLUMNS), ellipsis=self.charset.ellipsis)
            title = self.heading(f"{place} where {where}", mode=self.session.mode)
        if self.shown is None:
            return [title, []]
        if self.with_scores and not self.is_hidden:
            return [title, [Span(self.fit(describe_scores(self.shown, self.charset), 0))]]
        return [title, [Span(describe_reason(self.shown, self.charset, self.app.size.width))]]

    def foot_rows(self) -> list[Row]:
        width = self.app.size.width
        progress = describe_progress(self.session.progress(), self.saved_at, width)
        keys = footer(
            *REVIEW_SCREEN, width=width, keymap=self.settings.keymap, dim=self.idle_keys, instead=self.other_words
        )
        note = f"note: {self.charset.show(self.shown.note)}" if self.shown and self.shown.note else ""
        said = "   ".join(filter(None, (self.last, note)))
        return [[Span(self.fit(f" {said}", 0))], [Span(progress, "faint")], keys]

    def tell(self, text: str) -> None:
        """Say something on the line for it; nothing pops up."""
        self.last = text
        self.page("#foot").rows = self.foot_rows()

    def action_scroll(self, steps: int) -> None:
        self.top = min(max(self.top + steps, 0), self.drawn.last_top)
        self.draw_body()

    def action_page(self, steps: int) -> None:
        self.action_scroll(steps * self.drawn.page)

    def action_top(self) -> None:
        self.action_scroll(-self.top)

    def action_end(self) -> None:
        self.action_scroll(self.drawn.last_top)

    def action_focus_next_response(self) -> None:
        """Show both responses, then each alone."""
        if self.shown is None:
            return
        count = len(self.shown.sample.responses)
        following = 0 if self.focused_response is None else self.focused_response + 1
        self.focused_response = following if following < count else None
        self.top = 0
        self.draw_body()

    def action_turn_to(self, aside: Aside) -> None:
        """Show a page in place of the sample, or the sample again."""
        self.aside = "" if self.aside == aside or self.shown is None else aside
        self.top = 0
        try:
            self.others = self.session.others() if self.aside == "progress" else {}
            self.said = self.session.said_of(self.shown.sample) if self.shown and self.aside == "history" else []
        except PrefmapError as error:
            self.aside = ""
            self.tell(self.charset.show(str(error)))
        self.draw_body()

    def action_diff(self) -> None:
        """Compare the responses, or show them as they stand again."""
        self.show_look(LOOKS[0] if self.look == DIFF else DIFF)

    def action_look(self) -> None:
        """Show the texts raw, then rendered, then as they stand."""
        following = LOOKS.index(self.look) + 1 if self.look in LOOKS else 1
        self.show_look(LOOKS[following % len(LOOKS)])

    def show_look(self, look: str) -> None:
        self.look = look
        self.top = 0
        self.draw_body()
        self.tell(describe_look(look))

    def action_evidence(self) -> None:
        if self.is_hidden:
            self.tell("the scores are hidden while blind: f3 shows them")
            return
        self.with_scores = not self.with_scores
        self.draw()

    def action_copy(self) -> None:
        if self.shown is not None:
            self.app.copy_to_clipboard(write_sample(self.shown))
            self.tell("sent to the terminal's clipboard; where that does not work: e opens a pager")

    def action_file(self) -> None:
        """Write the sample next to the project; a file that is there stays as it is."""
        if self.shown is None:
            return
        project = self.session.store.path.parent.resolve()
        path = project.parent / f"{project.stem}.{self.shown.sample.sample_id}.txt"
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(write_sample(self.shown))
        except OSError as error:
            self.tell(self.charset.show(f"not written: {error.strerror}: {path.name}"))
        else:
            self.tell(self.charset.show(f"wrote {path.name} next to the project"))

    def action_pager(self) -> None:
        """Leave the screen to the person's pager for a while."""
        if self.shown is None:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", errors="backslashreplace") as file:
            file.write(write_sample(self.shown))
            file.flush()
            try:
                with self.app.suspend():
                    subprocess.run([*shlex.split(os.environ.get("PAGER") or "less"), file.name], check=False)
            except (OSError, ValueError, SuspendNotSupported) as error:
                self.tell(self.charset.show(f"$PAGER cannot be run: {error}"))
        self.app.screen.refresh(layout=True)

    def action_quit(self) -> None:
        """Leave an aside first, the app second."""
        if self.aside:
            self.action_turn_to(self.aside)
        else:
            self.app.exit()

    def on_screen_resume(self) -> None:
        self.draw()
