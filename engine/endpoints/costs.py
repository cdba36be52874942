"""What calls cost: prices, tokens used, and a budget that counts the calls under way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

MILLION = 1e6
CHARACTERS_PER_TOKEN = 4.0
"""A rule of thumb for estimates."""

FEWEST_CHARACTERS_PER_TOKEN = 2.5
"""For the most that a call may cost, until calls were measured."""

CALLS_TO_MEASURE = 20
MARGIN = 1.2
"""The dearest call measured so far, and a fifth more, is the most that the next may cost."""


class Usage(NamedTuple):
    """Tokens of one or more calls."""

    sent: int = 0
    cached: int = 0
    """How many of those sent were read from the server's cache."""

    got: int = 0

    def plus(self, other: "Usage") -> "Usage":
        return Usage(*(mine + its for mine, its in zip(self, other, strict=True)))


def read_usage(body: Mapping[str, object]) -> Usage | None:
    """Read what a server says that it used; None where it says nothing."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = (usage.get("prompt_tokens"), cached, usage.get("completion_tokens"))
    return Usage(*(max(one, 0) if isinstance(one, int) else 0 for one in counts))


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens."""

    sent: float
    got: float
    cached: float

    def cost(self, usage: Usage) -> float:
        fresh = usage.sent - usage.cached
        return (fresh * self.sent + usage.cached * self.cached + usage.got * self.got) / MILLION


def count_characters(messages: object) -> int:
    """Count the characters of the turns of a request."""
    turns: Iterable[Mapping[str, object]] = messages if isinstance(messages, list | tuple) else ()
    return sum(len(str(turn.get("content", ""))) for turn in turns)


class Purse:
    """What may be spent, what is spent, and what is held back for calls under way."""

    def __init__(self, prices: Prices | None, budget: float | None) -> None:
        self.prices, self.budget = prices, budget
        self.spent = 0.0
        self._held = 0.0
        self._measured = 0
        self._density = 1 / FEWEST_CHARACTERS_PER_TOKEN
        self._densest = 0.0

    def bound(self, messages: object, most_tokens: int) -> float:
        """Give the most that a call may cost, in USD."""
        if self.prices is None:
            return 0.0
        sent = 50 + round(count_characters(messages) * self._density)
        return self.prices.cost(Usage(sent, 0, most_tokens))

    def allows(self, bound: float) -> bool:
        return self.budget is None or self.spent + self._held + bound <= self.budget

    def hold(self, bound: float) -> None:
        self._held += bound

    def settle(self, bound: float, cost: float) -> None:
        """Put back what was held for a call, and count what it did cost."""
        self._held = max(0.0, self._held - bound)
        self.spent += cost

    def measure(self, messages: object, usage: Usage) -> None:
        """Learn how many tokens a character makes."""
        self._measured += 1
        self._densest = max(self._densest, max(0, usage.sent - 50) / max(1, count_characters(messages)))
        if self._measured >= CALLS_TO_MEASURE:
            self._density = MARGIN * self._densest
