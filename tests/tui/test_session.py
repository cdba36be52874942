"""A sitting without screens: filters, searches, notes, flags, bulk verdicts, and how undo walks back through them."""

import json
from contextlib import ExitStack, closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import FilterError, SampleUnknownError
from engine.reviewing import Review
from engine.store import Store
from engine.verdicts.outcomes import VERDICTS, Outcomes
from tui.queue import Match
from tui.session import Session

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"Good {'scissors' if n % 5 == 0 else n}", "rejected": f"Bad {n}",
     "source": "flan" if n % 2 else "evol", "score_chosen": n * 7 % 11, "score_rejected": n * 5 % 7}
    for n in range(20)
]  # fmt: skip


@pytest.fixture
def project(make_project):
    return make_project([*ROWS, ROWS[3]], specs=["column:score"])


@pytest.fixture
def open_session(project):
    """Open the sitting of a reviewer; the one before it ends."""
    with ExitStack() as stack:

        def opened(reviewer: str | None = "kim", **options) -> Session:
            stack.pop_all().close()
            store = stack.enter_context(closing(Store.open(project.map)))
            review = stack.enter_context(closing(Review(project, reviewer))) if reviewer else None
            session = Session(store, review, **options)
            session.load()
            return session

        yield opened


def give(session: Session, verdict: str, **more) -> str:
    """Give a verdict on the sample at hand; gives its id."""
    at = session.show()
    session.give(at, verdict, None, None, **more)
    return at.sample.sample_id


def sources(session: Session) -> set[str]:
    return {entry.source for entry in session.store.entries(session.order)}


def here(session: Session) -> int:
    return int(session.order[session.position])


# Filters


def test_a_filter_leaves_what_fits_in_the_same_order(open_session):
    session = open_session()
    whole = session.order.tolist()
    assert session.filter(" source:flan ") == 11
    assert (session.where, sources(session), session.position) == ("source:flan", {"flan"}, 0)
    assert session.order.tolist() == [n for n in whole if n % 2 or n == 20]
    assert session.find("source:flan row>10").tolist() == [n for n in whole if n > 9 and (n % 2 or n == 20)]
    assert session.filter("") == 21
    assert (session.where, session.order.tolist()) == ("", whole)


def test_a_filter_that_fits_nothing_or_is_none_leaves_the_queue_alone(open_session):
    session = open_session()
    session.filter("source:flan")
    for text, problem in (("source:x", "No sample fits: source:x. The queue is as it was."), ("sorce:x", "sorce")):
        with pytest.raises(FilterError, match=problem):
            session.filter(text)
        assert (session.where, len(session.order)) == ("source:flan", 11)


def test_a_filter_sees_the_verdict_that_was_just_given(open_session):
    session = open_session()
    first = give(session, "flip")
    assert len(session.find("verdict:flip by:kim")) == len(session.store.ordinals([first.partition("-")[0]]))
    session.undo()
    assert len(session.find("verdict:flip")) == 0
    assert len(session.find("verdict:none")) == 21


def test_a_filter_begins_at_the_first_unread_sample_and_goes_on_past_its_end(open_session):
    session = open_session()
    session.filter("source:flan")
    while not session.is_done:
        give(session, "keep")
    assert session.filter("source:evol") == 10
    assert session.filter("reviewed") == 11
    assert (session.position, session.is_done) == (0, False)
    for place in range(11):
        assert session.position == place
        give(session, "flip")
    assert session.is_done


def test_who_goes_to_a_sample_that_is_left_out_leaves_the_filter(open_session):
    session = open_session()
    give(session, "flip")
    second = give(session, "keep")
    session.filter("verdict:none source:flan")
    session.undo()
    assert (session.where, session.show().sample.sample_id) == ("", second)
    session.filter("source:flan")
    session.go_to_ordinal(3)
    assert (session.where, here(session)) == ("source:flan", 3)
    session.go_to_ordinal(4)
    assert (session.where, here(session)) == ("", 4)
    with pytest.raises(SampleUnknownError):
        session.go_to("zzz")


def test_a_box_of_the_map_becomes_the_queue(open_session):
    session = open_session()
    whole = session.order.tolist()
    assert session.use(np.array([7, 3, 5]), "a box of the map") == 3
    assert (session.order.tolist(), session.where) == ([n for n in whole if n in (3, 5, 7)], "a box of the map")
    with pytest.raises(FilterError, match="No sample fits: a box of the map"):
        session.use(np.empty(0, dtype=np.int64), "a box of the map")


def test_a_read_only_sitting_filters_by_what_all_said(project, open_session):
    session = open_session("kim")
    give(session, "flip")
    outcomes = Outcomes.read(project.review_logs())
    looking = open_session(None, outcomes=outcomes)
    assert len(looking.find("verdict:flip by:kim")) == 1
    with pytest.raises(RuntimeError, match="read-only"):
        looking.give_all("drop")
    assert looking.undo() is None


# Queues that hold a part


def test_the_flagged_and_the_undecided_are_queues(open_session):
    session = open_session()
    with pytest.raises(FilterError, match="No sample fits: flagged"):
        open_session(by="flagged")
    session = open_session()
    session.flag(session.show())
    flagged = give(session, "keep")
    skipped = give(session, "skip")
    session = open_session(by="flagged")
    assert (session.show().sample.sample_id, session.show().is_flagged, len(session.order)) == (flagged, True, 1)
    assert session.show().rank == 1
    session = open_session(by="undecided")
    assert (session.show().sample.sample_id, len(session.order)) == (skipped, 1)


@pytest.mark.parametrize("by", ["disagreement", "region", "correlation", "random"])
def test_other_orders_hold_every_sample(open_session, by):
    session = open_session(by=by)
    assert sorted(session.order) == list(range(21))
    assert session.show().rank == session.store.order("suspicion").tolist().index(here(session)) + 1


# Search


def test_a_search_goes_from_match_to_match_and_round(open_session):
    session = open_session()
    places = [place for place, n in enumerate(session.order) if n % 5 == 0 and n < 20]
    assert session.search("SCISSORS") == Match(1, 4)
    assert session.position == places[0]
    assert [session.next_match().number for _ in range(4)] == [2, 3, 4, 1]
    assert session.previous_match() == Match(4, 4)
    assert session.position == places[3]
    session.filter("source:flan")
    assert session.next_match().total == 2
    session.position = 1
    assert session.search("nowhere") == session.next_match() == session.search("") == Match(0, 0)
    assert session.position == 1


# Notes, flags, bulk


def test_a_note_and_a_flag_are_shown_and_survive_a_restart(open_session):
    session = open_session()
    session.note(session.show(), "unsure\x1b")
    assert session.flag(session.show()).text == "on"
    session = open_session()
    assert (session.show().note, session.show().is_flagged) == ("unsure\x1b", True)
    assert [session.undo().act, session.undo().act] == ["flag", "note"]
    assert (session.show().note, session.show().is_flagged, session.progress().read) == ("", False, 0)
    session.redo()
    assert (session.show().note, len(session.find("note:"))) == ("unsure\x1b", 1)


def test_a_bulk_verdict_is_previewed_given_and_taken_back_as_one(project, open_session):
    session = open_session()
    session.go_to_ordinal(3)
    give(session, "keep")
    session.filter("source:flan")
    preview = session.preview_bulk("flip")
    assert preview[:4] == (9, 2, 0, 0)
    assert preview == session.preview_bulk("flip")
    assert session.preview_bulk("flip", overwrite=True)[:4] == (10, 2, 0, 1)
    assert len(set(preview.examples)) == 5
    assert set(preview.examples) <= set(session.order.tolist()) - {3, 20}
    before = session.verdicts().tolist()
    batch = session.give_all("flip")
    assert (len(batch.outcomes), session.progress().read, session.progress().flip_share) == (9, 1, 0.0)
    assert session.verdicts().tolist().count(VERDICTS.index("flip")) == 9
    lines = [json.loads(line) for line in project.review_logs()[0].read_text().splitlines()]
    assert {(line["mode"], line["where"], line["queue"]) for line in lines[1:]} == {
        ("bulk", "source:flan", "suspicion")
    }
    assert open_session().undo() == batch
    session = open_session()
    assert session.verdicts().tolist() == before
    assert session.redo() == batch
    assert session.find("bulk").tolist() == session.find("verdict:flip").tolist()
    assert session.filter("not reviewed") == 10


def test_what_was_decided_in_bulk_does_not_come_up_again(open_session):
    session = open_session()
    session.filter("source:flan")
    assert len(session.give_all("drop").outcomes) == 10
    assert session.give_all("drop") is None
    assert (session.position, session.is_done) == (0, False)
    session.filter("")
    seen = set()
    while not session.is_done:
        seen.add(session.show().entry.source)
        give(session, "keep")
    assert seen == {"evol"}
    assert session.progress().read == 10


def test_pace_and_flips_are_of_samples_that_were_read(open_session):
    session = open_session()
    give(session, "keep", seconds=5.0)
    session.flag(session.show())
    session.use(np.arange(15), "some")
    session.give_all("flip")
    assert session.progress() == (1, 21, 0.0, 5.0, None)


ACTS = st.sampled_from(
    [*VERDICTS, "note", "no note", "flag", "select", "widen", "bulk", "overwrite", "undo", "redo", "go"]
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=3, max_size=16), restart=st.integers(0, 12))
def test_undo_all_is_the_start_and_redo_all_the_end_whatever_was_done(project, open_session, acts, restart):
    for log in project.review_logs():
        log.unlink()
    session = open_session()
    start = picture(session)
    for number, act in enumerate(acts):
        do(session, act)
        session = open_session() if number == restart else session
    end, steps = picture(session), list(session.review.steps)
    assert [session.undo() for _ in steps] == steps[::-1]
    assert session.undo() is None
    assert picture(session) == start
    session = open_session()
    assert picture(session) == start
    assert [session.redo() for _ in steps] == steps
    assert picture(session) == end == picture(open_session())


def picture(session: Session) -> tuple:
    """All that steps can change."""
    remarks = {key: remark.text for key, remark in session.review.remarks().items() if remark.text}
    session.filter("")
    standing = session.review.standing()
    return standing, remarks, session.queue.state.tolist(), session.progress(), session.verdicts().tolist()


def do(session: Session, act: str) -> None:
    """Do one thing that a person may do."""
    if act in VERDICTS and not session.is_done:
        give(session, act)
    elif act in ("note", "no note") and not session.is_done:
        session.note(session.show(), "" if act == "no note" else f"note {here(session)}")
    elif act == "flag" and not session.is_done:
        session.flag(session.show())
    elif act in ("bulk", "overwrite"):
        session.give_all("flip", overwrite=act == "overwrite")
    elif act in ("undo", "redo"):
        getattr(session, act)()
    elif act == "go":
        session.move(3)
    elif act in ("select", "widen"):
        session.filter("source:flan" if act == "select" else "")
