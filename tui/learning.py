"""What the verdicts of a sitting teach, worked out aside from the screen: the ranking of the unread, and the audit."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from engine.reviewing import Review
from engine.store import Store
from engine.suspicion.ranking import Ranker, Ranking
from engine.verdicts.auditing import Audit, Labels, audit, sort_steps
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import History
from engine.verdicts.stopping import REFRESH, last_due
from tui.turns import Serving

RANK_EVERY = 10
"""Verdicts after which the unread are ranked anew; more in a long review."""


class Lesson(NamedTuple):
    """What is to be worked out, after so many verdicts; None: that is not due."""

    ranking: int | None
    audit: int | None


class Learnt(NamedTuple):
    """What came of it; None: it was not due."""

    ranking: Ranking | None
    audit: Audit | None


class Learner:
    """Learns from the verdicts on one map. Its answers follow from the verdicts alone, so a restart gives the same."""

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store = store
        self._serving = serving
        self._ranking: Ranking | None = None
        self.ranked = self.audited = 0
        """After how many verdicts it last did so."""

    @cached_property
    def labels(self) -> Labels:
        return Labels.read(self._store, self._serving.assignment)

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker.read(self._store)

    def warm_up(self) -> None:
        """Read what the first lesson needs, before it is due; in any thread."""
        if self._serving.is_live:
            self._ranker  # noqa: B018 - it is kept

    def due(self, readings: int) -> Lesson | None:
        """Say what is due after so many verdicts; who takes some back gets the ranking back that was made of fewer."""
        ranking, figures = last_due(readings, RANK_EVERY), last_due(readings, REFRESH)
        lesson = Lesson(
            ranking if self._serving.is_live and ranking != self.ranked else None,
            figures if figures > self.audited else None,
        )
        return None if lesson == (None, None) else lesson

    def begin(self, review: Review) -> Ranking | None:
        """Rank as it was when the last verdict was given, so that the turn comes back that was left; None: as the map.

        What is learnt from a verdict orders what comes after the next one, since its own successor is on the screen.
        """
        self.ranked = last_due(max(len(review.readings) - 1, 0), RANK_EVERY)
        histories = review.histories(self.ranked)
        if self._serving.is_live and any(history.steps for history in histories):
            self._ranking = self._ranker.rank(Outcomes.of(histories))
        return self._ranking

    def prepare(self, review: Review) -> Callable[[], Learnt] | None:
        """Give what is to be worked out now, to be called in any thread; None: nothing is due."""
        lesson = self.due(len(review.readings))
        if lesson is None:
            return None
        self.ranked = self.ranked if lesson.ranking is None else lesson.ranking
        self.audited = lesson.audit or self.audited
        by_ranking, by_audit = (None if count is None else review.histories(count) for count in lesson)
        return lambda: self._learn(by_ranking, by_audit)

    def _learn(self, by_ranking: Sequence[History] | None, by_audit: Sequence[History] | None) -> Learnt:
        ranking = None if by_ranking is None else self._ranker.rank(Outcomes.of(by_ranking))
        self._ranking = ranking or self._ranking
        return Learnt(ranking, None if by_audit is None else self.audit(by_audit))

    def audit(self, histories: Sequence[History]) -> Audit:
        """Work out what the verdicts say of the queue, the reviewers and what is left."""
        suspicion = self._ranking.suspicion[self.labels.ordinals] if self._ranking else None
        return audit(self.labels, sort_steps(histories), self._serving.reader_error, suspicion)
