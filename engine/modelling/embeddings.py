"""Texts as vectors, by a sentence embedder of the transformers library (extra `models`)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScorerRefusedError
from engine.modelling.batching import pack
from engine.visible import visible

DEFAULT_EMBEDDER = "sentence-transformers/all-mpnet-base-v2"
"""That of arXiv 2505.23114; it reads 384 tokens of a text."""

TOKENS_ON_CPU, TOKENS_ON_GPU = 1_024, 65_536
"""How many tokens, padding included, go through the model together; more do not fit a processor's caches."""

NO_LIMIT = 1_000_000
"""A tokenizer whose longest text has more tokens than this states none."""

POSITIONS_KEPT = 2
"""Models of RoBERTa's kind keep two positions for padding."""

KNOWN_STEPS = {"Transformer", "Pooling", "Normalize"}
"""Of a sentence embedder; others (a dense layer) would change the vectors."""

POOLINGS = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}

POOLER = "pooler."
"""Weights that no vector depends on."""

MODEL_FILES = (".json", ".txt", ".model", ".safetensors", ".bin")

Vectors = NDArray[np.float32]


class Tokens(NamedTuple):
    """A text as the model reads it."""

    ids: list[int]
    inner: NDArray[np.bool_]
    """Which of them stand for text, not for its start or end."""

    is_cut: bool
    """The text is longer than the model reads; its end is left out."""


@dataclass(frozen=True)
class Embedder:
    """A loaded model. The mean of its last states, brought to length 1, is the vector of a text."""

    tokenizer: Any
    model: Any
    longest: int
    """In tokens; the end of a longer text is left out."""

    pooling: str
    """`mean` of the states of all tokens; `cls`: the first state alone."""

    tokens_at_once: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give a unit vector of each text, shape (texts, d); NaN where the model finds no token in it."""
        read = _first if self.pooling == "cls" else _mean
        return np.stack(self._each(texts, read)) if texts else np.empty((0, self.model.config.hidden_size), np.float32)

    def embed_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Give the unit vectors of the tokens of each text, shape (tokens, d), without those of its start and end."""
        return self._each(texts, _states)

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Say of each text whether its end is left out."""
        return [one.is_cut for one in self._tokenise(texts)]

    def _each(self, texts: Sequence[str], read: Callable[[Any, Tokens], Vectors]) -> list[Vectors]:
        """Run each different text through the model once, those of like length together."""
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        tokens = self._tokenise(list(places))
        found: dict[int, Vectors] = {}
        for batch in pack([len(one.ids) for one in tokens], self.tokens_at_once):
            states = self._run([tokens[place].ids for place in batch])
            found |= {place: read(row, tokens[place]) for place, row in zip(batch, states, strict=True)}
        return [found[places[text]] for text in texts]

    def _tokenise(self, texts: Sequence[str]) -> list[Tokens]:
        if not texts:
            return []
        read = self.tokenizer(list(texts), truncation=True, max_length=self.longest, return_special_tokens_mask=True)
        masks = (np.array(mask, dtype=bool) for mask in read["special_tokens_mask"])
        whole = (not one.overflowing for one in read.encodings)
        return [Tokens(ids, ~mask, not is_whole)
                for ids, mask, is_whole in zip(read["input_ids"], masks, whole, strict=True)]  # fmt: skip

    def _run(self, batch: Sequence[list[int]]) -> list[Any]:
        """Give the last states of each text; where the memory does not suffice, of one half after the other."""
        import torch

        width = max(1, *map(len, batch))
        filler = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([text + [filler] * (width - len(text)) for text in batch])
        mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in batch])
        try:
            with torch.inference_mode():
                device = self.model.device
                states = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise ScorerRefusedError("One text alone does not fit into the GPU's memory. Use device=cpu.") from None
            middle = len(batch) // 2
            return self._run(batch[:middle]) + self._run(batch[middle:])
        return [row[: len(text)] for row, text in zip(states, batch, strict=True)]


def _mean(states: Any, tokens: Tokens) -> Vectors:  # noqa: ARG001
    return _unit(states.float().mean(dim=0))


def _first(states: Any, tokens: Tokens) -> Vectors:  # noqa: ARG001
    return _unit(states.float()[0])


def _states(states: Any, tokens: Tokens) -> Vectors:
    return _unit(states.float()[tokens.inner])


def _unit(vectors: Any) -> Vectors:
    array: Vectors = (vectors / vectors.norm(dim=-1, keepdim=True)).cpu().numpy()
    return array


def load_embedder(name: str, *, revision: str = "main", device: str = "", tokens_at_once: int = 0) -> Embedder:
    """Load a model by hub name or folder; raises ScorerRefusedError where it cannot, or would give other vectors.

    No device: a GPU where there is one. tokens_at_once 0: as many as suit the device.
    """
    _find_file(name, "config.json", revision)
    pooling = _read_pooling(name, revision)
    from torch import cuda
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        model, report = AutoModel.from_pretrained(name, revision=revision, dtype="float32", output_loading_info=True)
        model = model.eval().to(device or ("cuda" if cuda.is_available() else "cpu"))
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise _refuse(name, str(error)) from error
    random = sorted(key for key in report["missing_keys"] if not key.startswith(POOLER))
    if random:
        raise _refuse(name, f"it lacks weights, such as {random[0]}, and would get random ones")
    if not getattr(tokenizer, "is_fast", False):
        raise _refuse(name, "it has no fast tokenizer")
    longest = _find_longest(name, revision, tokenizer, model)
    suited = TOKENS_ON_CPU if model.device.type == "cpu" else TOKENS_ON_GPU
    return Embedder(tokenizer, model, longest, pooling, tokens_at_once or suited)


def identify_embedder(name: str, *, revision: str = "main") -> str:
    """Say which model it is, wherever it lies: the commit on the hub, or a hash of the files in a folder."""
    config = _find_file(name, "config.json", revision)
    if not Path(name).is_dir():
        return f"{name}@{config.parent.name}"
    digest = blake2b(digest_size=16)
    for path in sorted(path for path in config.parent.iterdir() if path.suffix in MODEL_FILES):
        digest.update(f"{path.name}:{path.stat().st_size}:".encode())
        with path.open("rb") as file:
            for block in iter(partial(file.read, 1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def _find_file(name: str, file: str, revision: str) -> Path:
    path = _look_for(name, file, revision)
    if path is None:
        raise _refuse(name, f"it has no {file}")
    return path


def _look_for(name: str, file: str, revision: str) -> Path | None:
    """Find a file of a model, fetching it where it is not here yet; None where the model has no such file."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ScorerRefusedError(
            "An embedder needs torch and transformers. Install them: pip install 'prefmap[models]'"
        )
    if name.startswith(("/", ".", "~")) and not Path(name).is_dir():
        raise _refuse(name, "there is no such folder")
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(name, file, revision=revision, _raise_exceptions_for_missing_entries=False)
    except (OSError, ValueError) as error:
        raise _refuse(name, str(error)) from error
    return Path(found) if found else None


def _refuse(name: str, reason: str) -> ScorerRefusedError:
    said = reason.strip().splitlines()[0].rstrip(".") if reason.strip() else "it cannot be read"
    return ScorerRefusedError(f"{visible(name)} cannot be loaded as an embedder: {visible(said)}.")


def _read_pooling(name: str, revision: str) -> str:
    """Say how the model makes one vector of many, `mean` where it does not say; what is not done here is refused."""
    steps = [str(step.get("type")).rpartition(".")[2] for step in _read_json(name, "modules.json", revision) or ()]
    unknown = sorted(set(steps) - KNOWN_STEPS)
    if unknown:
        raise _refuse(name, f"it has a step {unknown[0]}, which prefmap does not take")
    said = _read_json(name, "1_Pooling/config.json", revision) or {}
    ways = {key.removeprefix("pooling_mode_") for key, value in said.items() if value is True} - {"include_prompt"}
    way = str(said.get("pooling_mode") or " and ".join(sorted(ways)) or "mean")
    if way not in POOLINGS:
        raise _refuse(name, f"it pools its tokens by {way}, and prefmap by mean or cls")
    return POOLINGS[way]


def _find_longest(name: str, revision: str, tokenizer: Any, model: Any) -> int:
    """How many tokens of a text the model reads: what it was made for, else what it has positions for."""
    said = (_read_json(name, "sentence_bert_config.json", revision) or {}).get("max_seq_length")
    if isinstance(said, int):
        return said
    if tokenizer.model_max_length < NO_LIMIT:
        return int(tokenizer.model_max_length)
    return int(getattr(model.config, "max_position_embeddings", 512 + POSITIONS_KEPT)) - POSITIONS_KEPT


def _read_json(name: str, file: str, revision: str) -> Any:
    path = _look_for(name, file, revision)
    return json.loads(path.read_bytes()) if path else None
