"""Surveying: what a selection must know of each sample that is on no map, read in one pass over the sources."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.exports.drafting import find_obstacle
from engine.exports.manifests import ExportPlan
from engine.exports.pairing import list_pairs
from engine.records import Pair, Sample
from engine.sources import SourceReader
from engine.verdicts.outcomes import Decision, Outcomes

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]


class Survey(NamedTuple):
    """All samples as columns, in source order."""

    ids: Objects
    responses: Ints
    """How many each sample has."""

    pairs: Ints
    """How many training pairs it gives, verdicts applied."""

    source: Objects
    length: Ints
    """Characters of a response, on average."""

    turns: Ints
    """Of the prompt."""

    repeated: Mask
    """Whether another sample has the same content."""

    changed: dict[int, Pair | None]
    """Which samples a verdict changed, and the pair that it made; None: it took the sample out."""

    @property
    def third(self) -> Ints:
        """Which third by length each sample is of, from 0; equal lengths are of one third."""
        cuts = np.quantile(self.length, (1 / 3, 2 / 3)) if len(self.length) else np.zeros(2)
        return np.searchsorted(cuts, self.length, side="left")

    @property
    def stratum(self) -> Ints:
        """Number the combinations of source and third by length."""
        _, source = np.unique(self.source.astype(str), return_inverse=True)
        return np.asarray(3 * source + self.third, dtype=np.int64)


def survey(samples: SourceReader, outcomes: Outcomes, plan: ExportPlan) -> Survey:
    """Look at each sample once."""
    rows, contents, changed = [], [], {}
    for ordinal, sample in enumerate(samples):
        decision = outcomes.decide(sample)
        if decision.changed or (decision.pair is None and sample.pair is not None):
            changed[ordinal] = decision.pair
        contents.append(sample.content_id)
        length = sum(len(response.text) for response in sample.responses) // len(sample.responses)
        pairs = _count_pairs(sample, decision, plan)
        rows.append((sample.sample_id, len(sample.responses), pairs, sample.source, length, len(sample.prompt)))
    ids, responses, pairs_of, source, lengths, turns = zip(*rows, strict=True) if rows else ((),) * 6
    copies = Counter(contents)
    return Survey(
        np.array(ids, dtype=object),
        np.array(responses, dtype=np.int64),
        np.array(pairs_of, dtype=np.int64),
        np.array(source, dtype=object),
        np.array(lengths, dtype=np.int64),
        np.array(turns, dtype=np.int64),
        np.array([copies[one] > 1 for one in contents], dtype=bool),
        changed,
    )


def _count_pairs(sample: Sample, decision: Decision, plan: ExportPlan) -> int:
    if decision.pair is None:
        return 0
    pairs = list_pairs(sample, decision.pair, changed=decision.changed, rule=plan.pairs, seed=plan.seed)
    return sum(not find_obstacle(sample, pair) for pair in pairs)
