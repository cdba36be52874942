"""LLaMA-Factory's ranking rows in its sharegpt layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from engine.pairs import require_text
from engine.records import Message, TrainingPair

SPEAKERS = {"user": "human", "assistant": "gpt"}
TURN = '{"from", "value"}'
KIND = 'STRUCT("from" VARCHAR, "value" VARCHAR)'
SIDES = ("chosen", "rejected")


@dataclass(frozen=True)
class LlamaFactoryWriter:
    """Columns conversations (from, value), chosen and rejected (one turn each), and system (text, may be empty).

    Read by LLaMA-Factory with `stage: dpo` (or rm) and `dataset: NAME`, once the entry that is written beside the
    export, in <output>.dataset_info.json, is merged into its data/dataset_info.json and the export lies beside that.
    """

    types: ClassVar[Mapping[str, str]] = {
        "conversations": f"{KIND}[]", "chosen": KIND, "rejected": KIND, "system": "VARCHAR",
    }  # fmt: skip

    def to_rows(self, pair: TrainingPair) -> list[dict[str, object]]:
        """Write one pair. Raises RowRefusedError when it is more than text."""
        require_text(pair)
        system, turns = _split_system(pair.prompt)
        sides = (_write_turn(side) for side in (pair.chosen, pair.rejected))
        row = {"conversations": [_write_turn(turn) for turn in turns], **dict(zip(SIDES, sides, strict=True))}
        return [{**row, "system": system}]

    def find_problem(self, row: Mapping[str, object]) -> str:
        """Say why LLaMA-Factory would skip or misread a row; empty when it would not."""
        turns = row.get("conversations")
        sides = [row.get(name) for name in SIDES]
        if not isinstance(turns, list) or not all(map(_is_turn, (*turns, *sides))):
            return f"a turn is not {TURN}, both text"
        speakers = [turn["from"] for turn in turns]
        if len(turns) % 2 == 0 or speakers != [("human", "gpt")[at % 2] for at in range(len(turns))]:
            return "the turns are not human and gpt in turn, from human to human"
        if [_read(side, "from") for side in sides] != ["gpt", "gpt"]:
            return "chosen and rejected are not one turn of gpt each"
        if not all(_read(side, "value").strip() for side in sides):
            return "a response is empty"
        if not isinstance(row.get("system"), str):
            return "system is not text"
        return "chosen and rejected are the same" if sides[0] == sides[1] else ""

    def describe(self, file_name: str) -> dict[str, object]:
        """Give the entry of dataset_info.json that makes LLaMA-Factory read a file so."""
        columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}
        entry = {"file_name": file_name, "ranking": True, "formatting": "sharegpt", "columns": columns}
        return {file_name.rpartition(".")[0].replace(".", "_"): entry}


def _split_system(prompt: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    if prompt and prompt[0].role == "system":
        return prompt[0].content, prompt[1:]
    return "", prompt


def _write_turn(turn: Message) -> dict[str, str]:
    return {"from": SPEAKERS.get(turn.role, turn.role), "value": turn.content}


def _is_turn(turn: object) -> bool:
    return (
        isinstance(turn, dict) and turn.keys() == {"from", "value"} and all(isinstance(v, str) for v in turn.values())
    )


def _read(turn: object, name: str) -> str:
    return str(turn[name]) if isinstance(turn, dict) else ""
