"""Agreement between reviewers, against published examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.verdicts.agreement import OTHER_PAIR, categorise, cohen, krippendorff, measure_agreement
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.slips import infer_slips
from engine.verdicts.steps import Outcome

OBSERVERS = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: nominal alpha .743."""


def outcome(reviewer: str, verdict: str, content: str = "c", better: str = "", batch: str = "") -> Outcome:
    pair = (better or "a", "z") if verdict in ("keep", "flip") else (None, None)
    return Outcome(content, verdict, *pair, reviewer=reviewer, time="2026-01-01", batch=batch)


def test_krippendorffs_alpha_is_that_of_his_paper():
    units = [
        {name: str(said[at]) for name, said in OBSERVERS.items() if said[at] is not None} for at in range(12)
    ]  # fmt: skip
    found = krippendorff(units)
    assert found.value == pytest.approx(0.743, abs=0.0005)
    assert found.of == 11


def test_cohens_kappa_is_that_of_the_textbook():
    table = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = cohen([{"kim": one, "lee": other} for one, other in table], "kim", "lee")
    assert found == (pytest.approx(0.4), 50)


def test_reviewers_who_only_ever_say_one_thing_have_no_coefficient():
    units = [{"kim": "keep", "lee": "keep"}] * 9
    assert cohen(units, "kim", "lee") == (None, 9)
    assert krippendorff(units) == (None, 9)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=2), min_size=2, max_size=30))
def test_full_agreement_is_one_and_no_coefficient_is_more(units):
    for found in (krippendorff(units), cohen(units, "a", "b")):
        assert found.value is None or found.value <= 1 + 1e-12
    same = [dict.fromkeys(unit, next(iter(unit.values()))) for unit in units]
    assert krippendorff(same).value in (None, 1.0)


def test_two_who_prefer_different_pairs_do_not_agree():
    said = [outcome("kim", "flip", better="b"), outcome("lee", "flip", better="c"), outcome("ana", "flip", better="b")]
    assert categorise(said) == {"kim": "flip", "lee": OTHER_PAIR, "ana": "flip"}


def test_only_what_two_read_one_by_one_counts():
    kim = {content: outcome("kim", verdict, content) for content, verdict in zip("abcd", ["keep"] * 4, strict=True)}
    lee = {
        "a": outcome("lee", "keep", "a"),
        "b": outcome("lee", "flip", "b"),
        "c": outcome("lee", "skip", "c"),
        "d": outcome("lee", "flip", "d", batch="bulk"),
    }
    found = measure_agreement(Outcomes([kim, lee]))
    assert found is not None
    assert found.alpha.of == 2
    assert list(found.kappa) == [("kim", "lee")]
    assert measure_agreement(Outcomes([kim])) is None


def test_the_slips_of_reviewers_are_found_without_the_truth():
    random = np.random.default_rng(0)
    wrong = random.random(3000) < 0.2
    share = {"ana": 0.02, "kim": 0.05, "lee": 0.20}
    said = [
        {name: bool(label ^ (random.random() < slips)) for name, slips in share.items()} for label in wrong
    ]  # fmt: skip
    found = infer_slips(said, [0.2] * len(said))
    for name, slips in share.items():
        assert found[name].share == pytest.approx(slips, abs=0.02)
        assert found[name].of == 3000


def test_a_single_reviewer_is_taken_to_slip_as_is_assumed():
    found = infer_slips([{"kim": True}, {"kim": False}], [float("nan")] * 2, assumed=0.05)
    assert found["kim"].share == pytest.approx(0.05, abs=0.01)
    assert infer_slips([], []) == {}
