"""Linking: rank correlations with intervals and permutation tests, for several statistics that were tried at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.judging.intervals import correlate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_ROWS = 5
"""With four, even a perfect order is as good as chance in one of twelve permutations."""

PERMUTATIONS = 2000
SEED = 0
LEVEL = 0.05


class Link(NamedTuple):
    """How one statistic goes with the gain: Spearman's rank correlation with its 95 % interval."""

    name: str
    rows: int
    """Those that have the statistic."""

    rho: float
    low: float
    high: float
    p: float
    """How often a random order of the gains goes with it as closely."""

    p_adjusted: float
    """The same by Holm, for all statistics that were tried."""

    @property
    def is_null(self) -> bool:
        return self.p_adjusted >= LEVEL


def link_all(columns: Mapping[str, Floats], gain: Floats, prompts: Ints) -> list[Link]:
    """Correlate each column with the gain, both of shape (rows,); what is constant or hardly known is left out."""
    found = []
    for name, values in columns.items():
        known = ~np.isnan(values)
        if known.sum() < FEWEST_ROWS:
            continue
        estimate = correlate(values[known], gain[known], prompts[known])
        if estimate is not None:
            p = permute(values[known], gain[known])
            found.append(Link(name, estimate.of, estimate.value, estimate.low, estimate.high, p, p))
    return [link._replace(p_adjusted=p) for link, p in zip(found, adjust([one.p for one in found]), strict=True)]


def permute(values: Floats, gain: Floats, *, permutations: int = PERMUTATIONS, seed: int = SEED) -> float:
    """Give the share of random orders of the gains whose rank correlation is as far from 0 as the true one."""
    from scipy.stats import rankdata

    one, other = (rankdata(column) - (len(column) + 1) / 2 for column in (values, gain))
    random = np.random.default_rng(seed)
    reached = abs(one @ other) * (1 - 1e-12)
    as_far = sum(abs(one @ random.permutation(other)) >= reached for _ in range(permutations))
    return float((1 + as_far) / (1 + permutations))


def adjust(ps: Sequence[float]) -> list[float]:
    """Adjust several p values to each other, after Holm (1979)."""
    order = np.argsort(ps, kind="stable")
    scaled = np.maximum.accumulate([p * (len(ps) - at) for at, p in enumerate(np.array(ps)[order])] or [0.0])
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(scaled, 1)[: len(ps)]
    return adjusted.tolist()
