"""How scorers stand to the labels and to one another."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def agree_with_labels(margins: Floats) -> Floats:
    """Give how often each scorer's margin (samples, scorers) has the sign of the label; a tie counts half."""
    known = ~np.isnan(margins)
    agrees = (margins > 0) + 0.5 * (margins == 0)
    count = known.sum(axis=0)
    share: Floats = np.divide(agrees.sum(axis=0), count, out=np.full(margins.shape[1], np.nan), where=count > 0)
    return share


def correlate_scorers(margins: Floats) -> Floats:
    """Give the correlation (scorers, scorers) of margins around 0, on the samples that both have.

    The labels do not matter to it: exchanging one turns both margins round.
    """
    known = ~np.isnan(margins)
    z = np.where(known, margins, 0.0)
    product = z.T @ z
    square = (z * z).T @ known
    root = np.sqrt(square * square.T)
    correlation: Floats = np.divide(product, root, out=np.full(root.shape, np.nan), where=root > 0)
    return correlation
