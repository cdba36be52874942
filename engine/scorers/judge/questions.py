"""What a judge is asked of a dataset: one question per response and aspect, or games between responses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from engine.records import Response, Sample, Score
from engine.scorers.judge.prompts import Turns, ask_better, ask_score, find_orders
from engine.scorers.judge.rubric import Aspect
from engine.scores.wanted import Wanted

FIRST_WINS = {"A": 1.0, "B": 0.0, "C": 0.5}
SECOND_WINS = {"A": 0.0, "B": 1.0, "C": 0.5}


class Target(NamedTuple):
    """What an answer says of one response."""

    response: Response
    part: str
    parts: int
    values: Mapping[str, float]
    """What each option is worth to it."""


@dataclass(frozen=True, slots=True)
class Question:
    """One call that is to be made."""

    name: str
    targets: tuple[Target, ...]
    number: int
    """Which of several answers to the same question."""

    of: int
    ask: Callable[[], Turns]
    """Writes the turns; many questions wait, and few are written out at a time."""

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(self.targets[0].values)

    @property
    def orders(self) -> str:
        """What the responses say to their judge; empty for most."""
        return next((said for one in self.targets if (said := find_orders(one.response.text))), "")


@dataclass(frozen=True)
class Pointwise:
    """Each response alone, by one aspect a call."""

    aspects: tuple[Aspect, ...]
    rationale: bool
    key: str = "score"
    """What the answer's JSON object calls the option."""

    def options(self) -> tuple[str, ...]:
        """All options of all its questions."""
        numbers = {number for aspect in self.aspects for number in aspect.numbers}
        return tuple(map(str, sorted(numbers)))

    def questions(self, wanted: Wanted, of: int) -> Iterator[Question | Score]:
        """Give what has no answer yet, and a missing score for each response that can have none.

        Calls that share their beginning, the aspect and then the prompt, come one after the other.
        """
        for sample in wanted:
            for one in sample.responses:
                if one.is_empty:
                    yield Score(one.response_id, None, "empty response", final=True)
            for place, aspect in enumerate(self.aspects):
                for one in sample.responses:
                    if not one.is_empty:
                        yield from self._ask(wanted, of, sample, one, place, aspect)

    def _ask(
        self, wanted: Wanted, of: int, sample: Sample, response: Response, place: int, aspect: Aspect
    ) -> Iterator[Question]:
        values = {str(number): float(number) for number in aspect.numbers}
        target = Target(response, aspect.name, len(self.aspects), values)
        for number in range(of):
            if wanted.lacks(response.response_id, aspect.name, number):
                name = f"{response.response_id}.{place}.{number}"
                yield Question(name, (target,), number, of, lambda: self._write(aspect, sample, response))

    def _write(self, aspect: Aspect, sample: Sample, response: Response) -> Turns:
        return ask_score(aspect, sample, response, rationale=self.rationale)


@dataclass(frozen=True)
class Pairwise:
    """Each two responses of a sample against each other, each of them once in the first place."""

    aspects: tuple[Aspect, ...]
    rationale: bool
    key: str = "better"

    def options(self) -> tuple[str, ...]:
        return tuple(FIRST_WINS)

    def questions(self, wanted: Wanted, of: int) -> Iterator[Question | Score]:
        """A response's parts are its games: `first` or `second`, and the opponent's id."""
        for sample in wanted:
            able = list({one.response_id: one for one in sample.responses if not one.is_empty}.values())
            for one in sample.responses:
                if one.is_empty:
                    yield Score(one.response_id, None, "empty response", final=True)
                elif len(able) == 1:
                    yield Score(one.response_id, None, "no other response to compare it with", final=True)
            for first, second in permutations(able, 2):
                yield from self._play(wanted, of, sample, (first, second), 2 * (len(able) - 1))

    def _play(
        self, wanted: Wanted, of: int, sample: Sample, pair: tuple[Response, Response], games: int
    ) -> Iterator[Question]:
        first, second = pair
        targets = (
            Target(first, f"first:{second.response_id}", games, FIRST_WINS),
            Target(second, f"second:{first.response_id}", games, SECOND_WINS),
        )
        for number in range(of):
            if any(wanted.lacks(one.response.response_id, one.part, number) for one in targets):
                name = f"{first.response_id}.{second.response_id}.{number}"
                yield Question(name, targets, number, of, lambda: self._write(sample, pair))

    def _write(self, sample: Sample, pair: tuple[Response, Response]) -> Turns:
        return ask_better(self.aspects, sample, pair, rationale=self.rationale)


Plan = Pointwise | Pairwise


def write_schema(plan: Plan) -> dict[str, object]:
    """Write the JSON schema of an answer, in the few words that all servers understand."""
    numeric = all(option.isdecimal() for option in plan.options())
    options: list[object] = [int(option) if numeric else option for option in plan.options()]
    kind = {"type": "integer" if numeric else "string", "enum": options}
    properties = {"rationale": {"type": "string"}} if plan.rationale else {}
    return {
        "type": "object",
        "properties": {**properties, plan.key: kind},
        "required": [*properties, plan.key],
        "additionalProperties": False,
    }
