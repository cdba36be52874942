"""Drives the review in the test's own process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from textual.pilot import Pilot

from engine.project import Project
from engine.reviewing import Review
from engine.store import Store
from tui.app import ReviewApp
from tui.session import Session
from tui.settings import Settings
from tui.terminal import Charset
from tui.widgets.page_view import PageView

UTF8 = Charset(has_frames=True, has_unicode=True)


@asynccontextmanager
async def running(
    project: Project, *, read_only: bool = False, size=(80, 24), mode="sighted", session=None, **settings
) -> AsyncIterator[Pilot]:
    review = None if read_only else Review(project, "kim")
    with closing(Store.open(project.map)) as store:
        app = ReviewApp(
            Session(store, review, mode=mode, **(session or {})), UTF8, Settings(**{"least_seconds": 0.0} | settings)
        )
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            yield pilot
    if review:
        review.close()


def screen_text(pilot: Pilot) -> str:
    rows = (row for page in pilot.app.screen.query(PageView) for row in page.rows)
    return "\n".join("".join(span.text for span in row) for row in rows)


def log_of(project: Project) -> list[dict]:
    (path,) = project.review_logs()
    return [json.loads(line) for line in path.read_text().splitlines()]
