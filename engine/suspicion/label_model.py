"""What the labels alone say of the scorers: how much each margin counts, and how the sources differ."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.spreading import map_blocks
from engine.suspicion.margins import sigmoid, standardise
from engine.suspicion.minimising import Bound, go_on, minimise

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


FEW, MANY = 25_000, 100_000
"""So many of very many samples say where to begin, and how the loss is curved there."""

MOST_CURVED = 64
"""Weights; the curvature of more takes longer than it saves."""


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
    known = np.flatnonzero(~np.isnan(margins).all(axis=1))
    source = np.zeros(len(known), dtype=np.int64) if sources is None else sources[known]
    count = 1 if sources is None or not len(sources) else 1 + int(sources.max())
    z, unit = standardise(np.ascontiguousarray(margins[known].T), wrong_share)
    share, scorers = np.log(wrong_share / (1 - wrong_share)), len(unit)
    free = count if count > 1 else 0
    start = np.concatenate([np.full(scorers, 1 / scorers), np.zeros(2 * free)])
    bounds = [(None, None)] * scorers + [(None, -share)] * free + [(None, None)] * free
    beta, apart, factor = np.split(_find(start, z, source, share, bounds), [scorers, scorers + free])
    if free:
        z = z * np.exp(factor)[source]
    return Prior(z, known, source, unit, beta, share + (apart if free else np.zeros(count)))


def _find(start: Floats, z: Floats, source: Ints, share: float, bounds: Sequence[Bound]) -> Floats:
    """Find the weights of the least loss."""
    if len(source) < MANY or len(start) > MOST_CURVED:
        return minimise(label_loss, start, (z, source, share), bounds)
    every = len(source) // FEW
    few = np.ascontiguousarray(z[:, ::every]), source[::every], share, every
    return go_on(label_loss, minimise(label_loss, start, few, bounds), few, (z, source, share), bounds)


def label_loss(theta: Floats, z: Floats, source: Ints, share: float, times_each: int = 1) -> tuple[float, Floats]:
    """Give the negative log posterior, and its gradient, of what the labels can say, each counted so many times.

    theta: beta and, where there are several sources, the log odds of each less `share` and the log of its factor.
    """
    beta, apart, factor = np.split(theta, [len(z), (len(z) + len(theta)) // 2])
    rho, times = sigmoid(share + apart), np.exp(factor)

    def add_up(part: slice) -> tuple[Floats, ...]:
        """Sum log likelihood and its slopes over some samples, with no more arrays than the processor's cache holds."""
        here = source[part]
        mixed, scale = (rho.take(here), times.take(here)) if len(apart) else (sigmoid(np.array(share)), np.array(1.0))
        evidence = np.einsum("m,mn->n", beta, z[:, part])
        evidence *= scale
        right = sigmoid(evidence)
        likelihood = mixed + (1 - 2 * mixed) * right
        wrong = mixed * (1 - right) / likelihood
        pull = 1 - right - wrong
        by_source = [np.bincount(here, of, len(apart)) for of in (wrong - mixed, pull * evidence) if len(apart)]
        return np.log(likelihood).sum(), np.einsum("mn,n->m", z[:, part], pull * scale), *by_source

    likelihood, *slopes = (
        times_each * np.sum(sums, axis=0) for sums in zip(*map_blocks(add_up, len(source)), strict=True)
    )
    uneven = beta - beta.mean()
    loss = -likelihood + (EQUALITY * uneven @ uneven + RIDGE * beta @ beta) / 2
    loss += apart @ apart / (2 * SOURCE_SPREAD**2) + factor @ factor / (2 * FACTOR_SPREAD**2)
    pulls = [EQUALITY * uneven + RIDGE * beta, apart / SOURCE_SPREAD**2, factor / FACTOR_SPREAD**2]
    return float(loss), np.concatenate([pull - slope for pull, slope in zip(pulls, slopes, strict=False)])
