"""Several reviewers in the app: shares, conflicts decided blind to the others, and how far the others are."""

from contextlib import closing

import pytest
from review_pilot import running, screen_text

from engine.errors import ConfigError, FilterError
from engine.reviewing import Review
from engine.store import Store
from engine.verdicts.assigning import Assignment
from engine.verdicts.auditing import Labels
from engine.verdicts.outcomes import Outcomes
from tui.session import Session
from tui.turns import Serving


def decide(project, reviewer: str, **verdicts: str) -> list[str]:
    """Give verdicts on the first samples of the queue; gives all ids in its order."""
    with closing(Store.open(project.map)) as store, closing(Review(project, reviewer)) as review:
        ids = [entry.sample_id for entry in store.entries(store.order("suspicion"))]
        for place, verdict in verdicts.items():
            review.give(store.sample(store.find(ids[int(place[1:])])), verdict, text=f"{reviewer} thinks so")
    return ids


@pytest.fixture
def disputed(sample_project):
    """Kim and Lee differ on the first and the third sample of the queue."""
    decide(sample_project, "kim", s0="keep", s1="flip", s2="flip")
    return sample_project, decide(sample_project, "lee", s0="flip", s1="flip", s2="tie")


@pytest.fixture
def open_session(sample_project):
    with closing(Store.open(sample_project.map)) as store, closing(Review(sample_project, "kim")) as review:

        def opened(assignment: Assignment, **options) -> Session:
            serving = Serving(controls=0.2, is_live=True, assignment=assignment)
            session = Session(store, review, serving=serving, **options)
            session.load()
            return session

        yield opened


def test_the_queue_and_the_controls_are_of_the_share_alone(open_session):
    made = Assignment(("kim", "lee"), 0.1)
    session = open_session(made)
    mine = made.share("kim", session.store.sample_ids().tolist())
    assert set(session.order.tolist()) == set(mine.nonzero()[0].tolist())
    served = []
    for number in range(60):
        ordinal = session.here
        prepared = session.prepare()
        if prepared:
            session.learn(prepared())
        outcome = session.give(session.show(), "flip" if number % 3 else "keep", None, None)
        served.append(outcome.served)
        assert mine[ordinal]
    assert served.count("control") == 12
    labels = Labels.read(session.store, made)
    assert mine[labels.ordinals[labels.permute("kim")]].all()
    assert len(labels.permute("max")) == len(labels.ordinals)
    assert session.audit().readers["kim"].slips.of == 60 - served.count("repeat")


def test_another_share_can_be_looked_at_but_is_not_served(open_session):
    made = Assignment(("kim", "lee"), 0.0)
    session = open_session(made)
    theirs = int((~made.share("kim", session.store.sample_ids().tolist())).nonzero()[0][0])
    place = session.position
    session.go_to_ordinal(theirs)
    assert (session.here, session.position) == (theirs, place)
    outcome = session.give(session.show(), "keep", None, None)
    assert (outcome.served, session.position) == ("hand", place)
    session.undo()
    assert session.here == theirs
    with pytest.raises(FilterError, match="No sample fits"):
        session.use([theirs], "a box")


def test_a_reviewer_to_whom_nothing_falls_is_told(make_project):
    project = make_project([{"prompt": "p", "chosen": "a", "rejected": "b"}])
    made = Assignment(("kim", "lee"), 0.0)
    with closing(Store.open(project.map)) as store:
        (idle,) = (name for name in made.reviewers if not made.share(name, store.sample_ids().tolist()).any())
        with closing(Review(project, idle)) as review:
            session = Session(store, review, serving=Serving(assignment=made))
            with pytest.raises(ConfigError, match=f"No sample falls to {idle}. See: prefmap assign"):
                session.load()


@pytest.mark.parametrize(
    ("reviewers", "said", "unsaid"),
    [
        (("kim", "lee"), "share of kim", "no share"),
        (("lee", "max"), "no share is assigned to kim, who reads all; shares are those of lee, max", "share of kim"),
    ],
)
async def test_the_screen_says_whose_share_it_is(sample_project, reviewers, said, unsaid):
    serving = Serving(assignment=Assignment(reviewers))
    async with running(sample_project, session={"serving": serving}) as pilot:
        assert said in screen_text(pilot)
        assert unsaid not in screen_text(pilot)
        await pilot.press("y")
        assert "no share is assigned" not in screen_text(pilot)


async def test_a_conflict_is_decided_before_the_votes_are_shown(disputed):
    project, ids = disputed
    async with running(project, session={"by": "conflicts"}) as pilot:
        session = pilot.app.screen.session
        assert "1 of 2 where conflict" in screen_text(pilot)
        assert pilot.app.screen.shown.sample.sample_id == ids[0]
        assert "yours is better" not in screen_text(pilot)
        await pilot.press("i")
        assert "shown after the verdict" in screen_text(pilot)
        assert "lee" not in screen_text(pilot)
        await pilot.press("i", "s")
        assert pilot.app.screen.shown.sample.sample_id == ids[2]
        await pilot.press("f")
        assert pilot.app.screen.shown.sample.sample_id == ids[2]
        text = screen_text(pilot)
        assert "kim  adjudicated flip [2]" in text
        assert 'lee  tie  "lee thinks so"' in text
        assert f"last: adjudicated flip {ids[2][:8]}" in text
        assert Outcomes.read(project.review_logs()).conflicts() == [ids[0]]
        await pilot.press("h", "i")
        assert "shown after the verdict" in screen_text(pilot)
        await pilot.press("i", "y")
        assert "No conflict is left" in screen_text(pilot)
        assert Outcomes.read(project.review_logs()).conflicts() == []
        await pilot.press("u", "u")
        assert pilot.app.screen.shown.sample.sample_id == ids[2]
        assert session.hides_votes(ids[2])
    assert sorted(Outcomes.read(project.review_logs()).conflicts()) == sorted([ids[0], ids[2]])


async def test_who_adjudicated_and_decides_again_adjudicates_again(disputed):
    project, ids = disputed
    async with running(project, session={"by": "conflicts"}) as pilot:
        await pilot.press("f")
    async with running(project) as pilot:
        pilot.app.screen.session.go_to(ids[0])
        pilot.app.screen.show_sample()
        await pilot.press("y")
        assert pilot.app.screen.shown.sample.sample_id != ids[0]
        assert pilot.app.screen.session.review.standing()[ids[0]].adjudicates
    outcomes = Outcomes.read(project.review_logs())
    assert (outcomes.conflicts(), outcomes.settle(ids[0]).outcome.verdict) == ([ids[2]], "keep")


async def test_a_verdict_elsewhere_in_that_sitting_adjudicates_nothing(disputed):
    project, ids = disputed
    async with running(project, session={"by": "conflicts"}) as pilot:
        await pilot.press("w", "ctrl+u", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.press("l", "l", "l")
        shown = pilot.app.screen.shown.sample.sample_id
        assert shown == ids[3]
        await pilot.press("f")
        assert not Outcomes.read(project.review_logs()).on(shown)[0].adjudicates


async def test_the_panel_reads_the_others_logs_when_it_is_opened(disputed):
    project, _ = disputed
    async with running(project) as pilot:
        await pilot.press("f5")
        assert "lee: 3 read, 3 of them today, 67% flipped; last verdict 20" in screen_text(pilot)
        assert "kim:" not in screen_text(pilot)
        decide(project, "max", s5="flip")
        await pilot.press("f5", "f5")
        assert "max: 1 read, 1 of them today, 100% flipped" in screen_text(pilot)
    async with running(project, read_only=True) as pilot:
        await pilot.press("f5")
        assert all(f"{name}: " in screen_text(pilot) for name in ("kim", "lee", "max"))
