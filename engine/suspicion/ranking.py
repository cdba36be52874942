"""Ranking: the queue as the verdicts so far have it, worked out anew while the review goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.diagnosing import FEWEST_OF_SOURCE, find_truths
from engine.records import Labelled, content_of
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

    order: Ints
    """Ordinals, the likeliest mislabel first; those without suspicion come last."""


@dataclass(frozen=True)
class Ranker:
    """Ranks the samples of one map by what the labels say, which it knows, and by verdicts."""

    store: Store
    prior: Prior
    before: Ints
    """The ordinals as the map ranks them; equals stay in that order."""

    _known: dict[str, list[tuple[int, Labelled]]] = field(default_factory=dict)
    """The samples of the contents that were decided so far: only new ones are looked up."""

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
        decided = self._find(outcomes.decided_by())
        truths = np.full(len(self.before), np.nan)
        truths[[ordinal for ordinal, _ in decided]] = find_truths([one for _, one in decided], outcomes)
        suspicion = update(self.prior, truths)
        first = np.argsort(-np.nan_to_num(suspicion[self.before], nan=-1.0), kind="stable")
        return Ranking(suspicion, self.before[first])

    def _find(self, content_ids: Sequence[str]) -> list[tuple[int, Labelled]]:
        """Find the samples of some contents, duplicates included, with their labels' pairs."""
        new = [one for one in content_ids if one not in self._known]
        if new:
            self._known.update((one, []) for one in new)
            ordinals = self.store.ordinals(new)
            for ordinal, labelled in zip(ordinals.tolist(), self.store.labelled(ordinals), strict=True):
                self._known[content_of(labelled.sample_id)].append((ordinal, labelled))
        return [found for one in content_ids for found in self._known[one]]
