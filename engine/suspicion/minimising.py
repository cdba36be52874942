"""Finding the weights that fit best: L-BFGS, for a loss that comes with its gradient."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bound = tuple[float | None, float | None]

DIFFERENCE = 1e-4
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

    In units of that one's curvature the way is short: a few steps of what takes long to work out. Where the way leads
    out of bounds, the place is looked for in the usual units.
    """
    sizes, ways = np.linalg.eigh(_curve(loss, near, alike))
    unit = ways / np.sqrt(np.maximum(sizes, LEAST_CURVATURE))

    def whole(steps: Floats, *those: Any) -> tuple[float, Floats]:
        value, slope = loss(near + unit @ steps, *those)
        return value, unit.T @ slope

    found = near + unit @ minimise(whole, np.zeros(len(near)), arguments)
    low, high = np.array(bounds, dtype=np.float64).T
    inside = np.clip(found, np.nan_to_num(low, nan=-np.inf), np.nan_to_num(high, nan=np.inf))
    return found if (found == inside).all() else minimise(loss, inside, arguments, bounds)


def _curve(loss: Callable[..., tuple[float, Floats]], at: Floats, arguments: tuple[Any, ...]) -> Floats:
    """Give the second derivatives of a loss, by differences of the first ones."""
    slopes = [[loss(at + way * step, *arguments)[1] for way in (1, -1)] for step in DIFFERENCE * np.eye(len(at))]
    curvature = np.array([(ahead - behind) / (2 * DIFFERENCE) for ahead, behind in slopes])
    return np.asarray(curvature + curvature.T) / 2
