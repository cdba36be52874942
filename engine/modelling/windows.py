"""Read what is to be scored window by window: what a model can read, and the missing scores of what it cannot."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.modelling.conversations import Conversation, UnfitError
from engine.modelling.encoding import Encoded
from engine.records import Score
from engine.scores.wanted import Wanted

Asked = tuple[str, Conversation]
"""A response id, and the response in its conversation."""


class Encoder(Protocol):
    """ChatEncoder or PairEncoder."""

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded | UnfitError]: ...


def list_asked(samples: Wanted) -> Iterable[Asked]:
    """List the responses that lack a score."""
    return ((one.response_id, Conversation.of(sample, one)) for sample in samples for one in sample.responses)


def encode_window(window: Sequence[Asked], encoder: Encoder) -> tuple[list[tuple[str, Encoded]], list[Score]]:
    """Encode a window; what the model cannot read has no score, for good."""
    readable = [(key, one) for key, one in window if not one.is_empty]
    never = [Score(key, None, "empty response", final=True) for key, one in window if one.is_empty]
    fit: list[tuple[str, Encoded]] = []
    for (key, _), encoded in zip(readable, encoder.encode([one for _, one in readable]), strict=True):
        if isinstance(encoded, UnfitError):
            never.append(Score(key, None, str(encoded), final=True))
        else:
            fit.append((key, encoded))
    return fit, never


def describe(encoded: Encoded) -> dict[str, object]:
    """Say what the log keeps of how a response was read."""
    return {"tokens": len(encoded.ids), **({"truncated": True} if encoded.truncated else {})}
