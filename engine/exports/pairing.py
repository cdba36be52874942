"""Pairing: which pairs of responses a trainer is given of one sample."""

from collections.abc import Sequence
from itertools import combinations

from engine.records import Pair, Sample, content_hash

BEST_WORST, BEST_RANDOM, ALL_STRICT = "best-worst", "best-random", "all-strict"
PAIR_RULES = {
    BEST_WORST: "the first best response and the first worst",
    BEST_RANDOM: "the first best response and one of the lower ones, drawn by seed",
    ALL_STRICT: "each two responses of unequal labels, as in the paper",
}


def list_pairs(sample: Sample, decided: Pair, *, changed: bool, rule: str, seed: int) -> Sequence[Pair]:
    """List the pairs of a sample whose pair is decided.

    Where a verdict changed the label that pair is the only one: of the other ratings nobody knows whether they hold.
    """
    if changed or rule == BEST_WORST or len(sample.responses) == 2:
        return [decided]
    labels = [response.label for response in sample.responses]
    strict = [
        pair
        for one, other in combinations(range(len(labels)), 2)
        for pair in (Pair(one, other), Pair(other, one))
        if _is_above(labels[pair.chosen], labels[pair.rejected])
    ]
    if rule == ALL_STRICT:
        return strict
    lower = [pair for pair in strict if pair.chosen == decided.chosen]
    by_text = sorted(lower, key=lambda pair: sample.responses[pair.rejected].response_id)
    return [by_text[int(content_hash(str(seed), sample.content_id), 16) % len(by_text)]]


def _is_above(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one > other
