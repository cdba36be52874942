"""Bench of the review: plant flips, let a reader who slips go through the queue, and count what is found and left."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.bench.noise import Score, Values
from engine.bench.planting import plant
from engine.bench.simulating import Plan, Refit, Simulated, simulate_review
from engine.diagnosing import number_sources
from engine.records import Sample
from engine.suspicion.noise_model import refit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

READ_SHARE = 0.3
"""Share of the pairs that is read."""

EARLY_SHARE = 0.1
"""Share of the pairs after which the finds are counted."""


class Compared(NamedTuple):
    """One planted dataset, read with the order of the start and with the order that learns."""

    seed: int
    pairs: int
    planted: int
    static: Simulated
    live: Simulated

    @property
    def early(self) -> int:
        """Verdicts after which the finds are counted."""
        return round(EARLY_SHARE * self.pairs)

    def lift(self, one: Simulated) -> float | None:
        """How many times as many flips the early reads found as reading at random finds; None where there is none."""
        return one.found_in(self.early) / (self.planted * self.early / self.pairs) if self.planted else None


def make_refit(margins: Floats, sources: Ints | None = None) -> Refit:
    """Give what ranks the queue, for margins of shape (pairs, scorers) in units of each scorer's spread."""
    return partial(refit, margins, np.zeros(len(margins), dtype=np.int64) if sources is None else sources)


def compare(
    flipped: Flags, margins: Floats, plan: Plan, rank: Callable[[Floats], Refit] = make_refit
) -> tuple[Simulated, Simulated]:
    """Read the same pairs twice: in the order of the start, and ranked anew every 25 verdicts."""
    refit = rank(margins)
    static, live = (simulate_review(flipped, refit, replace(plan, is_live=is_live)) for is_live in (False, True))
    return static, live


def measure_reviews(
    samples: Sequence[Sample], scorers: Mapping[str, Score], *, rate: float, seeds: Sequence[int], error: float
) -> Iterator[Compared]:
    """Plant flips once per seed, score the planted dataset, and yield what two simulated reviews make of it."""
    paired = [sample for sample in samples if sample.pair]
    _, sources = number_sources([sample.source for sample in paired])
    for seed in seeds:
        planted = plant(paired, rate, seed)
        margins = np.column_stack([_margins(planted.samples, score(planted.samples)) for score in scorers.values()])
        plan = Plan(reads=round(READ_SHARE * len(margins)), error=error, seed=seed)
        found = compare(planted.flipped, margins, plan, lambda known: make_refit(known, sources))
        yield Compared(seed, len(margins), int(planted.flipped.sum()), *found)


def _margins(samples: Sequence[Sample], scores: Values) -> Floats:
    """Give the margin of each sample in units of the scores' standard deviation; NaN where there is none."""
    spread = float(np.nanstd(np.array(list(scores.values()), dtype=np.float64))) or 1.0
    return np.array([_margin(sample, scores) for sample in samples], dtype=np.float64) / spread


def _margin(sample: Sample, scores: Values) -> float | None:
    """Give the margin of a sample that has a pair."""
    if sample.pair is None:
        return None
    sides = (sample.pair.chosen, sample.pair.rejected)
    chosen, rejected = (scores.get(sample.responses[at].response_id) for at in sides)
    return None if chosen is None or rejected is None else chosen - rejected
