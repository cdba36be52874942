"""What a scorer is asked for: the samples whose responses still lack a score, and what is known of them already."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from engine.records import Sample, Score

Call = tuple[str, str, int]
"""One question about one response: response id, part, number."""


class Ledger:
    """Which responses have a score, which can never have one, and which questions are answered."""

    def __init__(self) -> None:
        self.scored: set[str] = set()
        self.final: set[str] = set()
        self._answered: dict[str, set[tuple[str, int]]] = {}
        """Of scores that are made of several answers."""

    def add(self, one: Score) -> None:
        """Count one more line of a log, or one more score on its way into it."""
        if one.value is None:
            if one.final and one.response_id not in self.scored:
                self.final.add(one.response_id)
            return
        if (one.parts, one.of) == (1, 1):
            self.scored.add(one.response_id)
        else:
            answered = self._answered.setdefault(one.response_id, set())
            answered.add((one.part, one.number))
            if len(answered) >= one.parts and self._is_whole(answered, one):
                self.scored.add(one.response_id)
        self.final.discard(one.response_id)

    def _is_whole(self, answered: Collection[tuple[str, int]], one: Score) -> bool:
        counts: defaultdict[str, int] = defaultdict(int)
        for part, _ in answered:
            counts[part] += 1
        return sum(count >= one.of for count in counts.values()) >= one.parts

    def only(self, responses: Collection[str]) -> Self:
        """Take out what is known of some responses."""
        ledger = type(self)()
        ledger.scored = self.scored & set(responses)
        ledger.final = self.final & set(responses)
        ledger._answered = {one: self._answered[one] for one in responses if one in self._answered}
        return ledger

    def lacks(self, call: Call) -> bool:
        """Say whether a question has no answer yet."""
        response_id, part, number = call
        if response_id in self.scored or response_id in self.final:
            return False
        return (part, number) not in self._answered.get(response_id, ())


@dataclass(frozen=True)
class Shard:
    """One of several parts of the work; together they are the whole, and no prompt is in two."""

    index: int
    """From 1."""

    count: int

    def holds(self, prompt_id: str) -> bool:
        return int(prompt_id, 16) % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}of{self.count}"


@dataclass(frozen=True)
class Wanted:
    """The samples to score, each with those responses alone that lack a score. It can be read more than once.

    A scorer that asks several questions about a response, or spends money, finds here what else it must know.
    """

    samples: Iterable[Sample]
    ledger: Ledger = field(default_factory=Ledger)
    limit: int | None = None
    """How many responses may be scored now."""

    shard: Shard | None = None
    is_whole: bool = False
    """Give every sample whole: the scorer depends on all of them, or compares the responses of each."""

    budget: float | None = None
    """What may be spent in this run, in USD."""

    folder: Path | None = None
    """Where the scorer may keep what it must find again: answers of a probe, batches under way."""

    batch: bool = False
    """Leave the calls with the server as a batch, and collect what earlier runs left there."""

    agree: Callable[[str], bool] = lambda _: True
    """Says what the work will cost, and asks whether to do it; where nobody can be asked, the answer is yes."""

    tell: Callable[[str], None] = lambda _: None
    """Says a sentence to the person: a warning, or why the work ends early."""

    def __iter__(self) -> Iterator[Sample]:
        if self.is_whole and self.limit is None and self.shard is None:
            yield from self.samples
            return
        taken: set[str] = set()
        for sample in self.samples:
            if self.shard is not None and not self.shard.holds(sample.prompt_id):
                continue
            missing = [one for one in sample.responses if self.is_missing(one.response_id)]
            fresh = [one.response_id for one in missing if one.response_id not in taken]
            if self.limit is not None:
                fresh = fresh[: self.limit - len(taken)]
            taken.update(fresh)
            if fresh:
                kept = tuple({one.response_id: one for one in missing if one.response_id in set(fresh)}.values())
                yield sample if self.is_whole else replace(sample, responses=kept)

    def is_missing(self, response_id: str) -> bool:
        return response_id not in self.ledger.scored and response_id not in self.ledger.final

    def lacks(self, response_id: str, part: str = "", number: int = 0) -> bool:
        """Say whether a question about a response has no answer yet."""
        return self.ledger.lacks((response_id, part, number))
