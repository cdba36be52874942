"""Finding the weights that fit best, for a loss that comes with its gradient: L-BFGS, or BFGS from a curvature."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bound = tuple[float | None, float | None]

DIFFERENCE = 1e-4
SHORT_STEP, MOST_STEPS = 0.01, 10
"""In standard deviations of what the data leave open: after so short a step, a tenth or less of it is left."""

LEAST_CURVATURE = 1.0
"""That of the priors; where the loss is flatter, or bent the other way, no step goes further for it."""


def minimise(
    loss: Callable[..., tuple[float, Floats]], start: Floats, arguments: tuple[Any, ...], bounds: Sequence[Bound] = ()
) -> Floats:
    """Give the place of the least loss.

    Its own algebra is a few numbers: on several threads it takes longer, and others wait for the processors.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        found = minimize(loss, start, arguments, jac=True, method="L-BFGS-B", bounds=bounds or None)
    return np.asarray(found.x, dtype=np.float64)


def go_on(
    loss: Callable[..., tuple[float, Floats]],
    near: Floats,
    alike: tuple[Any, ...],
    arguments: tuple[Any, ...],
    bounds: Sequence[Bound],
) -> Floats:
    """Give the place of the least loss, from one `near` it where a loss with arguments `alike` is least.

    That one's curvature says how far to step, and each step corrects it (BFGS), so that a few steps of what takes long
    to work out are enough. Where they lead out of bounds, the place is looked for in the usual way.
    """
    low, high = np.array(bounds, dtype=np.float64).T
    inverse = _invert(_curve(loss, near, alike))
    found, (value, slope) = near, loss(near, *arguments)
    for _ in range(MOST_STEPS):
        step = -inverse @ slope
        following: Floats = found + step
        if (following < low).any() or (following > high).any():
            break
        if -slope @ step < SHORT_STEP**2:
            return following
        next_value, next_slope = loss(following, *arguments)
        if next_value > value:
            inverse = inverse / 2
            continue
        inverse = _correct(inverse, step, next_slope - slope)
        found, value, slope = following, next_value, next_slope
    return minimise(loss, found, arguments, bounds)


def _invert(curvature: Floats) -> Floats:
    sizes, ways = np.linalg.eigh(curvature)
    return np.asarray(ways / np.maximum(sizes, LEAST_CURVATURE) @ ways.T)


def _correct(inverse: Floats, step: Floats, turn: Floats) -> Floats:
    """Update the inverse of the second derivatives by what a step did to the first ones (Nocedal & Wright, 6.17)."""
    if step @ turn <= 0:
        return inverse
    rest = np.eye(len(step)) - np.outer(step, turn) / (step @ turn)
    return np.asarray(rest @ inverse @ rest.T + np.outer(step, step) / (step @ turn))


def _curve(loss: Callable[..., tuple[float, Floats]], at: Floats, arguments: tuple[Any, ...]) -> Floats:
    """Give the second derivatives of a loss, by differences of the first ones."""
    slopes = [[loss(at + way * step, *arguments)[1] for way in (1, -1)] for step in DIFFERENCE * np.eye(len(at))]
    curvature = np.array([(ahead - behind) / (2 * DIFFERENCE) for ahead, behind in slopes])
    return np.asarray(curvature + curvature.T) / 2
