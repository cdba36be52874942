"""What goes on while a person reads: the next sample is read ahead, and the verdicts are learnt from."""

from collections.abc import Callable, Sequence

from textual import on, work

from tui.layout import lay_out
from tui.learning import Learnt
from tui.messages import VerdictsLearnt
from tui.page import Row
from tui.screens.browsing import BrowsingScreen
from tui.screens.describe import make_view


class StudyingScreen(BrowsingScreen):
    """A screen that works in other threads while its sample is read; the sample stays as it is."""

    look: str
    is_studying: bool

    def foot_rows(self) -> Sequence[Row]:
        raise NotImplementedError

    @work(thread=True, exclusive=True, exit_on_error=False, group="ahead")
    def read_ahead(self) -> None:
        """Read the next sample, and draw it unseen, since what was read and drawn last is kept; then the rest."""
        shown = self.session.peek()
        if shown is not None and not self.is_too_small:
            view = make_view(shown, scores=self.with_scores and shown.is_revealed, look=self.look)
            lay_out(view, self.app.size.width, self.app.size.height - 5, self.charset)
        self.session.read_ahead()

    def study(self) -> None:
        """Learn from the verdicts beside the reading, one lesson at a time."""
        prepared = None if self.is_studying else self.session.prepare()
        if prepared:
            self.is_studying = True
            self.work_out(prepared)

    @work(thread=True, exit_on_error=False, group="study")
    def work_out(self, prepared: Callable[[], Learnt]) -> None:
        self.post_message(VerdictsLearnt(prepared()))

    @on(VerdictsLearnt)
    def learn(self, message: VerdictsLearnt) -> None:
        """Rank what is unread, which may bring another sample next, and tell the new figures."""
        self.is_studying = False
        self.session.learn(message.learnt)
        if message.learnt.audit and not self.is_too_small:
            self.page("#foot").rows = [*self.foot_rows()]
        if message.learnt.ranking:
            self.read_ahead()
        self.study()
