"""A way through the queue in turns: controls and repeats come in between, and verdicts rank the unread anew."""

from collections.abc import Callable, Sequence

from engine.errors import ConfigError
from engine.querying.filtering import CONFLICTS
from engine.querying.matching import Matcher
from engine.reviewing import Review
from engine.store import Store
from engine.verdicts.auditing import Audit
from engine.verdicts.serving import Turn
from engine.verdicts.steps import Outcome, Remark
from tui.browsing import Browsing, find_copies, read_sample
from tui.learning import Learner, Learnt
from tui.queue import Mask
from tui.turns import Serving, Turns


class Walking(Browsing):
    """The queue as it is served. A control or a repeat stands before the place in the queue, and never moves it."""

    def __init__(self, store: Store, matcher: Matcher, by: str, review: Review | None, serving: Serving) -> None:
        """Without a review nothing is served: the queue is looked through by hand."""
        super().__init__(store, matcher, by)
        self.review = review
        self._serving = serving
        self._learner = Learner(store, serving)
        self._turns: Turns | None = None
        self._home = 0
        """The place from which the turn was served."""

        self._audit: Audit | None = None

    def load(self) -> None:
        """Read the queue as it was left, and go to the turn that was left."""
        super().load()
        if self.review is None:
            return
        self._turns = Turns(self.store, lambda: self._learner.labels, self.review.reviewer, self._serving)
        ranking = self._learner.begin(self.review)
        if ranking:
            self.use_ranking(ranking, beyond=-1)
        self.position = self.queue.first()
        self.serve()

    def share(self) -> Mask | None:
        """Say what is assigned to the reviewer; None: all, as the conflicts are. Raises ConfigError."""
        assignment = self._serving.assignment
        if assignment is None or self.review is None or not self.has_share or self.by == CONFLICTS:
            return None
        mine = assignment.share(self.review.reviewer, self.store.sample_ids().tolist())
        if not mine.any():
            raise ConfigError(f"No sample falls to {self.review.reviewer}. See: prefmap assign")
        return mine

    @property
    def has_share(self) -> bool:
        """Whether a part of the samples is assigned to the reviewer."""
        assignment = self._serving.assignment
        return bool(assignment and self.review and self.review.reviewer in assignment.reviewers)

    @property
    def notice(self) -> str:
        """What a reviewer to whom nothing is assigned should know; empty where all is as expected."""
        assignment = self._serving.assignment
        return assignment.tell(self.review.reviewer) if assignment and self.review and not self.has_share else ""

    @property
    def readings(self) -> Sequence[Outcome]:
        """The own verdicts that stand and were given one by one, oldest first."""
        return self.review.readings if self.review else ()

    @property
    def number(self) -> int:
        """Which turn this is, from 1; where one went by hand, the place in the queue."""
        return min((len(self.readings) if self.turn else self.position) + 1, len(self.order))

    @property
    def is_between(self) -> bool:
        """Whether the sample at hand is not the one at the place in the queue."""
        return self.turn is not None and (self.is_done or self.turn.ordinal != self.order[self.position])

    def serve(self) -> None:
        """Work out the turn at this place; where a filter was chosen, the reviewer says what is read."""
        self._home, self.turn = self.position, None
        if self._turns and not self.where and not self.is_done and not self.queue.is_read(self.position):
            self.turn = self._turns.next(int(self.order[self.position]), self.queue.state, self.readings)

    def foresee(self) -> int | None:
        """Say which sample a verdict most likely leads to; None: to none."""
        place = self.position if self.is_between else self.queue.next_unread(self.position)
        if place >= len(self.order):
            return None
        following = int(self.order[place])
        if self._turns is None or self.where:
            return following
        return self._turns.foresee(following, self.queue.state, len(self.readings) + 1, self.here)

    def filter(self, text: str) -> int:
        count = super().filter(text)
        self.serve()
        return count

    def move(self, steps: int) -> None:
        """Go along the queue without a verdict; back at the place that was left, its turn is back too."""
        is_passing = self.is_between and steps > 0
        super().move(steps - 1 if is_passing else steps)
        if self.position == self._home and not is_passing:
            self.serve()

    def advance(self, *, was_read: bool, is_between: bool) -> None:
        """Go on to the next unread sample; where the last one stood before the place, that is the one at the place."""
        if is_between and not self.is_done and not self.queue.is_read(self.position):
            following = self.position
        else:
            following = self.queue.next_unread(self.position)
        self.position = self.position + 1 if was_read and following == len(self.order) else following
        self.serve()

    def return_to(self, step: Outcome | Remark, *, is_undone: bool) -> None:
        """Go to the sample of a step; a verdict that was taken back brings its turn back."""
        served = step.served if isinstance(step, Outcome) else "hand"
        ordinal = self._turns.ordinal(step.sample_id) if self._turns else None
        if ordinal is not None and served in ("control", "repeat"):
            self.turn = Turn(ordinal, served if is_undone else "hand")
        elif isinstance(step, Outcome) or ordinal != self.here:
            self.go_to_sample(step.sample_id)
            if is_undone and served == "queue" and self.here is not None:
                self.turn = Turn(self.here, "queue")
        self._home = self.position

    def read_ahead(self) -> None:
        """Find the copies that a verdict here decides too, and read what later turns need; in any thread."""
        if self.here is not None:
            find_copies(self.store, read_sample(self.store, self.here)[0].content_id)
        if self._turns:
            self._turns.prepare()
            self._learner.warm_up()

    def prepare(self) -> Callable[[], Learnt] | None:
        """Give what the verdicts let work out by now, to be called in any thread; None: nothing new."""
        return self._learner.prepare(self.review) if self.review else None

    def learn(self, learnt: Learnt) -> None:
        """Take what came of it; the sample at hand stays."""
        if learnt.ranking:
            self.use_ranking(learnt.ranking, beyond=self.position)
        self._audit = learnt.audit or self._audit

    def audit(self) -> Audit | None:
        """Work out what all verdicts so far say; None where there are none of one's own."""
        return self._learner.audit(self.review.histories()) if self.review and self.review.steps else None
