"""Which response stands where on the screen: the pair first or, while blind, in an order that tells nothing."""

from typing import Literal

from engine.records import Sample, content_hash

Mode = Literal["sighted", "blind"]


def order_sighted(sample: Sample) -> tuple[int, ...]:
    """Put the label's pair first, then the others as they come."""
    pair = sample.pair
    if pair is None:
        return tuple(range(len(sample.responses)))
    others = (n for n in range(len(sample.responses)) if n not in (pair.chosen, pair.rejected))
    return (pair.chosen, pair.rejected, *others)


def order_blind(sample: Sample, reviewer: str, turn: int = 0) -> tuple[int, ...]:
    """Shuffle by reviewer, content and turn: the same whenever one comes back, and another for everybody else.

    The position in the file has no part in it, so that an exchanged label stands where it stood.
    """
    keys = [content_hash(reviewer, sample.content_id, str(turn), one.response_id) for one in sample.responses]
    return tuple(sorted(range(len(keys)), key=lambda n: (keys[n], n)))
