"""The page in headless Chromium: no script of others runs, nothing is fetched, a phone shows all of it."""

import pytest
from browser import CHROMIUM, open_browser
from hostile_project import HOSTILE, make_hostile

from engine.pages.page import write_page
from engine.visible import visible

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
FILL = "getComputedStyle(document.querySelector('.dots > *')).fill"
TOLD = "document.getElementById('told').textContent"
PLACES = """[...document.querySelectorAll('.dots > *')].map(dot => {
  const box = dot.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def sample_page(sample_project, tmp_path):
    write_page(sample_project, tmp_path / "page.html")
    return tmp_path / "page.html"


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_window_shows_the_page_without_scrolling_sideways(browser, sample_page, window, dark):
    browser.open(sample_page, **window, dark=dark)
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") == window["width"]
    red, green, blue = browser.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(red, green, blue) < 60) == dark
    assert browser.run("document.querySelector('#chart').getBoundingClientRect().width") > window["width"] * 0.7


def test_a_dot_tells_what_it_is_by_pointer_and_by_keys(browser, sample_page):
    browser.open(sample_page, **DESK)
    places = browser.run(PLACES)
    assert browser.run(TOLD).startswith("Point at a dot")
    browser.point(*places[-1])
    told = browser.run(TOLD)
    assert "helpful_pairs.jsonl row " in told
    assert "suspicion 0." in told
    browser.run("document.getElementById('chart').focus()")
    browser.press("ArrowRight")
    second = browser.run(TOLD)
    assert second != told
    browser.press("ArrowLeft")
    assert browser.run(TOLD) == told
    assert browser.run("document.getElementById('ring').hasAttribute('hidden')") is False


def test_colours_change_without_a_script(browser, sample_page):
    browser.open(sample_page, **DESK, scripts=False)
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.getElementById('told').hidden")
    assert "suspicion" in browser.run("document.querySelector('.dots title').textContent")
    by_suspicion = browser.run(FILL)
    x, y = browser.run("(box => [box.x + 5, box.y + 5])(document.getElementById('by-region').getBoundingClientRect())")
    browser.click(x, y)
    assert browser.run(FILL) != by_suspicion
    assert browser.run("getComputedStyle(document.querySelector('.is-region')).display") == "flex"
    assert browser.run("getComputedStyle(document.querySelector('.is-suspicion')).display") == "none"


def test_hostile_texts_do_nothing_in_a_browser(browser, make_project, tmp_path):
    write_page(make_hostile(make_project), tmp_path / "page.html")
    browser.open(tmp_path / "page.html", **PHONE)
    assert browser.complaints == []
    assert browser.run("document.title").endswith(": preference map")
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.images.length") == 0
    assert visible(HOSTILE)[:30] in browser.run("document.body.innerText")
    assert browser.run("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_script_that_is_not_of_the_page_does_not_run(browser, sample_page):
    text = sample_page.read_text(encoding="utf-8")
    intruder = "<script>document.title = 'broken'</script></main>"
    sample_page.write_text(text.replace("</main>", intruder), encoding="utf-8")
    browser.open(sample_page, **DESK)
    assert browser.run("document.title") != "broken"
    assert any("Content Security Policy" in said for said in browser.complaints)
