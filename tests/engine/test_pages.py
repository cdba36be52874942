"""The page as a parser sees it; tests/test_page_in_browser.py has what a browser makes of it."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hostile_project import HOSTILE, make_hostile
from sitting import sit

from engine.errors import ExportRefusedError
from engine.pages.chart import name_shades
from engine.pages.dots import MOST_POINTS, lay_out
from engine.pages.gathering import gather
from engine.pages.origins import list_commands, write_spec
from engine.pages.page import make_page, write_page
from engine.records import content_of
from engine.scorers.catalog import make_scorer
from engine.store import Store
from engine.visible import visible

STYLE = (Path(__file__).resolve().parents[2] / "engine" / "pages" / "page.css").read_text()
VOID = {"meta", "input", "br"}


class Outline(HTMLParser):
    """What stands on a page: elements with their attributes, headings, text by element; whether they nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def outline(project):
    return Outline(make_page(gather(project)))


@pytest.fixture
def read_project(sample_project):
    """The sample project, with 150 turns of a review."""
    sit(sample_project, "kim", 150, lambda sample, _: int(content_of(sample.sample_id), 16) % 5 == 0)
    return sample_project


def test_the_page_has_all_sections_and_the_numbers_of_the_report(read_project):
    facts = gather(read_project)
    page = Outline(make_page(facts))
    assert page.texts["h2"] == [
        "Map", "Read first", "Suspicion", "Reviews", "Composition", "Scorers", "Origins",
    ]  # fmt: skip
    text = page.texts["body"][0]
    report = facts.report
    assert f"samples with {report.responses:,} responses" in text
    assert str(report.audit.residual) in text
    assert facts.report.files[0].sha256 in text
    assert " ".join(facts.caption) in text
    assert "Yield of the queue, in the order of reading" in page.texts["caption"]
    (by_source,) = (one for one in facts.partings if one.by == "source")
    assert sum(one.read for one in by_source.groups) == report.read
    assert sum(one.flipped for one in by_source.groups) == report.flips > 0


def test_the_same_project_gives_the_same_page(read_project, tmp_path):
    for name in ("a.html", "b.html"):
        write_page(read_project, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    with pytest.raises(ExportRefusedError, match="let it end in"):
        write_page(read_project, read_project.source_file)


def test_the_page_can_be_read_by_a_machine_for_people(read_project):
    page = outline(read_project)
    tables = page.all("table")
    assert len(tables) == len(page.texts["caption"]) > 10
    assert all(page.texts["caption"])
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["aria-labelledby"] for attributes in page.all("section")} <= set(ids)


def test_nothing_is_fetched_and_only_the_script_of_the_page_may_run(read_project):
    text = make_page(gather(read_project))
    page = Outline(text)
    assert not [one for _, one in page.elements if one.keys() & {"src", "href", "srcset", "action", "style"}]
    assert not re.search(r"url\(|@import|https?://", text)
    (policy,) = (one["content"] for one in page.all("meta") if "http-equiv" in one)
    for name in ("style", "script"):
        (body,) = page.texts[name]
        assert f"{name}-src 'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")


def test_hostile_texts_and_names_are_shown_as_they_are(make_project):
    page = outline(make_hostile(make_project))
    assert len(page.all("script")) == 1
    assert not {"img", "b", "i"} & {name for name, _ in page.elements}
    text = page.texts["body"][0]
    for shown in (HOSTILE[:40], "'\"><b>", "<U+202E>gnp.exe", "a'b\"<i>&"):
        assert shown in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2028]", text)
    assert visible(HOSTILE) in text


def test_a_project_without_scores_has_a_page(make_project):
    page = outline(make_project([{"prompt": "q", "chosen": "a", "rejected": "b"}]))
    text = page.texts["body"][0]
    assert "No sample has a place on the map" in text
    assert "Nobody has given a verdict yet." in text
    assert not page.all("svg") or "chart" not in {one.get("id") for one in page.all("svg")}


def test_each_sample_is_a_dot_and_many_share_squares(make_project):
    random = np.random.default_rng(0)
    rows = [
        {"prompt": f"Question {n}", "chosen": "yes", "rejected": "no", "score_chosen": a, "score_rejected": b}
        for n, (a, b) in enumerate(random.uniform(size=(MOST_POINTS + 100, 2)).tolist())
    ]
    few = make_project(rows[:20], specs=["column:score"], name="few")
    many = make_project(rows, specs=["column:score"], name="many")
    for project, is_squared in ((few, False), (many, True)):
        store = Store.open(project.map)
        field = lay_out(store, {})
        store.close()
        assert field.is_squared == is_squared
        assert sum(dot.samples for dot in field.dots) == field.shown == field.total - field.unplaced
        assert all(0 <= dot.x <= 1 and 0 <= dot.y <= 1 for dot in field.dots)
        suspicion = [dot.suspicion for dot in field.dots]
        assert suspicion == sorted(suspicion)
    assert len(field.dots) < len(rows)
    assert max(dot.samples for dot in field.dots) > 1


def test_shades_suit_the_fullest_square():
    assert [said for _, said in name_shades([1, 3, 9, 28])] == ["1 to 2", "3 to 8", "9 to 27", "28 or more"]
    assert name_shades([1]) == [("n0", "1 or more")]


def test_the_commands_make_the_project_again(read_project):
    facts = gather(read_project)
    assert list(list_commands(facts)) == [
        "prefmap import helpful_pairs.jsonl -o pairs.prefmap --format trl",
        "prefmap score pairs.prefmap --scorer 'crossfit?folds=5&seed=0&fit_at_most=10000&longest_text=8000'",
        "prefmap map pairs.prefmap --map-scorer crossfit",
        "prefmap report pairs.prefmap --html page.html",
    ]
    header = facts.headers["crossfit"]
    assert make_scorer(write_spec(header), {}).identify(header["fingerprint"]) == header["identity"]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL), ids=["light", "dark"])
def test_texts_and_dots_stand_out_from_what_is_behind_them(colours):
    named = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", colours))
    for text in ("ink", "faint", "link"):
        for behind in ("paper", "soft"):
            assert contrast(named[text], named[behind]) >= 4.5, (text, behind)
    dots = named.keys() - {"paper", "ink", "faint", "line", "soft", "link"}
    assert len(dots) == 3 + 3 + 6 + 4 + 1
    for dot in dots:
        assert contrast(named[dot], named["soft"]) >= 3, dot
