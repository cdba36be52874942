"""What a run of the judge will take, before anything is spent."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.endpoints.costs import CHARACTERS_PER_TOKEN, Prices, Usage, count_characters
from engine.endpoints.settings import Endpoint
from engine.records import Score
from engine.scorers.judge.questions import Question

WRITTEN_WHOLE = 200
"""So many questions are measured one by one, and then every so many'th."""

SCORE_TOKENS, RATIONALE_TOKENS = 10, 80
"""What an answer is expected to take."""


class Estimate(NamedTuple):
    """Work that lies ahead."""

    calls: int
    sent: int
    """Tokens."""

    got: int
    """Tokens."""

    def describe(self, endpoint: Endpoint, prices: Prices | None, at_once: int) -> str:
        """Say it in a sentence for a person."""
        cost = f"about ${prices.cost(Usage(self.sent, 0, self.got)):,.2f}" if prices else "at a price not known"
        return (
            f"{endpoint}: {self.calls:,} calls, about {self.sent:,} tokens to read and {self.got:,} to write, {cost};"
            f" at 1 s a call and {at_once} at once, {_duration(self.calls / at_once)}."
        )


def estimate(questions: Iterable[Question | Score], *, rationale: bool) -> Estimate:
    """Count the calls, and the tokens of some of them."""
    calls = written = characters = 0
    for one in questions:
        if isinstance(one, Score):
            continue
        calls += 1
        if calls <= WRITTEN_WHOLE or calls % WRITTEN_WHOLE == 0:
            written += 1
            characters += count_characters(one.ask())
    sent = round(characters / CHARACTERS_PER_TOKEN * calls / written) if written else 0
    return Estimate(calls, sent, calls * (RATIONALE_TOKENS if rationale else SCORE_TOKENS))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
