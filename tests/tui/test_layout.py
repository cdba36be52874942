import pytest

from tui.layout import share_rows


@pytest.mark.parametrize(
    ("needed", "height", "rows"),
    [
        ([3, 3], 12, [3, 9]),
        ([9, 3], 12, [9, 3]),
        ([9, 9], 12, [6, 6]),
        ([20, 3], 12, [9, 3]),
        ([3, 20], 12, [3, 9]),
        ([5, 2], 16, [5, 11]),
    ],
)
def test_rows_go_where_they_are_needed_and_the_rest_stays_below(needed, height, rows):
    assert share_rows(needed, height) == rows
