"""Controls, repeats and live ranking in a sitting, without screens."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import numpy as np
import pytest
from review_pilot import log_of

from engine.records import content_of
from engine.reviewing import Review
from engine.store import Store
from engine.verdicts.auditing import Labels, audit_project
from engine.verdicts.residual import FEWEST_CONTROLS
from engine.verdicts.serving import REPEAT_DISTANCE
from tui.session import Session
from tui.turns import Serving

STILL = Serving(is_live=False)


@pytest.fixture
def open_session(sample_project):
    """Open the sitting of a reviewer; the one before it ends."""
    with ExitStack() as stack:

        def opened(reviewer: str | None = "kim", serving: Serving = STILL, **options) -> Session:
            stack.pop_all().close()
            store = stack.enter_context(closing(Store.open(sample_project.map)))
            review = stack.enter_context(closing(Review(sample_project, reviewer))) if reviewer else None
            session = Session(store, review, serving=serving, **options)
            session.load()
            study(session)
            return session

        yield opened


def give(session: Session, verdict: str = "keep") -> str:
    """Give a verdict on the sample at hand; gives why it was served."""
    at = session.show()
    return session.give(at, verdict, None, None, mode=at.mode).served


def study(session: Session) -> None:
    prepared = session.prepare()
    if prepared:
        session.learn(prepared())


def picture(session: Session) -> tuple:
    """What is on the screen, and why."""
    shown = session.show()
    assert shown is not None
    return shown.sample, shown.order, session.turn, session.number


def go_to(session: Session, served: str) -> None:
    """Read until a turn of that kind is on the screen."""
    while session.turn.served != served:
        give(session)


def is_wrong(session: Session) -> bool:
    return int(session.show().sample.content_id, 16) % 10 == 0


def test_one_turn_of_twelve_is_a_control_and_of_fifty_a_repeat(open_session):
    session = open_session()
    served = [give(session) for _ in range(240)]
    assert (served.count("control"), served.count("hand")) == (20, 0)
    assert 3 <= served.count("repeat") <= 5


def test_controls_are_the_prefix_of_the_permutation_and_the_queue_is_whole(open_session, sample_project):
    session = open_session()
    queue = session.order.tolist()
    for _ in range(100):
        give(session)
    labels = Labels.read(session.store)
    ordinal = {f"{content:016x}": one for content, one in zip(labels.contents, labels.ordinals.tolist(), strict=True)}
    lines = log_of(sample_project)
    by = {kind: [ordinal[content_of(one["sample_id"])] for one in lines if one["served"] == kind] for kind in
          ("queue", "control")}  # fmt: skip
    prefix = labels.ordinals[labels.permute("kim")].tolist()
    read = {*by["queue"], *by["control"]}
    assert by["control"] == [one for one in prefix[: prefix.index(by["control"][-1]) + 1] if one in by["control"]]
    assert read >= set(prefix[: prefix.index(by["control"][-1])])
    assert by["queue"] == [one for one in queue[: queue.index(by["queue"][-1]) + 1] if one in by["queue"]]
    assert read >= set(queue[: queue.index(by["queue"][-1])])


def test_what_a_verdict_leads_to_is_foreseen_but_for_repeats(open_session):
    session = open_session(serving=Serving(controls=0.25, repeats=0.1, is_live=False))
    right = Counter()
    for _ in range(100):
        foreseen = session.foresee()
        assert session.peek().entry.ordinal == foreseen
        give(session)
        right[session.turn.served, session.here == foreseen] += 1
    assert set(right) == {("queue", True), ("control", True), ("repeat", False)}


def test_behind_the_last_sample_the_first_unread_is_foreseen(open_session):
    session = open_session(serving=Serving(controls=0, repeats=0))
    give(session)
    session.move(len(session.order) - 3)
    assert session.foresee() == session.order[-1]
    session.move(1)
    assert session.foresee() == session.order[1]


def test_of_threads_that_load_at_once_one_does(sample_project):
    class Counting(Session):
        loads = 0

        def load(self):
            self.loads += 1
            super().load()

    with closing(Store.open(sample_project.map)) as store, ThreadPoolExecutor(4) as threads:
        session = Counting(store, None)
        seen = list(threads.map(lambda _: (session.load_once(), len(session.order))[1], range(8)))
    assert (session.loads, set(seen)) == (1, {400})


def test_every_turn_comes_back_after_a_restart_and_after_undo(open_session):
    serving = Serving(controls=0.25, repeats=0.1)
    session = open_session(serving=serving)
    seen = []
    for number in range(70):
        before = picture(session)
        seen.append(give(session, "flip" if number % 3 else "keep"))
        study(session)
        if number % 7 == 0:
            assert session.undo().served == seen[-1]
            assert picture(session) == before
            session = open_session(serving=serving)
            assert picture(session) == before
            give(session, "flip" if number % 3 else "keep")
            study(session)
        else:
            after = picture(session)
            session = open_session(serving=serving)
            assert picture(session) == after
    assert {"queue", "control", "repeat"} == set(seen)


def test_nothing_on_the_screen_but_the_sample_tells_a_control_from_the_queue(open_session):
    session = open_session(mode="blind")
    go_to(session, "control")
    place, number = session.position, session.number
    shown = session.show()
    assert (shown.is_revealed, shown.outcome, session.number) == (False, None, number)
    give(session)
    assert (session.position, session.number, session.progress().read) == (place, number + 1, number)


def test_a_repeat_is_shown_as_new_with_its_sides_swapped(open_session, sample_project):
    session = open_session(mode="blind")
    orders = {}
    while session.turn.served != "repeat":
        shown = session.show()
        orders[shown.sample.content_id] = shown.order
        session.note(shown, "a thought")
        give(session)
    shown, read = session.show(), session.progress().read
    assert shown.order == orders[shown.sample.content_id][::-1]
    assert (shown.outcome, shown.is_revealed, shown.note, shown.is_flagged) == (None, False, "", False)
    assert session.said_of(shown.sample) == []
    assert [one.verdict for one in session.review.said_of(shown.sample.content_id)] == ["keep"]
    give(session, "flip")
    assert session.progress().read == read + 1
    lines = [one for one in log_of(sample_project) if one["kind"] == "verdict"]
    first = next(n for n, one in enumerate(lines) if one["sample_id"] == shown.sample.sample_id)
    assert len(lines) - 1 - first >= REPEAT_DISTANCE
    assert lines[-1]["served"] == "repeat"
    session.undo()
    assert (session.turn.served, session.show().is_revealed) == ("repeat", True)


def test_sighted_a_repeat_stands_as_it_stood(open_session):
    session = open_session(serving=Serving(controls=0, repeats=0.1, is_live=False))
    go_to(session, "repeat")
    shown = session.show()
    assert (shown.order[0], shown.is_revealed, shown.outcome) == (shown.sample.pair.chosen, True, None)


def test_who_goes_by_hand_is_not_served(open_session):
    session = open_session()
    give(session)
    session.move(3)
    assert (session.turn, give(session)) == (None, "hand")
    assert session.turn.served == "queue"
    session.go_to("40")
    give(session)
    session.filter("len>10")
    served = [give(session) for _ in range(30)]
    assert served == ["hand"] * 30
    session.filter("")
    assert session.turn is not None


def test_back_at_the_place_that_was_left_the_turn_is_back(open_session):
    session = open_session()
    give(session)
    go_to(session, "control")
    turn = session.turn
    session.move(-1)
    assert session.turn is None
    session.move(1)
    assert session.turn == turn
    session.move(1)
    assert (session.turn, session.here) == (None, int(session.order[session.position]))


def test_a_note_on_a_control_leaves_it_on_the_screen_and_so_does_taking_it_back(open_session):
    session = open_session()
    go_to(session, "control")
    turn, place = session.turn, session.position
    session.note(session.show(), "hm")
    session.undo()
    assert (session.turn, session.position) == (turn, place)


def test_done_again_a_control_does_not_carry_the_queue_away(open_session):
    session = open_session()
    go_to(session, "control")
    place = session.position
    give(session)
    session.undo()
    session.redo()
    assert session.position == place
    assert session.show().outcome.verdict == "keep"
    give(session)
    assert session.position == place


def test_read_only_nothing_is_served(open_session):
    session = open_session(None)
    assert (session.turn, session.prepare(), session.audit()) == (None, None, None)


def test_the_end_of_the_queue_is_reached_with_controls_on_the_way(open_session):
    session = open_session()
    served = []
    while session.show() is not None:
        served.append(give(session))
    contents = {step.sample_id for step in session.review.steps}
    assert len(contents) == 400 == len(served) - served.count("repeat")
    assert session.number == 400


# Live ranking


def test_ranking_moves_nothing_that_was_read_or_is_on_the_screen(open_session):
    session = open_session(serving=Serving(controls=0.1, repeats=0))
    start = session.order.copy()
    for number in range(30):
        give(session, "flip" if number % 2 else "keep")
        before, shown, done = session.order.copy(), session.show(), session.position + 1
        study(session)
        assert session.order[:done].tolist() == before[:done].tolist()
        assert session.show().sample == shown.sample
        assert sorted(session.order) == sorted(start)
    ranked = session.entries(session.order[session.position + 1 :])
    known = [one.suspicion for one in ranked if session.verdict_on(one.content_id) == ""]
    assert known == sorted(known, reverse=True)
    assert session.order.tolist() != start.tolist() or known != [
        one.suspicion for one in session.store.entries(start[session.position + 1 :])
    ]


def test_ranked_anew_the_screen_the_list_and_the_filter_know_the_new_suspicion(open_session):
    session = open_session(serving=Serving(controls=0, repeats=0))
    for _ in range(10):
        give(session, "flip")
    study(session)
    (entry,) = session.entries([session.here])
    (old,) = session.store.entries([session.here])
    assert entry.suspicion > old.suspicion
    assert session.show().entry == entry
    fits = session.find(f"suspicion>={entry.suspicion - 1e-9}").tolist()
    assert len(fits) == sum(one.suspicion >= entry.suspicion - 1e-9 for one in session.entries(np.arange(400)))
    assert session.show().rank == session.ranking.order.tolist().index(session.here) + 1


def test_another_order_is_left_alone_and_switched_off_nothing_moves(open_session):
    for serving, by in ((Serving(controls=0, repeats=0), "random"), (STILL, "suspicion")):
        session = open_session(serving=serving, by=by)
        start = session.order.tolist()
        for _ in range(12):
            give(session, "flip")
            study(session)
        assert session.order.tolist() == start


def test_ranking_as_the_next_map_has_it(open_session, sample_project):
    from engine.mapping import build_map

    session = open_session(serving=Serving(controls=0, repeats=0))
    for _ in range(20):
        give(session, "flip" if is_wrong(session) else "keep")
    study(session)
    live = session.ranking.suspicion
    session.store.close()
    build_map(sample_project)
    with closing(Store.open(sample_project.map)) as store:
        assert np.allclose(live, store.points().suspicion, equal_nan=True)


def test_the_figures_come_every_25_verdicts_and_agree_with_the_report(open_session, sample_project):
    session = open_session()
    audits = []
    for _ in range(200):
        give(session, "flip" if is_wrong(session) else "keep")
        study(session)
        audits.append(session.progress().audit)
    changes = [n + 1 for n, (one, other) in enumerate(zip([None, *audits], audits, strict=False)) if one is not other]
    assert changes == list(range(25, 201, 25))
    made = session.audit()
    assert made == audits[-1] == audit_project(sample_project)
    assert made.residual.controls == Counter(step.served for step in session.review.steps)["control"] > FEWEST_CONTROLS
    truth = sum(int(content_of(one), 16) % 10 == 0 for one in session.store.sample_ids())
    flips = sum(step.verdict == "flip" for step in session.review.standing().values())
    assert made.residual.low <= truth - flips <= made.residual.high
    session = open_session()
    assert session.progress().audit == made


def test_lessons_are_worked_out_from_what_was_known_when_they_were_due(open_session):
    session = open_session(serving=Serving(controls=0, repeats=0))
    for _ in range(10):
        give(session, "flip")
    prepared = session.prepare()
    give(session, "keep")
    learnt = prepared()
    session = open_session(serving=Serving(controls=0, repeats=0))
    assert np.array_equal(session.ranking.suspicion, learnt.ranking.suspicion, equal_nan=True)
    assert session.prepare() is None
