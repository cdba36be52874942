"""Numbers of an evaluation, each with a 95 % interval from questions drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from eval_judging import Duel, Grade

from engine.judging.intervals import Estimate

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
PRIOR = 0.1
"""Weight of a normal prior (variance 10) on both coefficients: where one model always wins they stay finite."""

STEPS = 25
"""Of Newton's method."""


def estimate(values: Floats, statistic: Callable[[Floats], float], *, seed: int = 0) -> Estimate:
    """Give a statistic of rows, one for each question, and its percentile interval."""
    random = np.random.default_rng(seed)
    drawn = [statistic(values[random.integers(len(values), size=len(values))]) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(statistic(values), float(low), float(high), len(values))


def measure_grades(grades: Sequence[Grade]) -> dict[str, Estimate]:
    """Give the mean grade over all turns, of each turn and of each category. A question is drawn with all its turns."""
    turns = sorted({one.turn for one in grades})
    groups = {"all": grades}
    if len(turns) > 1:
        groups |= {f"turn {turn + 1}": [one for one in grades if one.turn == turn] for turn in turns}
    groups |= {f"category {name}": [one for one in grades if one.question.category == name] for name in _names(grades)}
    found = {}
    for name, some in groups.items():
        by_question: dict[str, list[float]] = {}
        for one in some:
            if one.value is not None:
                by_question.setdefault(one.question.key, []).append(one.value)
        if by_question:
            sums = np.array([(sum(values), len(values)) for values in by_question.values()])
            found[name] = estimate(sums, lambda rows: float(rows[:, 0].sum() / rows[:, 1].sum()))
    return found


def measure_duels(duels: Sequence[Duel]) -> dict[str, Estimate]:
    """Give the win rate, also at equal lengths and by category, and how often the order of the answers decided."""
    known = [one for one in duels if one.value is not None]
    if not known:
        return {}
    values = np.array([[one.value, one.lengths[0] - one.lengths[1]] for one in known], dtype=float)
    found = {"win rate": estimate(values, lambda rows: float(rows[:, 0].mean()))}
    if np.ptp(values[:, 1]) > 0:
        found["win rate at equal length"] = estimate(values, control_length)
    swayed = np.array([[one.is_swayed] for one in known], dtype=float)
    found["decided by the order"] = estimate(swayed, lambda rows: float(rows.mean()))
    for name in _names(known):
        rows = values[[one.question.category == name for one in known]]
        found[f"category {name}"] = estimate(rows, lambda some: float(some[:, 0].mean()))
    return found


def control_length(rows: Floats) -> float:
    """Give the win rate that is expected at equal lengths.

    As AlpacaEval 2 does (arXiv 2404.04475): a logistic regression of the preference on the model and on the hyperbolic
    tangent of the length difference in standard deviations, asked for a difference of 0. Its term for the difficulty
    of each instruction, which is fitted on many models, is left out.
    """
    preference, difference = rows.T
    spread = difference.std()
    length = np.tanh(difference / spread) if spread else np.zeros_like(difference)
    design = np.column_stack([np.ones_like(length), length])
    weights = np.zeros(2)
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (preference - expected) - PRIOR * weights
        curve = (design * (expected * (1 - expected))[:, None]).T @ design + PRIOR * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    return float(1 / (1 + np.exp(-weights[0])))


def _names(some: Sequence[Grade] | Sequence[Duel]) -> list[str]:
    """List the categories, where there are several."""
    names = sorted({one.question.category for one in some})
    return names if len(names) > 1 else []
