"""What became of one try of a call, and what it means for the calls after it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from engine.endpoints.completions import choice_of
from engine.endpoints.costs import Usage
from engine.endpoints.pace import Clock, read_retry_after
from engine.endpoints.settings import Endpoint

Kind = Literal["good", "busy", "trouble", "garbled", "refused", "fatal"]
"""busy: slow down and try again. trouble: try again. garbled: try once more. refused: this call will not do. fatal:
none will."""

BUSY = {429, 503, 529}
FATAL = {401, 402, 403, 404}
TRY_AGAIN = {408, 409, 425}
LONGEST_RAW = 2000
"""Characters of an unusable answer that are kept."""

NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}
"""Codes or types of a 429 that no waiting cures."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: a name of the caller's own, and the body as the API wants it."""

    name: str
    body: dict[str, Any]


class Outcome(NamedTuple):
    """How one try ended."""

    kind: Kind
    body: dict[str, Any] | None = None
    reason: str = ""
    wait: float = 0.0
    """Seconds that the server asks all to wait."""

    may_be_billed: bool = False
    """The call was given up while the server may have been at work."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ended, after all its tries."""

    name: str
    body: dict[str, Any] | None
    """What the server said. None: it said nothing usable, and `reason` says why."""

    reason: str = ""
    attempts: int = 1
    usage: Usage = field(default_factory=Usage)
    """Of all tries together."""

    cost: float | None = None
    """In USD, of all tries together; None where no price is known."""

    kind: Kind = "good"


async def try_once(client: Any, endpoint: Endpoint, body: dict[str, Any], clock: Clock) -> Outcome:
    """Send one call once. A server that trickles or hangs is given up after the endpoint's timeout."""
    import httpx2
    import openai

    try:
        async with asyncio.timeout(endpoint.timeout):
            response = await client.post("/chat/completions", body=body, cast_to=httpx2.Response)
    except (TimeoutError, openai.APITimeoutError):
        return Outcome("busy", reason=f"no answer within {endpoint.timeout:g} s", may_be_billed=True)
    except openai.APIStatusError as error:
        return _sort(error, endpoint, clock)
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        return Outcome("trouble", reason=endpoint.hide(f"no connection ({type(cause).__name__}: {cause})"))
    return read_answer(response.text, endpoint)


def read_answer(text: str, endpoint: Endpoint) -> Outcome:
    """Read the body of an answer that the server calls good."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(choice_of(body).get("message"), dict):
        return Outcome("garbled", reason=f"the answer is no completion: {endpoint.hide(text)[:200]!r}")
    return Outcome("good", body)


def _sort(error: Any, endpoint: Endpoint, clock: Clock) -> Outcome:
    status, said = error.status_code, endpoint.hide(_message(error.body) or error.response.text)[:LONGEST_RAW]
    reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    has_no_money = any(str(named) in NO_MONEY for named in (error.code, error.type))
    if status in BUSY and not has_no_money:
        return Outcome("busy", reason=reason, wait=read_retry_after(error.response.headers, clock.wall()))
    if status == 403 and "logprobs" in said:  # OpenAI's reasoning models say so of a request, not of a key
        return Outcome("refused", reason=reason)
    if status in FATAL or status in BUSY:
        return Outcome("fatal", reason=reason)
    if status in TRY_AGAIN or status >= 500:
        return Outcome("trouble", reason=reason)
    return Outcome("refused", reason=reason)


def _message(body: object) -> str:
    """Find the sentence in an error: servers put it at different depths."""
    if isinstance(body, dict):
        return next((found for key in ("message", "error", "detail") if (found := _message(body.get(key)))), "")
    return body if isinstance(body, str) else ""
