"""The value of a reward model: which token it is read from, and in which numbers."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.modelling.batching import pad
from engine.modelling.encoding import Encoded
from engine.modelling.loading import need_models

Rewards = Callable[[Sequence[Encoded]], list[float]]


def find_head(model: Any) -> Any:
    """Find the linear head of a decoder, which is read at the last token; None where the model pools otherwise."""
    torch, _ = need_models()
    head = getattr(model, "score", None)
    return head if isinstance(head, torch.nn.Linear) and hasattr(model, model.base_model_prefix) else None


def read_rewards(model: Any, pad_id: int) -> Rewards:
    """Make what gives the reward of each conversation of a batch."""
    torch, _ = need_models()
    head = find_head(model)
    if head is None:
        return lambda batch: _ask_model(torch, model, batch, pad_id)
    weight = head.weight.detach().float()
    bias = None if head.bias is None else head.bias.detach().float()
    body = getattr(model, model.base_model_prefix)

    def read(batch: Sequence[Encoded]) -> list[float]:
        """Apply the head in float32 to the last token by its place: a pad id may well be a token of the text."""
        with torch.inference_mode():
            hidden = body(**pad(batch, pad_id, model.device)).last_hidden_state
            last = torch.tensor([len(one.ids) - 1 for one in batch], device=hidden.device)
            pooled = hidden[torch.arange(len(batch), device=hidden.device), last].float()
            return _to_floats(torch.nn.functional.linear(pooled, weight, bias)[:, 0])

    return read


def _ask_model(torch: Any, model: Any, batch: Sequence[Encoded], pad_id: int) -> list[float]:
    with torch.inference_mode():
        return _to_floats(model(**pad(batch, pad_id, model.device)).logits[:, 0])


def _to_floats(values: Any) -> list[float]:
    return [float(value) for value in values.float().cpu()]
