"""Verdicts on the review screen: what keys mean, and that all is on disk before anything moves."""

import math
import time
from collections.abc import Collection, Mapping
from datetime import datetime

from engine.errors import PrefmapError
from engine.records import Pair, Verdict
from engine.verdicts.outcomes import name_choice
from engine.verdicts.steps import Outcome, Step
from tui.screens.asides import Aside
from tui.screens.base import SMALLEST, BaseScreen
from tui.screens.describe import describe_choice, describe_step
from tui.shown import Shown

WRITING_KEYS = (
    "review.keep",
    "review.flip",
    "review.choose",
    "review.tie",
    "review.drop",
    "review.skip",
    "review.undo",
)
"""Of the footer, what does nothing where nothing is written."""

BLIND_KEYS = ("review.evidence", "app.map")
"""Keys that would show the scores."""

BLIND_WORDS = {"review.keep": "", "review.flip": "", "review.choose": "1 2 better"}
"""Keys that speak of the label make room for those that speak of the responses."""

TOO_SOON = "not taken: that key came before this sample could be read. Press it again"
NEXT_CONFLICT = ".  l goes on, q shows the responses, u takes it back"
LAST_CONFLICT = ".  No conflict is left: q shows the responses, q again quits"
NO_LABEL = "the label is hidden: press the number of the better response, or f3 to see the label"


class DecidingScreen(BaseScreen):
    """A screen with a sample on which verdicts can be given."""

    shown: Shown | None
    half: int | None
    """The better response of a choice between more than two, while the worse one is not named yet."""

    aside: Aside
    with_scores: bool
    since: float
    """When the sample was shown, in seconds of the monotonic clock."""

    ready_at: float
    """When it was drawn, or the last key came that was too soon after that."""

    last: str
    saved_at: str

    def show_sample(self) -> None:
        raise NotImplementedError

    def study(self) -> None:
        """Begin to learn from the verdicts, where that is due."""
        raise NotImplementedError

    def tell(self, text: str) -> None:
        raise NotImplementedError

    @property
    def drawn_responses(self) -> list[int]:
        raise NotImplementedError

    @property
    def is_too_small(self) -> bool:
        return self.app.size.width < SMALLEST[0] or self.app.size.height < SMALLEST[1]

    @property
    def is_hidden(self) -> bool:
        """Whether the label of the sample on the screen may not be known yet."""
        return self.shown is not None and not self.shown.is_revealed

    @property
    def idle_keys(self) -> Collection[str]:
        """Ids of the keys that do nothing now."""
        return {*(BLIND_KEYS if self.is_hidden else ()), *(() if self.session.review else WRITING_KEYS)}

    @property
    def other_words(self) -> Mapping[str, str]:
        """Words of the footer that are not the usual ones, by the id of the key."""
        return BLIND_WORDS if self.is_hidden else {}

    def is_too_soon(self) -> bool:
        """Whether a key came before anybody could have read the sample; while it is held down, each one does."""
        pressed: float = getattr(self.app, "key_time", math.inf)
        if not self.settings.least_seconds or pressed - self.ready_at >= self.settings.least_seconds:
            return False
        self.ready_at = max(self.ready_at, pressed)
        return True

    def action_give(self, verdict: Verdict) -> None:
        """Log a verdict on the label's pair, then show the next unread sample."""
        if self.is_too_soon():
            self.tell(TOO_SOON)
        elif self.is_hidden and verdict in ("keep", "flip"):
            self.tell(NO_LABEL)
        elif verdict == "keep" and self.half is not None and self.shown and self.shown.sample.pair:
            self.prefer(self.half, self.shown.sample.pair.rejected)
        else:
            self.decide(verdict, None)

    def action_choose(self, number: int) -> None:
        """Prefer a response: over the other one of two, or over the one that is named next."""
        if self.shown is None:
            return
        if self.is_too_soon():
            self.tell(TOO_SOON)
            return
        if number > len(self.shown.sample.responses):
            self.tell(f"there is no response [{number}] here")
            return
        index = self.shown.index(number)
        if len(self.shown.sample.responses) == 2:
            self.prefer(index, 1 - index)
        elif self.half is None:
            self.half = index
            label = "" if self.is_hidden or self.shown.sample.pair is None else ", or y for the label's"
            self.tell(f"[{number}] is better: press the number of the worse one{label}")
        else:
            self.prefer(self.half, index)

    def prefer(self, better: int, worse: int) -> None:
        if self.shown is None:
            return
        if better == worse:
            number = self.shown.number(better)
            self.tell(f"[{number}] cannot be better than itself: press another number, or h and l to start again")
            return
        self.decide("keep" if self.shown.sample.pair == Pair(better, worse) else "flip", Pair(better, worse))

    def decide(self, verdict: Verdict, pair: Pair | None) -> None:
        """On disk first, on screen second."""
        shown = self.shown
        if shown is None or self.is_too_small:
            return
        if self.aside:
            self.tell("the responses are hidden: q shows them again")
            return
        if self.session.review is None:
            self.tell("this is --read-only: no verdict was written")
            return
        seconds = round(time.monotonic() - self.since, 1)
        try:
            outcome = self.session.give(
                shown, verdict, *((pair.chosen, pair.rejected) if pair else (None, None)),
                seconds=seconds, **self.circumstances(shown),
            )  # fmt: skip
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.note_time()
        self.last = self.describe(shown, outcome, seconds)
        if self.session.adjudicates(shown.sample.content_id) and verdict != "skip":
            self.show_votes(outcome)
        else:
            self.show_sample()
        self.call_after_refresh(self.study)

    def show_votes(self, outcome: Outcome) -> None:
        """Show what the others said of a conflict, now that it is decided."""
        is_last = self.session.is_done
        self.session.go_to_sample(outcome.sample_id)
        self.last = describe_step("last", outcome) + (LAST_CONFLICT if is_last else NEXT_CONFLICT)
        self.show_sample()
        self.action_turn_to("history")

    def action_turn_to(self, aside: Aside) -> None:
        raise NotImplementedError

    def circumstances(self, shown: Shown) -> dict[str, object]:
        """Say what the reviewer had before the eyes."""
        seen = ["label", "reason"] if shown.is_revealed else []
        order = [shown.sample.responses[index].response_id for index in self.drawn_responses]
        scores = ["scores"] if self.with_scores and shown.is_revealed else []
        return {"mode": shown.mode, "shown": order, "seen": seen + scores, **self.settings.circumstances}

    def describe(self, shown: Shown, outcome: Outcome, seconds: float) -> str:
        if not shown.is_revealed:
            return f"last: {describe_choice(shown, outcome)}.  u takes it back"
        choice = name_choice(shown.sample, outcome) if len(shown.sample.responses) > 2 else ""
        return describe_step("last", outcome) + f"{choice}, {seconds:.0f} s.  u takes it back"

    def note_time(self) -> None:
        self.saved_at = datetime.now().astimezone().strftime("%H:%M:%S")

    def tell_step(self, what: str, step: Step | None, otherwise: str) -> None:
        """Say which step was logged; none means that nothing was."""
        self.last = describe_step(what, step) if step else otherwise
        if step:
            self.note_time()

    def action_undo(self) -> None:
        try:
            step = self.session.undo()
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.tell_step("taken back", step, "there is nothing to take back")
        self.show_sample()
        self.call_after_refresh(self.study)

    def action_redo(self) -> None:
        try:
            step = self.session.redo()
        except PrefmapError as error:
            self.tell(self.charset.show(str(error)))
            return
        self.tell_step("done again", step, "there is nothing to do again")
        self.show_sample()
        self.call_after_refresh(self.study)

    def action_mode(self) -> None:
        """Turn from sighted to blind, or back; what was shown stays known."""
        self.session.mode = "blind" if self.session.mode == "sighted" else "sighted"
        self.last = f"{self.session.mode} from here on"
        self.show_sample()
