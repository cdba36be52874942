from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from engine.pages.markup import Html, join, table, tag
from engine.visible import visible


class Reader(HTMLParser):
    """Gathers elements, attributes and text as a browser would."""

    def __init__(self):
        super().__init__()
        self.elements, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@given(st.text(), st.text())
def test_outside_text_stays_text_and_an_attribute_stays_one(text, value):
    found = read(tag("p", text, title=value))
    assert found.elements == ["p"]
    assert found.text == visible(text)
    assert found.attributes == [("title", visible(value))]


def test_html_is_not_escaped_twice_and_nothing_is_left_out():
    inner = tag("b", "1 < 2", None, class_="x", hidden=True, id=None, checked=False)
    assert inner == '<b class="x" hidden>1 &lt; 2</b>'
    assert tag("p", inner, "&") == '<p><b class="x" hidden>1 &lt; 2</b>&amp;</p>'
    assert tag("path", d="M0 0") == '<path d="M0 0"/>'
    assert join(["<", Html("<br/>")], " ") == "&lt; <br/>"


def test_a_table_has_a_caption_and_names_its_columns_and_rows():
    found = read(table("Regions of <judge>", ("region", ""), [("high_average", "3")]))
    assert found.elements == ["div", "table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
    assert [value for key, value in found.attributes if key == "scope"] == ["col", "col", "row"]
    assert dict(found.attributes)["aria-label"] == "Regions of <judge>"
