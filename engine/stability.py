"""Stability: how sure the region of a sample is when all are drawn anew, and how far two scorers agree on it."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.cutting import FROZEN_TIES
from engine.errors import MapMissingError
from engine.project import Project
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE
from engine.store import Store

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]

REGIONS = (HIGH_AVERAGE, LOW_AVERAGE, HIGH_VARIANCE)
RESAMPLES, SEED = 200, 0
SURE = 0.95


class Membership(NamedTuple):
    """How often each sample lands in each region of one map when the samples are drawn with replacement."""

    scorer: str
    shares: Floats
    """Of shape (samples, 3), in the order of REGIONS; NaN where a sample is not on the map."""

    region: Objects
    """Where it is."""

    @property
    def own(self) -> Floats:
        """Give the share of its own region for each sample."""
        place = np.array([REGIONS.index(one) if one else 0 for one in self.region], dtype=np.int64)
        shares: Floats = np.take_along_axis(self.shares, place[:, None], axis=1)[:, 0]
        return shares

    @property
    def by_region(self) -> dict[str, tuple[int, float, float]]:
        """Give for each region its samples, their mean share, and how many are sure to be in it."""
        return {
            name: (int(here.sum()), float(self.own[here].mean()), float((self.own[here] >= SURE).mean()))
            for name in REGIONS
            if (here := self.region == name).any()
        }


class Agreement(NamedTuple):
    """How alike the maps of two scorers are, over the samples that are on both."""

    one: str
    other: str
    samples: int
    rank: dict[str, float | None]
    """Spearman's correlation of quality, variability and margin; None where one of them is constant."""

    macro_f1: float
    """Of the regions; about 1/3 by chance."""

    same: float
    """Share of samples in the same region."""


class Stability(NamedTuple):
    """All of it."""

    sample_ids: Objects
    memberships: list[Membership]
    agreements: list[Agreement]
    frozen: list[str]
    """Maps cut where another project's is cut: no draw moves those cuts, so that there are no memberships."""


def measure_stability(project: Project, *, resamples: int = RESAMPLES, seed: int = SEED) -> Stability:
    """Look at all maps of a project."""
    with closing(Store.open(project.map)) as store:
        maps = store.maps()
        if not maps:
            raise MapMissingError(f"{project.map} has no scores to be sure of. Run: prefmap score {project.path}")
        placed = {scorer: store.placed_by(scorer) for scorer in maps}
        regions = {scorer: store.points(scorer).region for scorer in maps}
        ids = store.sample_ids()
        frozen = {cut.scorer for cut in store.cuts() if cut.ties == FROZEN_TIES}
    memberships = [
        Membership(scorer, estimate_membership(*placed[scorer][:2], resamples=resamples, seed=seed), regions[scorer])
        for scorer in maps
        if scorer not in frozen
    ]
    agreements = [_compare(one, other, placed, regions) for one, other in combinations(maps, 2)]
    return Stability(ids, memberships, [one for one in agreements if one.samples], sorted(frozen))


def estimate_membership(quality: Floats, variability: Floats, *, resamples: int, seed: int) -> Floats:
    """Give the share of resamples whose cuts put each sample into each region; shape (samples, 3)."""
    shares = np.full((len(quality), len(REGIONS)), np.nan)
    placed = np.flatnonzero(~np.isnan(variability))
    if not len(placed):
        return shares
    q, v = quality[placed], variability[placed]
    counts = np.zeros((len(placed), len(REGIONS)))
    for variability_cut, quality_cut in resample_cuts(q, v, resamples=resamples, seed=seed):
        high_variance, high = v >= variability_cut, q >= quality_cut
        counts[:, 0] += ~high_variance & high
        counts[:, 1] += ~high_variance & ~high
        counts[:, 2] += high_variance
    shares[placed] = counts / resamples
    return shares


def resample_cuts(quality: Floats, variability: Floats, *, resamples: int, seed: int) -> Iterator[tuple[float, float]]:
    """Yield the cuts of as many samples as there are, drawn with replacement; infinite where nothing lies above.

    The draws are counts of each sample, so that nothing is sorted anew.
    """
    size = len(quality)
    random = np.random.default_rng(seed)
    by_variability, by_quality = np.argsort(variability, kind="stable"), np.argsort(quality, kind="stable")
    low = 2 * size // 3
    for _ in range(resamples):
        drawn = np.bincount(random.integers(size, size=size), minlength=size)
        upto = np.cumsum(drawn[by_variability])
        at = int(np.searchsorted(upto, low, side="right"))
        here = by_variability[at]
        drawn[by_variability[at + 1 :]] = 0
        drawn[here] -= upto[at] - low
        good = int(np.searchsorted(np.cumsum(drawn[by_quality]), low // 2, side="right"))
        yield float(variability[here]), float(quality[by_quality[good]]) if good < size else np.inf


def _compare(
    one: str, other: str, placed: Mapping[str, tuple[Floats, Floats, Floats]], regions: Mapping[str, Objects]
) -> Agreement:
    both = (regions[one] != None) & (regions[other] != None)  # noqa: E711 - arrays
    names = ("quality", "variability", "margin")
    rank = {name: _correlate(placed[one][at][both], placed[other][at][both]) for at, name in enumerate(names)}
    a, b = regions[one][both], regions[other][both]
    return Agreement(one, other, int(both.sum()), rank, macro_f1(a, b), float(np.mean(a == b)) if len(a) else 0.0)


def _correlate(a: Floats, b: Floats) -> float | None:
    from scipy.stats import rankdata

    known = ~(np.isnan(a) | np.isnan(b))
    if known.sum() < 2:
        return None
    ranks = [rankdata(column[known]) for column in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1]) if all(np.ptp(column) for column in ranks) else None


def macro_f1(one: Objects, other: Objects) -> float:
    """Average F1 over the regions that either has; it is the same both ways round."""
    scores = [
        2 * np.sum((one == name) & (other == name)) / size
        for name in REGIONS
        if (size := np.sum(one == name) + np.sum(other == name))
    ]
    return float(np.mean(scores)) if scores else 0.0
