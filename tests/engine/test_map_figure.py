import xml.dom.minidom

import numpy as np
import pytest

from engine.errors import ConfigError, ExportRefusedError
from engine.pages.axes import Span, enclose
from engine.pages.figure import choose_view, mean_cells, write_figure
from engine.pages.styles import COLOURS, STYLES
from engine.project import Project
from engine.store import MapPoints

NAN = float("nan")
CUTS = {"variability": 0.1, "quality": 0.5}


def make_points(variability, quality, correlation=None):
    none = np.full(len(quality), NAN)
    region = np.full(len(quality), "high_average", dtype=object)
    known = none if correlation is None else np.array(correlation)
    return MapPoints(np.array(quality), np.array(variability), none, none, known, region, region)


def test_a_few_outliers_do_not_squash_the_axis_and_flat_numbers_have_space():
    assert enclose(np.array([0.0, 1.0])) == Span(-0.02, 1.02)
    assert enclose(np.array([0.0, 1.0]), floor=0.0) == Span(0.0, 1.02)
    many = np.append(np.linspace(0, 1, 1001), 50.0)
    assert enclose(many).high < 1.1
    assert enclose(np.array([2.0, 2.0])) == Span(1.5, 2.5)
    assert enclose(np.array([NAN])) == Span(0.0, 1.0)


def test_scores_from_0_to_1_that_fill_the_axes_of_the_paper_get_them():
    scene = choose_view(make_points([0.0, 0.2, 0.1], [0.1, 0.9, NAN]), CUTS)
    assert (scene.x_span, scene.y_span) == (Span(0.0, 0.25), Span(0.0, 1.0))
    assert scene.inside.tolist() == [True, True, False]


@pytest.mark.parametrize(("variability", "quality"), [([0.0, 0.01], [0.1, 0.9]), ([0.0, 0.2], [-3.0, 5.0])])
def test_others_are_enclosed(variability, quality):
    scene = choose_view(make_points(variability, quality), CUTS)
    assert scene.inside.all()
    assert (scene.x_span, scene.y_span) == (enclose(np.array(variability), floor=0.0), enclose(np.array(quality)))


def test_cells_hold_means_and_the_upper_end_belongs_to_the_last():
    points = make_points([0.0, 0.001, 0.25, 0.2], [0.0, 0.001, 1.0, 0.5], [1.0, 0.5, 0.25, NAN])
    cells = mean_cells(choose_view(points, CUTS))
    assert (cells[0, 0], cells[29, 29]) == (0.75, 0.25)
    assert int((~np.isnan(cells)).sum()) == 2


@pytest.mark.parametrize("kind", [".png", ".svg", ".pdf"])
def test_a_figure_is_the_same_file_each_time(sample_project, tmp_path, kind):
    pytest.importorskip("matplotlib")
    first, again = tmp_path / f"a{kind}", tmp_path / f"b{kind}"
    write_figure(sample_project, first, "regions")
    write_figure(sample_project, again, "regions")
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("colour", COLOURS)
def test_each_style_and_colour_is_drawn_whatever_the_project_is_called(sample_project, tmp_path, style, colour):
    pytest.importorskip("matplotlib")
    hostile = tmp_path / "a<b>$x^2$\u202e\u65e5.prefmap"
    sample_project.path.rename(hostile)
    write_figure(Project(hostile), tmp_path / "map.svg", style, colour)
    document = xml.dom.minidom.parse(str(tmp_path / "map.svg"))
    assert document.documentElement.tagName == "svg"


def test_what_cannot_be_drawn_is_refused(sample_project, make_project, tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ExportRefusedError, match=r"map.gif names no kind of picture: let it end in .png, .svg, .pdf"):
        write_figure(sample_project, tmp_path / "map.gif", "regions")
    unscored = make_project([{"prompt": "q", "chosen": "a", "rejected": "b"}], name="unscored")
    with pytest.raises(ConfigError, match=r"has no sample with a place on the map. Run: prefmap score"):
        write_figure(unscored, tmp_path / "map.png", "regions")
    assert not (tmp_path / "map.png").exists()
