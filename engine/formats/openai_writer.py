"""Rows of OpenAI's preference fine-tuning: an input and two outputs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.pairs import TURNS, find_more_than_text, find_turn_problem, require_text_turns
from engine.records import TrainingPair
from engine.turns import write_message

OUTPUTS = ("preferred_output", "non_preferred_output")


@dataclass(frozen=True)
class OpenAIWriter:
    """Columns input (messages, tools), preferred_output and non_preferred_output: one assistant message each.

    Read by OpenAI's fine-tuning jobs with `method={"type": "dpo"}`, and by Azure, Together and Fireworks, which take
    the same rows. Upload it as .jsonl. Text only.
    """

    types: ClassVar[Mapping[str, str]] = {
        "input": f"STRUCT(messages {TURNS}, tools VARCHAR[])",
        **dict.fromkeys(OUTPUTS, TURNS),
    }

    def to_rows(self, pair: TrainingPair) -> list[dict[str, object]]:
        """Write one pair. Raises RowRefusedError when a turn of it is more than text."""
        require_text_turns(pair)
        asked = {"messages": [write_message(turn) for turn in pair.prompt], "tools": _read_tools(pair.tools)}
        outputs = ([write_message(answer)] for answer in (pair.chosen, pair.rejected))
        return [{"input": asked, **dict(zip(OUTPUTS, outputs, strict=True))}]

    def find_problem(self, row: Mapping[str, object]) -> str:
        """Say what the fine-tuning job would stumble over in a row; empty when nothing."""
        asked = row.get("input")
        if not isinstance(asked, dict):
            return "input is no object with messages"
        tools = asked.get("tools", [])
        if not isinstance(tools, list) or not all(isinstance(tool, dict) and "type" in tool for tool in tools):
            return "tools is not a list of tools"
        outputs = {name: row.get(name) for name in OUTPUTS}
        problem = find_turn_problem(asked.get("messages"), outputs)
        return problem or find_more_than_text(asked["messages"], *outputs.values())


def _read_tools(tools: str) -> object:
    """Give the list that the text holds; a text that holds none stays as it is, to be refused."""
    try:
        return json.loads(tools) if tools else []
    except (ValueError, RecursionError):
        return tools
