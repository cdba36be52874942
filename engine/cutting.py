"""Cutting a map into regions: where its own samples lie, or at the frozen cuts of another project's map."""

from collections.abc import Collection, Mapping
from contextlib import closing
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from engine.project import Project
from engine.scores.score_logs import ENSEMBLE, name_fitted
from engine.statistics import Ids, Regions, Statistics, divide_by_cuts, divide_regions
from engine.store import Cut, Store

Floats = npt.NDArray[np.float64]
Rows = Mapping[str, object]
"""Of the table of cuts, as columns."""

VARIABILITY_RULE = "high_variance: all but the first floor(2N/3) by variability"
QUALITY_RULE = "high_average: the upper half by quality of the low-variability part"
TIES, FROZEN_TIES = "by sample id", "what ties lies above"


class Frozen(NamedTuple):
    """The cuts of a project, by scorer, and the scale of its scores: data judged by them had no part in them."""

    origin: str
    cuts: dict[str, dict[str, Cut]]
    """By scorer and axis."""

    scales: dict[str, tuple[float, float]]
    """Mean and standard deviation of the scores of each scorer that has a part in the ensemble."""

    def fit(self, scorers: Collection[str], members: Collection[str]) -> "Frozen":
        """Leave out cuts of other scorers, and those of an ensemble of others than these members."""
        known = {*scorers, *([ENSEMBLE] if set(members) == set(self.scales) else [])}
        cuts = {scorer: by_axis for scorer, by_axis in self.cuts.items() if scorer in known}
        if not cuts:
            raise ConfigError(
                f"{self.origin} has cuts for {', '.join(self.cuts)}, and none of these has scores here. "
                "Score both with the same scorer."
            )
        return self._replace(cuts=cuts, scales=self.scales if ENSEMBLE in cuts else {})

    def describe(self, scorer: str) -> Rows:
        """Give the cuts of a scorer as rows of the table: the samples and nulls are those they were made of."""
        cuts = list(self.cuts[scorer].values())
        return {
            "scorer": [scorer] * len(cuts),
            "axis": [cut.axis for cut in cuts],
            "value": [cut.value for cut in cuts],
            "rule": [f"{cut.rule}; frozen, from {self.origin}" for cut in cuts],
            "ties": [FROZEN_TIES] * len(cuts),
            "samples": [cut.samples for cut in cuts],
            "nulls": [cut.nulls for cut in cuts],
        }

    def divide(self, scorer: str, quality: Floats, variability: Floats) -> Regions:
        """Cut a map where the other one was cut."""
        values = {axis: cut.value for axis, cut in self.cuts[scorer].items()}
        return divide_by_cuts(quality, variability, (values.get("variability"), values.get("quality")))

    def standardise(self, scorer: str, scores: Floats) -> Floats:
        """Put scores on the scale that they have there."""
        mean, spread = self.scales.get(scorer, measure_scale(scores))
        return (scores - mean) / (spread or 1.0)


def cut_map(scorer: str, statistics: Statistics, ids: Ids, frozen: Frozen | None) -> tuple[Regions, Rows]:
    """Divide the map of one scorer into regions, and give its cuts."""
    quality, variability = statistics.quality, statistics.variability
    if frozen and scorer in frozen.cuts:
        return frozen.divide(scorer, quality, variability), frozen.describe(scorer)
    regions = divide_regions(quality, variability, ids)
    nulls = int(np.isnan(variability).sum())
    ranked = len(variability) - nulls
    return regions, {
        "scorer": [scorer] * 2,
        "axis": ["variability", "quality"],
        "value": np.array([regions.variability_cut, regions.quality_cut], dtype=np.float64),
        "rule": [VARIABILITY_RULE, QUALITY_RULE],
        "ties": [TIES] * 2,
        "samples": [ranked, 2 * ranked // 3],
        "nulls": [nulls, nulls],
    }


def read_frozen(project: Project) -> Frozen:
    """Read the cuts of a map. Raises ConfigError where it has none."""
    fitted = name_fitted(project)
    with closing(Store.open(project.map)) as store:
        cuts: dict[str, dict[str, Cut]] = {}
        for cut in store.cuts():
            if cut.value is not None:
                cuts.setdefault(cut.scorer, {})[cut.axis] = cut
        if not cuts:
            raise ConfigError(f"{project.path} has no cuts: no sample of it has a score. Run: prefmap score")
        members = [name for name in store.scorers() if name not in fitted] if ENSEMBLE in cuts else []
        scales = {name: measure_scale(store.aligned_scores(name)) for name in members}
    return Frozen(project.name, cuts, scales)


def measure_scale(scores: Floats) -> tuple[float, float]:
    """Give mean and standard deviation of the scores that there are."""
    known = scores[~np.isnan(scores)]
    return (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
