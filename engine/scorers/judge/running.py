"""One run of a judge: ask for what is missing, call by call or as a batch, and give the scores as they come."""

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import NamedTuple

from engine.endpoints.abilities import Abilities, Trial, find_abilities
from engine.endpoints.batches import Desk
from engine.endpoints.calling import Caller
from engine.endpoints.completions import most_tokens
from engine.endpoints.costs import Prices, Purse
from engine.endpoints.driving import drive
from engine.endpoints.outcomes import Reply, Request
from engine.endpoints.pace import Pace
from engine.endpoints.settings import Endpoint
from engine.errors import ScorerRefusedError
from engine.records import Message, Sample, Score
from engine.scorers.judge.answers import ask_again, read_scores
from engine.scorers.judge.estimating import estimate
from engine.scorers.judge.questions import Plan, Question, write_schema
from engine.scorers.judge.reading import find_answer
from engine.scores.wanted import Wanted

TRIAL = Sample.of(
    prompt=[Message("user", "What is the capital of France?")], texts=("Paris.", "Lyon."), labels=(None, None)
)
"""What a model is asked to learn what it can do."""


class Settings(NamedTuple):
    """What a run needs to know of its judge."""

    plan: Plan
    samples: int
    max_tokens: int
    concurrency: int
    max_concurrency: int
    prices: Prices | None


class Run:
    """Questions go out, scores come in."""

    def __init__(self, wanted: Wanted, endpoint: Endpoint, settings: Settings, tag: tuple[str, ...]) -> None:
        self.wanted, self.endpoint, self.settings, self.plan = wanted, endpoint, settings, settings.plan
        self.schema, self.options = write_schema(self.plan), self.plan.options()
        self.desk = Desk(wanted.folder, endpoint, (*tag, self.plan.key, str(settings.samples), str(wanted.shard)))
        self.purse = Purse(settings.prices, wanted.budget)
        self.asked: dict[str, Question] = {}
        """The questions under way, by name."""

        self.hopeless: list[Score] = []
        """Responses that can have no score, met since the last scores were given."""

        self.suspicious = 0

    def scores(self) -> Iterator[Score]:
        """Give scores as they come, after the person agreed to what they will cost."""
        if self.desk.is_open and not self.wanted.batch:
            raise ScorerRefusedError(f"A batch of {self.endpoint} is under way. Collect it with --batch.")
        ahead = estimate(self.plan.questions(self.wanted, self.settings.samples), rationale=self.plan.rationale)
        if ahead.calls and not self.desk.is_open:
            said = ahead.describe(self.endpoint, self.settings.prices, self.settings.concurrency)
            if not self.wanted.agree(said):
                return
        yield from drive(self._run(ahead.calls))
        if self.suspicious:
            self.wanted.tell(f"{self.suspicious:,} answers judge responses that speak to their judge (`suspicious`).")

    async def _run(self, calls: int) -> AsyncGenerator[list[Score], None]:
        if calls == 0:
            yield [one for one in self.plan.questions(self.wanted, 1) if isinstance(one, Score)]
            return
        pace = Pace(self.settings.concurrency, self.settings.max_concurrency)
        async with Caller(self.endpoint, pace, self.purse, tell=self.wanted.tell) as caller:
            abilities = await self._learn(caller)
            if abilities is None:
                return
            requests = self._requests(abilities)
            if not self.wanted.batch:
                async for replies in caller.complete(requests, partial(ask_again, self.plan.key, self.options)):
                    yield [*self._pop_hopeless(), *(score for reply in replies for score in self._read(reply))]
            elif self.desk.is_open:
                async for scores in self._collect(caller, abilities):
                    yield scores
            else:
                count = await self.desk.submit(caller.client, self._affordable(requests))
                self.wanted.tell(f"{count:,} calls are left as a batch. Collect the answers with the same command.")
        yield self._pop_hopeless()

    async def _learn(self, caller: Caller) -> Abilities | None:
        """Find out what the model can do, and say what that means for the scores; None: the budget forbids to ask."""
        trial = next(one for one in self.plan.questions(Wanted([TRIAL], is_whole=True), 1) if isinstance(one, Question))
        request = Trial(trial.ask(), self.schema, self.settings.max_tokens, self._is_usable)
        known = await find_abilities(caller, self.wanted.folder, request)
        if known is None:
            return None
        if known.logprobs:
            how = "gives token probabilities: a score is the mean that they expect"
        elif self.settings.samples > 1:
            how = f"gives no token probabilities: a score is the mean of {self.settings.samples} answers"
        else:
            how = "gives no token probabilities: scores are whole numbers and tie often; ?samples=5 makes them finer"
        self.wanted.tell(f"{self.endpoint} {how}. The first call took {known.seconds:.1f} s.")
        return known

    def _is_usable(self, body: dict[str, object]) -> bool:
        return not find_answer(body, self.plan.key, self.options).reason

    def _questions(self, abilities: Abilities) -> Iterator[Question]:
        of = 1 if abilities.logprobs else self.settings.samples
        for one in self.plan.questions(self.wanted, of):
            if isinstance(one, Score):
                self.hopeless.append(one)
            else:
                yield one

    def _requests(self, abilities: Abilities) -> Iterator[Request]:
        for one in self._questions(abilities):
            self.asked[one.name] = one
            body = abilities.body(
                self.endpoint.model,
                one.ask(),
                self.schema,
                most_tokens=self.settings.max_tokens,
                sample=one.number if one.of > 1 else None,
            )
            yield Request(one.name, body)

    def _affordable(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Stop where the budget ends; a batch is paid whole."""
        for one in requests:
            bound = self.purse.bound(one.body["messages"], most_tokens(one.body))
            if not self.purse.allows(bound):
                self.wanted.tell("The budget allows no further call; the rest is for another batch.")
                return
            self.purse.hold(bound)
            yield one

    async def _collect(self, caller: Caller, abilities: Abilities) -> AsyncGenerator[list[Score], None]:
        async for found in self.desk.collect(caller.client, self.settings.prices):
            if isinstance(found, str):
                self.wanted.tell(found)
                continue
            for question in self._questions(abilities):
                if question.name in found:
                    self.asked[question.name] = question
                    yield list(self._read(found[question.name]))
        if not self.desk.is_open:
            self.wanted.tell("All batches are collected. What failed in them is asked again by the same command.")

    def _read(self, reply: Reply) -> Iterator[Score]:
        question = self.asked.pop(reply.name)
        self.suspicious += bool(question.orders)
        return read_scores(question, self.plan.key, reply, self.endpoint)

    def _pop_hopeless(self) -> list[Score]:
        found, self.hopeless = self.hopeless, []
        return found
