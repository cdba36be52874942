"""Read a judge's answer: the option it chose, and how probable it found each; never a number out of prose."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.endpoints.completions import finish_of, message_of, text_of, tokens_of

LEAST_MASS = 0.5
"""Where the options together were less probable, the score is flagged."""

AROUND = " \t\n\r\"':"
"""What a token may hold beside the option itself."""

THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
BLOCK = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)


class Answer(NamedTuple):
    """What a judge said."""

    option: str
    """One of the options; empty where there is none, and `reason` says why."""

    reason: str = ""
    rationale: str = ""


class Reading(NamedTuple):
    """How probable the judge found each option."""

    shares: Mapping[str, float]
    """They add up to 1."""

    mass: float | None = None
    """How probable the options were together; None: the server gives no probabilities."""


def find_answer(body: Mapping[str, Any], key: str, options: Sequence[str]) -> Answer:
    """Find the option in an answer that is a JSON object with this key, or the option and nothing else."""
    message, finish = message_of(body), finish_of(body)
    text = text_of(message)
    if finish == "length":
        return Answer("", "truncated")
    if finish == "content_filter":
        return Answer("", "stopped by a content filter")
    if message.get("refusal"):
        return Answer("", "refused")
    text = THOUGHT.sub("", text).strip()
    if not text:
        return Answer("", "empty answer")
    block = BLOCK.match(text)
    said = _load(block[1] if block else text)
    rationale = ""
    if isinstance(said, dict):
        rationale = str(said.get("rationale") or "")
        said = said.get(key)
    option = _write(said)
    if option in options:
        return Answer(option, "", rationale)
    is_near = option.lstrip("-").replace(".", "", 1).isdigit() or len(option) == 1
    return Answer("", f"out of range: {option}" if is_near else "unparsable")


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if len(text) == 1 else None


def _write(said: object) -> str:
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return ""
    if isinstance(said, float) and said.is_integer():
        return str(int(said))
    return str(said).strip()


def weigh(body: Mapping[str, Any], key: str, options: Sequence[str], chosen: str) -> Reading:
    """Give the probability of each option where the server tells it, else all of it to the chosen one."""
    tokens = tokens_of(body)
    place = _find_token(tokens, key)
    if place is not None:
        shares = _read_shares(tokens, place, options, chosen)
        mass = sum(shares.values())
        if mass > 0:
            return Reading({option: share / mass for option, share in shares.items()}, min(mass, 1.0))
    return Reading({chosen: 1.0})


def _find_token(tokens: Sequence[Mapping[str, Any]], key: str) -> int | None:
    """Find the token that begins the value behind the key; of a bare answer, its first token that is not blank."""
    text = "".join(str(token.get("token", "")) for token in tokens)
    before = [found.end() for found in re.finditer(rf'"{key}"\s*:\s*"?', text)]
    bare = re.search(r"\S", text)
    start = before[-1] if before else bare.start() if bare else None
    if start is None:
        return None
    end = 0
    for place, token in enumerate(tokens):
        end += len(str(token.get("token", "")))
        if end > start:
            return place
    return None


def _read_shares(
    tokens: Sequence[Mapping[str, Any]], place: int, options: Sequence[str], chosen: str
) -> dict[str, float]:
    """Sum the probabilities of each option over its spellings; an option may take two tokens."""
    here = _alternatives(tokens[place])
    said = str(tokens[place].get("token", "")).strip(AROUND)
    if not said or not chosen.startswith(said):
        return {}
    known = {text.strip(AROUND) for text in here}
    shares: dict[str, float] = {}
    for text, share in here.items():
        option = text.strip(AROUND)
        longer = {one for one in options if one != option and one.startswith(option)} if option else set()
        if option in options and (not longer or longer & known):
            shares[option] = shares.get(option, 0.0) + share
        elif longer and option == said and place + 1 < len(tokens):
            for whole, part in _go_on(tokens[place + 1], option, options, longer).items():
                shares[whole] = shares.get(whole, 0.0) + share * part
    return shares


def _go_on(token: Mapping[str, Any], option: str, options: Sequence[str], longer: set[str]) -> dict[str, float]:
    """Split the share of a token that may be the whole of one option and the start of others."""
    parts: dict[str, float] = {}
    for text, share in _alternatives(token).items():
        whole = option + text.rstrip(AROUND)
        if whole in longer:
            parts[whole] = parts.get(whole, 0.0) + share
    if option in options:
        parts[option] = max(0.0, 1.0 - sum(parts.values()))
    return parts


def _alternatives(token: Mapping[str, Any]) -> dict[str, float]:
    """Give the probability of each text in this place, that which was written among them."""
    shares: dict[str, float] = {}
    for one in (*token["top_logprobs"], token):
        text, logprob = one.get("token"), one.get("logprob")
        is_number = isinstance(logprob, int | float) and not math.isnan(logprob)
        if isinstance(text, str) and is_number and text not in shares:
            shares[text] = math.exp(min(0.0, logprob))
    return shares
