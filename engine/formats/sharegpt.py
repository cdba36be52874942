"""LLaMA-Factory's sharegpt shape: turns with from and value, one chosen and one rejected turn."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import RowRefusedError
from engine.nesting import is_too_deep
from engine.records import Message, Sample
from engine.turns import (
    describe,
    exchange_sides,
    quote,
    read_pair_columns,
    read_text,
    read_tools,
    split_conversations,
    write_json,
)

SIDES = ("chosen", "rejected")
CALL = "function_call"
ROLES = {"human": "user", "gpt": "assistant", "system": "system", CALL: "assistant", "observation": "tool"}


@dataclass(frozen=True)
class ShareGpt:
    """`conversations` of {from, value} with `chosen` and `rejected` as one such turn each; optional system and tools.

    The `system` column counts only where the conversation has no system turn, as in LLaMA-Factory.
    """

    direction: ClassVar[str] = "`chosen` is better than `rejected`"

    def looks_like(self, row: Mapping[str, object]) -> bool:
        turns = row.get("conversations")
        return isinstance(turns, list) and bool(turns) and all(map(_is_turn, [*turns, *(row.get(s) for s in SIDES)]))

    def to_sample(self, row: Mapping[str, object]) -> Sample:
        """Read one row: `chosen` is preferred."""
        prompt = _read_prompt(row)
        split = split_conversations([(*prompt, _read_turn(row.get(side), side)) for side in SIDES], SIDES)
        return Sample.of(
            **split._asdict(),
            labels=(1.0, 0.0),
            columns=read_pair_columns(row, SIDES),
            source=str(row.get("source") or ""),
            tools=read_tools(row.get("tools")),
        )

    def exchange(self, row: Mapping[str, object], first: int, second: int) -> dict[str, object]:  # noqa: ARG002
        return exchange_sides(row)


def _is_turn(value: object) -> bool:
    return isinstance(value, dict) and {"from", "value"} <= value.keys()


def _read_prompt(row: Mapping[str, object]) -> tuple[Message, ...]:
    turns = row.get("conversations")
    if not isinstance(turns, list) or not turns:
        raise RowRefusedError(f"conversations is {describe(turns)}, not a list of turns")
    prompt = tuple(_read_turn(turn, "conversations") for turn in turns)
    if row.get("system") and prompt[0].role != "system":
        return (Message("system", read_text(row, "system")), *prompt)
    return prompt


def _read_turn(turn: object, name: str) -> Message:
    if not isinstance(turn, dict):
        raise RowRefusedError(f"{name} is or holds {describe(turn)}, not a turn with from and value")
    speaker, value = turn.get("from"), turn.get("value")
    if not isinstance(speaker, str) or speaker not in ROLES:
        raise RowRefusedError(f"{name} has a turn from {quote(speaker)}, not one of {', '.join(ROLES)}")
    if not isinstance(value, str):
        raise RowRefusedError(f"{name} has a turn whose value is {describe(value)}, not text")
    return _read_calls(value, name) if speaker == CALL else Message(ROLES[speaker], value)


def _read_calls(value: str, name: str) -> Message:
    """Read the calls of a turn, one object or a list of them, into the shape that other formats have."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        raise RowRefusedError(f"{name} has a function_call that is not JSON") from None
    calls = said if isinstance(said, list) else [said]
    if is_too_deep(calls):
        raise RowRefusedError(f"{name} has a function_call that is nested too deep")
    if not calls or not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        raise RowRefusedError(f"{name} has a function_call without the name of a function")
    tool_calls = [{"type": "function", "function": call} for call in calls]
    return Message("assistant", "", write_json({"tool_calls": tool_calls}, name))
