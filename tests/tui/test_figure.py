import xml.dom.minidom
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_maps import make_cloud, open_view

from tui.cloud import AXES
from tui.figure import make_figure
from tui.figure_files import write_figure
from tui.picture import COLOURINGS
from tui.svg import write_svg

HOSTILE = "a<b>&\"'\x1b[31m]]>\u202e"


def draw_figure(cloud, colouring="none", *, title="pairs", zoom=1.0):
    return make_figure(cloud, open_view(cloud, 80, 19).zoomed(zoom, cloud.limits), colouring, title, "Map of crossfit.")


def kinds(figure):
    return {kind.name: int((figure.dots == code).sum()) for code, kind in enumerate(figure.kinds)}


def test_each_sample_is_a_dot_of_its_kind(small):
    assert kinds(draw_figure(small)) == {"1": 9}
    assert kinds(draw_figure(small, "region")) == {"high_average": 3, "high_variance": 3, "low_average": 3}
    assert kinds(draw_figure(small, "verdict")) == {"none": 5, "keep": 1, "flip": 1, "drop": 1, "skip": 1}
    assert kinds(draw_figure(small, "suspicion")) == {"below 0.2": 6, "0.2 to 0.5": 1, "0.5 and more": 2}


def test_samples_without_a_source_and_rare_sources_have_kinds_of_their_own():
    sources = ["", *(name for name in "abcdefghij" for _ in range(2)), "z"]
    spread = [n / 21 for n in range(22)]
    figure = draw_figure(make_cloud(spread, spread, sources=sources), "source")
    assert kinds(figure) == {"none": 1} | dict.fromkeys("abcdefgh", 2) | {"others": 5}


def test_the_caption_says_what_is_drawn(small):
    assert draw_figure(small, "suspicion").caption == [
        "Map of crossfit.",
        "Quality: the mean of a sample's scores. Variability: their population variance (ddof 0). "
        "Cuts: variability 0.16, quality 0.7.",
        "Samples: 9 of 10 shown; hidden: 0 out of view, 1 without variability or quality.",
        "Colour: mean suspicion (probability that the label is wrong) of the samples that share a dot.",
    ]
    closer = draw_figure(small, zoom=2.0)
    assert closer.caption[2] == "Samples: 1 of 10 shown; hidden: 8 out of view, 1 without variability or quality."


def test_cuts_are_where_the_axis_has_them(small):
    figure = draw_figure(small)
    assert figure.x_cut == pytest.approx(0.4 / 0.612)
    assert figure.y_cut == pytest.approx((0.7 - 0.084) / 0.832)
    by_margin = make_cloud([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], margin=[-1, 0, 1]).along(AXES[1])
    other = draw_figure(by_margin)
    assert (other.x_cut, other.y_cut, other.x_name) == (None, None, "margin")


@given(st.text(), st.lists(st.text(), max_size=12), st.sampled_from(COLOURINGS))
def test_whatever_stands_in_the_data_the_svg_is_whole_and_holds_no_other_element(title, sources, colouring):
    cloud = make_cloud([n / 12 for n in range(len(sources))], [0.5] * len(sources), sources=sources)
    document = xml.dom.minidom.parseString(write_svg(draw_figure(cloud, colouring, title=title)))
    assert {node.tagName for node in document.getElementsByTagName("*")} <= {
        "svg", "title", "style", "rect", "text", "path",
    }  # fmt: skip


def test_the_svg_says_all_that_the_figure_says(small):
    text = write_svg(draw_figure(small, "verdict", title=HOSTILE))
    assert "a&lt;b&gt;&amp;&quot;&#x27;&lt;U+001B&gt;[31m]]&gt;&lt;U+202E&gt;" in text
    for word in ("keep", "flip", "variability (root scale)", "quality", "9 of 10 shown", "stroke-dasharray"):
        assert word in text


def test_files_are_never_overwritten(small, tmp_path):
    figure = draw_figure(small, "verdict", title=HOSTILE)
    first = write_figure(figure, tmp_path, "my pairs", "judge/a", "none")
    again = write_figure(figure, tmp_path, "my pairs", "judge/a", "none")
    assert (first[0].name, again[0].name) == ("my_pairs-judge_a-none.svg", "my_pairs-judge_a-none-2.svg")
    assert first[0].read_bytes() == again[0].read_bytes()
    assert [path.suffix for path in first] == ([".svg", ".png"] if find_spec("matplotlib") else [".svg"])
    assert sorted(tmp_path.iterdir()) == sorted([*first, *again])
    for path in first[1:]:
        assert path.read_bytes().startswith(b"\x89PNG")
