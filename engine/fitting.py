"""Bradley-Terry models of label-ordered pairs, each of all folds but one, with a penalty chosen inside those."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScorerRefusedError

FEWEST_PAIRS = 20
"""With fewer pairs to learn from, a model says nothing."""

PENALTIES = (32.0, 12.0, 5.0, 2.0, 0.8)
"""Of the squared weights; the loss is summed over samples. The noisier the labels, the greater the best one."""

USUAL_PENALTY = 5.0
"""Where there are too few folds or pairs to choose one."""

CHOOSE_FROM = 2_000
"""Pairs that the penalty is chosen on."""

NEIGHBOURS = (1, 2)
"""A model of all folds but two says how well a penalty suits both: fold k is left out with k + 1 and with k + 2."""

TOLERANCE = 1e-3
"""Of liblinear's dual solver."""

Floats = NDArray[np.float64]


class Pairs(NamedTuple):
    """What there is to learn from, one entry a pair; `chosen` and `rejected` are rows of the features."""

    chosen: NDArray[np.intp]
    rejected: NDArray[np.intp]

    weight: Floats
    """One over the number of pairs of the sample."""

    fold: NDArray[np.intp]


class _Task(NamedTuple):
    differences: Any
    """Features of the chosen response less those of the rejected one, one row a pair."""

    weight: Floats
    fold: NDArray[np.intp]

    def only(self, where: Any) -> "_Task":
        return _Task(self.differences[where], self.weight[where], self.fold[where])


def fit_folds(features: Any, pairs: Pairs, *, folds: int, at_most: int) -> Floats:
    """Fit the model of each fold on no more than so many pairs of the others; gives weights of shape (folds, columns).

    Nothing of a fold's labels enters its own model.
    """
    task = _Task(features[pairs.chosen] - features[pairs.rejected], pairs.weight, pairs.fold)
    penalties = _choose_penalties(task, folds)
    return np.stack([
        _fit(task.only(np.flatnonzero(pairs.fold != fold)[:at_most]), penalty)
        for fold, penalty in enumerate(penalties)
    ])  # fmt: skip


def check_pairs(fold_of_pair: NDArray[np.intp], folds: int) -> None:
    """Raise ScorerRefusedError where a fold leaves too few pairs."""
    fewest = min(int((fold_of_pair != fold).sum()) for fold in range(folds))
    if fewest < FEWEST_PAIRS:
        raise ScorerRefusedError(
            f"crossfit needs {FEWEST_PAIRS} pairs with different labels outside each fold to learn from and finds"
            f" {fewest}; use another scorer, or more data."
        )


def _choose_penalties(task: _Task, folds: int) -> list[float]:
    """Choose for each fold the penalty whose models of the other folds predict each other best."""
    few = task.only(slice(CHOOSE_FROM))
    losses = np.zeros((folds, len(PENALTIES)))
    for one, other in _couples(folds):
        seen = few.only((few.fold != one) & (few.fold != other))
        if len(seen.fold) < FEWEST_PAIRS:
            return [USUAL_PENALTY] * folds
        models = [_fit(seen, penalty) for penalty in PENALTIES]
        losses[one] += [_loss(few.only(few.fold == other), model) for model in models]
        losses[other] += [_loss(few.only(few.fold == one), model) for model in models]
    return [PENALTIES[place] for place in losses.argmin(axis=1)] if losses.any() else [USUAL_PENALTY] * folds


def _couples(folds: int) -> Iterator[tuple[int, int]]:
    found = {tuple(sorted((fold, (fold + step) % folds))) for fold in range(folds) for step in NEIGHBOURS}
    return ((one, other) for one, other in sorted(found) if one != other)


def _loss(task: _Task, model: Floats) -> float:
    return float(task.weight @ np.logaddexp(0, -(task.differences @ model)))


def _fit(task: _Task, penalty: float) -> Floats:
    """Logistic regression, on one thread and in an order fixed by a seed; every other pair is turned around."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=1 / penalty, fit_intercept=False, solver="liblinear", dual=True, tol=TOLERANCE, max_iter=1000, random_state=0
    )
    sign = np.where(np.arange(len(task.weight)) % 2, 1, -1)
    weights: Floats = model.fit(task.differences.multiply(sign[:, None]).tocsr(), sign, task.weight).coef_[0]
    return weights
