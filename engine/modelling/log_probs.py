"""The log-probability of a response under a language model, given its prompt."""

import json
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from engine.modelling.batching import pad
from engine.modelling.encoding import Encoded
from engine.modelling.loading import need_models


class LogProb(NamedTuple):
    """The log-probability of a response."""

    total: float
    """Natural logarithm, summed over the tokens of the response."""

    tokens: int
    """How many there are; the mark that ends the turn is one of them."""


LogProbs = Callable[[Sequence[Encoded]], list[LogProb]]


def read_log_probs(model: Any, pad_id: int) -> LogProbs:
    """Make what gives the log-probability of each response of a batch."""
    torch, _ = need_models()
    _widen_head(torch, model)
    keeps = "logits_to_keep" in signature(model.forward).parameters

    def read(batch: Sequence[Encoded]) -> list[LogProb]:
        inputs = pad(batch, pad_id, model.device)
        first = max(0, min(one.start for one in batch) - 1)
        kept = inputs["input_ids"].shape[1] - first
        with torch.inference_mode():
            output = model(**inputs, **({"logits_to_keep": kept} if keeps else {}), use_cache=False)
            logits = output.logits[:, -kept:]
            return [_sum_up(torch, logits[row], one, first) for row, one in enumerate(batch)]

    return read


def _sum_up(torch: Any, logits: Any, one: Encoded, first: int) -> LogProb:
    """Sum over the tokens of the response by their places; `logits` begin at the token `first`.

    The logits at a token speak of the next one, so of the very first token, a BOS, nothing speaks.
    """
    start = max(one.start, 1)
    said = torch.tensor(one.ids[start:], device=logits.device)
    guessed = logits[start - 1 - first : len(one.ids) - 1 - first].float().log_softmax(-1)
    found = guessed.gather(-1, said[:, None])[:, 0]
    return LogProb(float(found.double().sum()), len(said))


def _widen_head(torch: Any, model: Any) -> None:
    """Compute the logits in float32: bfloat16 keeps 8 bits, too few for a difference of two sums."""
    head = model.get_output_embeddings()
    if head is None or head.weight.dtype == torch.float32:
        return
    for name, weight in list(head.named_parameters(recurse=False)):
        setattr(head, name, torch.nn.Parameter(weight.detach().float(), requires_grad=False))
    head.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(), *inputs[1:]))


class KeptLogProbs:
    """Log-probabilities in a file, so that a reference model is asked once, whatever policies it is compared with."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known = dict(_read_kept(path)) if path is not None and path.exists() else {}

    def add(self, found: Mapping[str, LogProb]) -> None:
        """Keep what was found, in the file too."""
        self.known.update(found)
        if self.path is None or not found:
            return
        self.path.parent.mkdir(exist_ok=True)
        lines = [json.dumps([key, one.total, one.tokens]) for key, one in found.items()]
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))


def _read_kept(path: Path) -> list[tuple[str, LogProb]]:
    """Read what is whole; what a kill tore is asked for again, and ends before the next line."""
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return [(key, LogProb(total, tokens)) for key, total, tokens in map(json.loads, whole.splitlines())]
