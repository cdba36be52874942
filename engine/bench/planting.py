"""Planting: exchange labels of known samples, in the ways in which labels go wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.records import Response, Sample

Floats = npt.NDArray[np.float64]

ODDS = 4.0
"""How much likelier than others the labels go wrong that a kind of noise prefers."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A dataset with known flips."""

    samples: list[Sample]
    flipped: npt.NDArray[np.bool_]
    """Which labels are wrong now. Only the count of what was found may look at it."""


def plant(samples: Sequence[Sample], rate: float, seed: int, kind: str = "uniform") -> Planted:
    """Exchange the labels of the best and the worst response in a seeded share of the samples that have a pair."""
    able = [n for n, sample in enumerate(samples) if sample.pair is not None]
    random = np.random.default_rng(seed)
    weights = KINDS[kind]([samples[n] for n in able], random)
    drawn = draw(weights, round(len(able) * rate), random)
    flipped = np.zeros(len(samples), dtype=bool)
    flipped[[able[n] for n in drawn]] = True
    return Planted(
        [_flip(sample) if wrong else sample for sample, wrong in zip(samples, flipped, strict=True)], flipped
    )


def draw(weights: Floats, count: int, random: np.random.Generator) -> npt.NDArray[np.intp]:
    """Draw without replacement, each next one in proportion to its weight (Efraimidis and Spirakis 2006)."""
    return np.argsort(random.exponential(size=len(weights)) / weights, kind="stable")[:count]


def _flip(sample: Sample) -> Sample:
    pair = sample.pair
    if pair is None:
        return sample
    responses = list(sample.responses)
    high, low = responses[pair.chosen], responses[pair.rejected]
    responses[pair.chosen], responses[pair.rejected] = replace(high, label=low.label), replace(low, label=high.label)
    return replace(sample, responses=tuple(responses))


def _sides(sample: Sample) -> tuple[Response, Response]:
    assert sample.pair is not None
    return sample.responses[sample.pair.chosen], sample.responses[sample.pair.rejected]


def weigh_alike(samples: Sequence[Sample], _: np.random.Generator) -> Floats:
    """Prefer no sample."""
    return np.ones(len(samples))


def weigh_close(samples: Sequence[Sample], _: np.random.Generator) -> Floats:
    """Prefer the half of the pairs whose texts share more of their words: they are harder to tell apart."""
    shared = np.array([_share_words(*_sides(sample)) for sample in samples])
    return np.where(shared >= np.median(shared), ODDS, 1.0)


def _share_words(one: Response, other: Response) -> float:
    words, others = set(one.text.casefold().split()), set(other.text.casefold().split())
    return len(words & others) / max(len(words | others), 1)


def weigh_length(samples: Sequence[Sample], _: np.random.Generator) -> Floats:
    """Prefer pairs whose better response is the shorter: who labels them likes long answers."""
    return np.array([
        ODDS if len(better.text) < len(worse.text) else 1.0 for better, worse in map(_sides, samples)
    ])  # fmt: skip


def weigh_source(samples: Sequence[Sample], random: np.random.Generator) -> Floats:
    """Prefer the samples of half of the sources, drawn by chance; one source alone is like no preference."""
    names = sorted({sample.source for sample in samples})
    careless = {names[at] for at in random.permutation(len(names))[: len(names) // 2]}
    return np.array([ODDS if sample.source in careless else 1.0 for sample in samples])


KINDS: dict[str, Callable[[Sequence[Sample], np.random.Generator], Floats]] = {
    "uniform": weigh_alike,
    "close": weigh_close,
    "source": weigh_source,
    "length": weigh_length,
}
"""Kinds of label noise."""
