"""What stands where several reviewers decided: adjudicated, then unanimous, else nothing."""

import json
from datetime import datetime, timedelta, timezone
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diagnosing import find_truth, find_truths
from engine.records import Labelled, Pair, Response, Sample
from engine.verdicts.outcomes import Decision, Outcomes, Settlement, settle
from engine.verdicts.steps import History, Outcome
from engine.verdicts.working import Work, tally_work

PAIRS = {"keep": ("a", "b"), "flip": ("b", "a")}
SAMPLE = Sample("c", (), "p", (Response("a", "good", 1.0), Response("b", "bad", 0.0)))


def said(reviewer: str, verdict: str, day: int = 1, **more) -> Outcome:
    return Outcome("c", verdict, *PAIRS.get(verdict, (None, None)), reviewer, f"2026-01-{day:02}", **more)


KEEP, FLIP, TIE = said("kim", "keep"), said("lee", "flip"), said("max", "tie")
RULING, LATER = said("ana", "flip", 2, adjudicates=True), said("kim", "keep", 3, adjudicates=True)


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], Settlement(None)),
        ([KEEP], Settlement(KEEP, is_read=True)),
        ([KEEP, said("lee", "keep")], Settlement(KEEP, is_read=True)),
        ([KEEP, FLIP], Settlement(None, is_open=True)),
        ([KEEP, said("lee", "keep"), FLIP], Settlement(None, is_open=True)),
        ([KEEP, FLIP, RULING], Settlement(RULING, is_read=True)),
        ([KEEP, RULING, LATER], Settlement(LATER, is_read=True)),
        ([KEEP, said("lee", "keep", batch="b")], Settlement(KEEP)),
        ([KEEP, said("lee", "flip", batch="b"), RULING], Settlement(RULING, is_read=True)),
    ],
)  # fmt: skip
def test_adjudicated_then_unanimous_else_open(votes, settled):
    assert settle(votes) == settled
    assert settle(votes[::-1])._replace(outcome=None) == settled._replace(outcome=None)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [("keep keep flip", "keep"), ("keep flip", None), ("keep keep flip tie", None), ("tie tie tie keep flip", "tie")],
)
def test_a_majority_is_more_than_half_and_only_taken_if_asked_for(verdicts, expected):
    votes = [said(f"r{number}", verdict) for number, verdict in enumerate(verdicts.split())]
    assert settle(votes).is_open
    found = settle(votes, by_majority=True)
    assert (found.outcome and found.outcome.verdict, found.is_open) == (expected, expected is None)


def test_an_adjudication_goes_before_a_majority():
    votes = [KEEP, said("max", "keep"), RULING]
    assert settle(votes, by_majority=True).outcome == RULING


@given(st.lists(st.sampled_from([None, "keep", "flip", "tie", "drop"]), min_size=1, max_size=5), st.booleans())
def test_the_truth_of_a_sample_is_that_of_its_ids_and_that_of_its_decision(verdicts, is_adjudicated):
    votes = [said(f"r{number}", one) for number, one in enumerate(verdicts) if one]
    outcomes = Outcomes([{"c": one} for one in [*votes, *([RULING] if is_adjudicated else [])]])
    (by_ids,) = find_truths([Labelled("c", "a", "b")], outcomes)
    truth, decision = find_truth(SAMPLE, outcomes), outcomes.decide(SAMPLE)
    assert np.array_equal(truth, by_ids, equal_nan=True)
    if isnan(truth):
        assert decision.pair is None or not outcomes.on("c")
    else:
        assert decision == Decision(Pair(1, 0) if truth else Pair(0, 1), changed=bool(truth))


def lines(*acts: dict) -> History:
    history = History()
    for number, act in enumerate(acts):
        verdict = act.get("verdict", "")
        preferred, rejected = PAIRS.get(verdict, (None, None))
        whole = {"kind": "verdict", "sample_id": "c", "preferred": preferred, "rejected": rejected, "reviewer": "kim"}
        history.apply({**whole, "time": f"2026-01-01T00:00:{number:02}", **act})
    return history


def test_who_skips_a_conflict_leaves_it_and_the_own_vote_as_they_were():
    kim = lines({"verdict": "keep"}, {"verdict": "skip", "adjudicates": True})
    lee = lines({"verdict": "flip", "reviewer": "lee"})
    assert kim.standing()["c"].verdict == "keep"
    assert Outcomes.of([kim, lee]).conflicts() == ["c"]


def test_an_adjudicator_who_voted_too_is_still_compared_by_the_vote():
    kim = lines({"verdict": "keep"}, {"verdict": "flip", "adjudicates": True})
    assert (kim.standing()["c"].verdict, kim.votes()["c"].verdict) == ("flip", "keep")
    lee = lines({"verdict": "flip", "reviewer": "lee"})
    outcomes = Outcomes.of([kim, lee])
    assert (outcomes.conflicts(), outcomes.decide(SAMPLE).pair) == ([], Pair(1, 0))
    kim.apply({"kind": "undo", "sample_id": "c"})
    assert Outcomes.of([kim, lee]).conflicts() == ["c"]


@pytest.mark.parametrize(
    "later", [{"verdict": "keep"}, {"verdict": "keep", "batch": "b", "of": 1}, {"verdict": "skip"}]
)
def test_a_later_verdict_that_does_not_adjudicate_leaves_what_was_adjudicated(later):
    lee = lines({"verdict": "keep", "reviewer": "lee"})
    ruling, after = {"verdict": "flip", "adjudicates": True}, {"time": "2026-01-02", **later}
    here, elsewhere = lines(ruling, after), [lines(after), lines(ruling)]
    for logs in ([here, lee], [*elsewhere, lee], [lee, *elsewhere[::-1]]):
        outcomes = Outcomes.of(logs)
        assert (outcomes.conflicts(), outcomes.decide(SAMPLE).pair) == ([], Pair(1, 0))
    assert here.votes()["c"].verdict == later["verdict"]


@pytest.mark.parametrize("value", [False, None, 1, "yes", json.loads("[true]")])
def test_only_true_adjudicates(value):
    assert not lines({"verdict": "keep", "adjudicates": value}).standing()["c"].adjudicates


def test_work_is_counted_by_the_day_of_the_clock_here():
    def at(time: str, verdict: str, content: str, reviewer: str = "kim", **more) -> dict[str, Outcome]:
        return {content: Outcome(content, verdict, None, None, reviewer, time, **more)}

    each = [
        at("2026-05-31T21:30:00+00:00", "flip", "a"),
        at("2026-05-31T22:30:00+00:00", "tie", "b"),
        at("2026-06-01T09:00:00+00:00", "skip", "c"),
        at("2026-06-01T10:00:00", "keep", "d"),
        at("2026-06-01T10:30:00+00:00", "keep", "e", batch="b"),
        at("whenever", "drop", "a", "lee"),
    ]
    here = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert tally_work(Outcomes(each), here) == {
        "kim": Work(3, 2, 1, "2026-06-01T10:30:00+00:00"),
        "lee": Work(1, 0, 0, "whenever"),
    }
