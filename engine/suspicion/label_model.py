"""What the labels alone say of the scorers: how much each margin counts, and how the sources differ."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.suspicion.margins import sigmoid, standardise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EQUALITY = 10.0
"""Precision with which the weights are drawn towards one another."""

RIDGE = 1.0
"""Precision with which the weights are drawn towards 0, so that a few samples do not make a scorer infallible."""

SOURCE_SPREAD, FACTOR_SPREAD = 0.3, 0.15
"""How far sources differ in the log odds of a wrong label, and in the log of how much a margin says.

The labels hardly tell the two apart: a wide factor takes noisy sources for hard ones, none hard ones for noisy.
"""


class Prior(NamedTuple):
    """What the labels alone say."""

    z: Floats
    """(scorers, known samples) Evidence, the factor of the source included."""

    known: Ints
    """The samples that have a margin."""

    source: Ints
    """(known samples,)"""

    unit: Floats
    """(scorers,) Of the margins."""

    beta: Floats
    level: Floats
    """(sources,) Log odds of a wrong label."""


def fit_labels(margins: Floats, sources: Ints | None, wrong_share: float) -> Prior:
    """Set the weights, and how the sources differ, by the labels alone.

    A scorer that stands against most labels counts the other way round.
    """
    from scipy.optimize import minimize

    known = np.flatnonzero(~np.isnan(margins).all(axis=1))
    source = np.zeros(len(known), dtype=np.int64) if sources is None else sources[known]
    count = 1 if sources is None or not len(sources) else 1 + int(sources.max())
    z, unit = standardise(np.ascontiguousarray(margins[known].T), wrong_share)
    share, scorers = np.log(wrong_share / (1 - wrong_share)), len(unit)
    free = count if count > 1 else 0
    start = np.concatenate([np.full(scorers, 1 / scorers), np.zeros(2 * free)])
    bounds = [(None, None)] * scorers + [(None, -share)] * free + [(None, None)] * free
    found = minimize(label_loss, start, (z, source, share), jac=True, method="L-BFGS-B", bounds=bounds).x
    beta, apart, factor = np.split(found, [scorers, scorers + free])
    if free:
        z = z * np.exp(factor)[source]
    return Prior(z, known, source, unit, beta, share + (apart if free else np.zeros(count)))


def label_loss(theta: Floats, z: Floats, source: Ints, share: float) -> tuple[float, Floats]:
    """Give the negative log posterior, and its gradient, of what the labels can say.

    theta: beta and, where there are several sources, the log odds of each less `share` and the log of its factor.
    """
    beta, apart, factor = np.split(theta, [len(z), (len(z) + len(theta)) // 2])
    evidence = np.einsum("m,mn->n", beta, z)
    rho, times = sigmoid(np.array(share)), np.array(1.0)
    if len(apart):
        rho, times = sigmoid(share + apart)[source], np.exp(factor)[source]
    right = sigmoid(evidence * times)
    likelihood = rho + (1 - 2 * rho) * right
    wrong = rho * (1 - right) / likelihood
    pull = (1 - right - wrong) * times
    uneven = beta - beta.mean()
    loss = -np.log(likelihood).sum() + (EQUALITY * uneven @ uneven + RIDGE * beta @ beta) / 2
    gradient = [EQUALITY * uneven + RIDGE * beta - np.einsum("mn,n->m", z, pull)]
    if len(apart):
        loss += apart @ apart / (2 * SOURCE_SPREAD**2) + factor @ factor / (2 * FACTOR_SPREAD**2)
        gradient.append(apart / SOURCE_SPREAD**2 - np.bincount(source, wrong - rho, len(apart)))
        gradient.append(factor / FACTOR_SPREAD**2 - np.bincount(source, pull * evidence, len(apart)))
    return float(loss), np.concatenate(gradient)
