"""A response with all that was said before it: what a model reads, and how it becomes shorter."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Self

from engine.records import Message, Response, Sample

SYSTEM = ("system", "developer")


class UnfitError(Exception):
    """A conversation that a model cannot read. Its text is the reason of the missing score."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns before a response, and the response."""

    turns: tuple[Message, ...]
    """At most one system turn, and that first."""

    response: Message
    tools: str = ""
    """As in Sample."""

    @classmethod
    def of(cls, sample: Sample, response: Response) -> Self:
        """Put together what stands before a response: its own system prompt, the prompt, its own turns."""
        own = (Message("system", response.system),) if response.system else ()
        turns = _join_system((*own, *sample.prompt, *response.turns))
        return cls(turns, Message("assistant", response.text, response.extra), sample.tools)

    @property
    def is_empty(self) -> bool:
        return not (self.response.content.strip() or self.response.extra)

    def check_text(self) -> None:
        """Raise UnfitError where a turn holds more than text: what the model would not see, it cannot judge."""
        if any(turn.extra and "content" in json.loads(turn.extra) for turn in (*self.turns, self.response)):
            raise UnfitError("a turn holds more than text, such as an image")

    def list_tools(self) -> list[Any] | None:
        """Read the tools; raises UnfitError when they are no list."""
        if not self.tools:
            return None
        try:
            tools = json.loads(self.tools)
        except json.JSONDecodeError:
            tools = None
        if not isinstance(tools, list):
            raise UnfitError("its tools are no list in JSON")
        return tools

    @property
    def system(self) -> tuple[Message, ...]:
        return tuple(takewhile(lambda turn: turn.role == "system", self.turns))

    def drop_oldest(self) -> Self | None:
        """Leave out the oldest turn, and what answers it; the system prompt goes last. None: one turn is left."""
        system, later = self.system, self.turns[len(self.system) :]
        if len(later) > 1:
            kept = later[1:]
            asked = [place for place, turn in enumerate(kept) if turn.role == "user"]
            return replace(self, turns=(*system, *kept[asked[0] if asked else 0 :]))
        return replace(self, turns=later) if system and later else None


def _join_system(turns: Sequence[Message]) -> tuple[Message, ...]:
    """Make one turn of the system prompts at the start: no template takes two."""
    first = list(takewhile(lambda turn: turn.role in SYSTEM, turns))
    if not first:
        return tuple(turns)
    return (Message("system", "\n\n".join(turn.content for turn in first)), *turns[len(first) :])
