"""From what a server replied to lines of the score log."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.endpoints.completions import message_of, text_of
from engine.endpoints.outcomes import LONGEST_RAW, Reply, Request
from engine.endpoints.settings import Endpoint
from engine.records import Score
from engine.scorers.judge.prompts import ask_plainly
from engine.scorers.judge.questions import Question
from engine.scorers.judge.reading import LEAST_MASS, find_answer, weigh

PAID_ONCE = {"tokens", "cost"}
"""Of one call about two responses, these stand in one line alone."""

MORE_TOKENS = 4
"""By how much the limit is raised for an answer that was cut short."""

ANSWERS_BEGIN = ("{", "```", "<think>")
"""An answer that was cut and does not begin so is no answer: more tokens would not mend it."""


def ask_again(key: str, options: tuple[str, ...], request: Request, body: Mapping[str, Any]) -> Request | None:
    """Give the request to send after an answer of no use; None when the answer will do."""
    reason = find_answer(body, key, options).reason
    if not reason:
        return None
    changed = dict(request.body)
    said = text_of(message_of(body)).lstrip()
    is_chatter = bool(said) and not said.startswith(ANSWERS_BEGIN)
    if reason == "truncated" and not is_chatter:
        limit = "max_tokens" if "max_tokens" in changed else "max_completion_tokens"
        changed[limit] *= MORE_TOKENS
    elif reason.startswith(("truncated", "unparsable", "out of range")):
        changed["messages"] = ask_plainly(changed["messages"], options)
    return Request(request.name, changed)


def read_scores(question: Question, key: str, reply: Reply, endpoint: Endpoint) -> Iterator[Score]:
    """Give what a reply says of each response of its question; what it does not say is missing, with a reason."""
    answer = find_answer(reply.body, key, question.options) if reply.body else None
    reason = (answer.reason if answer else reply.reason) or ""
    reading = weigh(reply.body, key, question.options, answer.option) if reply.body and answer and not reason else None
    details = _describe(question, reply, endpoint)
    if reading and answer:
        details["method"] = "logprobs" if reading.mass is not None else "samples" if question.of > 1 else "integer"
        if reading.mass is not None:
            details |= {"mass": round(reading.mass, 4)} | ({"low_mass": True} if reading.mass < LEAST_MASS else {})
        if answer.rationale:
            details["rationale"] = endpoint.hide(answer.rationale)
    elif reason == "truncated":
        details["truncated"] = True
    for place, target in enumerate(question.targets):
        value = sum(share * target.values[option] for option, share in reading.shares.items()) if reading else None
        yield Score(
            target.response.response_id,
            value,
            reason,
            part=target.part,
            parts=target.parts,
            number=question.number,
            of=question.of,
            details=details if place == 0 else {key: said for key, said in details.items() if key not in PAID_ONCE},
        )


def _describe(question: Question, reply: Reply, endpoint: Endpoint) -> dict[str, object]:
    message = message_of(reply.body or {})
    details: dict[str, object] = {"attempts": reply.attempts, "tokens": reply.usage._asdict()}
    if reply.cost is not None:
        details["cost"] = reply.cost
    if raw := text_of(message) or str(message.get("refusal") or ""):
        details["raw"] = endpoint.hide(raw)[:LONGEST_RAW]
    if orders := question.orders:
        details["suspicious"] = orders
    return details
