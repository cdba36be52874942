"""Ways through the queue on the review screen: filter, search, list, map, notes, and verdicts on all of it."""

from collections.abc import Callable

from textual import on, work
from textual.worker import get_current_worker

from engine.errors import PrefmapError
from engine.querying.completing import complete
from engine.records import Verdict
from tui.dialogs.bulk import BulkDialog, Preview
from tui.dialogs.line import LineDialog, Question
from tui.messages import BoxChosen, FilterBegun, LikeFound, SampleChosen
from tui.queue import Match
from tui.screens.deciding import DecidingScreen
from tui.screens.describe import SHOWN_DIGITS, describe_step
from tui.screens.queue import QueueScreen

MAP_SCREEN = "map"
"""By this name the map stays with the app while it is not on the screen, with its view."""

LIKE = "like {}"
READ_ONLY = "this is --read-only: nothing was written"


class BrowsingScreen(DecidingScreen):
    """A screen from which the whole queue can be reached."""

    liking: int | None
    """The sample for which like ones are being looked for."""

    def action_move(self, steps: int) -> None:
        self.session.move(steps)
        self.show_sample()

    def action_list(self) -> None:
        self.app.push_screen(QueueScreen(self.session, self.charset))

    def action_map(self) -> None:
        if self.session.mode == "blind":
            self.tell("the map tells of scores: f3 turns to sighted first")
            return
        if not self.app.is_screen_installed(MAP_SCREEN):
            from tui.screens.map import MapScreen

            self.app.install_screen(MapScreen(self.session, self.charset), MAP_SCREEN)
        self.app.push_screen(MAP_SCREEN)

    @on(BoxChosen)
    def read_box(self, message: BoxChosen) -> None:
        """Read the samples of a box on the map alone."""
        if self.attempt(lambda: self.session.use(message.ordinals, message.name)):
            self.tell(f"{len(self.session.order):,} samples of the box; w ctrl+u enter brings all back")

    @on(SampleChosen)
    def show_chosen(self, message: SampleChosen) -> None:
        self.session.go_to_ordinal(message.ordinal)
        self.show_sample()

    def action_like(self) -> None:
        """Read the samples most like this one; pressed again, those of its source whose label goes the same way."""
        if self.shown is None or self.liking is not None:
            return
        entry = self.shown.entry
        if self.session.where == LIKE.format(entry.sample_id[:SHOWN_DIGITS]):
            ordinals, name = self.session.akin(entry.ordinal)
            if self.attempt(lambda: self.session.use(ordinals, name)):
                self.tell(f"{len(ordinals):,} samples of the kind; w ctrl+u enter brings all back")
            return
        self.liking = entry.ordinal
        self.tell("looking for samples like this one; read on, or wait for them")
        self.find_like(entry.ordinal)

    @work(thread=True, exit_on_error=False, group="like")
    def find_like(self, ordinal: int) -> None:
        worker = get_current_worker()
        self.post_message(LikeFound(self.session.like(ordinal, lambda: worker.is_cancelled)))

    @on(LikeFound)
    def read_like(self, message: LikeFound) -> None:
        """Read them, where the person still looks at the sample that was asked about."""
        self.liking = None
        if self.shown is None or self.shown.entry.ordinal != message.ordinals[0]:
            self.tell("samples like an earlier one were found: go back to it, and press f6 again")
            return
        name = LIKE.format(self.shown.sample.sample_id[:SHOWN_DIGITS])
        count = self.session.use(message.ordinals, name, is_ranked=False)
        self.show_sample()
        self.tell(f"{count:,} samples like it; f6 again: same source, label alike")

    def action_goto(self) -> None:
        self.app.push_screen(
            LineDialog(Question("go to: a rank in the queue, or the beginning of an id; esc goes back")), self.go_to
        )

    def go_to(self, text: str | None) -> None:
        if text:
            self.attempt(lambda: self.session.go_to(text))

    def attempt(self, do: Callable[[], object]) -> bool:
        """Do something that the person may have got wrong; then show the sample that one is at."""
        try:
            do()
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return False
        self.show_sample()
        return True

    def action_filter(self) -> None:
        self.ask_filter(self.session.where)

    @on(FilterBegun)
    def go_on_with_filter(self, message: FilterBegun) -> None:
        self.ask_filter(message.text or self.session.where)

    def ask_filter(self, begun: str) -> None:
        """Ask what to leave in the queue, with a live count."""
        title = "where: suspicion>.8 source:flan not reviewed ...   empty brings all back"

        def finish(text: str) -> tuple[int, list[str]]:
            done = complete(text, self.session.matcher.values())
            return done.start, [self.charset.show(one) for one in done.choices]

        self.app.push_screen(LineDialog(Question(title, begun, self.count, finish)), self.filter)

    def count(self, text: str) -> str:
        """Say how many samples fit a filter, or what is wrong with it."""
        try:
            return f"{len(self.session.find(text)):,} of {len(self.session.queue.whole):,}"
        except PrefmapError as error:
            return self.charset.show(str(error))

    def filter(self, text: str | None) -> None:
        if text is not None and self.attempt(lambda: self.session.filter(text)):
            self.tell(f"{len(self.session.order):,} samples fit; w changes it" if text else "the whole queue again")

    def action_search(self) -> None:
        self.app.push_screen(LineDialog(Question("search prompts and responses for")), self.search)

    def search(self, text: str | None) -> None:
        if text:
            self.show_match(self.session.search(text))

    def action_next_match(self, steps: int) -> None:
        self.show_match(self.session.next_match() if steps > 0 else self.session.previous_match())

    def show_match(self, match: Match) -> None:
        self.show_sample()
        at = f"match {match.number:,} of {match.total:,}   n next  p previous"
        self.tell(at if match.total else "no sample of the queue holds that text: / searches")

    def action_note(self) -> None:
        if self.session.review is None or self.shown is None:
            self.tell(READ_ONLY)
            return
        title = "a note on this sample; empty takes it away, esc leaves it"
        self.app.push_screen(LineDialog(Question(title, self.charset.show(self.shown.note))), self.note)

    def note(self, text: str | None) -> None:
        if text is not None and self.shown is not None:
            shown = self.shown
            if text == shown.note:
                self.tell("the note is as it was" if text else "there is no note on this sample")
            elif self.attempt(lambda: self.session.note(shown, text)):
                self.note_time()
                self.tell("noted; u takes it back" if text else "the note is gone; u brings it back")

    def action_flag(self) -> None:
        if self.session.review is None or self.shown is None:
            self.tell(READ_ONLY)
            return
        shown = self.shown
        if self.attempt(lambda: self.session.flag(shown)):
            self.note_time()
            self.tell("flagged: w flag finds it again" if not shown.is_flagged else "not flagged any more")

    def action_bulk(self) -> None:
        """Give one verdict to all of the queue; only a selection can be decided so."""
        if self.session.review is None:
            self.tell(READ_ONLY)
        elif not self.session.where:
            self.tell("f8 decides a selection at once: make one by w, f6 or a box")
        else:
            where = self.charset.show(self.session.where)
            title = f"{len(self.session.order):,} samples where {where}"
            self.app.push_screen(BulkDialog(title, self.preview_bulk, self.charset), self.give_all)

    def preview_bulk(self, verdict: Verdict) -> Preview:
        plan = self.session.preview_bulk(verdict)
        left_out = [
            (plan.decided, "have a verdict of yours already, and keep it"),
            (plan.tied, f"have a tied label: there is nothing to {verdict}"),
            (plan.copies, "are exact duplicates of others, and share their verdict"),
        ]
        sentences = [f"{plan.given:,} verdicts are written, as one step that u takes back."]
        sentences += [f"{count:,} {why}." for count, why in left_out if count]
        entries = self.session.entries(plan.examples)
        prompts = self.session.store.prompts(plan.examples)
        shown = [
            f"{entry.sample_id[:SHOWN_DIGITS]}  {self.charset.show(prompt)}"
            for entry, prompt in zip(entries, prompts, strict=True)
        ]
        return Preview(plan.given, sentences, shown)

    def give_all(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        try:
            batch = self.session.give_all(verdict, mode="bulk")
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.note_time()
        self.show_sample()
        self.tell(describe_step("last", batch) + ".  u takes it back" if batch else "no sample was left to decide")
