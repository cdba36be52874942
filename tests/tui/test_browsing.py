import pytest
from review_pilot import log_of, running, screen_text

from tui.dialogs.bulk import BulkDialog


async def type_line(pilot, key: str, text: str) -> None:
    await pilot.press(key, *("slash" if one == "/" else "space" if one == " " else one for one in text))
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_a_filter_counts_while_it_is_typed_and_then_narrows_the_queue(sample_project):
    async with running(sample_project) as pilot:
        session = pilot.app.screen.session
        await type_line(pilot, "w", "source:home")
        fits = len(session.find("source:home"))
        assert 0 < fits < 400
        assert f"{fits} of 400" in screen_text(pilot)
        await pilot.press("enter")
        assert len(session.order) == fits
        assert f"1 of {fits} where source:home" in screen_text(pilot)
        await pilot.press("w", *["backspace"] * len("source:home"), "enter")
        assert len(session.order) == 400


async def test_a_filter_that_is_wrong_says_so_while_it_is_typed_and_leaves_the_queue(sample_project):
    async with running(sample_project) as pilot:
        await type_line(pilot, "w", "zebra:1")
        assert "no column 'zebra'" in screen_text(pilot)
        await pilot.press("enter")
        assert "no column 'zebra'" in screen_text(pilot)
        assert len(pilot.app.screen.session.order) == 400


async def test_tab_completes_a_filter(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("w", *"sou", "tab", *"ho", "tab", "enter")
        assert pilot.app.screen.session.where == "source:home"


async def test_a_search_goes_from_match_to_match(sample_project):
    async with running(sample_project) as pilot:
        screen = pilot.app.screen
        await type_line(pilot, "slash", "git")
        await pilot.press("enter")
        places = []
        for _ in range(3):
            sample = screen.shown.sample
            texts = [turn.content for turn in sample.prompt] + [one.text for one in sample.responses]
            assert any("git" in text.lower() for text in texts)
            places.append(screen.session.position)
            await pilot.press("n")
        assert places == sorted(set(places))
        await pilot.press("p")
        assert screen.session.position == places[-1]
        assert "match 3 of" in screen_text(pilot)


async def test_a_note_and_a_flag_are_on_disk_on_the_screen_and_taken_back(sample_project):
    async with running(sample_project) as pilot:
        await type_line(pilot, "a", "odd")
        await pilot.press("enter", "b")
        assert [line["kind"] for line in log_of(sample_project)] == ["note", "flag"]
        assert log_of(sample_project)[0]["text"] == "odd"
        await pilot.press("l", "h")
        assert "note: odd" in screen_text(pilot)
        assert "flagged" in screen_text(pilot)
        await pilot.press("u", "u")
        assert pilot.app.screen.shown.note == ""
        assert not pilot.app.screen.shown.is_flagged


async def test_a_bulk_verdict_needs_a_selection_and_its_count(sample_project):
    async with running(sample_project) as pilot:
        session = pilot.app.screen.session
        await pilot.press("f8")
        assert "make one by w" in screen_text(pilot)
        await type_line(pilot, "w", "source:home")
        await pilot.press("enter")
        fits = len(session.order)
        await pilot.press("f8", "f")
        assert f"{fits} verdicts are written" in screen_text(pilot)
        await pilot.press("1", "enter")
        assert isinstance(pilot.app.screen, BulkDialog)
        assert not sample_project.review_logs()[0].read_bytes()
        await pilot.press(*str(fits), "enter")
        lines = log_of(sample_project)
        assert {(line["verdict"], line["mode"]) for line in lines} == {("flip", "bulk")}
        assert len(lines) == fits
        assert session.progress().read == 0
        await pilot.press("u")
        assert session.verdict_on(lines[0]["sample_id"]) == ""


@pytest.mark.parametrize("key", ["a", "b", "f8"])
async def test_read_only_nothing_is_written(sample_project, key):
    async with running(sample_project, read_only=True) as pilot:
        await pilot.press(key)
        assert "read-only" in screen_text(pilot)
        assert sample_project.review_logs() == []
