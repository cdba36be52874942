from dataclasses import replace

import pytest
from review_pilot import log_of, running, screen_text

from engine.records import Message, Sample
from tui.sides import order_blind, order_sighted

TELLTALES = ("CHOSEN", "rejected", "suspicion", "margin", "against", "label")


def sample_of(*texts: str) -> Sample:
    return Sample.of(prompt=[Message("user", "q")], texts=texts, labels=[float(n) for n in range(len(texts))])


def test_sighted_the_pair_comes_first():
    assert order_sighted(sample_of("a", "b", "c", "d")) == (3, 0, 1, 2)
    tied = Sample.of(prompt=[Message("user", "q")], texts=("a", "b"), labels=(1.0, 1.0))
    assert order_sighted(tied) == (0, 1)


def test_the_blind_order_is_the_same_again_and_tells_nothing_of_the_label():
    samples = [sample_of(f"a{n}", f"b{n}") for n in range(400)]
    orders = [order_blind(one, "kim") for one in samples]
    assert orders == [order_blind(one, "kim") for one in samples]
    assert 160 < sum(order == (0, 1) for order in orders) < 240
    assert orders != [order_blind(one, "lee") for one in samples]
    assert orders != [order_blind(one, "kim", turn=1) for one in samples]


def test_rows_exchanged_in_the_file_stand_where_they_stood():
    one = sample_of("a", "b")
    other = replace(one, responses=one.responses[::-1])
    shown = [one.responses[n].text for n in order_blind(one, "kim")]
    assert [other.responses[n].text for n in order_blind(other, "kim")] == shown


async def test_blind_the_screen_tells_nothing_until_the_verdict(sample_project):
    async with running(sample_project, mode="blind") as pilot:
        text = "\n".join(screen_text(pilot).splitlines()[1:-1])
        assert not [word for word in TELLTALES if word in text]
        screen = pilot.app.screen
        better = screen.shown.order[1]
        expected = "keep" if screen.shown.sample.pair.chosen == better else "flip"
        chosen = screen.shown.sample.responses[better].response_id
        order = [screen.shown.sample.responses[n].response_id for n in screen.shown.order]
        await pilot.press("2")
        (line,) = log_of(sample_project)
        assert (line["verdict"], line["preferred"], line["mode"]) == (expected, chosen, "blind")
        assert (line["shown"], line["seen"]) == (order, [])
        assert f"you prefer [2], the label says [{2 if expected == 'keep' else 1}] -> {expected}" in screen_text(pilot)


@pytest.mark.parametrize("key", ["y", "f", "enter", "v", "m"])
async def test_blind_a_key_that_speaks_of_the_label_says_why_it_does_nothing(sample_project, key):
    async with running(sample_project, mode="blind") as pilot:
        await pilot.press(key)
        assert not sample_project.review_logs()[0].read_bytes()
        assert "f3" in screen_text(pilot)


async def test_a_blind_verdict_that_is_changed_after_the_reveal_says_that_the_label_was_seen(sample_project):
    async with running(sample_project, mode="blind") as pilot:
        await pilot.press("1", "u", "2")
        lines = log_of(sample_project)
        assert [line["kind"] for line in lines] == ["verdict", "undo", "verdict"]
        assert [lines[0]["seen"], lines[2]["seen"]] == [[], ["label", "reason"]]


async def test_f3_turns_from_blind_to_sighted_and_back(sample_project):
    async with running(sample_project) as pilot:
        assert "CHOSEN" in screen_text(pilot)
        await pilot.press("l", "f3")
        assert "blind from here on" in screen_text(pilot)
        assert pilot.app.screen.shown.is_revealed
        await pilot.press("l")
        assert "CHOSEN" not in screen_text(pilot)


async def test_history_names_each_reviewer_and_every_score(sample_project):
    async with running(sample_project) as pilot:
        shown = pilot.app.screen.shown
        await pilot.press("f", "h", "i")
        text = screen_text(pilot)
        assert f"{shown.sample.sample_id}   " in text
        assert "kim  flip [2]" in text
        assert "crossfit" in text
        await pilot.press("q")
        assert "verdicts" not in screen_text(pilot)


async def test_the_guidelines_are_a_key_away_and_stamped_on_each_verdict(sample_project):
    async with running(sample_project, guidelines="Prefer the true answer.\n") as pilot:
        await pilot.press("f4")
        assert "Prefer the true answer." in screen_text(pilot)
        await pilot.press("y")
        assert "the responses are hidden" in screen_text(pilot)
        await pilot.press("f4", "y")
        (line,) = log_of(sample_project)
        assert len(line["guidelines"]) == 16
