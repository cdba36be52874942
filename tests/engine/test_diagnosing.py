import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diagnosing import BEST_ACCURACY, diagnose, estimate_accuracy, find_truth, number_sources
from engine.records import Message, Sample
from engine.suspicion.noise_model import WRONG_SHARE
from engine.verdicts.outcomes import Outcome, Outcomes

NAN = math.nan


def as_column(*margins):
    return np.array(margins, dtype=float)[:, None]


@settings(deadline=None)  # the first call imports scipy
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60))
def test_suspicion_of_one_scorer_is_in_the_order_of_its_margin(margins):
    found = diagnose(as_column(*margins))
    ordered = found.suspicion[np.argsort(found.margin, kind="stable")]
    assert (np.diff(ordered) <= 1e-12).all()
    assert ((ordered >= 0) & (ordered <= 1)).all()


def test_suspicion_falls_strictly_where_the_scorer_is_any_good():
    found = diagnose(as_column(-1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8))
    assert (np.diff(found.suspicion) < 0).all()


def test_scorers_are_weighted_and_counted_where_they_have_a_margin():
    found = diagnose(np.array([[1.0, 3.0], [-1.0, NAN], [NAN, NAN], [-2.0, 1.0]]))
    first, second = found.weights
    assert first + second == pytest.approx(1)
    assert second > first > 0
    assert found.margin == pytest.approx([first + 3 * second, -1, NAN, second - 2 * first], nan_ok=True)
    assert found.against.tolist() == [0, 1, 0, 1]
    assert found.scorers.tolist() == [2, 1, 0, 2]


def test_no_margin_means_no_suspicion():
    found = diagnose(as_column(NAN, 1.0, NAN))
    assert np.isnan(found.suspicion).tolist() == [True, False, True]
    nowhere = diagnose(as_column(NAN, NAN))
    assert (np.isnan(nowhere.suspicion).all(), nowhere.accuracy, nowhere.weights.tolist()) == (True, 0.5, [1.0])


def test_no_samples_are_no_error():
    found = diagnose(np.empty((0, 1)))
    assert (len(found.suspicion), found.accuracy) == (0, 0.5)


@pytest.mark.parametrize("margins", [(1, -1, 2, -2), (0, 0, 0)])
def test_a_useless_scorer_leaves_the_assumed_share_for_all(margins):
    found = diagnose(as_column(*margins))
    assert found.suspicion == pytest.approx([WRONG_SHARE] * len(margins), abs=1e-12)


def test_a_scorer_that_stands_against_most_labels_counts_the_other_way_round():
    found = diagnose(as_column(*[-1.0] * 40, 1.0))
    assert found.weights.tolist() == [-1.0]
    assert found.suspicion[-1] > WRONG_SHARE > found.suspicion[0]
    assert (found.margin[0], found.against[0], found.against[-1]) == (1.0, 1, 0)


def test_a_perfect_scorer_is_not_believed_beyond_the_best_accuracy():
    assert estimate_accuracy(np.ones(100)) == BEST_ACCURACY


def test_small_sources_are_taken_together():
    names, number = number_sources(["a"] * 60 + ["b", "c"] * 10 + ["d"] * 50)
    assert names == ["", "a", "d"]
    assert number.tolist() == [1] * 60 + [0] * 20 + [2] * 50
    assert number_sources([])[0] == []


def test_a_source_that_the_scorers_contradict_is_more_suspect():
    random = np.random.default_rng(0)
    sign = np.where(random.random(2_000) < np.repeat([0.03, 0.35], 1_000), -1, 1)
    found = diagnose((sign * random.normal(1.5, 1, 2_000))[:, None], ["clean"] * 1_000 + ["noisy"] * 1_000)
    assert found.rho_by_source["noisy"] > 2 * found.rho_by_source["clean"]
    assert found.rho == pytest.approx(np.mean(list(found.rho_by_source.values())), abs=1e-12)


def test_calibration_is_told_once_enough_was_read():
    margins, truths = as_column(*[1.0, -1.0] * 50), np.full(100, NAN)
    truths[:19] = 0
    assert diagnose(margins, (), truths).reliability is None
    truths[19] = 1
    found = diagnose(margins, (), truths)
    assert found.reliability is not None
    assert (found.read, sum(one.samples for one in found.reliability.bins)) == (20, 20)


def outcome(sample, verdict, preferred=None, rejected=None, *, reviewer):
    better, worse = (None if at is None else sample.responses[at].response_id for at in (preferred, rejected))
    return Outcome(sample.sample_id, verdict, better, worse, reviewer, "2026-01-01")


SAMPLE = Sample.of(prompt=[Message("user", "Which?")], texts=["a", "b", "c"], labels=[2.0, 0.0, 1.0])
TIE = Sample.of(prompt=[Message("user", "Which?")], texts=["a", "b"], labels=[1.0, 1.0])


@pytest.mark.parametrize(
    ("sample", "said", "truth"),
    [
        (SAMPLE, [("keep", 0, 1)], 0),
        (SAMPLE, [("flip", 1, 0)], 1),
        (SAMPLE, [("flip", 2, 1)], 1),
        (SAMPLE, [("tie",)], NAN),
        (SAMPLE, [("drop",)], NAN),
        (SAMPLE, [("skip",)], NAN),
        (SAMPLE, [("keep", 0, 1), ("keep", 0, 1)], 0),
        (SAMPLE, [("keep", 0, 1), ("flip", 1, 0)], NAN),
        (TIE, [("flip", 1, 0)], NAN),
        (SAMPLE, [], NAN),
    ],
)
def test_verdicts_say_whether_a_label_is_right(sample, said, truth):
    outcomes = [{sample.content_id: outcome(sample, *one, reviewer=str(n))} for n, one in enumerate(said)]
    assert find_truth(sample, Outcomes(outcomes)) == pytest.approx(truth, nan_ok=True)


def test_a_verdict_on_responses_that_are_gone_says_nothing():
    gone = Outcome(SAMPLE.sample_id, "keep", "f00", "ba5", "kim", "2026-01-01")
    assert math.isnan(find_truth(SAMPLE, Outcomes([{SAMPLE.content_id: gone}])))
