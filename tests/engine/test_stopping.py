import numpy as np
import pytest

from engine.verdicts.stopping import (
    OFTEN_ENOUGH,
    Stretch,
    draw_curve,
    last_due,
    measure_yield,
    say_ahead,
    say_curve,
    say_stop,
)


def flips(wrong: int, of: int) -> np.ndarray:
    return np.arange(of) < wrong


def measure(queue, controls, waiting=(0.1,) * 100, suspicion=0.2):
    return measure_yield(queue, np.full(len(queue), suspicion), controls, np.array(waiting))


@pytest.mark.parametrize(("flipped", "is_dry"), [(15, True), (16, False)])
def test_the_queue_is_dry_when_its_lower_bound_reaches_the_controls(flipped, is_dry):
    found = measure(flips(flipped, 100), flips(3, 30))
    assert found.is_dry is is_dry
    assert found.recent.low == pytest.approx({15: 0.0931, 16: 0.1010}[flipped], abs=5e-5)


@pytest.mark.parametrize(("read", "controls"), [(99, 30), (100, 29), (0, 0)])
def test_too_few_reads_say_nothing_of_when_to_stop(read, controls):
    found = measure(flips(0, read), flips(0, controls))
    assert found.is_dry is None
    assert say_stop(found) == f"too early to say when to stop: {controls} of 30 controls are read"


def test_only_the_last_hundred_count():
    found = measure(np.concatenate([flips(400, 400), flips(5, 100)]), flips(3, 30))
    assert (found.is_dry, found.recent.value) == (True, 0.05)


def test_what_is_ahead_is_what_is_foretold_times_how_far_it_was_off():
    found = measure(flips(10, 100), flips(3, 30))
    assert found.ahead == pytest.approx((10 + 1) / (100 * 0.2 + 1) * 100 * 0.1)
    assert say_ahead(found) == "another 100 reads expect about 5 flips"
    assert measure(flips(99, 100), flips(3, 30), suspicion=0.0, waiting=(0.9,) * 40).ahead == 40
    assert say_ahead(measure(flips(9, 99), flips(3, 30))) == ""


def test_the_sentences():
    assert say_stop(measure(flips(15, 100), flips(3, 30))) == (
        "the queue is dry: 15% of the last 100 from the queue were flipped, of 30 random ones 10%"
    )
    assert say_stop(measure(flips(31, 100), flips(3, 30))).startswith("go on: 31% of the last 100")


def test_a_curve_has_ten_stretches_at_most():
    assert draw_curve(flips(9, 50)) == [Stretch(20, 20, 9), Stretch(40, 20, 0), Stretch(50, 10, 0)]
    long = draw_curve(flips(300, 1_001))
    assert len(long) == 9
    assert long[0] == Stretch(120, 120, 120)
    assert sum(one.reads for one in long) == 1_001
    assert say_curve(draw_curve(flips(9, 50))) == "9 0 0"
    assert draw_curve(flips(0, 0)) == []


def test_the_figures_stand_still_for_25_verdicts():
    assert [last_due(n, 25) for n in (0, 24, 25, 49, 50)] == [0, 0, 25, 25, 50]


def test_a_long_review_makes_them_anew_more_rarely_and_never_of_fewer_than_before():
    dues = [last_due(n, 10) for n in range(20_000)]
    assert dues == sorted(dues)
    assert all(n - due < max(10, 2 * n / OFTEN_ENOUGH) for n, due in enumerate(dues))
    assert [len(set(dues[:n])) for n in (2_000, 4_000, 8_000, 16_000)] == [200, 300, 400, 500]
