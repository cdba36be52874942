import pytest

from tui.keys import ALL, ANYWHERE, HELP, LIST, MAP, REVIEW_SCREEN, bind, footer
from tui.screens.help import HelpScreen, help_rows
from tui.screens.map import MapScreen
from tui.screens.queue import QueueScreen
from tui.screens.review import ReviewScreen

SCREENS = {
    ReviewScreen: REVIEW_SCREEN,
    QueueScreen: (LIST, ANYWHERE),
    MapScreen: (MAP, ANYWHERE),
    HelpScreen: (HELP,),
}


@pytest.mark.parametrize(("screen", "groups"), SCREENS.items())
def test_each_action_of_the_table_exists_on_its_screen(screen, groups):
    actions = {key.action.partition("(")[0] for group in groups for key in group.keys}
    missing = {name for name in actions if "." not in name and not hasattr(screen, f"action_{name}")}
    assert missing == set()


@pytest.mark.parametrize("groups", SCREENS.values())
def test_no_key_means_two_things_on_one_screen(groups):
    names = [binding.key for binding in bind(*groups)]
    assert len(names) == len(set(names))


def test_no_key_is_one_that_a_terminal_takes_for_another():
    names = {binding.key for binding in bind(*ALL)}
    assert names & {"ctrl+b", "ctrl+a", "ctrl+i", "ctrl+m"} == set()


def test_the_help_has_a_line_for_each_key():
    shown = ["".join(span.text for span in row) for row in help_rows(120)]
    for group in ALL:
        for key in group.keys:
            assert any(key.does in line for line in shown), key.id


def test_the_footer_fits_and_keeps_the_way_to_help():
    for width in (40, 60, 80, 140):
        line = "".join(span.text for span in footer(*REVIEW_SCREEN, width=width))
        assert len(line) <= width
        assert line.endswith("? help")
