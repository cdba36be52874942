"""Simulate reviews of synthetic data: whether the interval for the labels still wrong covers the truth, what is found.

`coverage`: scorers of one accuracy, a static queue; perfect readers, who are known to be so, then readers who slip.
`orders`: the static queue beside the one that learns, where scorers are equal, unequal, or the noise is systematic.

Example: python scripts/simulate_review.py coverage --reviews 500
"""

import argparse
from collections.abc import Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.bench.review import compare
from engine.bench.simulating import Plan, Simulated, simulate_review

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WRONG_SHARE = 0.1


class Case(NamedTuple):
    """A setting whose coverage is measured."""

    pairs: int
    accuracy: float
    reads: int
    slope: float = 1.0
    """1: suspicion is calibrated; above, it is too sure of itself, below, not sure enough."""

    error: float = 0.0
    """Of the reader; above 0 it is not known, and repeats and an assumption of 3 % must do."""


CASES = (
    Case(2_312, 0.80, 400),
    Case(5_000, 0.80, 1_000),
    Case(5_000, 0.80, 1_000, slope=2.0),
    Case(5_000, 0.80, 1_000, slope=0.4),
    Case(5_000, 0.65, 1_000),
    Case(20_000, 0.90, 1_500),
    Case(5_000, 0.80, 1_000, error=0.03),
    Case(20_000, 0.80, 1_500, error=0.03),
)
KINDS = ("equal", "unequal", "by length")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("coverage", "orders"))
    parser.add_argument("--reviews", type=int, default=100)
    args = parser.parse_args()
    for line in (print_coverage if args.what == "coverage" else print_orders)(args.reviews):
        print(line, flush=True)


def draw(flipped: Flags, accuracies: list[float], random: np.random.Generator) -> Floats:
    """Draw margins (pairs, scorers), N(z, 1) where the label is right and N(-z, 1) where it is wrong."""
    z = np.array([NormalDist().inv_cdf(accuracy) for accuracy in accuracies])
    noise = random.normal(size=(len(flipped), len(z)))
    return np.asarray(noise + np.where(flipped, -1.0, 1.0)[:, None] * z)


def review(case: Case, seed: int) -> Simulated:
    """Simulate one review of a case."""
    random = np.random.default_rng([seed, 1])
    flipped = random.permutation(case.pairs) < WRONG_SHARE * case.pairs
    margin = draw(flipped, [case.accuracy], random)[:, 0]
    odds = np.log(WRONG_SHARE / (1 - WRONG_SHARE)) - 2 * case.slope * NormalDist().inv_cdf(case.accuracy) * margin
    suspicion = 1 / (1 + np.exp(-odds))
    plan = Plan(case.reads, error=case.error, is_live=False, is_error_known=case.error == 0, seed=seed)
    return simulate_review(flipped, lambda _: suspicion, plan)


def print_coverage(reviews: int) -> Iterator[str]:
    """Say for each case how often the interval covers the truth, and how wide it is."""
    yield "pairs   accuracy  slope  read   reader  left  covers  width   bias   controls alone: covers  width"
    for case in CASES:
        rows = []
        for seed in range(reviews):
            done = review(case, seed)
            if done.residual and done.alone:
                low, high = done.alone
                rows.append((done.left, done.is_covered, done.residual.high - done.residual.low,
                             done.residual.estimate - done.left, low <= done.left <= high, high - low))  # fmt: skip
        left, covers, width, bias, alone, alone_width = np.array(rows, dtype=np.float64).mean(axis=0)
        yield (
            f"{case.pairs:>6,}  {case.accuracy:>8.2f}  {case.slope:>5.1f}  {case.reads:>5,}  {case.error:>6.0%}  "
            f"{left:>4.0f}  {covers:>6.3f}  {width:>5.0f}  {bias:>+5.1f}  {alone:>22.3f}  {alone_width:>5.0f}"
        )


def print_orders(reviews: int, pairs: int = 5_000) -> Iterator[str]:
    """Say for each kind of noise what both orders find in the first tenth read, and when they are dry."""
    yield "kind        found in 10 %: static   live       gain             lift        dry after"
    for kind in KINDS:
        rows = []
        for seed in range(reviews):
            flipped, margins = plant(kind, pairs, np.random.default_rng([seed, 1]))
            both = compare(flipped, margins, Plan(reads=3 * pairs // 10, seed=seed))
            found = [one.found_in(pairs // 10) for one in both]
            share = flipped.sum() / 10
            dry = [one.dry_at or np.nan for one in both]
            rows.append((*found, found[1] / found[0] - 1, *(one / share for one in found), *dry))
        table = np.array(rows, dtype=np.float64)
        mean, spread = table[:, :5].mean(axis=0), table[:, :3].std(axis=0)
        dry = [float(np.nanmedian(column)) if (~np.isnan(column)).any() else np.nan for column in table[:, 5:].T]
        yield (
            f"{kind:10}  {mean[0]:>10.0f} +- {spread[0]:>2.0f}  {mean[1]:>8.0f} +- {spread[1]:>2.0f}  {mean[2]:>+6.1%} "
            f"+- {spread[2]:>4.1%}  {mean[3]:>4.1f}  {mean[4]:>4.1f}  {dry[0]:>6.0f} {dry[1]:>6.0f}"
        )


def plant(kind: str, pairs: int, random: np.random.Generator) -> tuple[Flags, Floats]:
    """Make wrong labels and the margins of a few scorers."""
    if kind != "by length":
        flipped = random.permutation(pairs) < WRONG_SHARE * pairs
        return flipped, draw(flipped, [0.75] * 3 if kind == "equal" else [0.80, 0.55, 0.60], random)
    length = random.normal(size=pairs)
    flipped = random.random(pairs) < np.where(length > 1, 0.35, 0.052)
    return flipped, np.column_stack([draw(flipped, [0.75], random), length])


if __name__ == "__main__":
    main()
