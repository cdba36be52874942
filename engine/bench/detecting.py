"""Detecting: put labels in an order of suspicion in several ways, and count what each way finds."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.suspicion.noise_model import fit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Scored(NamedTuple):
    """What one scorer says of each sample."""

    margin: Floats
    """z-scored; NaN where there is none."""

    cosine: Floats
    """The paper's correlation of scores and labels."""


class Found(NamedTuple):
    """How well an order finds the planted flips. Shares of planted flips, unless said otherwise."""

    pairs: int
    planted: int

    auroc: float
    """Probability that a planted flip is more suspect than a label left alone."""

    average_precision: float
    precision_at_1: float
    """Among the 1 % of highest suspicion."""

    precision_at_5: float
    precision_at_10: float
    found_in_10: float
    """Of all planted flips, how many lie in the 10 % of highest suspicion."""

    lift: float
    """How many times more flips those 10 % hold than as many drawn by chance."""


def rank_by_all(scored: Mapping[str, Scored], sources: Ints | None) -> dict[str, Floats]:
    """Give the suspicion of each label by each way there is, higher is more suspect; NaN where it says nothing."""
    margins = np.column_stack([one.margin for one in scored.values()])
    orders = {name: -one.margin for name, one in scored.items()}
    orders |= {f"{name}, paper's cosine": -one.cosine for name, one in scored.items()}
    if len(scored) > 1:
        orders["ensemble (mean z)"] = -_mean(margins)
    orders["suspicion"] = fit(margins, sources).suspicion
    if find_spec("cleanlab"):
        orders["cleanlab"] = ask_cleanlab(margins)
    return orders


def _mean(margins: Floats) -> Floats:
    known = ~np.isnan(margins)
    count = known.sum(axis=1)
    total = np.where(known, margins, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(margins), np.nan), where=count > 0)
    return mean


def ask_cleanlab(margins: Floats) -> Floats:
    """Rank as cleanlab does: by its label quality under a cross-validated logistic regression on the margins.

    Every other pair is turned round, so that there are two classes: the first response is better, or the second.
    """
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    known = ~np.isnan(margins).all(axis=1)
    side = np.arange(int(known.sum())) % 2
    features = np.nan_to_num(margins[known]) * np.where(side == 1, 1.0, -1.0)[:, None]
    model = LogisticRegression(fit_intercept=False)
    probabilities = cross_val_predict(model, features, side, cv=5, method="predict_proba")
    suspicion = np.full(len(margins), np.nan)
    suspicion[known] = -np.asarray(get_label_quality_scores(side, probabilities))
    return suspicion


def count_found(suspicion: Floats, flipped: Bools) -> Found:
    """Count what is found by reading in the order of suspicion, among the samples that have one."""
    from scipy.stats import rankdata

    known = ~np.isnan(suspicion)
    wrong = flipped[known]
    pairs, planted = len(wrong), int(wrong.sum())
    ranks = rankdata(suspicion[known])
    sorts = wrong[np.argsort(-suspicion[known], kind="stable")]
    above = ranks[wrong].sum() - planted * (planted + 1) / 2
    hits = np.flatnonzero(sorts)
    found = float(sorts[: pairs // 10].sum() / planted) if planted else np.nan
    return Found(
        pairs=pairs,
        planted=planted,
        auroc=float(above / (planted * (pairs - planted))) if 0 < planted < pairs else np.nan,
        average_precision=float((np.arange(1, planted + 1) / (hits + 1)).mean()) if planted else np.nan,
        precision_at_1=_precision(sorts, 100),
        precision_at_5=_precision(sorts, 20),
        precision_at_10=_precision(sorts, 10),
        found_in_10=found,
        lift=found / (pairs // 10 / pairs) if pairs >= 10 else np.nan,
    )


def _precision(sorts: Bools, one_of: int) -> float:
    return float(sorts[: max(1, len(sorts) // one_of)].mean()) if len(sorts) else np.nan
