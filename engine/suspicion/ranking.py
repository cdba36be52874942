"""Ranking: the queue as the verdicts so far have it, worked out anew while the review goes on."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.diagnosing import FEWEST_OF_SOURCE, find_truths
from engine.store import Store
from engine.suspicion.label_model import Prior, fit_labels
from engine.suspicion.noise_model import WRONG_SHARE, update
from engine.verdicts.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Ranking(NamedTuple):
    """All samples by suspicion. Arrays: (samples,), by ordinal."""

    suspicion: Floats
    """NaN where there is none."""

    ranks: Ints
    """From 1, the likeliest mislabel first; those without suspicion come last."""


@dataclass(frozen=True)
class Ranker:
    """Ranks the samples of one map by what the labels say, which it knows, and by verdicts."""

    store: Store
    prior: Prior
    before: Ints
    """The ordinals as the map ranks them; equals stay in that order."""

    @classmethod
    def read(cls, store: Store) -> Self:
        """Take what the labels say from a map."""
        margins = store.margin_table()
        table = np.column_stack(list(margins.values())) if margins else np.full((store.count("sample"), 1), np.nan)
        sources = store.source_numbers(FEWEST_OF_SOURCE)
        prior = fit_labels(table, sources if sources.max(initial=0) else None, WRONG_SHARE)
        return cls(store, prior, store.order("suspicion"))

    def rank(self, outcomes: Outcomes) -> Ranking:
        """Rank all samples by what reviewers said."""
        ordinals = self.store.ordinals(outcomes.decided_by())
        truths = np.full(len(self.before), np.nan)
        truths[ordinals] = find_truths(self.store.labelled(ordinals), outcomes)
        suspicion = update(self.prior, truths)
        first = np.argsort(-np.nan_to_num(suspicion[self.before], nan=-1.0), kind="stable")
        ranks = np.empty(len(first), dtype=np.int64)
        ranks[self.before[first]] = np.arange(1, len(first) + 1)
        return Ranking(suspicion, ranks)
