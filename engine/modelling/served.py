"""Ask a running vLLM server for rewards, over HTTP: /classify or /pooling, whichever it has."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any

from engine.errors import ScorerRefusedError
from engine.modelling.conversations import Conversation, UnfitError
from engine.records import Score
from engine.turns import write_message

PATHS = ("/classify", "/pooling")

SECONDS_TO_ANSWER = 120.0
WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt, where the server does not say how long."""

LONGEST_WAIT = 120.0
"""In seconds; a server that asks for more is not waited for."""

NOT_NOW = {408, 425, 429, 500, 502, 503, 504}
NEVER = {401, 402, 403, 404, 405}
"""What will not change by asking again: the run ends."""

TOO_LONG = ("maximum context length", "max_model_len", "maximum model length", "too long", "longer than")
ENOUGH_TO_TELL = 64
"""Scores after which a person is warned that all of them lie between 0 and 1."""

Asked = tuple[str, Conversation]


@dataclass
class Server:
    """A vLLM server that serves one reward model."""

    address: str
    model: str
    concurrency: int
    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        import httpx2

        self.root = self.address.rstrip("/").removesuffix("/v1")
        if not self.root.startswith(("http://", "https://")):
            raise ScorerRefusedError(f"server is {self.address!r}; it must be like http://localhost:8000.")
        self.client = httpx2.Client(timeout=SECONDS_TO_ANSWER)
        self.path = ""
        self.seen = self.inside = 0

    def score(self, asked: Iterable[Asked]) -> Iterator[Score]:
        """Score responses as answers come; raises ScorerRefusedError when the server will never answer."""
        pool = ThreadPoolExecutor(self.concurrency)
        stream = iter(asked)
        try:
            # The first one, asked alone, finds the path.
            yield from (self._watch(self._score(one)) for one in islice(stream, 1))
            running: set[Future[Score]] = set()
            while True:
                running |= {pool.submit(self._score, one) for one in islice(stream, self.concurrency - len(running))}
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (self._watch(one.result()) for one in done)
        finally:
            self.client.close()
            pool.shutdown(wait=False, cancel_futures=True)
        if self.seen < ENOUGH_TO_TELL:
            self._warn()

    def _watch(self, one: Score) -> Score:
        if one.value is not None:
            self.seen += 1
            self.inside += 0 <= one.value <= 1
            if self.seen == ENOUGH_TO_TELL:
                self._warn()
        return one

    def _warn(self) -> None:
        if self.seen and self.seen == self.inside:
            self.tell(
                f"All of the first {self.seen:,} scores lie between 0 and 1: the server seems to squash rewards, and"
                " high ones become equal. It ignored use_activation=false; see its pooler settings."
            )

    def _score(self, asked: Asked) -> Score:
        key, conversation = asked
        if conversation.is_empty:
            return Score(key, None, "empty response", final=True)
        try:
            return self._ask(key, conversation)
        except UnfitError as error:
            return Score(key, None, str(error), final=True)

    def _ask(self, key: str, conversation: Conversation, *, truncated: bool = False) -> Score:
        """Ask until there is an answer; a conversation that is too long loses its oldest turns."""
        answer = self._post(_write_body(self.model, conversation))
        if isinstance(answer, str):
            return Score(key, None, answer)
        if answer.status_code in (400, 413, 422):
            shorter = conversation.drop_oldest() if any(said in answer.text for said in TOO_LONG) else None
            if shorter is None:
                return Score(key, None, f"the server refuses it: {_quote(answer)}")
            return self._ask(key, shorter, truncated=True)
        details = {"truncated": True} if truncated else {}
        return Score(key, self._read(answer), details=details)

    def _post(self, body: dict[str, Any]) -> Any:
        """Give the server's answer, or the reason why there is none."""
        import httpx2

        reason = ""
        for seconds in (*WAITS, None):
            try:
                answer = self._find_path(body) if not self.path else self.client.post(self.root + self.path, json=body)
                if answer.status_code not in NOT_NOW:
                    break
                reason = f"the server answered {answer.status_code}"
                asked_for = _read_seconds(answer.headers.get("retry-after"))
            except httpx2.TransportError as error:
                reason, asked_for = f"the server did not answer: {error or type(error).__name__}", None
            if seconds is None or (asked_for or 0) > LONGEST_WAIT:
                return reason
            self.sleep(max(seconds, asked_for or 0))
        if answer.status_code in NEVER:
            raise ScorerRefusedError(f"{self.root}{self.path} answered {answer.status_code}: {_quote(answer)}")
        return answer

    def _find_path(self, body: dict[str, Any]) -> Any:
        """Ask both paths, and keep to the one that answers."""
        answers = []
        for path in PATHS:
            answer = self.client.post(self.root + path, json=body)
            if answer.status_code == 200:
                self.path = path
            if answer.status_code == 200 or answer.status_code in NOT_NOW:
                return answer
            answers.append(answer)
        telling = [one for one in answers if one.status_code not in (404, 405)]
        named = [one for one in answers if "model" in one.text]
        return (telling or named or answers)[0]

    def _read(self, answer: Any) -> float:
        try:
            (entry,) = answer.json()["data"]
            values = entry["probs"] if "probs" in entry else entry["data"]
            (value,) = values if isinstance(values, list) else [values]
            return float(value)
        except (ValueError, KeyError, TypeError):
            raise ScorerRefusedError(
                f"{self.root}{self.path} gave no single number, but {_quote(answer)}. Serve a reward model with one"
                " value: vllm serve MODEL --runner pooling --convert classify."
            ) from None


def _write_body(model: str, conversation: Conversation) -> dict[str, Any]:
    conversation.check_text()
    if conversation.tools:
        raise UnfitError("the server is not told of tools")
    messages = [write_message(turn) for turn in (*conversation.turns, conversation.response)]
    shared = {"model": model, "messages": messages, "add_generation_prompt": False, "use_activation": False}
    return {**shared, "task": "classify"}


def _read_seconds(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _quote(answer: Any) -> str:
    text = " ".join(answer.text.split())
    return text if len(text) <= 200 else f"{text[:200]}..."
