from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_maps import NAN, PLAIN, UTF8, make_cloud, open_view, styled, texts

from tui.legend import describe_cursor, describe_hidden, legend
from tui.map_view import MapView
from tui.picture import COLOURINGS, UnderCursor, look, paint
from tui.plot import draw, fit, number
from tui.raster import Bounds
from tui.text import cell_width

UNIT = Bounds(0.0, 1.0, 0.0, 1.0)


def drawn(cloud, width, height, colouring="none", charset=PLAIN):
    view = open_view(cloud, width, height)
    return draw(cloud, paint(cloud, view, colouring, charset), view, width, colouring, charset, None)


def test_a_narrow_map_is_a_plot_with_its_cuts_and_axes(small):
    assert texts(drawn(small, 40, 9)) == [
        "     .                     |",
        "          .                |",
        "  .7 -----.----------------|",
        "                           |     .",
        "  .5                       .",
        "          .                |",
        "          .                |           .",
        "     .                     |",
        "     .0     .02         cut .16    .3",
    ]


def test_a_wide_map_has_the_regions_beside_it(small):
    beside = [text[64:] for text in texts(drawn(small, 80, 19))]
    assert [(row, text) for row, text in enumerate(beside) if text] == [
        (1, "high_average"), (2, "3"), (4, "high_variance"), (5, "3"), (10, "low_average"), (11, "3"),
    ]  # fmt: skip


def test_braille_shows_where_in_a_cell_samples_are(small):
    assert texts(drawn(small, 40, 5, charset=UTF8)) == [
        "     ⠁    ⠠                │",
        "  .7 ─────⠈────────────────│     ⠠",
        "  .5      ⢀                ⠈",
        "     ⡀    ⠐                │           ⠂",
        "     .0     .02         cut .16    .3",
    ]


def test_suspicion_is_told_by_digits(small):
    rows = drawn(small, 40, 9, "suspicion")
    assert texts(rows)[3:7] == [
        "                           |     9",
        "  .5                       3",
        "          .                |",
        "          .                |           5",
    ]
    assert styled(rows, "warning") == ["9", "5"]


def test_verdicts_are_letters_over_cloud_and_cuts(small):
    rows = drawn(small, 40, 9, "verdict")
    assert texts(rows)[:7] == [
        "     K                     |",
        "          .                |",
        "  .7 -----.----------------|",
        "                           |     F",
        "  .5                       S",
        "          .                |",
        "          .                |           X",
    ]


def test_regions_have_a_letter_and_a_style_each(small):
    rows = drawn(small, 40, 9, "region")
    inked = {name: "".join(styled(rows, name)).strip() for name in ("high_average", "low_average", "high_variance")}
    assert inked == {"high_average": "HHH", "low_average": "LLL", "high_variance": "VVV"}


def test_the_cursor_is_one_cell_in_its_own_style(small):
    view = open_view(small, 40, 9, ordinal=7)
    rows = draw(small, paint(small, view, "none", PLAIN), view, 40, "none", PLAIN, None)
    assert styled(rows, "cursor") == ["."]
    assert look(small, paint(small, view, "none", PLAIN), view) == UnderCursor(1, 0.95, 1, 7)


def test_look_takes_the_median_and_the_likeliest_and_passes_over_what_is_missing():
    cloud = make_cloud([0.01] * 4, [0.5] * 4, [0.2, NAN, 0.6, 0.9], ["keep", "flip", "", ""])
    view = open_view(cloud, 40, 9, ordinal=0)
    assert look(cloud, paint(cloud, view, "none", PLAIN), view) == UnderCursor(4, 0.6, 2, 3)


def test_a_cell_where_no_sample_has_a_suspicion_still_opens_one():
    cloud = make_cloud([0.01, 0.01], [0.5, 0.5], [NAN, NAN])
    view = open_view(cloud, 40, 9, ordinal=0)
    assert look(cloud, paint(cloud, view, "none", PLAIN), view) == UnderCursor(2, None, 0, 0)


def test_the_cursor_starts_in_the_middle_where_the_sample_has_no_place(small):
    assert small.place(9) == small.place(None) == (pytest.approx(0.306), 0.5)
    assert small.place(7) == (0.5, 0.6)


def test_outliers_do_not_squash_the_first_view():
    spread = np.linspace(0.0, 1.0, 1000)
    cloud = make_cloud([*spread**2, 1e6], [*spread, 0.5])
    assert cloud.whole.x_high < 1.1
    assert cloud.limits.x_high > 1000
    assert (cloud.whole.y_low, cloud.whole.y_high) == (-0.02, 1.02)
    view = open_view(cloud, 80, 19)
    assert describe_hidden(cloud, paint(cloud, view, "none", PLAIN)).startswith("hidden: 1 out of view")


def test_moving_stays_in_the_plot_until_its_edge_then_takes_the_view_along():
    view = MapView(Bounds(0.25, 0.75, 0.25, 0.75), (0.5, 0.5), columns=10, rows=10)
    step = view.moved(1, 0, UNIT)
    assert (step.cell, step.bounds) == ((6, 4), view.bounds)
    edge = step
    for _ in range(4):
        edge = edge.moved(1, 0, UNIT)
    assert (edge.bounds.x_low, edge.bounds.x_high) == (pytest.approx(0.4), pytest.approx(0.9))
    assert (edge.bounds.y_low, edge.bounds.y_high) == (0.25, 0.75)
    assert edge.at[0] == pytest.approx(0.775)


def test_nothing_moves_past_where_samples_are():
    view = MapView(UNIT, (0.95, 0.95), columns=10, rows=10)
    assert view.moved(1, 0, UNIT) == view.moved(0, -1, UNIT)
    assert view.moved(1, 0, UNIT).bounds == UNIT
    assert view.zoomed(0.5, UNIT).bounds == UNIT


def test_zoom_keeps_the_cursor_in_its_cell():
    view = MapView(UNIT, (0.33, 0.81), columns=40, rows=20)
    assert view.zoomed(2.0, UNIT).cell == view.cell
    assert view.zoomed(2.0, UNIT).zoomed(0.5, UNIT).bounds == UNIT


anything = st.one_of(st.floats(0, 1), st.sampled_from([NAN, 0.0, 0.5, 1e300, float("inf")]))
steps = st.lists(st.sampled_from(["h", "j", "k", "l", "=", "-"]), max_size=30)
MOVES = {"h": (-1, 0), "j": (0, 1), "k": (0, -1), "l": (1, 0)}


@given(st.lists(st.tuples(anything, anything), max_size=20), steps, st.integers(40, 150), st.integers(5, 40), st.data())
def test_whatever_is_pressed_the_rows_fill_the_page_and_the_cursor_is_on_it(points, pressed, width, height, data):
    cloud = make_cloud([x for x, _ in points], [y for _, y in points])
    view = open_view(cloud, width, height)
    for key in pressed:
        view = view.moved(*MOVES[key], cloud.limits) if key in MOVES else view.zoomed(
            2.0 if key == "=" else 0.5, cloud.limits
        )  # fmt: skip
        view = fit(cloud, view, width, height)
    colouring, charset = data.draw(st.sampled_from(COLOURINGS)), data.draw(st.sampled_from([UTF8, PLAIN]))
    picture = paint(cloud, view, colouring, charset)
    rows = draw(cloud, picture, view, width, colouring, charset, None)
    assert len(rows) == height
    assert max(cell_width(text) for text in texts(rows)) <= width
    assert len("".join(styled(rows, "cursor"))) == 1
    assert len("".join(span.text for span in legend(cloud, colouring, charset, width))) <= width
    assert describe_hidden(cloud, picture)


@pytest.mark.parametrize(
    ("value", "step", "written"),
    [(0.25, 0.05, ".25"), (-0.25, 0.05, "-.25"), (1.0, 0.1, "1.0"), (0.0, 1.0, "0"), (1e12, 1e11, "1.0e+12"),
     (3e-12, 1e-12, "3.0e-12"), (0.5, 0.0, ".5")],
)  # fmt: skip
def test_numbers_are_short(value, step, written):
    assert number(value, step) == written


def test_the_cursor_line_says_less_where_it_is_narrow(small):
    view = MapView(Bounds(0.0, 1.0, 0.0, 1.0), (0.5, 0.25), columns=40, rows=20)
    here = UnderCursor(15, 0.436, 1, 3)
    assert describe_cursor(here, small, view, 80) == (
        " variability .25  quality .25  15 samples  median suspicion .44  1 verdict"
    )
    assert describe_cursor(here, small, view, 60) == " .25, .25  15 samples  suspicion .44  1 verdict"
    assert describe_cursor(UnderCursor(0, None, 0, None), small, view, 60) == " .25, .25  no sample here"


def test_what_is_hidden_is_counted_with_the_reason(small):
    view = open_view(small, 40, 9)
    picture = paint(small, view, "none", PLAIN)
    assert describe_hidden(small, picture) == "hidden: 1 without variability or quality"
    closer = view.zoomed(2.0, small.limits)
    assert describe_hidden(small, paint(small, closer, "none", PLAIN)).startswith("hidden: 8 out of view, 1 without")
    bare = make_cloud([0.1, 0.2], [0.5, 0.6])
    view = open_view(bare, 40, 9)
    assert describe_hidden(bare, paint(bare, view, "none", PLAIN)) == "every sample is in view"


def test_sources_have_letters_and_the_legend_names_them():
    cloud = make_cloud([0.0, 0.0, 0.04, 0.04, 0.16, 0.16], [0.1, 0.1, 0.2, 0.2, 0.9, 0.9],
                       sources=["hub", "hub", "own", "own", "hub", ""])  # fmt: skip
    assert [cloud.sources, cloud.source.tolist()] == [("hub", "own"), [0, 0, 1, 1, 0, -1]]
    shown = "".join(texts(drawn(cloud, 40, 9, "source"))[:-1])
    assert [shown.count(letter) for letter in "ab"] == [2, 1]
    assert texts([legend(cloud, "source", PLAIN, 80)]) == [" a hub  b own : the commonest in the cell"]


def test_rare_sources_share_a_letter():
    names = [f"source {n}" for n in range(12)]
    spread = [n / 12 for n in range(12)]
    cloud = make_cloud(spread, spread, sources=names)
    shown = "".join(texts(drawn(cloud, 80, 19, "source"))[:-1])[: 19 * 60]
    assert shown.count("o") >= 1
    assert "".join(texts([legend(cloud, "source", PLAIN, 300)])).endswith("o others : the commonest in the cell")


def test_another_axis_lays_out_the_same_samples(small):
    assert [axis.name for axis in small.axes] == ["variability"]
    cloud = make_cloud([0.01, 0.04, NAN], [0.1, 0.2, 0.3], margin=[-2.0, 1.0, 2.0])
    assert [axis.name for axis in cloud.axes] == ["variability", "margin"]
    by_margin = cloud.along(cloud.axes[1])
    assert by_margin.x.tolist() == [-2.0, 1.0, 2.0]
    assert (cloud.unplaced, by_margin.unplaced) == (1, 0)
    assert (by_margin.x_cut, by_margin.y_cut) == (None, None)
    assert by_margin.whole.x_low < -2.0
    rows = drawn(by_margin, 40, 9)
    assert texts(rows)[-1].split() == ["-2", "-1", "0", "1", "margin"]
    assert "cuts" not in texts([legend(by_margin, "none", PLAIN, 80)])[0]
    assert by_margin.along(cloud.axis).x.tolist()[:2] == cloud.x.tolist()[:2]


def test_cuts_hide_no_sample():
    spread = np.linspace(0.0, 1.0, 400)
    cloud = make_cloud(spread**2, (spread * 7) % 1)
    view = open_view(cloud, 80, 19)
    bare = replace(cloud, cuts={})
    for charset in (UTF8, PLAIN):
        with_cuts, without = (paint(one, view, "none", charset).glyphs for one in (cloud, bare))
        assert (with_cuts[without != " "] == without[without != " "]).all()
        assert (with_cuts != without).any()


def test_regions_say_how_many_of_their_samples_are_in_view(small):
    view = open_view(small, 80, 19).zoomed(2.0, small.limits)
    rows = draw(small, paint(small, view, "none", PLAIN), view, 80, "none", PLAIN, None)
    assert {"0 of 3", "1 of 3"} == {word for text in texts(rows) for word in ("0 of 3", "1 of 3") if word in text}


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (80, " a sharegpt  b evol_instruct  c own  d truthful_qa : the commonest in the cell"),
        (40, " a sharegp  b evol_in  c own  d truthfu"),
    ],
)
def test_the_names_of_sources_are_cut_until_each_letter_has_one(width, said):
    names = ["sharegpt", "evol_instruct", "own", "truthful_qa"]
    cloud = make_cloud([0.1] * 10, [0.5] * 10, sources=[name for n, name in enumerate(names) for _ in range(4 - n)])
    assert texts([legend(cloud, "source", PLAIN, width)]) == [said]
