"""Margins of several scorers made comparable: one unit, far ones drawn in, missing ones expected from the rest."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BEND = 1.5
"""In root mean squares: beyond it a margin counts as its logarithm, so that no single one decides."""

FEWEST_TOGETHER = 20.0
"""With fewer samples in common, two scorers are taken to be unrelated more than not."""

LEAST_VARIANCE = 0.05
DAMPING = 0.1
"""Share that is added to a variance, so that two scorers that always agree can be told apart."""


def standardise(margins: Floats, wrong_share: float) -> tuple[Floats, Floats]:
    """Make margins (scorers, samples) evidence, NaN where missing; give it with none missing, and each scorer's unit.

    A missing margin becomes what the others let expect of it among labels that are right: with Gaussian margins,
    exactly what leaves the odds as they are without it. Two scorers that have nothing in common give 0.
    """
    known = ~np.isnan(margins)
    z = np.where(known, margins, 0.0)
    square = np.einsum("mn,mn->m", z, z) / np.maximum(known.sum(axis=1), 1)
    unit = np.where(square > 0, np.sqrt(square), 1.0)
    z = BEND * np.arcsinh(z / (BEND * unit[:, None]))
    if known.all() or len(z) == 1:
        return z, unit
    covariance = _covariance(z, known, wrong_share)
    for here in _group(known):
        has = known[:, here[0]]
        slopes = np.linalg.solve(covariance[np.ix_(has, has)], covariance[np.ix_(has, ~has)])
        for place, slope in zip(np.flatnonzero(~has), slopes.T, strict=True):
            z[place, here] = sum(a * z[at, here] for a, at in zip(slope, np.flatnonzero(has), strict=True))
    return z, unit


def _covariance(z: Floats, known: Bools, wrong_share: float) -> Floats:
    """Estimate the covariance of the margins around their mean where the label is right; few in common count less."""
    together = np.einsum("an,bn->ab", known.astype(float), known.astype(float))
    mean = z.sum(axis=1) / np.maximum(known.sum(axis=1), 1) / (1 - 2 * wrong_share)
    covariance = np.einsum("an,bn->ab", z, z) / np.maximum(together, 1) - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), LEAST_VARIANCE))
    correlation = np.clip(covariance / np.outer(spread, spread), -1, 1) * together / (together + FEWEST_TOGETHER)
    np.fill_diagonal(correlation, 1 + DAMPING)
    damped: Floats = correlation * np.outer(spread, spread)
    return damped


def _group(known: Bools) -> list[Ints]:
    """Part the samples by which scorers they have."""
    group = np.zeros(known.shape[1], dtype=np.int64)
    for row in known:
        group = np.unique(2 * group + row, return_inverse=True)[1]
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])


def average(margins: Floats, weights: Floats) -> Floats:
    """Give the weighted mean of the margins (samples, scorers) that a sample has; NaN where it has none.

    Where only scorers without weight speak, they speak alike.
    """
    known = ~np.isnan(margins)
    share = np.where(known, np.abs(weights), 0.0)
    mute = share.sum(axis=1) == 0
    share[mute] = known[mute]
    weighted = np.where(known, margins, 0.0) * share * np.where(weights < 0, -1.0, 1.0)
    total = share.sum(axis=1)
    mean: Floats = np.divide(weighted.sum(axis=1), total, out=np.full(len(margins), np.nan), where=total > 0)
    return mean


def sigmoid(x: Floats) -> Floats:
    """Give 1 / (1 + exp(-x)); where exp overflows that is 0, as it should be."""
    with np.errstate(over="ignore"):
        value: Floats = 1 / (1 + np.exp(-x))
    return value
