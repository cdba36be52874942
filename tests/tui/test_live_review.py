"""Controls, repeats and live ranking on the screen."""

from contextlib import asynccontextmanager, closing

from review_pilot import UTF8, log_of, screen_text

from engine.reporting import make_report
from engine.reviewing import Review
from engine.store import Store
from tui.app import ReviewApp
from tui.session import Session
from tui.settings import Settings
from tui.turns import Serving


@asynccontextmanager
async def serving(project, size=(120, 24), mode="sighted", **shares):
    with closing(Store.open(project.map)) as store, closing(Review(project, "kim")) as review:
        app = ReviewApp(Session(store, review, mode=mode, serving=Serving(**shares)), UTF8, Settings(least_seconds=0.0))
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            yield pilot


async def settle(pilot):
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def rows_but_the_feet(pilot) -> list[str]:
    return screen_text(pilot).splitlines()[:-3]


async def test_the_pair_on_the_screen_stays_while_the_queue_behind_it_is_ranked_anew(sample_project):
    async with serving(sample_project, controls=0, repeats=0) as pilot:
        session = pilot.app.screen.session
        for _ in range(9):
            await pilot.press("f")
        await settle(pilot)
        order = session.order.tolist()
        await pilot.press("f")
        before = rows_but_the_feet(pilot)
        await settle(pilot)
        assert session.ranking is not None
        assert rows_but_the_feet(pilot) == before
        assert session.order.tolist()[:11] == order[:11]
        assert session.order.tolist() != order
        expected = session.entries(session.order[11:12])[0].sample_id
        await pilot.press("f")
        assert pilot.app.screen.shown.sample.sample_id == expected


async def test_a_reviewed_project_has_a_residual_error_in_its_report(sample_project):
    async with serving(sample_project, mode="blind") as pilot:
        for number in range(150):
            await pilot.press("12"[number % 2])
        await settle(pilot)
        text = screen_text(pilot)
        audit = pilot.app.screen.session.progress().audit
        assert f"controls {audit.found.controls.value:.0%}" in text
        assert f"self {audit.error.repeats - audit.error.changed}/{audit.error.repeats}" in text
        await pilot.press("f5")
        text = " ".join(screen_text(pilot).split())
        assert "of 30 controls are read" in text
        assert "labels are still wrong" in text
        await pilot.press("q")
    served = [line["served"] for line in log_of(sample_project)]
    assert (served.count("control"), served.count("hand")) == (13, 0)
    made = make_report(sample_project)
    assert made.audit.residual.controls == served.count("control")
    assert made.audit.error.repeats == served.count("repeat") > 0


async def test_before_the_first_figures_f5_says_when_they_come(sample_project):
    async with serving(sample_project) as pilot:
        await pilot.press("f5")
        assert "come with the first 25 verdicts" in screen_text(pilot)
        await pilot.press("f5")
        assert "CHOSEN" in screen_text(pilot)


async def test_f6_queues_what_is_most_like_the_sample_and_f8_decides_it(make_project):
    rows = [
        {"prompt": f"Which {'bicycle tyre' if n % 4 == 0 else 'cake'} {n}?", "source": "a" if n % 2 else "b",
         "chosen": f"The {'round wheel' if n % 4 == 0 else 'sweet dough'} {'x' * n}.", "rejected": "None of them."}
        for n in range(20)
    ]  # fmt: skip
    project = make_project(rows)
    async with serving(project, controls=0, repeats=0) as pilot:
        session = pilot.app.screen.session
        await pilot.press("ctrl+g", *session.store.entries([8])[0].sample_id[:10], "enter")
        await pilot.press("f6")
        await settle(pilot)
        assert session.where == f"like {session.store.entries([8])[0].sample_id[:8]}"
        assert (session.here, set(session.order[:5].tolist())) == (8, {0, 4, 8, 12, 16})
        assert "samples like it" in screen_text(pilot)
        await pilot.press("f6")
        assert "b: the label prefers" in session.where
        assert {n % 2 for n in session.order.tolist()} == {0}
        count = len(session.order)
        await pilot.press("f8", "f", *str(count), "enter")
        assert len(log_of(project)) == count
        await pilot.press("w", "ctrl+u", "enter")
        assert len(session.order) == 20


async def test_found_too_late_the_like_ones_leave_the_reader_alone(sample_project):
    async with serving(sample_project) as pilot:
        screen = pilot.app.screen
        await pilot.press("f6", "y")
        shown = screen.shown.sample
        await settle(pilot)
        if not screen.session.where:
            assert screen.shown.sample == shown
            assert "an earlier one" in screen_text(pilot)
