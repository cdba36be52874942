"""Answer the questions of a benchmark with a language model; what is answered is logged, and not answered again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval_files import Answers, Question

from engine.errors import ConfigError
from engine.logs import Log, read_log
from engine.modelling.loading import Origin, choose_place, load_config, load_language_model, load_tokenizer

ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class Decoding:
    """How answers are drawn."""

    most_tokens: int = 1024
    temperature: float = 0.0
    """0: the likeliest token each time."""

    batch: int = 8
    seed: int = 0


def answer(
    questions: Sequence[Question], model: str, name: str, decoding: Decoding, log: Path, tell: Callable[[str], None]
) -> Answers:
    """Answer what the log lacks, turn by turn: later turns see the answers before them."""
    header = {"kind": "header", "model": model, **asdict(decoding), "batch": 0}
    with Log(log) as writer:
        known, *lines = read_log(log).lines or [header]
        if known != header:
            raise ConfigError(f"{log} was answered with other settings. Give another --output, or remove the file.")
        if not read_log(log).lines:
            writer.append(header)
        said = {(str(line["key"]), int(str(line["turn"]))): str(line["text"]) for line in lines}
        missing = [
            (one, turn) for turn in range(_most(questions)) for one in questions
            if turn < len(one.turns) and (one.key, turn) not in said
        ]  # fmt: skip
        speaker = Speaker(model, decoding) if missing else None
        for done, part in _batches(missing, decoding.batch):
            assert speaker
            texts = speaker([_converse(one, turn, said) for one, turn in part])
            for (one, turn), text in zip(part, texts, strict=True):
                said[one.key, turn] = text
            writer.append(*({"key": one.key, "turn": turn, "text": said[one.key, turn]} for one, turn in part))
            tell(f"{done:,} of {len(missing):,} turns answered")
    turns = {one.key: tuple(said[one.key, turn] for turn in range(len(one.turns))) for one in questions}
    return Answers(name, turns)


def _most(questions: Sequence[Question]) -> int:
    return max(len(one.turns) for one in questions)


def _batches(
    missing: Sequence[tuple[Question, int]], size: int
) -> Iterator[tuple[int, Sequence[tuple[Question, int]]]]:
    """Part the work; no batch has turns of different numbers, since a turn needs the one before it."""
    place = 0
    while place < len(missing):
        turn = missing[place][1]
        part = [one for one in missing[place : place + size] if one[1] == turn]
        place += len(part)
        yield place, part


def _converse(question: Question, turn: int, said: dict[tuple[str, int], str]) -> list[dict[str, str]]:
    before = [
        message
        for place in range(turn)
        for message in (
            {"role": "user", "content": question.turns[place]},
            {"role": "assistant", "content": said[question.key, place]},
        )
    ]
    return [*before, {"role": "user", "content": question.turns[turn]}]


class Speaker:
    """A chat model that answers conversations."""

    def __init__(self, model: str, decoding: Decoding) -> None:
        """Load a model, or an adapter with the model that it was trained on."""
        origin = Origin(model)
        self.decoding = decoding
        self.tokenizer = load_tokenizer(origin)
        if self.tokenizer.chat_template is None:
            raise ConfigError(f"{model} has no chat template, so it cannot be asked.")
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        place = choose_place("", "")
        if (Path(origin.folder) / ADAPTER).exists():
            self.model = _load_adapter(origin.folder, place.device, place.dtype)
        else:
            self.model = load_language_model(origin, load_config(origin), place, "")

    def __call__(self, conversations: Sequence[list[dict[str, str]]]) -> list[str]:
        import torch

        asked = self.tokenizer.apply_chat_template(
            list(conversations), add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        ).to(self.model.device)
        draws: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if self.decoding.temperature:
            draws = {"do_sample": True, "temperature": self.decoding.temperature, "top_p": 1.0, "top_k": 0}
        torch.manual_seed(self.decoding.seed)
        with torch.inference_mode():
            written = self.model.generate(
                **asked, **draws, max_new_tokens=self.decoding.most_tokens, pad_token_id=self.tokenizer.pad_token_id
            )
        texts = self.tokenizer.batch_decode(written[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in texts]


def _load_adapter(folder: str, device: str, dtype: str) -> Any:
    import torch
    from peft import AutoPeftModelForCausalLM

    kind: Any = AutoPeftModelForCausalLM
    return kind.from_pretrained(folder, dtype=getattr(torch, dtype)).eval().to(device)
