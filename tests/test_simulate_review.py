import numpy as np
import pytest
from simulate_review import CASES, KINDS, Case, plant, print_coverage, print_orders, review

from engine.bench.simulating import Plan, simulate_review
from engine.diagnosing import diagnose


def suspect(margin):
    suspicion = diagnose(margin[:, None]).suspicion
    return lambda _: suspicion


@pytest.fixture
def planted():
    return plant("equal", 600, np.random.default_rng(5))


def test_every_case_is_reviewed(monkeypatch):
    monkeypatch.setattr("simulate_review.CASES", [Case(300, 0.8, 150), Case(300, 0.8, 150, error=0.03)])
    assert len(list(print_coverage(2))) == 3
    assert len(list(print_orders(2, pairs=300))) == 1 + len(KINDS)
    assert len(CASES) == len(set(CASES))


def test_a_review_is_the_same_twice():
    first, again = (review(Case(400, 0.8, 200), seed=3) for _ in range(2))
    assert first.found.tolist() == again.found.tolist()
    assert first.residual == again.residual
    assert first.left == 40 - first.found[-1]


def test_a_reader_who_slips_finds_less_and_leaves_more(planted):
    flipped, margins = planted
    perfect, slips = (
        simulate_review(flipped, suspect(margins[:, 0]), Plan(300, error=error, seed=1)) for error in (0.0, 0.2)
    )
    assert perfect.left == flipped.sum() - perfect.found[-1]
    assert slips.found[-1] < perfect.found[-1]
    assert slips.left > perfect.left


def test_the_planted_truth_reaches_the_suspicion_by_verdicts_alone(planted):
    flipped, margins = planted
    asked = []

    def refit(truths):
        asked.append(truths)
        return suspect(margins[:, 0])(truths)

    simulate_review(flipped, refit, Plan(100, error=0.0))
    assert [int((~np.isnan(one)).sum()) for one in asked] == sorted(int((~np.isnan(one)).sum()) for one in asked)
    assert np.isnan(asked[0]).all()
    for truths in asked:
        read = ~np.isnan(truths)
        assert (truths[read] == flipped[read]).all()


def test_a_live_queue_learns_from_verdicts(planted):
    flipped, margins = planted
    rng = np.random.default_rng(0)
    useless = rng.random(len(flipped))

    def learn(truths):
        """Knows nothing before 50 verdicts, and the margins afterwards."""
        return useless if (~np.isnan(truths)).sum() < 50 else suspect(margins[:, 0])(truths)

    static, live = (simulate_review(flipped, learn, Plan(200, error=0.0, is_live=is_live)) for is_live in (False, True))
    assert live.found_in(200) > 1.5 * static.found_in(200)
    assert live.found_in(25) == static.found_in(25)


def test_the_review_ends_with_the_data(planted):
    flipped, margins = planted
    done = simulate_review(flipped, suspect(margins[:, 0]), Plan(5_000, error=0.0, is_error_known=True))
    assert done.left == 0
    assert done.residual.high == 0
