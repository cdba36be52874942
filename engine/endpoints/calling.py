"""Calls to an OpenAI-compatible server: many at once, tried again, at the pace that the server takes."""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from types import TracebackType
from typing import Any, Self

from engine.endpoints.completions import most_tokens
from engine.endpoints.costs import Purse, Usage, read_usage
from engine.endpoints.outcomes import Outcome, Reply, Request, try_once
from engine.endpoints.pace import Clock, Pace, back_off
from engine.endpoints.settings import NO_KEY, Endpoint
from engine.errors import EndpointError

TRIES, FIRST_TRIES = 8, 3
"""How often a call is sent that ends in trouble, with about 45 seconds of waits between; and how often a single one is,
for which a person waits."""

REFUSALS = 20
"""How often a call is sent that the server is too busy for; with the waits between, about eight minutes."""

FAILURES_IN_A_ROW = 20
"""So many calls that failed with no answer between stop the work: the server is gone."""

CLIENTS = 16
"""Calls take turns on so many pools of connections: a pool looks through all that it has before each call."""

LONGEST_WAIT = 3600.0
"""Seconds. A server that asks for more ends the work for now."""

WAIT_TO_TELL = 30.0
"""Seconds. A person is told of longer waits."""

Again = Callable[[Request, dict[str, Any]], Request | None]
"""Looks at an answer, and gives another request to send instead, or None when it will do."""


@dataclass(slots=True)
class _Job:
    """One call on its way through its tries."""

    request: Request
    tries: int = 0
    troubles: int = 0
    refusals: int = 0
    asked_again: bool = False
    started: float = 0.0
    bound: float = 0.0
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    outcome: Outcome = field(default_factory=lambda: Outcome("good"))


class Caller:
    """Sends calls to one endpoint; `async with` opens and closes the connections."""

    def __init__(
        self, endpoint: Endpoint, pace: Pace, purse: Purse, *, tell: Callable[[str], None], clock: Clock | None = None
    ) -> None:
        self.endpoint, self.pace, self.purse = endpoint, pace, purse
        self.stopped = ""
        """Why no more calls are sent; empty while they are."""

        self._tell, self._clock = tell, clock or Clock()
        self._source: Iterator[Request] = iter(())
        self._is_exhausted = True
        self._tries = TRIES
        self._held: _Job | None = None
        """The next call, while the budget has no room for it beside those under way."""

        self._flying: dict[asyncio.Task[None], _Job] = {}
        self._landed: list[_Job] = []
        self._change = asyncio.Event()
        self._waiting: list[tuple[float, int, _Job]] = []
        self._failed_in_a_row = 0
        self._fatal = ""
        self._crash: BaseException | None = None

    async def __aenter__(self) -> Self:
        import httpx2
        import openai

        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx2.Timeout(self.endpoint.timeout, connect=min(10.0, self.endpoint.timeout))
        certificates = httpx2.create_ssl_context()
        self._clients = [
            openai.AsyncOpenAI(
                api_key=self.endpoint.key or NO_KEY,
                base_url=self.endpoint.base_url,
                max_retries=0,
                http_client=httpx2.AsyncClient(limits=limits, timeout=timeout, verify=certificates),
            )
            for _ in range(CLIENTS)
        ]
        self._turns = cycle(self._clients)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        for client in self._clients:
            await client.close()

    @property
    def client(self) -> Any:
        """One for other things than completions."""
        return self._clients[0]

    async def call(self, request: Request) -> Reply | None:
        """Send one call; None when the budget has no room for it."""
        found = [reply async for replies in self.complete([request], tries=FIRST_TRIES) for reply in replies]
        return found[0] if found else None

    async def complete(
        self, requests: Iterable[Request], again: Again = lambda *_: None, *, tries: int = TRIES
    ) -> AsyncGenerator[list[Reply], None]:
        """Send all requests and give the replies as they come, those that came together in one list.

        Requests are taken from the iterable when they can be sent. Raises EndpointError when no further call can go
        well; calls under way are waited for, and given, before.
        """
        self._source, self._is_exhausted, self._tries = iter(requests), False, tries
        while True:
            is_sent = self._start()
            if not (self._flying or self._landed) and (self.stopped or self._is_done()):
                break
            if is_sent:
                await asyncio.sleep(0)
            elif not self._landed:
                await self._clock.wait(self._change, self._seconds_to_wait())
            self._change.clear()
            if self._crash:
                raise self._crash
            landed, self._landed = self._landed, []
            replies = [reply for job in landed if (reply := self._settle(job, again))]
            if replies:
                yield replies
        if self._fatal:
            raise EndpointError(self._fatal)

    def _is_done(self) -> bool:
        return self._is_exhausted and not self._waiting and self._held is None

    def _start(self) -> bool:
        """Send a call if one may be sent now: first what waits for another try, then what is new; says whether it did.

        One at a time, each on its way before the next: calls that go out together come back together, for ever after.
        """
        now = self._clock.now()
        if self.stopped or now < self.pace.paused_until or len(self._flying) >= self.pace.limit:
            return False
        job = self._held or self._next(now)
        if job is None:
            return False
        body = job.request.body
        job.bound = self.purse.bound(body["messages"], most_tokens(body))
        self._held = None if self.purse.allows(job.bound) else job
        if self._held is None:
            self._send(job, now)
        elif not (self._flying or self._landed):
            self.stopped = f"The budget of ${self.purse.budget:,.2f} allows no further call"
            self._tell(f"{self.stopped}; ${self.purse.spent:,.4f} are spent. What is done is kept.")
        return self._held is None

    def _next(self, now: float) -> _Job | None:
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        if self._is_exhausted or not self._has_room():
            return None
        request = next(self._source, None)
        self._is_exhausted = request is None
        return _Job(request) if request else None

    def _has_room(self) -> bool:
        """Say whether a new call may begin; one that waits for another try keeps its place."""
        return len(self._flying) + len(self._waiting) < self.pace.limit

    def _send(self, job: _Job, now: float) -> None:
        self.purse.hold(job.bound)
        job.tries += 1
        job.started = now
        task = asyncio.create_task(self._fly(job))
        self._flying[task] = job
        task.add_done_callback(self._land)

    async def _fly(self, job: _Job) -> None:
        job.outcome = await try_once(next(self._turns), self.endpoint, job.request.body, self._clock)

    def _land(self, task: asyncio.Task[None]) -> None:
        job = self._flying.pop(task)
        if not task.cancelled():
            self._crash = task.exception()
            self._landed.append(job)
            self._change.set()

    def _seconds_to_wait(self) -> float | None:
        """Give the time until something may be sent though no call came back; None: only a call can change that."""
        now = self._clock.now()
        due = [self._waiting[0][0]] if self._waiting else []
        if not self._is_exhausted and self._has_room():
            due.append(now)
        if self.stopped or self._held or not due or len(self._flying) >= self.pace.limit:
            return None
        return max(0.0, max(self.pace.paused_until, min(due)) - now)

    def _settle(self, job: _Job, again: Again) -> Reply | None:
        """Count what a try brought, and send the call again or give its reply."""
        outcome = job.outcome
        self._pay(job)
        if outcome.body is not None:
            self._failed_in_a_row = 0
            self.pace.went_well()
            other = None if job.asked_again or self.stopped else again(job.request, outcome.body)
            if other is None:
                return self._reply(job)
            job.request, job.asked_again = other, True
            self._put_off(job, 0.0)
            return None
        if outcome.kind == "busy":
            self._slow_down(job)
        job.troubles += outcome.kind == "trouble" or outcome.may_be_billed
        job.refusals += outcome.kind == "busy"
        if self._may_try_again(job):
            self._put_off(job, 0.0 if outcome.wait else back_off(max(job.troubles, job.refusals, 1)))
            return None
        self._count_failure(outcome)
        return self._reply(job)

    def _may_try_again(self, job: _Job) -> bool:
        if self.stopped:
            return False
        if job.outcome.kind == "garbled":
            return job.tries == 1
        return job.outcome.kind in ("busy", "trouble") and job.troubles < self._tries and job.refusals < REFUSALS

    def _put_off(self, job: _Job, seconds: float) -> None:
        heapq.heappush(self._waiting, (self._clock.now() + seconds, id(job), job))

    def _slow_down(self, job: _Job) -> None:
        now, wait = self._clock.now(), job.outcome.wait
        if wait > LONGEST_WAIT:
            self._stop(f"{self.endpoint} asks to wait {wait / 3600:.1f} hours. What is done is kept; go on then.")
        elif wait >= WAIT_TO_TELL and now + wait > self.pace.paused_until + 1:
            self._tell(f"{self.endpoint} asks to wait {wait:.0f} s.")
        self.pace.was_refused(job.started, now, wait)

    def _count_failure(self, outcome: Outcome) -> None:
        self._failed_in_a_row += outcome.kind != "garbled"
        if outcome.kind == "fatal":
            self._stop(f"{self.endpoint} refuses all calls ({outcome.reason}). What is done is kept.")
        if self._failed_in_a_row >= FAILURES_IN_A_ROW:
            self._stop(
                f"{self.endpoint} failed {FAILURES_IN_A_ROW} calls in a row, the last with: {outcome.reason}."
                " What is done is kept; run the same command again when that is mended."
            )

    def _stop(self, sentence: str) -> None:
        self._fatal = self._fatal or sentence
        self.stopped = self.stopped or sentence

    def _pay(self, job: _Job) -> None:
        outcome, messages = job.outcome, job.request.body["messages"]
        usage = read_usage(outcome.body) if outcome.body else None
        cost = job.bound if outcome.may_be_billed or (outcome.body and usage is None) else 0.0
        if usage is not None:
            job.usage = job.usage.plus(usage)
            self.purse.measure(messages, usage)
            cost = self.purse.prices.cost(usage) if self.purse.prices else 0.0
        job.cost += cost
        self.purse.settle(job.bound, cost)

    def _reply(self, job: _Job) -> Reply:
        outcome, cost = job.outcome, job.cost if self.purse.prices else None
        return Reply(job.request.name, outcome.body, outcome.reason, job.tries, job.usage, cost, outcome.kind)
