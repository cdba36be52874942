import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.pages.axes import tick_label, ticks
from tui.raster import Bounds, ascii_ramp, braille, cell_means, cell_modes, place

NAN = float("nan")
UNIT = Bounds(0.0, 1.0, 0.0, 1.0)
numbers = st.floats(-1e6, 1e6)
anything = st.one_of(st.floats(-2, 2), st.sampled_from([NAN, math.inf, -math.inf, 0.0, 1.0]))
sizes = st.integers(1, 9)


@st.composite
def clouds(draw):
    """Two arrays of one length."""
    length = draw(st.integers(0, 30))
    axis = hnp.arrays(np.float64, length, elements=anything)
    return draw(axis), draw(axis)


@st.composite
def views(draw):
    """Bounds of any place and size that can be told apart from a point."""
    x, y = draw(numbers), draw(numbers)
    return Bounds(x, x + draw(st.floats(0.01, 1e6)), y, y + draw(st.floats(0.01, 1e6)))


def array(*values):
    return np.array(values, dtype=np.float64)


def per_cell(x, y, columns, rows, bounds=UNIT):
    return place(array(*x), array(*y), columns=columns, rows=rows, bounds=bounds).counts.tolist()


def test_row_0_is_the_top_and_column_0_the_left():
    assert per_cell([0.1, 0.9, 0.9], [0.9, 0.1, 0.1], 2, 2) == [[1, 0], [0, 2]]


def test_points_on_the_edges_are_in_view_and_others_are_dropped():
    x = [0.0, 1.0, 1.0, 1.01, -0.01, NAN, 0.5]
    y = [0.0, 1.0, 0.0, 0.50, 0.50, 0.5, math.inf]
    assert per_cell(x, y, 2, 2) == [[0, 1], [1, 1]]


def test_no_point_gives_an_empty_grid():
    assert per_cell([], [], 3, 1) == [[0, 0, 0]]


@given(clouds(), sizes, sizes)
def test_counts_add_up_to_the_points_in_view(cloud, columns, rows):
    x, y = cloud
    placed = place(x, y, columns=columns, rows=rows, bounds=UNIT)
    assert placed.dots.shape == (rows, columns, 4, 2)
    assert placed.dots.sum() == len(placed.inside) == np.count_nonzero(UNIT.holds(x, y))
    assert placed.counts.ravel().tolist() == np.bincount(placed.cells, minlength=rows * columns).tolist()


@given(clouds(), sizes, sizes)
def test_places_and_cell_of_agree(cloud, columns, rows):
    expected = np.zeros((rows, columns), dtype=np.int64)
    for x, y in zip(*cloud, strict=True):
        if cell := UNIT.cell_of(x, y, columns, rows):
            expected[cell[1], cell[0]] += 1
    assert per_cell(*cloud, columns, rows) == expected.tolist()


def test_each_braille_dot_is_where_its_point_is():
    x = [column / 2 + 0.25 for _ in range(4) for column in range(2)]
    y = [1 - row / 4 - 0.125 for row in range(4) for _ in range(2)]
    drawn = [
        braille(place(array(a), array(b), columns=1, rows=1, bounds=UNIT).dots)[0] for a, b in zip(x, y, strict=True)
    ]
    assert "".join(drawn) == "⠁⠈⠂⠐⠄⠠⡀⢀"


def test_braille_draws_a_row_of_glyphs_for_each_row_of_cells():
    diagonal = np.linspace(0, 1, 50)
    assert braille(place(diagonal, diagonal, columns=4, rows=2, bounds=UNIT).dots) == ["⠀⠀⡠⠊", "⡠⠊⠀⠀"]


@pytest.mark.parametrize(
    ("counts", "rows"),
    [
        ([[0, 0]], ["  "]),
        ([[0, 1]], [" ."]),
        ([[1, 2]], [".@"]),
        ([[1, 2, 4, 8, 16, 32, 64, 128, 256, 0]], [".:-=+*#%@ "]),
        ([[1], [100], [10000]], [".", "+", "@"]),
    ],
)
def test_the_ramp_is_logarithmic(counts, rows):
    assert ascii_ramp(np.array(counts)) == rows


def test_cell_means_skip_nan_and_empty_cells():
    x, y = array(0.1, 0.2, 0.3, 0.9, 0.9, 5.0), array(0.9, 0.9, 0.9, 0.9, 0.1, 0.1)
    means = cell_means(place(x, y, columns=2, rows=2, bounds=UNIT), array(1, 2, NAN, NAN, 7, 9))
    np.testing.assert_array_equal(means, [[1.5, NAN], [NAN, 7.0]])


def test_cell_modes_give_the_commonest_code_and_the_lowest_of_a_tie():
    x, y = array(0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 5.0), array(0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1)
    modes = cell_modes(place(x, y, columns=2, rows=2, bounds=UNIT), np.array([2, 0, 2, 1, 0, -1, 3]))
    assert modes.tolist() == [[2, 0], [-1, -1]]


@pytest.mark.parametrize(
    ("x", "y", "bounds"),
    [
        ([], [], Bounds(0.0, 1.0, 0.0, 1.0)),
        ([NAN, 1.0], [1.0, math.inf], Bounds(0.0, 1.0, 0.0, 1.0)),
        ([0.0, 100.0, NAN], [-50.0, 50.0, 900.0], Bounds(-2.0, 102.0, -52.0, 52.0)),
        ([3.0, 3.0], [0.0, 0.0], Bounds(2.5, 3.5, -0.5, 0.5)),
        ([1e9, 1e9], [0.0, 1e-20], Bounds(0.98e9, 1.02e9, -0.5, 0.5)),
    ],
)
def test_around_encloses_the_finite_points(x, y, bounds):
    assert Bounds.around(array(*x), array(*y)) == bounds


def test_trimmed_bounds_leave_outliers_outside():
    x = array(*range(100), 1e6)
    bounds = Bounds.around(x, x, trim=1.0)
    assert np.count_nonzero(~bounds.holds(x, x)) == 1
    assert bounds.x_high < 110


@given(clouds())
def test_around_leaves_no_finite_point_outside(cloud):
    x, y = (axis[np.isfinite(cloud[0]) & np.isfinite(cloud[1])] for axis in cloud)
    assert Bounds.around(*cloud).holds(x, y).all()


def test_zoom_keeps_the_point_in_its_place():
    assert Bounds(0, 8, 0, 4).zoomed(2, (2, 4)) == Bounds(1, 5, 2, 4)
    assert Bounds(1, 5, 2, 4).zoomed(0.5, (2, 4)) == Bounds(0, 8, 0, 4)


def test_zoom_ends_where_numbers_do():
    bounds = UNIT
    for _ in range(200):
        bounds = bounds.zoomed(2, (0.3, 0.3))
    assert bounds == bounds.zoomed(2, (0.3, 0.3))
    assert bounds.cell_of(0.3, 0.3, 80, 24) is not None


def test_moved_bounds_keep_their_size():
    assert Bounds(0, 8, 0, 4).moved(2, -1) == Bounds(2, 10, -1, 3)


@pytest.mark.parametrize(
    ("x", "y", "cell"),
    [(0, 0, (0, 1)), (1, 1, (3, 0)), (0.5, 0.49, (2, 1)), (0.25, 0.5, (1, 0)), (1.1, 0, None), (NAN, 0.5, None)],
)
def test_cell_of_counts_from_the_top_left(x, y, cell):
    assert UNIT.cell_of(x, y, 4, 2) == cell


@pytest.mark.parametrize(
    ("corners", "bounds"),
    [
        ((0, 0, 3, 1), UNIT),
        ((1, 0, 2, 0), Bounds(0.25, 0.75, 0.5, 1.0)),
        ((2, 1, 1, 0), Bounds(0.25, 0.75, 0.0, 1.0)),
        ((3, 1, 3, 1), Bounds(0.75, 1.0, 0.0, 0.5)),
    ],
)
def test_a_box_encloses_both_corner_cells(corners, bounds):
    assert UNIT.box(*corners, 4, 2) == bounds


def test_a_cell_lists_its_points():
    placed = place(array(0.1, 0.9, NAN, 0.9), array(0.9, 0.1, 0.5, 0.2), columns=2, rows=2, bounds=UNIT)
    assert placed.in_cell(1, 1).tolist() == [1, 3]
    assert placed.in_cell(1, 0).tolist() == []


@given(views(), st.integers(1, 200), st.integers(1, 60), st.data())
def test_the_middle_of_a_cell_is_in_that_cell(view, columns, rows, data):
    column, row = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    box = view.box(column, row, column, row, columns, rows)
    middle = ((box.x_low + box.x_high) / 2, (box.y_low + box.y_high) / 2)
    assert view.cell_of(*middle, columns, rows) == (column, row)


@given(views(), st.integers(1, 200), st.integers(1, 60))
def test_the_box_of_all_cells_is_the_view(view, columns, rows):
    assert view.box(0, 0, columns - 1, rows - 1, columns, rows) == view


@pytest.mark.parametrize(
    ("low", "high", "at_most", "expected"),
    [
        (0, 1, 5, [0.0, 0.5, 1.0]),
        (0, 1, 6, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.1, 0.3, 3, [0.1, 0.2, 0.3]),
        (-0.02, 0.21, 6, [0.0, 0.05, 0.1, 0.15, 0.2]),
        (-1, 1, 1, [0.0]),
        (-1234, 5678, 4, [0.0, 2000.0, 4000.0]),
        (0, 1, 0, []),
        (1, 1, 5, []),
        (NAN, 1, 5, []),
    ],
)
def test_ticks_are_round_numbers(low, high, at_most, expected):
    assert ticks(low, high, at_most) == expected


@given(views(), st.integers(1, 12))
def test_ticks_are_few_rising_and_in_view(view, at_most):
    found = ticks(view.x_low, view.x_high, at_most)
    assert len(found) <= at_most
    assert found == sorted(set(found))
    assert all(view.x_low <= tick <= view.x_high for tick in found)


@pytest.mark.parametrize(
    ("value", "step", "label"),
    [(0.25, 0.05, "0.25"), (0.5, 0.1, "0.5"), (2000.0, 1000.0, "2000"), (-0.0, 1.0, "0"), (-1.5, 0.5, "-1.5")],
)
def test_tick_labels_have_the_decimals_of_their_step(value, step, label):
    assert tick_label(value, step) == label
