"""What a server and its model can do, found by asking once and kept: token probabilities, formats, settings."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from engine.endpoints.calling import Caller
from engine.endpoints.completions import finish_of, message_of, text_of, tokens_of
from engine.endpoints.outcomes import Request
from engine.endpoints.settings import Endpoint
from engine.errors import EndpointError
from engine.records import content_hash

Turns = Sequence[Mapping[str, str]]

FORMATS = ("json_schema", "json_object", "plain")
"""How an answer is held to a form, the strictest first."""

MOST_ALTERNATIVES = 20
"""Tokens whose probabilities are asked for; the most that servers give."""

THINKING_TOKENS = 8192
"""What a model that thinks before it answers may write besides the answer."""

MOST_STEPS = 10


class Trial(NamedTuple):
    """What a model is asked to learn what it can do."""

    turns: Turns
    schema: Mapping[str, object]
    most_tokens: int
    is_good: Callable[[dict[str, Any]], bool]
    """Says whether an answer is of use."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What may be asked of a model; the hopeful values are the defaults."""

    logprobs: bool = True
    alternatives: int = MOST_ALTERNATIVES
    format: str = FORMATS[0]
    temperature: bool = True
    seed: bool = True
    limit: str = "max_tokens"
    """What the setting is called that limits the answer's tokens."""

    thinks: bool = False
    """The model thinks before it answers, and pays for that with tokens of the same limit."""

    seconds: float = 1.0
    """How long one call took."""

    def body(
        self, model: str, turns: Turns, schema: Mapping[str, object], *, most_tokens: int, sample: int | None = None
    ) -> dict[str, Any]:
        """Write the body of a request. `sample` is the number of one of several answers, drawn at temperature 1."""
        body: dict[str, Any] = {"model": model, "messages": list(turns)}
        body[self.limit] = most_tokens + (THINKING_TOKENS if self.thinks else 0)
        if self.temperature:
            body["temperature"] = 0.0 if sample is None else 1.0
        if self.seed:
            body["seed"] = sample or 0
        if self.logprobs:
            body |= {"logprobs": True, "top_logprobs": self.alternatives}
        if self.format == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        elif self.format == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body


async def find_abilities(caller: Caller, folder: Path | None, request: Trial) -> Abilities | None:
    """Read what is known of an endpoint, or ask it; only what a usable answer showed is kept.

    None: the budget has no room for asking. Raises EndpointError when the server does not answer.
    """
    path = folder / f"endpoint-{content_hash(*_name(caller.endpoint))}.json" if folder else None
    known = _read(path)
    if known:
        return known
    found, is_sure = await _probe(caller, request)
    if path and found and is_sure:
        endpoint = dict(zip(("base_url", "model"), _name(caller.endpoint), strict=True))
        path.write_text(json.dumps({**endpoint, **asdict(found)}, indent=1) + "\n", encoding="utf-8")
    return found


def _name(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model


def _read(path: Path | None) -> Abilities | None:
    if path is None or not path.exists():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Abilities(**{field.name: said[field.name] for field in fields(Abilities)})
    except (ValueError, LookupError, TypeError):
        return None


async def _probe(caller: Caller, request: Trial) -> tuple[Abilities | None, bool]:
    """Ask for everything, then for less and less until the answer is of use; says whether it was."""
    trial = Abilities()
    for _ in range(MOST_STEPS):
        began = time.monotonic()
        asked = trial.body(caller.endpoint.model, request.turns, request.schema, most_tokens=request.most_tokens)
        reply = await caller.call(Request("probe", asked))
        if reply is None:
            return None, False
        if reply.kind == "refused" and (less := _without(trial, reply.reason)):
            trial = less
            continue
        if reply.kind not in ("good", "garbled"):
            raise EndpointError(f"{caller.endpoint} does not answer ({reply.reason}).")
        body = reply.body or {}
        trial = replace(trial, seconds=round((time.monotonic() - began) / reply.attempts, 3))
        is_last = trial.format == FORMATS[-1]
        if not trial.thinks and _thinks(body):
            trial = replace(trial, thinks=True)
        elif request.is_good(body) or is_last:
            return replace(trial, logprobs=trial.logprobs and bool(tokens_of(body))), request.is_good(body)
        else:
            trial = replace(trial, format=FORMATS[FORMATS.index(trial.format) + 1])
    return trial, False


def _without(trial: Abilities, reason: str) -> Abilities | None:
    """Leave out what a server says that it does not take; where it does not say, the likeliest thing."""
    said = reason.lower()
    fewer = replace(trial, alternatives=5) if trial.alternatives > 5 and "top_logprobs" in said else None
    steps = {
        "max_tokens": replace(trial, limit="max_completion_tokens") if trial.limit == "max_tokens" else None,
        "logprobs": (fewer or replace(trial, logprobs=False)) if trial.logprobs else None,
        "temperature": replace(trial, temperature=False) if trial.temperature else None,
        "seed": replace(trial, seed=False) if trial.seed else None,
        "response_format": _next_format(trial),
        "json": _next_format(trial),
        "schema": _next_format(trial),
    }
    named = [less for word, less in steps.items() if word in said and less]
    in_turn = [steps[word] for word in ("response_format", "logprobs", "seed", "temperature", "max_tokens")]
    return next((less for less in (*named, *in_turn) if less), None)


def _next_format(trial: Abilities) -> Abilities | None:
    place = FORMATS.index(trial.format) + 1
    return replace(trial, format=FORMATS[place]) if place < len(FORMATS) else None


def _thinks(body: Mapping[str, Any]) -> bool:
    """Say whether a model thought before it answered, or ran out of tokens while it did."""
    message = message_of(body)
    usage = body.get("usage")
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    tokens = details.get("reasoning_tokens") if isinstance(details, dict) else None
    thought = message.get("reasoning_content") or message.get("reasoning") or tokens
    return bool(thought) or (finish_of(body) == "length" and not text_of(message).strip())
