"""The table of the experiment, and what of the claims holds: means over seeds, each seed one observation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from toy_study import Result, Start

RANDOM = "random"
"""The arms whose names begin so and end with a number are one: the mean of several draws."""

MARGIN = 0.01
"""A true reward that is lower by no more than this counts as equal."""


class Mean(NamedTuple):
    """A mean over seeds with its 95 % interval, by Student's t."""

    value: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


class Claim(NamedTuple):
    """A sentence about two arms, and what would show it."""

    text: str
    one: str
    other: str
    is_equality: bool = False
    """It says that one is no worse than the other, not that it is better."""


CLAIMS = (
    Claim("a third of high average trains as well as everything", "high_average", "full", is_equality=True),
    Claim("high average is better than a random third", "high_average", RANDOM),
    Claim("high average is better than low average", "high_average", "low_average"),
    Claim("high average is better than high variance", "high_average", "high_variance"),
    Claim("low variance is better than a random third", "low_variance", RANDOM),
    Claim("high quality alone is better than a random third", "quality", RANDOM),
    Claim("high quality alone is better than high average", "quality", "high_average"),
    Claim("corrected labels make high average better", "high_average, corrected", "high_average"),
    Claim("corrected labels make everything better", "full, corrected", "full"),
    Claim("corrected high average is better than everything uncorrected", "high_average, corrected", "full"),
)


def find_mean(values: Sequence[float]) -> Mean:
    """Give the mean and its interval; one seed alone has none."""
    from scipy.stats import t

    count, value = len(values), float(np.mean(values))
    if count < 2:
        return Mean(value, np.nan, np.nan, count)
    half = float(t.ppf(0.975, count - 1)) * float(np.std(values, ddof=1)) / sqrt(count)
    return Mean(value, value - half, value + half, count)


def tabulate(results: Sequence[Result], measure: Callable[[Result], float]) -> dict[str, dict[int, float]]:
    """Give a number by arm and seed; the random arms of a seed are averaged."""
    found: dict[str, dict[int, list[float]]] = {}
    for one in results:
        found.setdefault(_name(one.arm), {}).setdefault(one.seed, []).append(measure(one))
    return {arm: {seed: float(np.mean(each)) for seed, each in seeds.items()} for arm, seeds in found.items()}


def _name(arm: str) -> str:
    first, _, last = arm.partition(" ")
    return RANDOM if first == RANDOM and last.isdecimal() else arm


def compare(table: dict[str, dict[int, float]], one: str, other: str) -> Mean | None:
    """Give the mean difference of two arms within a seed; None where no seed has both."""
    both = sorted(table.get(one, {}).keys() & table.get(other, {}).keys())
    return find_mean([table[one][seed] - table[other][seed] for seed in both]) if both else None


def judge(claim: Claim, difference: Mean) -> str:
    """Say whether a claim holds: only an interval that leaves no doubt decides."""
    if np.isnan(difference.low):
        return "one seed decides nothing"
    if difference.low > (-MARGIN if claim.is_equality else 0):
        return "holds"
    if difference.high < (-MARGIN if claim.is_equality else 0):
        return "does not hold"
    return "is not shown"


def write_report(results: Sequence[Result], starts: Sequence[Start] = ()) -> str:
    """Write the table as Markdown, and a line for each claim."""
    if not results:
        return "There is no result yet."
    rewards, wins = tabulate(results, lambda one: one.reward), tabulate(results, lambda one: one.wins)
    wrong, pairs = tabulate(results, lambda one: one.wrong), tabulate(results, lambda one: one.pairs)
    lines = [
        "| DPO on | pairs | wrong labels | true reward | against random | win rate against the start |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for arm, found in rewards.items():
        against = compare(rewards, arm, RANDOM) if arm != RANDOM else None
        lines.append(
            f"| {arm} | {np.mean(list(pairs[arm].values())):,.0f} | {np.mean(list(wrong[arm].values())):.1%}"
            f" | {find_mean(list(found.values()))} | {against.signed() if against else ''}"
            f" | {find_mean(list(wins[arm].values()))} |"
        )
    return "\n".join([*lines, "", *_write_claims(rewards), "", _write_frame(results, starts)])


def _write_claims(rewards: dict[str, dict[int, float]]) -> list[str]:
    compared = [(claim, compare(rewards, claim.one, claim.other)) for claim in CLAIMS]
    return [
        f"- {judge(claim, difference)}: {claim.text} ({difference.signed()}, {difference.seeds} seeds)"
        for claim, difference in compared
        if difference
    ]


def _write_frame(results: Sequence[Result], starts: Sequence[Start]) -> str:
    seeds = {one.seed for one in results}
    minutes = sum(one.seconds for one in results) / 60
    start = find_mean([one.reward for one in starts]) if starts else None
    right = np.mean([one.scorer_right for one in starts]) if starts else 0.0
    before = (
        f" Before DPO the true reward is {start}; the scorer is right on {right:.1%} of the pairs." if start else ""
    )
    return (
        f"{len(results)} runs, {len(seeds)} seeds, {minutes:.0f} minutes of training and measuring. Mean over seeds"
        " [95 % interval by Student's t]; differences are within a seed."
        f" 'As well as' allows {MARGIN:g}.{before}"
    )
