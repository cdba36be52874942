import math
import re

import pytest
from review_pilot import log_of, running, screen_text

from tui.screens.help import HelpScreen
from tui.screens.queue import QueueScreen


async def test_it_opens_on_the_likeliest_mislabel(sample_project):
    async with running(sample_project) as pilot:
        session = pilot.app.screen.session
        assert session.position == 0
        first = session.store.entries(session.order[:1])[0]
        assert first.suspicion == max(entry.suspicion for entry in session.store.entries(session.order))
        assert f"id {first.sample_id[:8]}" in screen_text(pilot)


@pytest.mark.parametrize(
    ("key", "verdict"), [("y", "keep"), ("enter", "keep"), ("f", "flip"), ("t", "tie"), ("x", "drop"), ("s", "skip")]
)
async def test_each_verdict_key_writes_its_verdict_and_moves_on(sample_project, key, verdict):
    async with running(sample_project) as pilot:
        shown = pilot.app.screen.shown.sample.sample_id
        await pilot.press(key)
        (line,) = log_of(sample_project)
        assert (line["kind"], line["sample_id"], line["verdict"]) == ("verdict", shown, verdict)
        assert line["reviewer"] == "kim"
        assert pilot.app.screen.session.position == 1
        assert f"last: {verdict} {shown[:8]}" in screen_text(pilot)


async def test_a_verdict_line_says_how_it_came_about(sample_project):
    async with running(sample_project) as pilot:
        sample = pilot.app.screen.shown.sample
        await pilot.press("v", "f")
        (line,) = log_of(sample_project)
        assert line["preferred"] == sample.responses[sample.pair.rejected].response_id
        assert line["rejected"] == sample.responses[sample.pair.chosen].response_id
        assert line["mode"] == "sighted"
        assert line["shown"] == [response.response_id for response in sample.responses]
        assert line["seen"] == ["label", "reason", "scores"]
        assert line["rank"] == 1
        assert line["map"] == pilot.app.screen.session.store.fingerprint
        assert line["prev"] == ""


async def test_a_number_key_prefers_that_response(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("2", "1")
        assert [line["verdict"] for line in log_of(sample_project)] == ["flip", "keep"]


async def test_undo_goes_back_to_the_sample_and_redo_forth(sample_project):
    async with running(sample_project) as pilot:
        first = pilot.app.screen.shown.sample.sample_id
        await pilot.press("f", "y", "u", "u")
        assert pilot.app.screen.shown.sample.sample_id == first
        assert pilot.app.screen.shown.outcome is None
        await pilot.press("ctrl+r")
        assert pilot.app.screen.shown.outcome.verdict == "flip"
        await pilot.press("u", "u")
        assert "there is nothing to take back" in screen_text(pilot)
        kinds = [line["kind"] for line in log_of(sample_project)]
        assert kinds == ["verdict", "verdict", "undo", "undo", "redo", "undo"]


async def test_undo_works_after_a_restart(sample_project):
    async with running(sample_project) as pilot:
        first = pilot.app.screen.shown.sample.sample_id
        await pilot.press("f")
    async with running(sample_project) as pilot:
        assert pilot.app.screen.session.position == 1
        await pilot.press("z")
        assert pilot.app.screen.shown.sample.sample_id == first


async def test_skipped_samples_come_back_at_the_end(make_project):
    project = make_project([{"prompt": f"p{n}", "chosen": f"a{n}", "rejected": f"b{n}"} for n in range(3)])
    async with running(project) as pilot:
        first = pilot.app.screen.shown.sample.sample_id
        await pilot.press("s", "y", "y")
        assert pilot.app.screen.shown.sample.sample_id == first
        await pilot.press("y")
        assert pilot.app.screen.shown is None
        assert "Every sample of the queue is read" in screen_text(pilot)
        await pilot.press("f", "j", "tab", "o", "v", "l", "h")


async def test_moving_gives_no_verdict(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("l", "right", "h", "l")
        assert pilot.app.screen.session.position == 2
        assert log_of(sample_project) == []


async def test_a_tied_label_cannot_be_kept_and_the_screen_says_so(make_project):
    row = {
        "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}],
        "score_chosen": 3,
        "score_rejected": 3,
    }
    project = make_project([row])
    async with running(project) as pilot:
        await pilot.press("y")
        assert log_of(project) == []
        assert "nothing to keep" in screen_text(pilot)
        await pilot.press("1")
        assert [line["verdict"] for line in log_of(project)] == ["flip"]


def rated(*ratings: float) -> dict:
    return {
        "instruction": "q",
        "completions": [
            {"response": f"answer {n}", "annotations": {}, "fine-grained_score": rating}
            for n, rating in enumerate(ratings)
        ],
    }


async def test_of_four_responses_two_numbers_make_a_pair(make_project):
    project = make_project([rated(1, 4, 2, 3)])
    async with running(project) as pilot:
        sample = pilot.app.screen.shown.sample
        assert "also [3] 2  [4] 3" in screen_text(pilot)
        await pilot.press("3")
        assert log_of(project) == []
        await pilot.press("1")
        (line,) = log_of(project)
        assert (line["preferred"], line["rejected"]) == (
            sample.responses[2].response_id,
            sample.responses[0].response_id,
        )


async def test_read_only_writes_nothing(sample_project):
    async with running(sample_project, read_only=True) as pilot:
        await pilot.press("f")
        assert "read-only" in screen_text(pilot)
        assert sample_project.review_logs() == []


async def test_a_rank_and_an_id_can_be_gone_to(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("ctrl+g", *"17", "enter")
        assert pilot.app.screen.session.position == 16
        wanted = pilot.app.screen.shown.sample.sample_id
        await pilot.press("ctrl+g", "1", "enter")
        await pilot.press("ctrl+g", *wanted[:10], "enter")
        assert pilot.app.screen.session.position == 16
        await pilot.press("ctrl+g", *"zzz", "enter")
        assert "No sample has an id" in screen_text(pilot)


async def test_the_list_opens_the_sample_under_its_cursor(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("f2")
        assert isinstance(pilot.app.screen, QueueScreen)
        await pilot.press("j", "j", "j", "k", "enter")
        await pilot.pause()
        assert pilot.app.screen.session.position == 2


async def test_help_names_the_keys_and_goes_away(sample_project):
    async with running(sample_project, size=(80, 60)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        assert "the label is wrong: exchange its pair" in screen_text(pilot)
        await pilot.press("q")
        assert not isinstance(pilot.app.screen, HelpScreen)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (40, 10), (140, 40), (200, 50)])
async def test_every_row_fits_the_screen(sample_project, size):
    async with running(sample_project, size=size) as pilot:
        for key in ("f", "tab", "o", "o", "v", "f2", "q", "question_mark", "q"):
            await pilot.press(key)
            widest = max(len(line) for line in screen_text(pilot).splitlines())
            assert widest <= size[0], key


async def test_a_tiny_terminal_takes_no_verdict(sample_project):
    async with running(sample_project, size=(39, 9)) as pilot:
        await pilot.press("f")
        assert log_of(sample_project) == []
        assert "40 columns and 10 rows" in screen_text(pilot)
        await pilot.resize_terminal(80, 24)
        await pilot.press("f")
        assert len(log_of(sample_project)) == 1


async def test_long_texts_scroll_and_stop_at_their_ends(make_project):
    text = "\n".join(f"line {n}" for n in range(200))
    project = make_project([{"prompt": "p", "chosen": text, "rejected": "short"}])
    async with running(project) as pilot:
        await pilot.press("G")
        assert "line 199" in screen_text(pilot)
        bottom = pilot.app.screen.top
        await pilot.press("j", "space")
        assert pilot.app.screen.top == bottom
        await pilot.press("g", "k")
        assert pilot.app.screen.top == 0
        assert "line 0" in screen_text(pilot)


async def test_d_compares_the_responses_and_ends_it(make_project):
    rows = [{"prompt": "q", "chosen": "one two three four", "rejected": "one two three five"}]
    async with running(make_project(rows)) as pilot:
        await pilot.press("d")
        assert "one two three {+four+}" in screen_text(pilot)
        assert "one two three {-five-}" in screen_text(pilot)
        await pilot.press("d")
        assert "{" not in screen_text(pilot)


async def test_every_other_response_is_compared_with_the_first(make_project):
    row = rated(3, 2, 1)
    for completion, word in zip(row["completions"], ("four", "five", "six"), strict=True):
        completion["response"] = f"one two three {word}"
    async with running(make_project([row])) as pilot:
        await pilot.press("d", "tab", "tab", "tab")
        assert "one two three {-five-}" in screen_text(pilot)


async def test_r_walks_through_raw_and_rendered_and_stays_for_the_next_sample(make_project):
    rows = [{"prompt": f"q {n}", "chosen": f"**good** {n} ", "rejected": "bad"} for n in range(2)]
    async with running(make_project(rows)) as pilot:
        assert "**good**" in screen_text(pilot)
        await pilot.press("r")
        assert re.search(r"\*\*good\*\* \d·", screen_text(pilot))
        assert screen_text(pilot).count(" raw, ") == 3
        await pilot.press("r")
        assert re.search(r"(?<!\*)good \d", screen_text(pilot))
        assert screen_text(pilot).count(" rendered, ") == 3
        await pilot.press("y")
        assert screen_text(pilot).count(" rendered, ") == 3
        await pilot.press("r")
        assert "rendered" not in screen_text(pilot)
        assert "**good**" in screen_text(pilot)


async def test_a_key_that_comes_before_the_sample_could_be_read_decides_nothing(sample_project):
    async with running(sample_project, least_seconds=1000.0) as pilot:
        await pilot.press("f", "1")
        assert sample_project.review_logs() == [] or log_of(sample_project) == []
        assert "not taken" in screen_text(pilot)
        pilot.app.screen.ready_at = -math.inf
        await pilot.press("f", "f")
        assert [line["verdict"] for line in log_of(sample_project)] == ["flip"]


async def test_f9_writes_the_sample_as_it_stands_and_no_file_twice(sample_project):
    async with running(sample_project) as pilot:
        sample = pilot.app.screen.shown.sample
        path = sample_project.path.parent / f"{sample_project.path.stem}.{sample.sample_id}.txt"
        await pilot.press("f9")
        assert all(one.text in path.read_text() for one in sample.responses)
        assert f"wrote {path.name[:20]}" in screen_text(pilot)
        path.write_text("mine")
        await pilot.press("f9")
        assert path.read_text() == "mine"
        assert "not written: File exists" in screen_text(pilot)


async def test_a_note_that_stays_as_it_is_is_called_so(sample_project):
    async with running(sample_project) as pilot:
        await pilot.press("a", "enter")
        await pilot.pause()
        assert "there is no note on this sample" in screen_text(pilot)
        await pilot.press("a", "x", "enter")
        await pilot.pause()
        await pilot.press("a", "enter")
        await pilot.pause()
        assert "the note is as it was" in screen_text(pilot)
        assert [line["text"] for line in log_of(sample_project)] == ["x"]


async def test_the_reviewer_stands_before_the_mode_with_a_filter_too(sample_project):
    async with running(sample_project) as pilot:
        assert re.search(r"kim +sighted", screen_text(pilot))
        pilot.app.screen.filter("suspicion>.01")
        assert re.search(r"where suspicion>.01 +kim +sighted", screen_text(pilot))
