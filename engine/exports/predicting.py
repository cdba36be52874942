"""Predicting: which rows TRL would drop or cut at a length, told by tokenising them as its trainers do (TRL 1.16)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from engine.errors import ExportRefusedError, PrefmapError

MAX_LENGTH = 1024
"""In tokens; the default of TRL's DPOConfig and KTOConfig."""

READABLE = ("trl", "trl-standard", "kto")
"""The formats that TRL's trainers read."""

ANSWERS = ("chosen", "rejected", "completion")

Fate = Literal["kept", "cut", "dropped"]
"""`dropped`: the prompt alone fills the length, so nothing would be learnt. `cut`: the end of an answer is lost."""


@dataclass
class Forecast:
    """What becomes of rows in TRL, counted as they pass."""

    tokenizer: Any
    name: str
    max_length: int = MAX_LENGTH
    kept: int = 0
    """How many TRL keeps, those it cuts included."""

    cut: int = 0
    dropped: int = 0
    refused: int = 0
    """How many the chat template does not take: TRL stops at the first of them."""

    first_refused: str = ""
    """The row, from 1, and what the template says to it."""

    def watch(self, rows: Iterable[dict[str, object]]) -> Iterator[dict[str, object]]:
        """Pass rows on, and count what TRL would do with them."""
        for number, row in enumerate(rows, start=1):
            self._count(number, row)
            yield row

    def _count(self, number: int, row: Mapping[str, object]) -> None:
        try:
            fate = foresee(row, self.tokenizer, self.max_length)
        except Exception as error:  # noqa: BLE001 - a template is foreign code, and may raise anything
            self.refused += 1
            self.first_refused = self.first_refused or f"row {number}: {_first_line(error)}"
            return
        self.kept += fate != "dropped"
        self.cut += fate == "cut"
        self.dropped += fate == "dropped"

    def describe(self) -> dict[str, object]:
        """Say it for a manifest."""
        counts = {"kept": self.kept, "cut": self.cut, "dropped": self.dropped, "refused": self.refused}
        return {"tokenizer": self.name, "max_length": self.max_length, **counts, "first_refused": self.first_refused}


def foresee(row: Mapping[str, Any], tokenizer: Any, max_length: int) -> Fate:
    """Say what TRL's DPOTrainer or KTOTrainer does with a row of text or of conversations."""
    tools = json.loads(row["tools"]) if isinstance(row.get("tools"), str) else row.get("tools")
    prompt, answers = row["prompt"], [row[name] for name in ANSWERS if name in row]
    if isinstance(prompt, str):
        alone = _read_text(tokenizer, prompt)
        whole = [_read_text(tokenizer, prompt + _end(answer, tokenizer.eos_token)) for answer in answers]
    else:
        alone = _read_turns(tokenizer, prompt, tools=tools, add_generation_prompt=True)
        whole = [_read_turns(tokenizer, prompt + answer, tools=tools) for answer in answers]
    shared = min(_count_shared(alone, one) for one in whole)
    if shared >= max_length:
        return "dropped"
    return "cut" if max(map(len, whole)) > max_length else "kept"


def _end(text: str, eos: str) -> str:
    return text if text.endswith(eos) else text + eos


def _read_text(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text=text)["input_ids"]
    return ids


def _read_turns(tokenizer: Any, turns: list[Any], **more: object) -> list[int]:
    ids: list[int] = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=True, **more)["input_ids"]
    return ids


def _count_shared(one: list[int], other: list[int]) -> int:
    """Count the tokens that both begin with: to TRL the prompt ends where they part."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def load_forecast(
    name: str, max_length: int, layout: str, refuse: Callable[[str], PrefmapError] = ExportRefusedError
) -> Forecast:
    """Load a tokenizer, by its folder or its name on the hub, to predict rows of a format; none of its code is run."""
    if layout not in READABLE:
        raise refuse(f"--tokenizer tells what TRL would read, and TRL reads {', '.join(READABLE)}, not {layout}.")
    tokenizer = _load_tokenizer(name, refuse)
    if layout == "trl-standard" and not tokenizer.eos_token:
        raise refuse(f"The tokenizer {name} has no end-of-text token, and TRL ends each answer with one.")
    if layout != "trl-standard" and not tokenizer.chat_template:
        raise refuse(
            f"The tokenizer {name} has no chat template, so TRL cannot read conversations with it. "
            "Name one that has, or export --format trl-standard."
        )
    return Forecast(tokenizer, Path(name).name if Path(name).is_dir() else name, max_length)


def _load_tokenizer(name: str, refuse: Callable[[str], PrefmapError]) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise refuse(
            "--tokenizer needs the library `transformers`. Install it: pip install 'prefmap[models]'"
        ) from None
    try:
        load: Any = AutoTokenizer.from_pretrained
        tokenizer = load(name, trust_remote_code=False)
    except Exception as error:
        raise refuse(f"The tokenizer {name} cannot be loaded: {_first_line(error)}") from error
    tokenizer.model_max_length = 1 << 62  # only a warning hangs on it, one for each long text
    return tokenizer


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
