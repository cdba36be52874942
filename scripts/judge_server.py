"""An OpenAI-compatible server for tests and measurements; its answers are made up, and its faults are chosen.

Example: python scripts/judge_server.py --port 8100 --behaviour good --latency 0.2
"""

import argparse
import asyncio
import json
import math
import re
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, NamedTuple

OPTIONS = {"score": [str(number) for number in range(1, 10)], "better": ["A", "B", "C"]}
MODEL = "made-up"


class Answer(NamedTuple):
    """What goes back over the wire. Status 0: nothing, until the client gives up. Status -1: the line is cut."""

    status: int
    body: bytes
    headers: tuple[str, ...] = ()


@dataclass
class JudgeServer:
    """Answers chat completions, files and batches on 127.0.0.1, in a thread of its own."""

    behaviour: str = "good"
    """A method's name behind `_say_`, or several with commas between, taken in turn and the last one for ever."""

    logprobs: bool = True
    schema: bool = True
    """Takes response_format."""

    latency: float = 0.0
    """Seconds."""

    at_once: int = 0
    """Calls that are taken at the same time; more get 429. 0: any number."""

    die_after: int = 0
    """Answers after which every line is cut. 0: never."""

    key: str = ""
    """What the client must send; empty: anything."""

    usage: bool = True
    port: int = 0

    received: Counter[str] = field(default_factory=Counter)
    """Calls by content."""

    answered: Counter[str] = field(default_factory=Counter)
    """Good answers by content."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    peak: int = 0
    """Calls under way at the same time, at most."""

    times: list[float] = field(default_factory=list)
    """When each call came, on the clock that never goes back."""

    batch_status: str = "in_progress"
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> "JudgeServer":
        self._script = deque(self.behaviour.split(","))
        self._under_way = 0
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def follow(self, behaviour: str) -> None:
        """Behave otherwise from now on."""
        self._script = deque(behaviour.split(","))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Line(self), "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._end.wait()
        server.close()

    def take(self, method: str, path: str, head: str, content: bytes) -> tuple[float, Answer]:
        """Give the answer to a request, and the seconds until it goes out."""
        if path.endswith("/chat/completions"):
            return self._chat(head, json.loads(content))
        answer = (
            self._keep_file(content) if method == "POST" and path.endswith("/files") else self._batch(path, content)
        )
        return 0.0, Answer(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def _chat(self, head: str, body: dict[str, Any]) -> tuple[float, Answer]:
        self.times.append(time.monotonic())
        self.headers.append(head)
        self.bodies.append(body)
        text = body["messages"][0]["content"]
        self.received[text] += 1
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)
        if self.die_after and sum(self.answered.values()) >= self.die_after:
            return 0.0, Answer(-1, b"")
        if self.at_once and self._under_way > self.at_once:
            return 0.0, _error(429, "too many at once")
        if self.key and f"Bearer {self.key}" not in head:
            return 0.0, _error(401, f"wrong key in {head}")
        if "response_format" in body and not self.schema:
            return 0.0, _error(400, "response_format is not supported")
        name = self._script.popleft() if len(self._script) > 1 else self._script[0]
        answer: Answer = getattr(self, f"_say_{name}")(body)
        if answer.status == 200 and name == "good":
            self.answered[text] += 1
        return self.latency, answer

    def done(self) -> None:
        self._under_way -= 1

    # Behaviours

    def _say_good(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, *_judge(body["messages"][0]["content"]))

    def _say_first(self, body: dict[str, Any]) -> Answer:
        """Prefer whatever stands first."""
        return self._complete(body, "better", "A")

    def _say_echo(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", text=self.headers[-1])

    def _say_prose(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", text="I would say it earns an 8 out of 9, all in all.")

    def _say_outside(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", text='{"score": 12, "better": "D"}')

    def _say_truncated(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", text='{"score": 9', finish="length")

    def _say_refused(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", refusal="I cannot judge that.")

    def _say_filtered(self, body: dict[str, Any]) -> Answer:
        return self._complete(body, "", text="", finish="content_filter")

    def _say_thinking(self, body: dict[str, Any]) -> Answer:
        """Take no temperature and no token probabilities, and think with the tokens of the answer."""
        for name in ("temperature", "logprobs", "max_tokens", "seed"):
            if name in body:
                return _error(400, f"Unsupported parameter: '{name}' is not supported with this model.")
        if body["max_completion_tokens"] < 2000:
            return self._complete(body, "", text="", finish="length")
        return self._complete(body, *_judge(body["messages"][0]["content"]), logprobs=False)

    def _say_fewer(self, body: dict[str, Any]) -> Answer:
        """Tell the probabilities of five tokens, not of more."""
        if body.get("top_logprobs", 0) > 5:
            return _error(400, "top_logprobs must be at most 5")
        return self._say_good(body)

    def _say_forbidding(self, body: dict[str, Any]) -> Answer:
        """Forbid token probabilities as if the key were wrong."""
        if "logprobs" in body:
            return _error(403, "You are not allowed to request logprobs from this model")
        return self._say_good(body)

    def _say_malformed(self, _: dict[str, Any]) -> Answer:
        return Answer(200, b'{"choices": [{"message": {"content": "8"')

    def _say_empty(self, _: dict[str, Any]) -> Answer:
        return Answer(200, b'{"choices": []}')

    def _say_hang(self, _: dict[str, Any]) -> Answer:
        return Answer(0, b"")

    def _say_trickle(self, _: dict[str, Any]) -> Answer:
        """Begin an answer and never end it."""
        return Answer(-2, b"")

    def _say_cut(self, _: dict[str, Any]) -> Answer:
        return Answer(-1, b"")

    def _say_500(self, _: dict[str, Any]) -> Answer:
        return _error(500, "something broke; score 9")

    def _say_401(self, _: dict[str, Any]) -> Answer:
        return _error(401, f"this key is not valid: {self.headers[-1]}")

    def _say_402(self, _: dict[str, Any]) -> Answer:
        return _error(402, "no credit is left")

    def _say_404(self, _: dict[str, Any]) -> Answer:
        return _error(404, "no such model")

    def _say_429(self, _: dict[str, Any]) -> Answer:
        return _error(429, "slow down")

    def _say_429quota(self, _: dict[str, Any]) -> Answer:
        return _error(429, "You exceeded your current quota", code="insufficient_quota")

    def _say_429typed(self, _: dict[str, Any]) -> Answer:
        return _error(429, "You exceeded your current quota", kind="insufficient_quota")

    def _say_wordy(self, body: dict[str, Any]) -> Answer:
        """Write no JSON, and a bare letter when asked for one: the first, as small models do."""
        is_plain = body["messages"][-1]["content"].endswith("Answer with one letter: A, B or C.")
        return self._complete(body, "", text="A" if is_plain else "Both have their merits, and A is the longer.")

    def _say_deep(self, _: dict[str, Any]) -> Answer:
        """Open more brackets than a reader can hold."""
        return Answer(200, b"[" * 100_000)

    def _say_error200(self, _: dict[str, Any]) -> Answer:
        """Call an error a success."""
        return Answer(200, json.dumps({"error": {"message": "the upstream is gone; score 9", "code": 502}}).encode())

    def _say_odd(self, body: dict[str, Any]) -> Answer:
        """Answer well, with nonsense wherever an answer may hold something else."""
        said = json.loads(self._say_good(body).body)
        said["usage"] = "many"
        said["choices"][0]["logprobs"] = {"content": 5}
        return Answer(200, json.dumps(said).encode())

    def _say_429after1(self, _: dict[str, Any]) -> Answer:
        return _error(429, "slow down", "Retry-After: 1")

    def _say_429after300(self, _: dict[str, Any]) -> Answer:
        return _error(429, "slow down", "Retry-After: 300")

    def _say_429date(self, _: dict[str, Any]) -> Answer:
        return _error(429, "slow down", f"Retry-After: {formatdate(time.time() + 2, usegmt=True)}")

    def _complete(
        self, body: dict[str, Any], key: str, option: str = "", *, text: str | None = None, refusal: str | None = None,
        finish: str = "stop", logprobs: bool = True,
    ) -> Answer:  # fmt: skip
        value = f'"{option}"' if key == "better" else option
        written = f'{{"{key}": {value}}}' if text is None else text
        choice: dict[str, Any] = {
            "index": 0, "finish_reason": finish, "logprobs": None,
            "message": {"role": "assistant", "content": written if refusal is None else None, "refusal": refusal},
        }  # fmt: skip
        if self.logprobs and logprobs and body.get("logprobs") and text is None and refusal is None:
            choice["logprobs"] = {"content": _tokens(key, option)}
        said = {"id": "x", "object": "chat.completion", "created": 0, "model": body.get("model"), "choices": [choice]}
        if self.usage:
            sent = len(body["messages"][0]["content"]) // 4
            said["usage"] = {"prompt_tokens": sent, "completion_tokens": 6, "total_tokens": sent + 6}
        return Answer(200, json.dumps(said).encode())

    # Files and batches

    def _keep_file(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        found = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', content, re.DOTALL)
        self.files[name] = found[1] if found else b""
        return {"id": name, "object": "file", "bytes": 0, "created_at": 0, "filename": "f", "purpose": "batch"}

    def _batch(self, path: str, content: bytes) -> dict[str, Any] | bytes:
        if path.endswith("/content"):
            return self.files[path.split("/")[-2]]
        if content:
            name = f"batch-{len(self.batches)}"
            fixed = {"id": name, "object": "batch", "created_at": 0, "status": "in_progress"}
            self.batches[name] = {**fixed, **json.loads(content)}
            return self.batches[name]
        if "/batches/" not in path:
            return {"object": "list", "data": list(self.batches.values()), "has_more": False}
        batch = self.batches[path.rpartition("/")[2]]
        if self.batch_status != "in_progress" and "output_file_id" not in batch:
            lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
            batch |= {"status": self.batch_status, "output_file_id": f"out-{batch['id']}"}
            answers = [(line, self._chat("", line["body"])[1]) for line in reversed(lines)]
            self._under_way = 0
            self.files[batch["output_file_id"]] = b"".join(_batch_line(line, answer) for line, answer in answers)
        return batch


def _batch_line(line: dict[str, Any], answer: Answer) -> bytes:
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    response = {"status_code": answer.status, "request_id": "r", "body": body}
    return json.dumps({"id": "l", "custom_id": line["custom_id"], "response": response, "error": None}).encode() + b"\n"


def _judge(text: str) -> tuple[str, str]:
    """Rate by the word `good` and by length; say which key the prompt asks for."""
    blocks = re.split(r"(?m)^=====+ ", text)
    worth = {block.split("\n")[0]: rate(block.partition("\n")[2].strip()) for block in blocks[1:]}
    if "RESPONSE" in worth:
        return "score", str(worth["RESPONSE"])
    first, second = worth["RESPONSE A"], worth["RESPONSE B"]
    return "better", "C" if first == second else "A" if first > second else "B"


def rate(response: str) -> int:
    """Give what the server says of a response: 1 to 8."""
    return 1 + 4 * ("good" in response) + len(response) % 4


def _tokens(key: str, option: str) -> list[dict[str, Any]]:
    """Write the tokens of an answer; where the option stands, .6 for it, .2 for the next one down, .1 for noise."""
    options = OPTIONS[key]
    lower = options[max(0, options.index(option) - 1)]
    here = [(option, math.log(0.6)), (f" {lower}", math.log(0.2)), ("great", math.log(0.1)), ("7.5", -9999.0)]
    quote = '"' if key == "better" else ""
    before, after = (f'{{"{key}', f'": {quote}'), (f"{quote}}}",)
    places = [*((text, [(text, 0.0)]) for text in before), (option, here), *((text, [(text, 0.0)]) for text in after)]
    return [
        {"token": text, "logprob": top[0][1], "bytes": None,
         "top_logprobs": [{"token": one, "logprob": logprob, "bytes": None} for one, logprob in top]}
        for text, top in places
    ]  # fmt: skip


def _error(status: int, message: str, *headers: str, kind: str = "t", code: str | None = None) -> Answer:
    return Answer(status, json.dumps({"error": {"message": message, "type": kind, "code": code}}).encode(), headers)


class _Line(asyncio.Protocol):
    """One connection; the server is as plain as HTTP/1.1 allows, so that it is not what is measured."""

    def __init__(self, server: JudgeServer) -> None:
        self.server = server
        self.data = b""
        self.calls: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.open = 0

    def connection_lost(self, _: Exception | None) -> None:
        for _call in range(self.open):
            self.server.done()
        self.open = 0

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            found = re.search(r"(?i)content-length: *(\d+)", head)
            size = int(found[1]) if found else 0
            if len(self.data) < end + 4 + size:
                return
            content, self.data = self.data[end + 4 : end + 4 + size], self.data[end + 4 + size :]
            method, path, _ = head.split("\r\n")[0].split(" ")
            is_call = path.endswith("/chat/completions")
            self.open += is_call
            seconds, answer = self.server.take(method, path, head, content)
            asyncio.get_running_loop().call_later(seconds, self._send, answer, is_call)

    def _send(self, answer: Answer, is_call: bool) -> None:
        if self.transport.is_closing():
            return
        if answer.status == 0:
            return
        if answer.status == -2:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            self._trickle()
            return
        if is_call:
            self.server.done()
            self.open -= 1
        if answer.status == -1:
            self.transport.abort()
            return
        headers = "".join(f"{one}\r\n" for one in answer.headers)
        head = f"HTTP/1.1 {answer.status} -\r\nContent-Type: application/json\r\n{headers}"
        self.transport.write(f"{head}Content-Length: {len(answer.body)}\r\n\r\n".encode() + answer.body)

    def _trickle(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b" ")
            asyncio.get_running_loop().call_later(0.05, self._trickle)


def behaviours() -> list[str]:
    """List what the server can do."""
    return [name.removeprefix("_say_") for name in dir(JudgeServer) if name.startswith("_say_")]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--behaviour", default="good", help=f"with commas between: {', '.join(behaviours())}")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--at-once", type=int, default=0)
    args = parser.parse_args()
    with JudgeServer(args.behaviour, latency=args.latency, at_once=args.at_once, port=args.port) as server:
        print(f"{server.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
