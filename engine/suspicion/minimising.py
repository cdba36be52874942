"""Finding the weights that fit best: L-BFGS, for a loss that comes with its gradient."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bound = tuple[float | None, float | None]


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
