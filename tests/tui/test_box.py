import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_maps import NAN, PLAIN, UTF8, make_cloud, open_view, styled, texts

from tui.box import BoxCounts, members, stretch
from tui.legend import describe_box, name_box
from tui.picture import paint
from tui.plot import draw


def drawn(cloud, view, box, charset=PLAIN, width=40):
    return draw(cloud, paint(cloud, view, "none", charset), view, width, "none", charset, box)


def cell(view, column, row):
    return view.bounds.box(column, row, column, row, view.columns, view.rows)


def make_box(cloud, view, first, last, *, is_open=False):
    return stretch(cloud, cell(view, *first), cell(view, *last), is_open=is_open)


def test_a_box_counts_what_is_in_it(small):
    view = open_view(small, 40, 9)
    everything = make_box(small, view, (0, 0), (view.columns - 1, view.rows - 1))
    assert everything.counts == BoxCounts(samples=9, read=3, flips=1)
    right = make_box(small, view, (view.columns - 1, view.rows - 1), (22, 0))
    assert right.counts == BoxCounts(samples=3, read=2, flips=1)
    assert members(small, right).tolist() == [6, 7, 8]


def test_corners_come_in_any_order(small):
    view = open_view(small, 40, 9)
    corners = [((3, 1), (20, 6)), ((20, 6), (3, 1)), ((3, 6), (20, 1)), ((20, 1), (3, 6))]
    assert len({make_box(small, view, *each).bounds for each in corners}) == 1


def test_the_frame_is_lines_where_the_terminal_has_them_and_signs_elsewhere(small):
    view = open_view(small, 40, 9)
    box = make_box(small, view, (23, 2), (31, 5))
    assert [text[28:37] for text in texts(drawn(small, view, box, UTF8))[2:6]] == [
        "┌───────┐", "│    ⠈  │", "│       │", "└───────┘",
    ]  # fmt: skip
    assert [text[28:37] for text in texts(drawn(small, view, box))[2:6]] == [
        "_________", "!    .  !", "!       !", "!_______!",
    ]  # fmt: skip


def test_a_large_box_has_its_counts_inside(small):
    view = open_view(small, 60, 12)
    shown = texts(drawn(small, view, make_box(small, view, (25, 1), (50, 8)), width=60))
    assert [text.split("!")[1].split()[:2] for text in shown[2:5]] == [["box", "2"], ["read", "1"], ["flips", "1"]]


def test_zoom_keeps_the_samples_of_a_box_and_draws_what_is_in_view_of_it(small):
    view = open_view(small, 40, 9)
    box = make_box(small, view, (10, 2), (30, 6))
    closer = view.zoomed(4.0, small.limits)
    assert closer.bounds.width < box.bounds.width
    assert styled(drawn(small, closer, box), "accent") == []
    assert stretch(small, box.start, box.end, is_open=False).counts == box.counts


def test_what_is_said_of_a_box(small):
    view = open_view(small, 40, 9)
    box = make_box(small, view, (23, 2), (31, 5), is_open=True)
    assert describe_box(box) == "box: 1 sample, 1 read, 1 flip.  enter reads them, space ends it"
    assert describe_box(box._replace(is_open=False)) == "box: 1 sample, 1 read, 1 flip.  enter reads them"
    assert name_box(box, small) == "variability>=.16 variability<=.31 quality>=.29 quality<=.71"


columns, rows = st.integers(0, 34), st.integers(0, 7)


@given(columns, rows, columns, rows, st.floats(0.25, 4), st.sampled_from([PLAIN, UTF8]))
def test_a_box_anywhere_leaves_every_row_as_long_as_it_was(column, row, column2, row2, factor, charset):
    cloud = make_cloud(np.linspace(0, 1, 50) ** 2, np.linspace(0, 1, 50))
    view = open_view(cloud, 40, 9)
    box = make_box(cloud, view, (column, row), (column2, row2))
    other = view.zoomed(factor, cloud.limits)
    bare, framed = (drawn(cloud, other, one, charset) for one in (None, box))
    assert [sum(len(span.text) for span in line) for line in framed] == [
        sum(len(span.text) for span in line) for line in bare
    ]
    assert len("".join(styled(framed, "cursor"))) == 1


@pytest.mark.parametrize("corner", [(0, 0), (34, 7)])
def test_a_box_of_one_cell_holds_the_samples_of_that_cell(corner):
    cloud = make_cloud([0.0, 0.0, 1.0, NAN], [1.0, 1.0, 0.0, 0.5])
    view = open_view(cloud, 40, 9)
    placed = paint(cloud, view, "none", PLAIN).placed
    for column, row in [corner, (1, 0)]:
        assert (
            members(cloud, make_box(cloud, view, (column, row), (column, row))).tolist()
            == placed.in_cell(column, row).tolist()
        )
