"""Question and answer files of MT-Bench, AlpacaEval and Evol-Instruct, read and written as they are published."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from engine.errors import ConfigError
from engine.records import content_hash

Row = Mapping[str, Any]
Read = TypeVar("Read")

EVOL_KEYS = {"id", "idx", "instruction", "Instruction", "Skill", "Difficulty"}
"""What an answer of Evol-Instruct holds beside the output, which stands under the model's name."""


class Question(NamedTuple):
    """What a benchmark asks: one turn, or several of one conversation."""

    key: str
    turns: tuple[str, ...]
    category: str


class Answers(NamedTuple):
    """What one model answered, by the key of the question: as many turns as the question has."""

    model: str
    turns: dict[str, tuple[str, ...]]


class Layout(NamedTuple):
    """How a benchmark writes its files."""

    name: str
    read_question: Callable[[Row], Question]
    read_answer: Callable[[Row], tuple[str, str, tuple[str, ...]]]
    """Gives the model, the key and the turns."""

    write_answer: Callable[[str, Question, tuple[str, ...]], dict[str, object]]
    is_list: bool = False
    """One JSON list, not a line for each."""


def _read_mt_question(row: Row) -> Question:
    return Question(str(row["question_id"]), tuple(map(str, row["turns"])), str(row.get("category") or ""))


def _read_mt_answer(row: Row) -> tuple[str, str, tuple[str, ...]]:
    return str(row["model_id"]), str(row["question_id"]), tuple(map(str, row["choices"][0]["turns"]))


def _write_mt_answer(model: str, question: Question, turns: tuple[str, ...]) -> dict[str, object]:
    number = int(question.key) if question.key.isdecimal() else question.key
    return {
        "question_id": number,
        "answer_id": content_hash(model, question.key, *turns),
        "model_id": model,
        "choices": [{"index": 0, "turns": list(turns)}],
        "tstamp": time.time(),
    }


def _read_alpaca_question(row: Row) -> Question:
    return Question(str(row["instruction"]), (str(row["instruction"]),), str(row.get("dataset") or ""))


def _read_alpaca_answer(row: Row) -> tuple[str, str, tuple[str, ...]]:
    return str(row["generator"]), str(row["instruction"]), (str(row["output"]),)


def _write_alpaca_answer(model: str, question: Question, turns: tuple[str, ...]) -> dict[str, object]:
    dataset = {"dataset": question.category} if question.category else {}
    return {**dataset, "instruction": question.key, "output": turns[0], "generator": model}


def _read_evol_question(row: Row) -> Question:
    return Question(str(row["idx"]), (str(row["Instruction"]),), str(row.get("Skill") or ""))


def _read_evol_answer(row: Row) -> tuple[str, str, tuple[str, ...]]:
    (model,) = row.keys() - EVOL_KEYS
    return model, str(row["id"] if "id" in row else row["idx"]), (str(row[model]),)


def _write_evol_answer(model: str, question: Question, turns: tuple[str, ...]) -> dict[str, object]:
    number = int(question.key) if question.key.isdecimal() else question.key
    return {"id": number, "instruction": question.turns[0], model: turns[0]}


LAYOUTS = {
    "turns": Layout("MT-Bench", _read_mt_question, _read_mt_answer, _write_mt_answer),
    "instruction": Layout("AlpacaEval", _read_alpaca_question, _read_alpaca_answer, _write_alpaca_answer, is_list=True),
    "Instruction": Layout("Evol-Instruct", _read_evol_question, _read_evol_answer, _write_evol_answer),
}
"""By the column that only its questions have."""


def read_questions(path: Path) -> tuple[Layout, list[Question]]:
    """Read the questions of a benchmark, which their columns tell. Raises ConfigError."""
    rows = _read_rows(path)
    layout = next((layout for column, layout in LAYOUTS.items() if rows and column in rows[0]), None)
    if layout is None:
        raise ConfigError(f"{path} is no question file of {', '.join(one.name for one in LAYOUTS.values())}.")
    return layout, [_read(path, place, layout.read_question, row) for place, row in enumerate(rows, start=1)]


def read_answers(path: Path, layout: Layout, questions: Sequence[Question]) -> Answers:
    """Read the answers of one model. Raises ConfigError where one is missing, or several models answer."""
    read = [_read(path, place, layout.read_answer, row) for place, row in enumerate(_read_rows(path), start=1)]
    models = {model for model, _, _ in read}
    if len(models) != 1:
        raise ConfigError(f"{path} has answers of {len(models)} models; it must be one.")
    turns = {key: said for _, key, said in read}
    for one in questions:
        if len(turns.get(one.key, ())) != len(one.turns):
            raise ConfigError(f"{path} does not answer all turns of question {one.key[:60]!r}.")
    return Answers(models.pop(), turns)


def write_answers(path: Path, layout: Layout, questions: Sequence[Question], answers: Answers) -> None:
    """Write what the benchmark's own tools read."""
    rows = [layout.write_answer(answers.model, one, answers.turns[one.key]) for one in questions]
    if layout.is_list:
        text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _read_rows(path: Path) -> list[Row]:
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            rows: list[Row] = json.loads(text)
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is neither JSON nor JSON lines: {error}.") from error
    if not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{path} holds something other than objects.")
    return rows


def _read(path: Path, place: int, read: Callable[[Row], Read], row: Row) -> Read:
    try:
        return read(row)
    except (LookupError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}, row {place} is not as the benchmark writes it: {error}.") from error
