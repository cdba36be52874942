"""Cross-fitted Bradley-Terry models and their penalty."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from engine.errors import ScorerRefusedError
from engine.fitting import PENALTIES, USUAL_PENALTY, Pairs, _choose_penalties, _Task, check_pairs, fit_folds

COUNT, COLUMNS, FOLDS = 1500, 60, 5


def make(noise: float, folds: int = FOLDS) -> tuple[csr_matrix, Pairs]:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(2 * COUNT, COLUMNS)) / np.sqrt(COLUMNS)
    truth = np.linspace(-3, 3, COLUMNS)
    first, second = np.arange(COUNT), np.arange(COUNT, 2 * COUNT)
    wins = ((features[first] - features[second]) @ truth > 0) ^ (draw.random(COUNT) < noise)
    chosen, rejected = np.where(wins, first, second), np.where(wins, second, first)
    return csr_matrix(features), Pairs(chosen, rejected, np.ones(COUNT), np.arange(COUNT) % folds)


def penalties(noise: float, folds: int = FOLDS) -> list[float]:
    features, pairs = make(noise, folds)
    differences = features[pairs.chosen] - features[pairs.rejected]
    return _choose_penalties(_Task(differences, pairs.weight, pairs.fold), folds)


def test_noisier_labels_get_a_greater_penalty():
    clean, noisy = penalties(0.0), penalties(0.4)
    assert set(clean) == {min(PENALTIES)}
    assert min(noisy) > 2.0


def test_two_folds_leave_none_to_choose_a_penalty_on():
    assert penalties(0.0, folds=2) == [USUAL_PENALTY] * 2


def test_a_model_orders_the_pairs_of_the_fold_that_it_never_saw():
    features, pairs = make(0.1)
    weights = fit_folds(features, pairs, folds=FOLDS, at_most=10_000)
    margins = np.asarray((features[pairs.chosen] - features[pairs.rejected]) @ weights.T)
    assert weights.shape == (FOLDS, COLUMNS)
    assert 0.8 < (margins[np.arange(COUNT), pairs.fold] > 0).mean() < 0.92


def test_labels_of_a_fold_do_not_change_its_model():
    features, pairs = make(0.1)
    mine = pairs.fold == 2
    turned = pairs._replace(
        chosen=np.where(mine, pairs.rejected, pairs.chosen), rejected=np.where(mine, pairs.chosen, pairs.rejected)
    )
    before, after = (fit_folds(features, some, folds=FOLDS, at_most=10_000) for some in (pairs, turned))
    assert (before[2] == after[2]).all()
    assert all((before[fold] != after[fold]).any() for fold in range(FOLDS) if fold != 2)


def test_too_few_pairs_are_refused():
    check_pairs(np.arange(25) % 5, 5)
    with pytest.raises(ScorerRefusedError, match="finds 19"):
        check_pairs(np.arange(24) % 5, 5)
