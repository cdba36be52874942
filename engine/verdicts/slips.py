"""How often each reviewer errs, inferred from what the others and the scorers say, without knowing the truth.

Dawid and Skene (1979) with two classes, right and wrong labels, and one rate per reviewer: the share of slips.
Suspicion is the prior of each label.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

ROUNDS = 100
TOLERANCE = 1e-6

ASSUMED_VERDICTS = 20.0
"""How many verdicts the assumed share of slips weighs as much as."""

DULL = 0.5
"""The prior of a label of which no scorer says anything."""


class Slips(NamedTuple):
    """What is inferred of one reviewer."""

    share: float
    """Of verdicts that are wrong, drawn towards what is assumed where there are few."""

    of: int
    """Verdicts, keep or flip, that it rests on."""


def infer_slips(
    verdicts: Sequence[Mapping[str, bool]], suspicion: Sequence[float], *, assumed: float = 0.03
) -> dict[str, Slips]:
    """Infer the slips of each reviewer.

    verdicts: per label, who says that it is wrong (True) or right. suspicion: of each label, its verdicts left aside;
    NaN where there is none.
    """
    names = sorted({name for said in verdicts for name in said})
    if not names:
        return {}
    place = {name: at for at, name in enumerate(names)}
    table = np.full((len(verdicts), len(names)), np.nan)
    for row, said in enumerate(verdicts):
        for name, is_wrong in said.items():
            table[row, place[name]] = is_wrong
    known = ~np.isnan(table)
    prior = np.clip(np.where(np.isnan(suspicion), DULL, suspicion), 0.001, 0.999)
    share = np.full(len(names), np.clip(assumed, 0.001, 0.499))
    for _ in range(ROUNDS):
        before = share
        says_wrong = np.where(known, np.where(table == 1, 1, -1), 0) @ np.log((1 - share) / share)
        wrong = 1 / (1 + np.exp(-np.log(prior / (1 - prior)) - says_wrong))
        slips = np.where(known, np.where(table == 1, 1 - wrong[:, None], wrong[:, None]), 0).sum(axis=0)
        share = (slips + assumed * ASSUMED_VERDICTS) / (known.sum(axis=0) + ASSUMED_VERDICTS)
        share = np.clip(share, 0.001, 0.499)
        if np.abs(share - before).max() < TOLERANCE:
            break
    return {name: Slips(float(share[at]), int(known[:, at].sum())) for name, at in place.items()}
