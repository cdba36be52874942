import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bench.simulating import Plan, simulate_review
from engine.judging.intervals import wilson
from engine.verdicts.residual import (
    FEWEST_CONTROLS,
    OUT,
    PERFECT,
    RIGHT,
    UNREAD,
    WRONG,
    ReaderError,
    estimate_error,
    estimate_residual,
)


def arrays(suspicion, wrong: int, right: int, unread: int):
    """Controls first: wrong, right; then what is unread."""
    verdict = np.array([WRONG] * wrong + [RIGHT] * right + [UNREAD] * unread, dtype=np.int8)
    given = np.broadcast_to(np.asarray(suspicion, dtype=float), len(verdict)).copy()
    return given, verdict, verdict != UNREAD


@pytest.mark.parametrize("suspicion", [0.02, 0.1, 0.7, math.nan])
def test_with_equal_suspicions_the_interval_is_wilsons(suspicion):
    found = estimate_residual(*arrays(suspicion, 6, 54, 1_000_000))
    expected = wilson(0.1, 60, 60)
    assert found.estimate / 1e6 == pytest.approx(0.1, abs=1e-6)
    assert (found.low / 1e6, found.high / 1e6) == pytest.approx((expected.low, expected.high), abs=1e-4)
    assert (found.labels, found.controls, found.read) == (1_000_060, 60, 60)


def test_a_finite_rest_widens_the_interval():
    small, large = (estimate_residual(*arrays(0.1, 6, 54, unread)) for unread in (60, 600_000))
    assert small.high / 60 > large.high / 6e5


def test_suspicions_that_tell_more_narrow_the_interval():
    """Half of what is unread is surely right, and among the controls, too."""
    verdict = np.array([WRONG] * 8 + [RIGHT] * 92 + [UNREAD] * 2_000, dtype=np.int8)
    knowing = np.array([0.15] * 8 + [0.15] * 42 + [0.001] * 50 + [0.15] * 1_000 + [0.001] * 1_000)
    sharp = estimate_residual(knowing, verdict, verdict != UNREAD)
    blunt = estimate_residual(np.full(2_100, 0.1), verdict, verdict != UNREAD)
    assert sharp.estimate == pytest.approx(blunt.estimate, rel=0.01)
    assert sharp.high - sharp.low < blunt.high - blunt.low


def test_controls_that_the_queue_would_have_reached_do_not_speak_for_the_rest():
    suspicion, verdict, is_control = arrays(0.1, 0, 20, 500)
    more = np.concatenate([np.full(15, 0.9), suspicion])
    found = estimate_residual(more, np.concatenate([np.full(15, WRONG), verdict]).astype(np.int8),
                              np.concatenate([np.full(15, True), is_control]))  # fmt: skip
    assert found.estimate == pytest.approx(0, abs=1e-3)
    assert found.controls == 35


def test_what_is_out_is_no_label_any_more():
    suspicion, verdict, is_control = arrays(0.1, 2, 18, 100)
    verdict[2:7] = OUT
    found = estimate_residual(suspicion, verdict, is_control)
    assert (found.labels, found.read, found.controls) == (115, 15, 20)
    assert found.estimate == pytest.approx(10, abs=1e-6)


def test_few_controls_say_nothing():
    assert estimate_residual(*arrays(0.1, 1, FEWEST_CONTROLS - 2, 100)) is None
    assert estimate_residual(*arrays(0.1, 1, FEWEST_CONTROLS - 1, 100)) is not None
    assert estimate_residual(np.empty(0), np.empty(0, dtype=np.int8), np.empty(0, dtype=bool)) is None
    suspicion, verdict, is_control = arrays(0.1, 0, FEWEST_CONTROLS, 0)
    verdict[:] = OUT
    assert estimate_residual(suspicion, verdict, is_control) is None


def test_all_read_by_a_perfect_reader_leaves_nothing_wrong():
    found = estimate_residual(*arrays(0.1, 30, 70, 0))
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_slips_of_the_reader_are_taken_off_the_flips_and_put_on_what_was_read():
    error = ReaderError(0.03, 0.03, 0.03)
    found = estimate_residual(*arrays(0.1, 6, 54, 1_000), error)
    assert found.estimate == pytest.approx((0.1 - 0.03) / 0.94 * 1_000 + 0.03 * 60, abs=1e-3)
    only_slips = estimate_residual(*arrays(0.1, 1, 59, 1_000), error)
    assert only_slips.estimate == pytest.approx(0.03 * 60, abs=1e-3)
    unsure = estimate_residual(*arrays(0.1, 6, 54, 1_000), ReaderError(0.03, 0.01, 0.06))
    assert unsure.estimate == found.estimate
    assert unsure.low < found.low
    assert unsure.high > found.high


def test_the_error_of_a_reviewer_is_worked_out_from_repeats():
    error = 0.1
    many = estimate_error(100_000, round(100_000 * 2 * error * (1 - error)))
    assert many.value == pytest.approx(error, abs=1e-3)
    assumed = estimate_error(0, 0)
    assert assumed.value == pytest.approx(0.03, abs=1e-9)
    assert (assumed.low, assumed.high) == pytest.approx((0.00994, 0.08754), abs=1e-4)
    assert estimate_error(60, 0).value < 0.03 < estimate_error(60, 9).value
    assert estimate_error(60, 0, assumed=0.0) == PERFECT._replace(repeats=60)
    assert estimate_error(4, 4).high <= 0.5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=40, max_size=80), st.integers(0, 2**20), st.floats(0, 0.2))
def test_an_estimate_lies_in_its_interval_and_the_interval_among_the_labels(suspicion, seed, error):
    random = np.random.default_rng(seed)
    verdict = random.choice([UNREAD, RIGHT, WRONG, OUT], len(suspicion), p=[0.5, 0.3, 0.1, 0.1]).astype(np.int8)
    is_control = random.random(len(suspicion)) < 0.8
    found = estimate_residual(np.array(suspicion), verdict, is_control, ReaderError(error, error / 2, error * 1.5))
    if found:
        assert 0 <= found.low <= found.estimate + 1e-9
        assert found.estimate <= found.high + 1e-9 <= found.labels + 1e-6


def test_the_description_and_the_sentence():
    found = estimate_residual(*arrays(0.1, 6, 54, 1_000))
    said = found.describe()
    assert said.keys() == {"estimate", "low", "high", "method", "controls", "read", "labels", "reviewer_error"}
    assert (said["estimate"], said["controls"], said["read"]) == (pytest.approx(0.094340, abs=1e-5), 60, 60)
    assert str(found) == (
        "about 100 of 1,060 labels are still wrong: 9.4% (95 % interval 4.3% to 19.4%), by 60 controls"
    )


def simulate(seed: int, error: float = 0.0):
    """Review 300 of 1,500 pairs, 10 % of them wrong, with a scorer of accuracy .80."""
    random, z = np.random.default_rng([seed, 1]), NormalDist().inv_cdf(0.80)
    flipped = random.permutation(1_500) < 150
    margin = random.normal(np.where(flipped, -z, z), 1)
    suspicion = 1 / (1 + 9 * np.exp(2 * z * margin))
    plan = Plan(300, error=error, is_live=False, is_error_known=error == 0, seed=seed)
    return simulate_review(flipped, lambda _: suspicion, plan)


@pytest.mark.parametrize("error", [0.0, 0.03])
def test_the_interval_covers_the_truth_and_is_narrower_than_that_of_controls_alone(error):
    done = [simulate(seed, error) for seed in range(200)]
    assert np.mean([one.is_covered for one in done]) >= 0.93
    width = np.mean([one.residual.high - one.residual.low for one in done])
    alone = np.mean([high - low for low, high in (one.alone for one in done)])
    assert width < 0.9 * alone
    assert abs(np.mean([one.residual.estimate - one.left for one in done])) < 0.1 * width
