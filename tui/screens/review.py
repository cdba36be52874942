"""The review screen: one sample, its label, and a key for each verdict."""

import time
from dataclasses import replace
from datetime import datetime

from textual import on, work
from textual.app import ComposeResult

from engine.errors import PrefmapError
from engine.outcomes import name_choice
from engine.records import Pair, Verdict
from engine.steps import Step
from tui.dialogs.goto import GotoDialog
from tui.keys import REVIEW_SCREEN, bind, footer
from tui.messages import QueueLoaded, SampleChosen
from tui.page import STACKED_COLUMNS, Page, Row, Span, lay_out
from tui.screens.base import SMALLEST, BaseScreen
from tui.screens.describe import (
    describe_progress,
    describe_reason,
    describe_scores,
    describe_step,
    make_view,
    order_responses,
)
from tui.screens.map import MapScreen
from tui.screens.queue import QueueScreen
from tui.session import Shown
from tui.widgets.page_view import PageView

NO_PAGE = Page([], 0, 1)


class ReviewScreen(BaseScreen):
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
        self.unfolded = self.with_scores = False
        self.half: int | None = None
        """The better response of a choice between more than two, while the worse one is not named yet."""
        self.top = 0
        self.last = ""
        self.saved_at = ""
        self.since = time.monotonic()
        self.page("#head").rows = [self.heading("reading the queue")]
        self.load_queue()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def load_queue(self) -> None:
        self.session.load()
        self.post_message(QueueLoaded())

    @on(QueueLoaded)
    def show_sample(self) -> None:
        """Show the sample at the session's place from its top."""
        self.shown = self.session.show()
        self.focused_response = self.half = None
        self.unfolded = False
        self.top = 0
        self.since = time.monotonic()
        self.draw()

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
            self.page("#body").rows = [
                [],
                [Span(" Every sample of the queue is read. Quit with q, then export.", "strong")],
            ]
            self.drawn = NO_PAGE
            return
        view = make_view(self.shown, self.charset, scores=self.with_scores, unfolded=self.unfolded)
        view = replace(view, focus=self.focused_response, top=self.top)
        self.drawn = lay_out(view, width, height, self.charset)
        self.top = min(self.top, self.drawn.last_top)
        self.page("#body").rows = self.drawn.rows

    @property
    def is_too_small(self) -> bool:
        return self.app.size.width < SMALLEST[0] or self.app.size.height < SMALLEST[1]

    def head_rows(self) -> list[Row]:
        place = f"{min(self.session.position + 1, len(self.session.order)):,} of {len(self.session.order):,}"
        title = self.heading(f"queue: {self.session.by}", place, "sighted")
        if self.shown is None:
            return [title, []]
        if self.with_scores:
            return [title, [Span(self.fit(describe_scores(self.shown, self.charset), 0))]]
        return [title, [Span(describe_reason(self.shown, self.charset, self.app.size.width))]]

    def foot_rows(self) -> list[Row]:
        width = self.app.size.width
        progress = describe_progress(self.session.progress(), self.saved_at, width)
        keys = footer(*REVIEW_SCREEN, width=width)
        return [[Span(self.fit(f" {self.last}", 0))], [Span(progress, "faint")], [Span(keys, "strong")]]

    def tell(self, text: str) -> None:
        """Say something on the line for it; nothing pops up."""
        self.last = text
        self.page("#foot").rows = self.foot_rows()

    def action_give(self, verdict: Verdict) -> None:
        """Log a verdict on the label's pair, then show the next unread sample."""
        if verdict == "keep" and self.half is not None and self.shown and self.shown.sample.pair:
            self.prefer(self.half, self.shown.sample.pair.rejected)
            return
        self.decide(verdict, None)

    def action_choose(self, number: int) -> None:
        """Prefer a response: over the other one of two, or over the one that is named next."""
        if self.shown is None:
            return
        if number > len(self.shown.sample.responses):
            self.tell(f"there is no response [{number}] here")
            return
        index = number - 1
        if len(self.shown.sample.responses) == 2:
            self.prefer(index, 1 - index)
        elif self.half is None:
            self.half = index
            self.tell(f"[{number}] is better: press the number of the worse one, or y for the label's")
        else:
            self.prefer(self.half, index)

    def prefer(self, better: int, worse: int) -> None:
        if self.shown is None:
            return
        if better == worse:
            self.tell(f"[{better + 1}] cannot be better than itself: press another number, or h and l to start again")
            return
        self.decide("keep" if self.shown.sample.pair == Pair(better, worse) else "flip", Pair(better, worse))

    def decide(self, verdict: Verdict, pair: Pair | None) -> None:
        """On disk first, on screen second."""
        if self.shown is None or self.is_too_small:
            return
        if self.unfolded:
            self.tell("the responses are hidden: o shows them again")
            return
        if self.session.review is None:
            self.tell("this is --read-only: no verdict was written")
            return
        seconds = round(time.monotonic() - self.since, 1)
        seen = ["label", "reason", *(["scores"] if self.with_scores else [])]
        order = [self.shown.sample.responses[index].response_id for index in self.drawn_responses]
        preferred, rejected = (pair.chosen, pair.rejected) if pair else (None, None)
        try:
            outcome = self.session.give(
                self.shown, verdict, preferred, rejected, seconds=seconds, mode="sighted", shown=order, seen=seen
            )
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.note_time()
        choice = name_choice(self.shown.sample, outcome) if len(self.shown.sample.responses) > 2 else ""
        self.last = describe_step("last", outcome) + f"{choice}, {seconds:.0f} s.  u takes it back"
        self.show_sample()

    def note_time(self) -> None:
        self.saved_at = datetime.now().astimezone().strftime("%H:%M:%S")

    @property
    def drawn_responses(self) -> list[int]:
        """The responses on the screen, in their order there."""
        if self.shown is None:
            return []
        order = order_responses(self.shown.sample)
        is_alone = self.focused_response is not None or self.app.size.width < STACKED_COLUMNS
        return [order[self.focused_response or 0]] if is_alone else order[:2]

    def tell_step(self, what: str, step: Step | None, otherwise: str) -> None:
        """Say which step was logged; none means that nothing was."""
        self.last = describe_step(what, step) if step else otherwise
        if step:
            self.note_time()

    def action_undo(self) -> None:
        step = self.session.undo()
        self.tell_step("taken back", step, "there is nothing to take back")
        self.show_sample()

    def action_redo(self) -> None:
        step = self.session.redo()
        self.tell_step("done again", step, "there is nothing to do again")
        self.show_sample()

    def action_move(self, steps: int) -> None:
        self.session.move(steps)
        self.show_sample()

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

    def action_unfold(self) -> None:
        """Show the whole conversation alone, or the responses again."""
        self.unfolded = not self.unfolded and self.shown is not None
        self.top = 0
        self.draw_body()
        self.tell("o goes back to the responses" if self.unfolded else "")

    def action_evidence(self) -> None:
        self.with_scores = not self.with_scores
        self.draw()

    def action_list(self) -> None:
        self.app.push_screen(QueueScreen(self.session, self.charset))

    def action_map(self) -> None:
        self.app.push_screen(MapScreen(self.session, self.charset))

    def action_goto(self) -> None:
        self.app.push_screen(GotoDialog(), self.go_to)

    def go_to(self, text: str | None) -> None:
        if not text:
            return
        try:
            self.session.go_to(text)
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.show_sample()

    @on(SampleChosen)
    def show_chosen(self, message: SampleChosen) -> None:
        self.session.go_to_ordinal(message.ordinal)
        self.show_sample()

    def on_screen_resume(self) -> None:
        self.draw()
