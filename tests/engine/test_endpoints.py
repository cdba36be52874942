"""Calls to a server that misbehaves: what is sent again, how soon, how many at once, and when to stop."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from judge_server import JudgeServer

from engine.endpoints.abilities import Abilities, Trial, find_abilities
from engine.endpoints.calling import FAILURES_IN_A_ROW, REFUSALS, TRIES, Caller
from engine.endpoints.completions import message_of, text_of
from engine.endpoints.costs import Prices, Purse, Usage, read_usage
from engine.endpoints.outcomes import Request
from engine.endpoints.pace import Clock, Pace, back_off, read_retry_after
from engine.endpoints.settings import Endpoint, clean_url, find_endpoint, hide_secrets
from engine.errors import ConfigError, EndpointError

KEY = "sk-test-0123456789abcdef"


class QuickClock(Clock):
    """A clock whose waits are over at once, unless a call comes back first."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await super().wait(event, None if seconds is None else 0.01)
        if seconds is not None and not event.is_set():
            self.time += seconds
            self.waits.append(seconds)


def question(number: int) -> Request:
    text = f"===== RESPONSE\nA good answer {number}\n===== END"
    return Request(str(number), {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 100})


def ask(server, count, *, pace=None, purse=None, timeout=30.0, clock=None, tell=lambda _: None, again=None, key=""):
    """Send so many questions and give the caller and the replies."""
    endpoint = Endpoint(server.url, "m", key, timeout)
    caller = Caller(endpoint, pace or Pace(8, 8), purse or Purse(None, None), tell=tell, clock=clock or QuickClock())

    async def run():
        replies = []
        async with caller:
            try:
                async for found in caller.complete(map(question, range(count)), again or (lambda *_: None)):
                    replies += found
            except EndpointError as error:
                return replies, str(error)
        return replies, ""

    return caller, *asyncio.run(run())


def numbers(replies):
    return sorted(int(one.name) for one in replies if one.body)


# The pace


def test_a_clean_window_allows_one_call_more_up_to_the_ceiling():
    pace = Pace(2, 3)
    limits = []
    for _ in range(6):
        pace.went_well()
        limits.append(pace.limit)
    assert limits == [2, 3, 3, 3, 3, 3]


def test_calls_that_were_refused_together_halve_once():
    pace = Pace(64, 64)
    for _ in range(50):
        pace.was_refused(started=1.0, now=2.0)
    assert pace.limit == 32
    pace.was_refused(started=3.0, now=4.0, wait=10.0)
    assert (pace.limit, pace.paused_until) == (16, 14.0)
    pace.was_refused(started=3.5, now=5.0, wait=2.0)
    assert (pace.limit, pace.paused_until) == (16, 14.0)
    for moment in range(10, 20):
        pace.was_refused(started=moment, now=moment)
    assert pace.limit == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "300"}, 300.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
    ],
)
def test_what_a_server_asks_to_wait_is_read_as_seconds_or_as_a_date(headers, seconds):
    assert read_retry_after(headers, wall=1000.0) == seconds


@pytest.mark.parametrize(("tries", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (40, 30.0)])
def test_waits_grow_and_are_spread(tries, longest):
    waits = {back_off(tries) for _ in range(50)}
    assert len(waits) > 40
    assert longest / 2 <= min(waits) <= max(waits) <= longest


# Each fault, over a real connection


@pytest.mark.parametrize(
    "behaviour",
    [
        "good", "500,500,good", "429,429,429,good", "cut,cut,good", "malformed,good", "empty,good", "429after1,good",
        "429date,good",
    ],
)  # fmt: skip
def test_a_fault_that_passes_loses_nothing(behaviour):
    with JudgeServer(behaviour) as server:
        _, replies, stopped = ask(server, 30)
    assert (numbers(replies), stopped) == (list(range(30)), "")
    assert len(replies) == 30
    assert set(server.answered.values()) == {1}
    faults = len(behaviour.split(",")) - 1
    assert sum(one.attempts - 1 for one in replies) == faults


def test_all_wait_when_one_is_asked_to_even_for_five_minutes():
    clock, told = QuickClock(), []
    with JudgeServer("good,good,good,429after300,good") as server:
        _, replies, _ = ask(server, 40, pace=Pace(4, 4), clock=clock, tell=told.append)
    assert numbers(replies) == list(range(40))
    assert max(clock.waits) == pytest.approx(300.0, abs=0.01)
    assert sum(clock.waits) == pytest.approx(300.0, abs=1.0)
    assert told == [f"m at {server.url} asks to wait 300 s."]


def test_the_real_clock_waits_as_long_as_asked():
    with JudgeServer("429after1,good") as server:
        _, replies, _ = ask(server, 5, clock=Clock(), pace=Pace(1, 1))
    assert numbers(replies) == list(range(5))
    gaps = [after - before for before, after in pairwise(server.times)]
    assert gaps[0] >= 1.0
    assert max(gaps[1:]) < 0.9


@pytest.mark.parametrize("behaviour", ["hang,hang,good", "trickle,good"])
def test_a_call_that_hangs_or_trickles_is_given_up_and_sent_again(behaviour):
    began = time.monotonic()
    with JudgeServer(behaviour) as server:
        caller, replies, _ = ask(server, 12, timeout=0.5, pace=Pace(2, 2))
    assert numbers(replies) == list(range(12))
    assert caller.pace.limit >= 1
    assert time.monotonic() - began < 10


def test_a_server_that_takes_eight_at_once_answers_all_of_a_client_that_starts_with_64():
    with JudgeServer(at_once=8, latency=0.01) as server:
        caller, replies, stopped = ask(server, 400, pace=Pace(64, 64), clock=Clock())
    assert (numbers(replies), stopped) == (list(range(400)), "")
    assert set(server.answered.values()) == {1}
    assert caller.pace.limit <= 16


def test_a_server_that_dies_ends_the_work_and_keeps_what_it_said():
    with JudgeServer(die_after=25) as server:
        caller, replies, stopped = ask(server, 500, pace=Pace(4, 4))
    assert len(numbers(replies)) == 25
    assert f"failed {FAILURES_IN_A_ROW} calls in a row" in stopped
    assert len(replies) <= 25 + FAILURES_IN_A_ROW + 4
    assert max(one.attempts for one in replies) == TRIES
    assert all("no connection" in one.reason for one in replies if not one.body)
    assert caller.stopped == stopped


def test_a_server_that_refuses_for_ever_ends_the_work():
    clock = QuickClock()
    with JudgeServer("429") as server:
        _, replies, stopped = ask(server, 500, clock=clock, pace=Pace(FAILURES_IN_A_ROW, 64))
    assert "HTTP 429: slow down" in stopped
    assert {one.attempts for one in replies} == {REFUSALS}
    assert sum(clock.waits) > 240


@pytest.mark.parametrize("status", ["401", "402", "404"])
def test_a_refusal_for_good_stops_at_once(status):
    with JudgeServer(f"good,good,good,good,good,{status}") as server:
        _, replies, stopped = ask(server, 500, pace=Pace(2, 2))
    assert len(numbers(replies)) == 5
    assert sum(server.received.values()) <= 5 + 2
    assert f"refuses all calls (HTTP {status}: " in stopped


def test_a_server_that_wants_money_is_no_reason_to_wait():
    with JudgeServer("402") as server:
        _, _, stopped = ask(server, 3)
    assert "no credit is left" in stopped


@pytest.mark.parametrize("behaviour", ["429quota", "429typed"])
def test_a_429_that_no_waiting_cures_stops_at_once(behaviour):
    clock = QuickClock()
    with JudgeServer(f"good,good,{behaviour}") as server:
        _, replies, stopped = ask(server, 100, pace=Pace(1, 1), clock=clock)
    assert len(numbers(replies)) == 2
    assert sum(server.received.values()) == 3
    assert "refuses all calls (HTTP 429: You exceeded your current quota). What is done is kept." in stopped
    assert clock.waits == []


def test_an_answer_of_no_use_is_asked_for_once_more():
    def again(request, body):
        if text_of(message_of(body)).startswith("{"):
            return None
        return replace(request, body={**request.body, "max_tokens": 400})

    with JudgeServer("prose") as server:
        _, replies, _ = ask(server, 3, again=again)
    assert [one.attempts for one in replies] == [2, 2, 2]
    assert Counter(body["max_tokens"] for body in server.bodies) == {100: 3, 400: 3}
    assert [one.usage.got for one in replies] == [12, 12, 12]


# Money


PRICES = Prices(sent=10.0, got=30.0, cached=1.0)


def test_cached_tokens_have_a_price_of_their_own():
    assert PRICES.cost(Usage(sent=1_000_000, cached=400_000, got=100_000)) == pytest.approx(6.0 + 0.4 + 3.0)
    said = {"usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}}
    assert read_usage(said) == Usage(7, 5, 3)
    assert read_usage({"usage": {"prompt_tokens": 7, "prompt_tokens_details": None}}) == Usage(7, 0, 0)
    assert read_usage({}) is None


@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize("budget", [0.0, 0.001, 0.02])
def test_a_budget_is_never_passed_calls_under_way_included(budget, at_once):
    purse, told = Purse(PRICES, budget), []
    with JudgeServer(latency=0.01) as server:
        caller, replies, stopped = ask(server, 300, purse=purse, pace=Pace(at_once, at_once), tell=told.append)
        paid = sum(PRICES.cost(Usage(len(text) // 4, 0, 6)) * times for text, times in server.received.items())
    assert paid == pytest.approx(purse.spent)
    assert paid <= budget
    assert stopped == ""
    assert caller.stopped.startswith("The budget of ")
    assert len(told) == 1
    assert len(replies) == sum(server.received.values())
    if budget == 0.02:
        assert paid > 0.7 * budget


def test_a_call_that_was_given_up_counts_with_the_most_it_may_have_cost():
    purse = Purse(PRICES, 1.0)
    with JudgeServer("hang") as server:
        ask(server, 1, purse=purse, timeout=0.2)
    assert purse.spent == pytest.approx(TRIES * purse.bound(question(0).body["messages"], 100))


def test_an_answer_without_a_count_of_tokens_counts_with_the_most_it_may_have_cost():
    purse = Purse(PRICES, 1.0)
    with JudgeServer(usage=False) as server:
        ask(server, 2, purse=purse)
    assert purse.spent == pytest.approx(2 * purse.bound(question(0).body["messages"], 100))


# The key, and addresses


def test_the_key_is_in_no_text(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with JudgeServer("401") as server:
        endpoint = find_endpoint("m", server.url, "OPENAI_API_KEY", 5.0)
        _, replies, stopped = ask(server, 3, key=endpoint.key)
        assert f"Bearer {KEY}" in server.headers[0]
    assert KEY not in f"{endpoint!r} {endpoint} {replies!r} {stopped}"
    assert "[key]" in stopped
    assert Endpoint("http://h/v1", "m", "EMPTY").hide("EMPTY words") == "EMPTY words"


def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    assert find_endpoint("m", "http://h/v1", "OPENAI_API_KEY", 1.0).key == KEY
    for key in (f"{KEY}\nX", f"{KEY}é"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(ConfigError) as refused:
            find_endpoint("m", "http://h/v1", "OPENAI_API_KEY", 1.0)
        assert str(refused.value) == "OPENAI_API_KEY holds characters that no key has. Set it anew."


@pytest.mark.parametrize(
    "url", ["http://kim:secret@h/v1", "https://secret@h/v1", "http://h/v1?api-key=secret", "ftp://secret/v1#x"]
)
def test_an_address_that_may_hold_a_secret_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError, match=r"^base_url holds a") as refused:
        clean_url(url)
    assert "secret" not in str(refused.value)


def test_an_address_comes_from_the_settings_or_the_environment(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"^No server is known for m: set base_url or OPENAI_BASE_URL"):
        find_endpoint("m", "", "OPENAI_API_KEY", 1.0)
    with pytest.raises(ConfigError, match=r"^base_url is 'localhost:8000'; it must be like"):
        clean_url("localhost:8000")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here/v1/")
    assert find_endpoint("m", "", "OPENAI_API_KEY", 1.0).base_url == "http://here/v1"
    assert find_endpoint("m", "http://there/v1", "OPENAI_API_KEY", 1.0).base_url == "http://there/v1"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("judge:m?api_key=sk-1&x=2", "judge:m?api_key=[hidden]&x=2"),
        ("judge:m?api_key_env=MINE", "judge:m?api_key_env=MINE"),
        ("judge:m?base_url=http://kim:pw@h/v1", "judge:m?base_url=http://[hidden]@h/v1"),
        ("column:score?token=a", "column:score?token=[hidden]"),
        ("judge:m?max_tokens=5", "judge:m?max_tokens=5"),
    ],
)
def test_what_looks_like_a_secret_in_a_spec_is_not_shown_again(typed, shown):
    assert hide_secrets(typed) == shown


# What a server can do


def learn(server, folder=None, timeout=5.0):
    schema = {"type": "object"}
    turns = question(0).body["messages"]
    caller = Caller(Endpoint(server.url, "m", "", timeout), Pace(), Purse(None, None), tell=print, clock=QuickClock())

    async def run():
        async with caller:
            return await find_abilities(caller, folder, Trial(turns, schema, 64, lambda body: "score" in str(body)))

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (JudgeServer(), Abilities()),
        (JudgeServer(logprobs=False), Abilities(logprobs=False)),
        (JudgeServer(schema=False), Abilities(format="plain")),
        (JudgeServer("fewer"), Abilities(alternatives=5)),
        (JudgeServer("forbidding"), Abilities(logprobs=False)),
        (JudgeServer("prose"), Abilities(format="plain", logprobs=False)),
        (JudgeServer("malformed"), Abilities(format="plain", logprobs=False)),
        (
            JudgeServer("thinking"),
            Abilities(logprobs=False, temperature=False, seed=False, limit="max_completion_tokens", thinks=True),
        ),
    ],
    ids=["all", "no logprobs", "no formats", "five tokens", "forbidden", "prose", "malformed", "thinking"],
)
def test_a_server_is_asked_for_less_until_it_answers(server, expected):
    with server:
        assert replace(learn(server), seconds=1.0) == expected


@pytest.mark.parametrize(
    "usage",
    [None, "many", [], {"prompt_tokens": -5, "completion_tokens": "6", "prompt_tokens_details": [1]}],
)
def test_a_count_of_tokens_that_is_none_costs_nothing_and_is_no_credit(usage):
    assert read_usage({"usage": usage}) in (None, Usage())


def test_what_a_server_can_do_is_asked_once_for_each_endpoint_and_model(tmp_path):
    with JudgeServer() as server:
        first = learn(server, tmp_path)
        asked = sum(server.received.values())
        assert (learn(server, tmp_path), sum(server.received.values()), asked) == (first, 1, 1)
        (kept,) = tmp_path.glob("endpoint-*.json")
        kept.write_text("{")
        learn(server, tmp_path)
    assert sum(server.received.values()) == 2


def test_what_a_useless_answer_showed_is_not_kept(tmp_path):
    with JudgeServer("prose") as server:
        learn(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "said"), [("401", "HTTP 401"), ("500", "HTTP 500"), ("hang", "no answer within")]
)
def test_a_server_that_does_not_answer_is_an_error(behaviour, said):
    with JudgeServer(behaviour) as server, pytest.raises(EndpointError, match=said):
        learn(server, timeout=0.2)
