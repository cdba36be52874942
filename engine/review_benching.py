"""Bench of the review: plant flips, let a reader who slips go through the queue, and count what is found and left."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.benching import plant
from engine.diagnosing import diagnose
from engine.records import Sample
from engine.scorers.catalog import Scorer
from engine.simulating import Plan, Refit, Simulated, simulate_review

Floats = npt.NDArray[np.float64]
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


def make_refit(margins: Floats) -> Refit:
    """Give what ranks the queue, for margins of shape (pairs, scorers) in units of each scorer's spread."""
    suspicion = diagnose(margins).suspicion
    return lambda _: suspicion


def compare(
    flipped: Flags, margins: Floats, plan: Plan, rank: Callable[[Floats], Refit] = make_refit
) -> tuple[Simulated, Simulated]:
    """Read the same pairs twice: in the order of the start, and ranked anew every 25 verdicts."""
    refit = rank(margins)
    static, live = (simulate_review(flipped, refit, replace(plan, is_live=is_live)) for is_live in (False, True))
    return static, live


def measure_reviews(
    samples: Sequence[Sample], scorer: Scorer, *, rate: float, seeds: Sequence[int], error: float
) -> Iterator[Compared]:
    """Plant flips once per seed, score the planted dataset, and yield what two simulated reviews make of it."""
    for seed in seeds:
        planted = plant([sample for sample in samples if sample.pair], rate, seed)
        scores = {one.response_id: one.value for one in scorer(planted.samples)}
        margins = np.array([_margin(sample, scores) for sample in planted.samples], dtype=np.float64)
        spread = float(np.nanstd(np.array(list(scores.values()), dtype=np.float64))) or 1.0
        plan = Plan(reads=round(READ_SHARE * len(margins)), error=error, seed=seed)
        found = compare(planted.flipped, margins[:, None] / spread, plan)
        yield Compared(seed, len(margins), int(planted.flipped.sum()), *found)


def _margin(sample: Sample, scores: dict[str, float | None]) -> float | None:
    """Give the margin of a sample that has a pair."""
    if sample.pair is None:
        return None
    sides = (sample.pair.chosen, sample.pair.rejected)
    chosen, rejected = (scores.get(sample.responses[at].response_id) for at in sides)
    return None if chosen is None or rejected is None else chosen - rejected
