"""Rewards from a server, which here is a small one of the tests that speaks as vLLM does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.errors import ScorerRefusedError
from engine.modelling.served import Server
from engine.modelling.windows import list_asked
from engine.records import Message, Sample
from engine.scorers.reward import Reward
from engine.scores.wanted import Wanted

SAMPLES = [
    Sample.of(
        prompt=[Message("user", f"Question {n}?")],
        texts=("x" * (10 + n), "y" * n, "z" * (50 + n)),
        labels=(1.0, 0.0, 0.5),
    )
    for n in range(8)
]


class Answers:
    """What the server answers, and what it was asked."""

    def __init__(self, path="/classify", value=lambda text: len(text) / 3.0, statuses=(), headers=None, longest=None):
        self.path, self.value, self.statuses = path, value, list(statuses)
        self.headers, self.longest = headers or {}, longest
        self.asked: list[tuple[str, dict]] = []

    def __call__(self, path: str, body: dict) -> tuple[int, dict]:
        self.asked.append((path, body))
        if path != self.path:
            return 404, {"detail": "Not Found"}
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return status, {"error": {"message": f"status {status}"}}
        if self.longest and len(body["messages"]) > self.longest:
            return 400, {"error": {"message": "This model's maximum context length is 3 tokens."}}
        value = self.value(body["messages"][-1]["content"])
        if path == "/classify":
            return 200, {"data": [{"index": 0, "label": "LABEL_0", "probs": [value], "num_classes": 1}]}
        return 200, {"data": [{"index": 0, "object": "pooling", "data": [value]}]}


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = answers(self.path, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(answers: Answers, samples=SAMPLES, *, concurrency: int = 4):
    """Give the scores, what was told, and how long was waited."""
    told, waited = [], []
    with serving(answers) as address:
        server = Server(address, "org/rm", concurrency, told.append, waited.append)
        scores = list(server.score(list_asked(Wanted(samples))))
    return {one.response_id: one for one in scores}, told, waited


@pytest.mark.parametrize("path", ["/classify", "/pooling"])
def test_each_response_is_scored_through_the_path_that_there_is(path):
    answers = Answers(path)
    scores, told, _ = ask(answers)
    assert {key: one.value for key, one in scores.items()} == {
        one.response_id: len(one.text) / 3.0 if one.text else None for sample in SAMPLES for one in sample.responses
    }
    assert [asked for asked, _ in answers.asked].count(path) == 23
    assert len(answers.asked) == (23 if path == "/classify" else 24)
    assert told == []


def test_the_conversation_is_sent_whole_with_the_activation_off():
    answers = Answers()
    sample = Sample.of(prompt=[Message("user", "Hi")], texts=("Yo", "No"), labels=(1, 0), systems=("Be kind.", None))
    ask(answers, [sample])
    assert answers.asked[0][1] == {
        "model": "org/rm",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Yo"},
        ],
        "add_generation_prompt": False,
        "use_activation": False,
        "task": "classify",
    }


def test_a_server_that_squashes_rewards_is_told_of():
    _, told, _ = ask(Answers(value=lambda text: 1 / (1 + len(text))))
    assert told == [
        "All of the first 23 scores lie between 0 and 1: the server seems to squash rewards, and high ones become"
        " equal. It ignored use_activation=false; see its pooler settings."
    ]


def test_a_busy_server_is_asked_again():
    scores, _, waited = ask(Answers(statuses=[503, 429, 200, 500]), concurrency=1)
    assert waited == [1.0, 2.0, 1.0]
    assert sum(one.value is None for one in scores.values()) == 1


def test_a_server_says_how_long_to_wait():
    _, _, waited = ask(Answers(statuses=[429], headers={"Retry-After": "30"}), concurrency=1)
    assert waited == [30.0]


def test_a_server_that_asks_for_too_long_a_wait_or_stays_down_leaves_a_score_missing_to_ask_again():
    scores, _, waited = ask(Answers(statuses=[429], headers={"Retry-After": "300"}), SAMPLES[1:2], concurrency=1)
    (one, *_) = scores.values()
    assert (waited, one.value, one.reason, one.final) == ([], None, "the server answered 429", False)
    scores, _, waited = ask(Answers(statuses=[503] * 5), SAMPLES[1:2], concurrency=1)
    assert waited == [1.0, 2.0, 4.0, 8.0]
    assert [one.reason for one in scores.values()] == ["the server answered 503", "", ""]


def test_where_nothing_listens_the_reason_is_kept():
    with serving(Answers()) as address:
        pass
    (score, *_) = Server(address, "m", 1, print, lambda _: None).score(list_asked(Wanted(SAMPLES[1:2])))
    assert (score.value, score.final) == (None, False)
    assert score.reason.startswith("the server did not answer: ")


@pytest.mark.parametrize("status", [401, 402, 403])
def test_what_will_not_change_ends_the_run_and_keeps_what_was_scored(status):
    found = []
    with serving(Answers(statuses=[200, 200, status])) as address, pytest.raises(ScorerRefusedError) as refused:
        found += Server(address, "m", 1, print).score(list_asked(Wanted(SAMPLES)))
    assert f'/classify answered {status}: {{"error": {{"message": "status {status}"}}}}' in str(refused.value)
    with serving(Answers(statuses=[200, 200, status])) as address:
        stream = Server(address, "m", 1, print).score(list_asked(Wanted(SAMPLES[1:])))
        assert [next(stream).value is not None for _ in range(2)] == [True, True]


def test_a_server_with_neither_path_is_refused():
    with pytest.raises(ScorerRefusedError, match=r'answered 404: \{"detail": "Not Found"\}$'):
        ask(Answers("/v1/embeddings"))


@pytest.mark.parametrize("value", [[1.0, 2.0], "high", [[0.5], [0.25]], None])
def test_an_answer_that_is_no_single_number_is_refused(value):
    with pytest.raises(ScorerRefusedError, match=r"gave no single number, but .*vllm serve MODEL"):
        ask(Answers(value=lambda _: value))


def test_a_conversation_that_is_too_long_loses_its_oldest_turns():
    turns = [Message(("user", "assistant")[n % 2], f"Turn {n}") for n in range(5)]
    answers = Answers(longest=3)
    scores, _, _ = ask(answers, [Sample.of(prompt=turns, texts=("One", "Other"), labels=(1, 0))])
    assert [(one.value is not None, one.details) for one in scores.values()] == [(True, {"truncated": True})] * 2
    assert [message["content"] for message in answers.asked[-1][1]["messages"]] == ["Turn 4", "Other"]


def test_a_spec_names_the_server_and_the_identity_forgets_where_it_is():
    with serving(Answers()) as address:
        scorer = Reward("org/rm", server=f"{address}/v1")
        assert len(list(scorer(SAMPLES))) == 24
    assert (scorer.packages, scorer.facts()) == ((), {"through": "vllm"})
    with pytest.raises(ScorerRefusedError, match=r"^server is 'here'; it must be like http://localhost:8000\.$"):
        list(Reward("org/rm", server="here")(SAMPLES))
