"""What stands where in a chat completion; servers leave out what they do not know."""

from collections.abc import Mapping
from typing import Any


def message_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the message of a completion; empty where there is none."""
    choice = choice_of(body)
    message = choice.get("message")
    return message if isinstance(message, dict) else {}


def text_of(message: Mapping[str, Any]) -> str:
    """Find what the model wrote."""
    content = message.get("content")
    return content if isinstance(content, str) else ""


def finish_of(body: Mapping[str, Any]) -> str:
    """Why the model stopped: stop, length, content_filter."""
    return str(choice_of(body).get("finish_reason") or "")


def tokens_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find the tokens of an answer, each with the likeliest ones in its place; empty where the server gives none."""
    logprobs = choice_of(body).get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return []
    return [one for one in tokens if isinstance(one, dict) and _is_told(one.get("top_logprobs"))]


def _is_told(top: object) -> bool:
    return isinstance(top, list) and bool(top) and all(isinstance(one, dict) for one in top)


def choice_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the first answer of a completion; empty where there is none."""
    choices = body.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def most_tokens(body: dict[str, Any]) -> int:
    """Give the most tokens that a request lets the model write."""
    return int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)
