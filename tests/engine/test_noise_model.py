import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import approx_fprime
from scipy.stats import norm, rankdata

from engine.suspicion.calibration import Bin, compare
from engine.suspicion.label_model import MANY, fit_labels, label_loss
from engine.suspicion.margins import average, standardise
from engine.suspicion.minimising import go_on, minimise
from engine.suspicion.noise_model import WRONG_SHARE, fit, hold_out, refit
from engine.suspicion.verdict_model import REVIEWER_ERROR, Rows, Verdicts, count_controls, verdict_loss

NAN = math.nan


class Planted(NamedTuple):
    """Margins of scorers of known accuracy, some labels exchanged."""

    margins: np.ndarray
    flipped: np.ndarray
    best: np.ndarray
    """The log odds of the best weights."""


def plant(accuracies, *, samples=5_000, rate=0.1, correlation=0.0, seed=0) -> Planted:
    random = np.random.default_rng(seed)
    mean = norm.ppf(np.array(accuracies))
    covariance = np.full((len(mean), len(mean)), correlation) + np.eye(len(mean)) * (1 - correlation)
    true = mean + random.standard_normal((samples, len(mean))) @ np.linalg.cholesky(covariance).T
    flipped = random.random(samples) < rate
    margins = np.where(flipped[:, None], -true, true)
    return Planted(margins, flipped, -margins @ np.linalg.solve(covariance, mean))


def auroc(suspicion, flipped):
    ranks, count = rankdata(suspicion), flipped.sum()
    return (ranks[flipped].sum() - count * (count + 1) / 2) / (count * (~flipped).sum())


def review(planted, suspicion, *, top, drawn, error=0.0, seed=0):
    """Read the top of the queue and a random draw, with slips."""
    random = np.random.default_rng(seed)
    chance = random.permutation(len(suspicion))[:drawn]
    read = np.concatenate([np.argsort(-suspicion, kind="stable")[:top], chance])
    truths = np.full(len(suspicion), NAN)
    truths[read] = planted.flipped[read] ^ (random.random(len(read)) < error)
    return truths, np.isin(np.arange(len(suspicion)), chance)


# The labels alone


GOLDEN = [0.19116685, 0.11329172, 0.10000000, 0.07773588, 0.06884508, 0.06131751, 0.05497860, 0.04130421]


def test_a_single_scorer_gives_the_golden_suspicion():
    found = fit(np.array([-1.5, -0.25, 0.0, 0.5, 0.75, 1.0, 1.25, 2.0])[:, None])
    assert found.suspicion == pytest.approx(GOLDEN, abs=1e-6)
    assert found.suspicion[2] == pytest.approx(WRONG_SHARE, abs=1e-12)
    assert (found.weights.tolist(), found.rho) == ([1.0], pytest.approx(found.suspicion.mean()))


@pytest.mark.parametrize(("sources", "times_each"), [(1, 1), (3, 1), (3, 10)])
def test_the_gradient_of_the_labels_is_that_of_the_loss(sources, times_each):
    random = np.random.default_rng(0)
    z, source = random.normal(size=(3, 50)), random.integers(0, sources, 50)
    theta = random.normal(size=3 + 2 * sources * (sources > 1)) / 2
    arguments = (z, source, -2.2, times_each)
    slow = approx_fprime(theta, lambda x: label_loss(x, *arguments)[0], 1e-7)
    assert label_loss(theta, *arguments)[1] == pytest.approx(slow, abs=1e-3)


def test_the_gradient_of_the_verdicts_is_that_of_the_loss():
    random = np.random.default_rng(1)
    prior = fit_labels(random.normal(0.5, 1, (60, 3)), random.integers(0, 3, 60), 0.1)
    read, some = Rows.of(prior, np.arange(20)), Rows.of(prior, np.arange(0, 60, 2))
    said = Verdicts(random.integers(0, 2, 20).astype(float), random.random(20), 0.03, (2.0, 18.0))
    moved = random.normal(size=7) / 2
    slow = approx_fprime(moved, lambda x: verdict_loss(x, read, some, said)[0], 1e-7)
    assert verdict_loss(moved, read, some, said)[1] == pytest.approx(slow, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_unequal_scorers_get_nearly_the_best_weights(seed):
    planted = plant((0.85, 0.65, 0.55), samples=3_000, seed=seed)
    found = fit(planted.margins)
    assert auroc(found.suspicion, planted.flipped) > auroc(planted.best, planted.flipped) - 0.004
    assert (np.diff(found.weights) < 0).all()
    assert auroc(-planted.margins.mean(axis=1), planted.flipped) < auroc(found.suspicion, planted.flipped) - 0.03


def test_five_like_scorers_of_few_samples_are_not_much_worse_than_their_mean():
    lost = []
    for seed in range(10):
        planted = plant((0.72, 0.74, 0.75, 0.73, 0.74), samples=350, correlation=0.6, seed=seed)
        mean = auroc(-planted.margins.mean(axis=1), planted.flipped)
        lost.append(mean - auroc(fit(planted.margins).suspicion, planted.flipped))
    assert np.mean(lost) < 0.003


@pytest.mark.parametrize("seed", range(3))
def test_a_scorer_of_accuracy_80_finds_what_theory_allows(seed):
    planted = plant((0.80,), samples=20_000, seed=seed)
    suspicion = fit(planted.margins).suspicion
    order = np.argsort(-suspicion, kind="stable")
    assert auroc(suspicion, planted.flipped) >= 0.875
    assert planted.flipped[order[:1_000]].mean() >= 0.65
    assert compare(suspicion, planted.flipped.astype(float)).error < 0.02


@settings(deadline=None, max_examples=30)
@given(arrays(float, (12, 3), elements=st.floats(-9, 9) | st.just(NAN)))
def test_whatever_the_margins_suspicion_is_a_probability_where_there_is_one(margins):
    found = fit(margins)
    assert np.isnan(found.suspicion).tolist() == np.isnan(margins).all(axis=1).tolist()
    known = found.suspicion[~np.isnan(found.suspicion)]
    assert ((known >= 0) & (known <= 1)).all()
    assert np.abs(found.weights).sum() == pytest.approx(1)
    bound = np.nanmax(np.abs(margins), initial=0)
    assert (np.abs(found.margin[~np.isnan(found.margin)]) <= bound + 1e-9).all()


def test_labels_turn_a_scorer_round_that_is_mostly_against_them():
    planted = plant((0.2, 0.6))
    suspicion = fit(planted.margins).suspicion
    assert auroc(suspicion, planted.flipped) > auroc(planted.best, planted.flipped) - 0.004 > 0.87


def test_neither_the_unit_of_a_scorer_nor_the_order_of_samples_matters():
    planted = plant((0.8, 0.6), samples=500)
    found, scaled = fit(planted.margins), fit(planted.margins * (1000, 0.01))
    assert scaled.suspicion == pytest.approx(found.suspicion, abs=1e-4)
    assert fit(planted.margins[::-1]).suspicion[::-1] == pytest.approx(found.suspicion, abs=1e-4)


def test_the_same_margins_give_the_same_bits():
    planted = plant((0.8, 0.6, 0.7))
    margins = np.where(np.random.default_rng(2).random(planted.margins.shape) < 0.3, NAN, planted.margins)
    assert fit(margins).suspicion.tobytes() == fit(margins.copy()).suspicion.tobytes()


# Many samples


@pytest.mark.parametrize("wrong", [0.1, 0.7])
def test_going_on_from_some_samples_finds_the_least_loss_of_all(wrong):
    """With seven of ten labels wrong, the share of a source lies at its bound."""
    planted = [plant((0.8, 0.6), samples=20_000, rate=rate, seed=seed) for seed, rate in enumerate((0.1, wrong))]
    z, _ = standardise(np.vstack([one.margins for one in planted]).T.copy(), 0.1)
    source, share = np.repeat([0, 1], 20_000), math.log(1 / 9)
    bounds = [(None, None)] * 2 + [(None, -share)] * 2 + [(None, None)] * 2
    start, few, whole = np.array([0.5, 0.5, 0, 0, 0, 0]), (z[:, ::10], source[::10], share, 10), (z, source, share)
    found = go_on(label_loss, minimise(label_loss, start, few, bounds), few, whole, bounds)
    slow = minimise(label_loss, start, whole, bounds)
    assert label_loss(found, *whole)[0] == pytest.approx(label_loss(slow, *whole)[0], abs=0.01)
    assert (found[2:4] <= -share).all()
    assert (found[3] == -share) == (wrong == 0.7)


def test_among_many_labels_the_order_of_samples_does_not_matter():
    planted, source = plant((0.8, 0.6), samples=MANY), np.arange(MANY) % 3
    found = fit(planted.margins, source)
    assert fit(planted.margins[::-1], source[::-1]).suspicion[::-1] == pytest.approx(found.suspicion, abs=1e-4)


# Missing margins


def test_what_is_missing_leaves_the_odds_as_they_are_without_it():
    planted = plant((0.8, 0.7, 0.6), samples=20_000, correlation=0.5)
    hidden = np.random.default_rng(3).random(planted.margins.shape) < 0.4
    margins = np.where(hidden, NAN, planted.margins)
    suspicion = fit(margins).suspicion
    one = hidden[:, 1] & hidden[:, 2] & ~hidden[:, 0]
    alone = fit(planted.margins[one, :1]).suspicion
    assert np.abs(suspicion[one] - alone).mean() < 0.02
    both = ~np.isnan(suspicion)
    plain = -np.where(hidden, 0, planted.margins).sum(axis=1) / np.maximum((~hidden).sum(axis=1), 1)
    assert auroc(suspicion[both], planted.flipped[both]) > auroc(plain[both], planted.flipped[both]) + 0.02


def test_scorers_with_nothing_in_common_are_told_apart():
    margins = np.array([[1.0, NAN], [2.0, NAN], [NAN, 1.0], [NAN, -1.0]])
    z, unit = standardise(margins.T, 0.1)
    assert z[0, 2:].tolist() == z[1, :2].tolist() == [0.0, 0.0]
    assert unit == pytest.approx([math.sqrt(2.5), 1])


def test_the_mean_margin_is_over_those_that_are_there():
    margins = np.array([[1.0, 3.0], [1.0, NAN], [NAN, NAN], [NAN, 2.0]])
    assert average(margins, np.array([0.25, 0.75])) == pytest.approx([2.5, 1, NAN, 2], nan_ok=True)
    assert average(margins, np.array([1.0, 0.0])) == pytest.approx([1, 1, NAN, 2], nan_ok=True)
    assert average(margins, np.array([0.5, -0.5])) == pytest.approx([-1, 1, NAN, -2], nan_ok=True)


# Verdicts


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25])
def test_after_200_verdicts_suspicion_is_calibrated(rate):
    errors = []
    for seed in range(5):
        planted = plant((0.8, 0.7, 0.6), rate=rate, correlation=0.2, seed=seed)
        truths, chance = review(planted, fit(planted.margins).suspicion, top=180, drawn=20, error=0.03, seed=seed)
        found = fit(planted.margins, None, truths, controls=chance)
        errors.append(compare(found.suspicion, planted.flipped.astype(float)).error)
    assert np.mean(errors) <= 0.05


def test_controls_set_the_share_of_wrong_labels():
    planted = plant((0.7,), rate=0.3, samples=4_000)
    before = fit(planted.margins)
    truths, chance = review(planted, before.suspicion, top=0, drawn=400)
    after = fit(planted.margins, None, truths, controls=chance)
    assert abs(after.rho - 0.3) < 0.05 < abs(before.rho - 0.3)


def test_verdicts_turn_a_scorer_round_that_praises_wrong_labels():
    random = np.random.default_rng(4)
    flipped = random.random(4_000) < 0.15
    biased = np.where(flipped, 2.0, 0.5) + random.normal(size=4_000)
    planted = Planted(np.column_stack([biased, random.normal(0.5, 1, 4_000)]), flipped, biased)
    before = fit(planted.margins)
    truths, chance = review(planted, before.suspicion, top=100, drawn=100)
    after = fit(planted.margins, None, truths, controls=chance)
    assert after.weights[0] < 0 < before.weights[0]
    assert auroc(after.suspicion, flipped) > 0.8 > 0.5 > auroc(before.suspicion, flipped)


def test_verdicts_find_the_source_whose_labels_are_wrong():
    random = np.random.default_rng(5)
    source = random.integers(0, 4, 4_000)
    flipped = random.random(4_000) < np.array([0.02, 0.02, 0.02, 0.4])[source]
    margins = (np.where(flipped, -1, 1) * random.normal(0.6, 1, 4_000))[:, None]
    planted = Planted(margins, flipped, margins[:, 0])
    truths, chance = review(planted, fit(margins, source).suspicion, top=150, drawn=50)
    found = fit(margins, source, truths, controls=chance)
    assert found.rho_by_source[3] > 3 * found.rho_by_source[:3].max()


def test_a_verdict_of_no_weight_is_none():
    planted = plant((0.8, 0.6), samples=300)
    place = np.arange(300)
    weightless = fit(planted.margins, None, np.where(place < 60, planted.flipped, NAN), weights=(place < 30) * 1.0)
    absent = fit(planted.margins, None, np.where(place < 30, planted.flipped, NAN))
    assert weightless.suspicion == pytest.approx(absent.suspicion, abs=1e-4)


def test_refit_is_fit_with_the_truths():
    planted = plant((0.8, 0.6), samples=300)
    truths = np.where(np.arange(300) < 30, planted.flipped, NAN)
    again = fit(planted.margins, None, truths).suspicion
    assert refit(planted.margins, None, truths).tolist() == again.tolist() != fit(planted.margins).suspicion.tolist()


def test_a_verdict_predicted_from_the_others_does_not_know_itself():
    planted = plant((0.8,), samples=300)
    truths = np.where(np.arange(300) < 50, planted.flipped, NAN)
    held_out = hold_out(planted.margins, None, truths)
    assert np.isnan(held_out).tolist() == np.isnan(truths).tolist()
    turned = truths.copy()
    turned[7] = 1 - turned[7]
    assert hold_out(planted.margins, None, turned)[7] == held_out[7]


def test_slips_are_taken_off_the_controls():
    assert count_controls(np.array([1.0] * 13 + [0.0] * 87 + [NAN]), REVIEWER_ERROR) == pytest.approx(
        (10 / 0.94, 84 / 0.94)
    )
    assert count_controls(np.array([0.0, 0.0, NAN]), REVIEWER_ERROR) == (0.0, 2.0)


# Calibration


def test_calibration_compares_what_was_said_with_what_was():
    found = compare(np.array([0.05, 0.07, 0.31, 1.0, NAN, 0.5]), np.array([0, 1, 0, 1, 1, NAN]))
    assert found.bins == [Bin(2, pytest.approx(0.06), 0.5), Bin(1, 0.31, 0), Bin(1, 1.0, 1)]
    assert found.error == pytest.approx((2 * 0.44 + 0.31 + 0) / 4)


def test_nothing_read_is_no_calibration():
    found = compare(np.array([0.5]), np.array([NAN]))
    assert (found.bins, math.isnan(found.error)) == ([], True)
