"""Pictures of the screens that matter. `scripts/test --looks` takes them anew: look at them before you commit."""

from contextlib import closing

import pytest
from review_pilot import UTF8

from engine.reviewing import Review
from engine.store import Store
from tui.app import ReviewApp
from tui.session import Session
from tui.settings import Settings


@pytest.fixture
def looks_as_before(sample_project, snap_compare):
    """Compare the screen of a size, after some keys, with its picture."""

    def compare(size: tuple[int, int], *keys: str, mode: str = "sighted") -> bool:
        with closing(Store.open(sample_project.map)) as store, closing(Review(sample_project, "kim")) as review:
            app = ReviewApp(Session(store, review, mode=mode), UTF8, Settings(least_seconds=0.0))

            async def press(pilot) -> None:
                for key in ("", *keys):
                    await pilot.press(*[key] * bool(key))
                    await app.workers.wait_for_complete()
                    await pilot.pause()

            return snap_compare(app, terminal_size=size, run_before=press)

    return compare


def test_pair(looks_as_before):
    assert looks_as_before((80, 24))


def test_wide(looks_as_before):
    assert looks_as_before((140, 40))


def test_narrow(looks_as_before):
    assert looks_as_before((60, 20))


def test_blind(looks_as_before):
    assert looks_as_before((80, 24), mode="blind")


def test_diff(looks_as_before):
    assert looks_as_before((120, 30), "ctrl+g", *"9c6ce096", "enter", "d")


def test_map(looks_as_before):
    assert looks_as_before((80, 24), "m")


def test_box(looks_as_before):
    assert looks_as_before((120, 36), "m", "c", *"jjh", "space", *"h" * 28, *"k" * 9)


def test_help(looks_as_before):
    assert looks_as_before((80, 24), "question_mark")


def test_bulk(looks_as_before):
    assert looks_as_before((80, 24), "w", *"source:home", "enter", "f8", "f")
