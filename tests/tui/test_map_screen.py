import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.project import Project
from engine.reviewing import Review
from engine.store import Store
from tui.app import ReviewApp
from tui.messages import BoxChosen
from tui.picture import COLOURINGS, look
from tui.screens.map import MapScreen
from tui.screens.review import ReviewScreen
from tui.session import Session
from tui.settings import Settings
from tui.terminal import Charset
from tui.text import cell_width
from tui.widgets.page_view import PageView

UTF8 = Charset(has_frames=True, has_unicode=True)
PLAIN = Charset(has_frames=False, has_unicode=False)


@asynccontextmanager
async def on_map(project: Project, *before: str, size=(80, 24), charset=UTF8) -> AsyncIterator[Pilot]:
    """Press keys on the review screen, then open the map."""
    review = Review(project, "kim")
    with closing(review), closing(Store.open(project.map)) as store:
        app = ReviewApp(Session(store, review), charset, Settings(least_seconds=0.0))
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await pilot.press(*before, "m")
            await app.workers.wait_for_complete()
            await pilot.pause()
            yield pilot


def lines(pilot: Pilot) -> list[str]:
    (page,) = pilot.app.screen.query(PageView)
    return ["".join(span.text for span in row) for row in page.rows]


def cursor_styles(pilot: Pilot) -> int:
    (page,) = pilot.app.screen.query(PageView)
    return sum(span.style == "cursor" for row in page.rows for span in row)


async def test_the_cursor_starts_on_the_sample_that_is_read(sample_project):
    async with on_map(sample_project) as pilot:
        screen = pilot.app.screen
        ordinal = int(screen.session.order[0])
        points = screen.session.store.points()
        assert screen.view.at == (np.sqrt(points.variability[ordinal]), points.quality[ordinal])
        shown = lines(pilot)
        assert len(shown) == 24
        assert "map of 400" in shown[0]
        assert "high_average" in "".join(shown)
        assert shown[-5].strip().startswith(".00")
        assert "cut" in shown[-5]
        assert re.search(r"[1-9]\d* samples?  ", shown[-3])
        assert "enter read" in shown[-1]
        assert cursor_styles(pilot) == 1


async def test_letters_and_arrows_move_the_cursor_by_a_cell(sample_project):
    async with on_map(sample_project) as pilot:
        column, row = pilot.app.screen.view.cell
        await pilot.press("l", "l", "j", "right", "down")
        assert pilot.app.screen.view.cell == (column + 3, row + 2)
        await pilot.press("h", "k", "left", "left", "up")
        assert pilot.app.screen.view.cell == (column, row)
        assert pilot.app.screen.view.bounds == pilot.app.screen.cloud.whole


async def test_zoom_goes_closer_pans_past_the_edge_and_0_shows_all(sample_project):
    async with on_map(sample_project, size=(40, 12)) as pilot:
        screen = pilot.app.screen
        cell = screen.view.cell
        await pilot.press("equals_sign", "equals_sign")
        closer = screen.view.bounds
        assert closer.width == pytest.approx(screen.cloud.whole.width / 4)
        assert screen.view.cell == cell
        assert "out of view" in lines(pilot)[-2]
        await pilot.press(*["h"] * (cell[0] + 1))
        assert screen.view.bounds.x_low < closer.x_low
        assert screen.view.bounds.width == pytest.approx(closer.width)
        await pilot.press("minus")
        assert screen.view.bounds.width > closer.width
        await pilot.press("0")
        assert screen.view.bounds == screen.cloud.whole


async def test_enter_reads_the_likeliest_mislabel_of_the_cell(sample_project):
    async with on_map(sample_project, size=(40, 12)) as pilot:
        screen = pilot.app.screen
        while "samples" not in lines(pilot)[-3]:
            await pilot.press("h")
        column, row = screen.view.cell
        here = screen.picture.placed.in_cell(column, row)
        suspicion = screen.session.store.points().suspicion
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ReviewScreen)
        session = pilot.app.screen.session
        assert session.order[session.position] == here[suspicion[here].argmax()]
        assert session.review.steps == []


async def test_enter_on_an_empty_cell_says_so_until_the_next_key(sample_project):
    async with on_map(sample_project, size=(40, 10)) as pilot:
        column, _ = pilot.app.screen.view.cell
        await pilot.press(*["l"] * (34 - column), "k", "k", "k", "enter")
        assert isinstance(pilot.app.screen, MapScreen)
        assert "no sample is here" in lines(pilot)[-2]
        await pilot.press("h")
        assert "no sample is here" not in lines(pilot)[-2]


async def test_c_goes_through_the_colourings(sample_project):
    async with on_map(sample_project, "f", "y", "s") as pilot:
        legends = []
        for colouring in COLOURINGS:
            assert pilot.app.screen.colouring == colouring
            legends.append(lines(pilot)[-4])
            await pilot.press("c")
        assert pilot.app.screen.colouring == "none"
        assert len(set(legends)) == len(COLOURINGS)


async def test_verdicts_of_this_sitting_are_letters_on_the_map(sample_project):
    async with on_map(sample_project, "f", "y", "s") as pilot:
        await pilot.press("c", "c", "c", "c")
        plot = "".join(line[5:65] for line in lines(pilot)[1:-5])
        assert [plot.count(letter) for letter in "KFS"] == [1, 1, 1]


async def make_box(pilot: Pilot) -> None:
    """Box the whole map but for its first column."""
    screen = pilot.app.screen
    column, row = screen.view.cell
    await pilot.press(*["h"] * (column - 1), *["k"] * row, "space")
    await pilot.press(*["l"] * (screen.view.columns - 2), *["j"] * (screen.view.rows - 1))


async def test_a_box_becomes_the_queue(sample_project):
    async with on_map(sample_project, "f", "y") as pilot:
        screen = pilot.app.screen
        await make_box(pilot)
        assert screen.box.is_open
        counts = screen.box.counts
        assert f"box: {counts.samples:,} samples, {counts.read} read" in lines(pilot)[-2]
        await pilot.press("space", "h")
        assert (screen.box.is_open, screen.box.counts) == (False, counts)
        bounds, cloud = screen.box.bounds, screen.cloud
        boxed = np.flatnonzero(bounds.holds(cloud.x, cloud.y))
        assert 0 < len(boxed) < 400
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ReviewScreen)
        session = pilot.app.screen.session
        assert sorted(session.order.tolist()) == boxed.tolist()
        assert session.where.startswith("variability>=")
        assert session.order.tolist() == [one for one in session.store.order("suspicion") if one in set(boxed)]
        assert session.verdict_on(session.show().entry.content_id) == ""
        (heading,) = lines_of(pilot, "#head")[:1]
        assert "where variability>=" in heading
        assert re.search(rf"[1-3] of {len(boxed)} ", heading)


def lines_of(pilot: Pilot, name: str) -> list[str]:
    rows = pilot.app.screen.query_one(name, PageView).rows
    return ["".join(span.text for span in row) for row in rows]


async def test_a_sample_outside_the_box_brings_the_whole_queue_back(sample_project):
    async with on_map(sample_project, size=(40, 12)) as pilot:
        await make_box(pilot)
        await pilot.press("enter")
        await pilot.pause()
        session = pilot.app.screen.session
        outside = next(one for one in session.store.order("suspicion") if one not in session.order)
        session.go_to_ordinal(int(outside))
        assert (len(session.order), session.where) == (400, "")
        assert session.order[session.position] == outside


async def test_a_box_that_is_read_says_how_the_rest_comes_back(sample_project):
    async with on_map(sample_project) as pilot:
        await pilot.press("q")
        pilot.app.screen.post_message(BoxChosen(pilot.app.screen.session.order[5:6], "box of one"))
        await pilot.pause()
        await pilot.press("f")
        assert "All of this selection is read" in "".join(lines_of(pilot, "#body"))
        await pilot.press("m")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        screen = pilot.app.screen
        while look(screen.cloud, screen.picture, screen.view).likeliest is None:
            await pilot.press("h")
        await pilot.press("enter")
        await pilot.pause()
        assert len(pilot.app.screen.session.order) == 400


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_back_leaves_the_box_first(sample_project, key):
    async with on_map(sample_project) as pilot:
        await pilot.press("space", "l", "j", key)
        assert isinstance(pilot.app.screen, MapScreen)
        assert pilot.app.screen.box is None
        await pilot.press(key)
        assert isinstance(pilot.app.screen, ReviewScreen)


async def test_an_empty_box_is_no_queue(sample_project):
    async with on_map(sample_project, size=(40, 10)) as pilot:
        column, _ = pilot.app.screen.view.cell
        await pilot.press(*["l"] * (34 - column), "k", "k", "k", "space", "enter")
        assert isinstance(pilot.app.screen, MapScreen)
        assert "no sample is in the box" in lines(pilot)[-2]


async def test_the_map_is_as_it_was_left_but_for_the_verdicts_given_since(sample_project):
    async with on_map(sample_project) as pilot:
        screen = pilot.app.screen
        await pilot.press("equals_sign", "l", "c", "c", "c", "c")
        view = screen.view
        assert np.count_nonzero(screen.cloud.verdict >= 0) == 0
        await pilot.press("q", "f", "m")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert (screen.view, screen.colouring) == (view, "verdict")
        assert np.count_nonzero(screen.cloud.verdict >= 0) == 1
        assert "F" in "".join(line[5:60] for line in lines(pilot)[1:-5])


async def test_g_takes_the_cursor_to_the_sample_that_is_read(sample_project):
    async with on_map(sample_project) as pilot:
        screen = pilot.app.screen
        at = screen.view.at
        await pilot.press("h", "h", "j", "g")
        assert screen.view.at == at
        await pilot.press(*["h"] * 9, *["equals_sign"] * 5, "g")
        assert screen.view.at == at
        assert screen.view.bounds == screen.cloud.whole


async def test_a_goes_through_the_axes_and_takes_the_cursor_along(sample_project):
    async with on_map(sample_project) as pilot:
        screen = pilot.app.screen
        ordinal = int(screen.session.order[0])
        points = screen.session.store.points()
        for name in ("margin", "correlation"):
            await pilot.press("space", "a")
            assert screen.box is None
            assert screen.view.at == (getattr(points, name)[ordinal], points.quality[ordinal])
            assert f"x {name}" in lines(pilot)[0]
            assert name in lines(pilot)[-5]
        await pilot.press("a")
        assert "x variability" in lines(pilot)[0]


async def test_e_writes_the_view_next_to_the_project(sample_project):
    async with on_map(sample_project) as pilot:
        for zoom in ("0", "equals_sign"):
            await pilot.press("c", zoom, "e")
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            assert "next to the project" in lines(pilot)[-2]
        folder = sample_project.path.parent
        written = sorted(path.name for path in folder.glob("*.svg"))
        assert written == [
            "pairs-crossfit-variability-region-zoomed.svg", "pairs-crossfit-variability-suspicion.svg",
        ]  # fmt: skip
        text = (folder / written[1]).read_text(encoding="utf-8")
        assert "Map of crossfit (edition 2), which was fitted on the dataset&#x27;s own labels. Normaliser: " in text
        assert "Samples: 400 of 400 shown" in text


async def test_a_figure_that_cannot_be_written_is_told(sample_project):
    async with on_map(sample_project) as pilot:
        store = pilot.app.screen.session.store
        store.path = sample_project.path.parent / "no" / "such" / "map.duckdb"
        await pilot.press("e")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "the figure cannot be written: " in lines(pilot)[-2]


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_back_leaves_the_review_where_it_was(sample_project, key):
    async with on_map(sample_project, "l", "l") as pilot:
        await pilot.press(key)
        assert isinstance(pilot.app.screen, ReviewScreen)
        assert pilot.app.screen.session.position == 2


@pytest.mark.parametrize(
    ("size", "charset"),
    [((40, 10), PLAIN), ((60, 20), UTF8), ((79, 24), UTF8), ((80, 24), PLAIN), ((140, 40), PLAIN), ((20, 5), UTF8)],
)
async def test_it_fills_any_terminal(sample_project, size, charset):
    async with on_map(sample_project, size=size, charset=charset) as pilot:
        for keys in ("c", "c", "c", "space l j", "equals_sign j", "c", "a", "space l l l j j j j", "minus", "a"):
            await pilot.press(*keys.split())
            shown = lines(pilot)
            assert max(map(cell_width, shown)) <= max(size[0], 38)
        assert len(shown) == (size[1] if size >= (40, 10) else 1)
        assert charset.has_frames or "".join(shown).isascii()
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert len(lines(pilot)) == 30
        assert cursor_styles(pilot) == 1


async def test_without_scores_it_says_what_to_do(make_project):
    project = make_project([{"prompt": "p", "chosen": "a", "rejected": "b"}])
    async with on_map(project) as pilot:
        assert any(
            "no sample has a place on the map yet: run prefmap score, then prefmap map" in x for x in lines(pilot)
        )
        await pilot.press("h", "j", "equals_sign", "minus", "0", "c", "a", "g", "space", "e", "enter")
        await pilot.resize_terminal(60, 20)
        await pilot.press("q")
        assert isinstance(pilot.app.screen, ReviewScreen)


async def test_keys_before_the_map_is_read_do_nothing(sample_project):
    async with on_map(sample_project) as pilot:
        screen = MapScreen(pilot.app.screen.session, UTF8)
        screen.load_cloud = lambda: None
        await pilot.app.push_screen(screen)
        await pilot.press("h", "j", "equals_sign", "minus", "0", "c", "a", "g", "space", "e", "enter")
        assert "reading the map" in lines(pilot)[0]


async def test_w_goes_on_with_the_edges_of_the_box_as_a_filter(sample_project):
    async with on_map(sample_project) as pilot:
        await pilot.press("space", "l", "l", "j", "j", "w")
        await pilot.pause()
        line = pilot.app.screen.query_one(Input)
        assert re.fullmatch(r"variability>=\S+ variability<=\S+ quality>=\S+ quality<=\S+", line.value)


async def test_w_without_a_box_changes_the_filter(sample_project):
    async with on_map(sample_project) as pilot:
        pilot.app.screen.session.filter("suspicion>.1")
        await pilot.press("w")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "suspicion>.1"
