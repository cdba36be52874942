import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.visible import visible
from tui.looks import DIFF, LOOKS, MOST_DRAWN, draw
from tui.page import Block, Row, Span
from tui.spans import row_width, text_of, wrap_row
from tui.terminal import Charset
from tui.text import wrap

UTF8 = Charset(has_frames=True, has_unicode=True)
ASCII = Charset(has_frames=False, has_unicode=False)

NASTY = "ab1# \t\n\r\x1b\x9b\u0301\u0308\u200c\u200d\ufe0e\ufe0f\u202e\u2066\u200f\u2028\u034f\ue000\ud800\u20e3\xa0"
MARKDOWN = "ab *_`#>-+1.|[]()<&;~!\\\n\u4e2d\U0001f468"
texts = st.one_of(st.text(), st.text(alphabet=NASTY), st.text(alphabet=MARKDOWN), st.text(alphabet=MARKDOWN + NASTY))
charsets = st.sampled_from([UTF8, ASCII])

ANSWER = """\
# Take it *back*

Use **reset**, not `revert`; see [the book](https://git.test/book).
It keeps your edits.

- first
- second, which is so long that it goes on in another row
  1. nested

> quoted

```python
def undo(n):  # steps
    return "HEAD~" + n
```

| way | what it does to the files |
|---|---|
| soft | **nothing** |

***
<b>not HTML</b> &#x202e;"""

RENDERED = """\
# Take it back

Use reset, not `revert`; see the book
<https://git.test/book>.
It keeps your edits.

- first
- second, which is so long that it goes on
  in another row
  1. nested

│ quoted

│ python
│ def undo(n):  # steps
│     return "HEAD~" + n

way  │ what it does to the files
─────┼──────────────────────────
soft │ nothing                  \n
──────────────────────────────────────────

<b>not HTML</b> <U+202E>"""

JOINERS = "\u200c\u200d"
"""Between two letters they may stand, and a row may end between the two."""


def drawn(text: str, look: str, *, width: int = 42, charset: Charset = UTF8) -> list[Row]:
    return draw(Block("", text, look=look), width + 2, charset).rows


def shown(rows: list[Row]) -> str:
    return "\n".join(map(text_of, rows))


def styled(rows: list[Row], style: str) -> list[str]:
    return [span.text for row in rows for span in row if span.style == style]


def words(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_plain_is_the_text_as_it_stands():
    assert drawn("**a**\tb\r\nc  \n", "plain") == [[("**a**   b", "")], [("c  ", "")], [("", "")]]


RAW = {
    "blanks at the end": ("a  b \nc", "a··b·\nc", "a<2SP>b<1SP>\nc"),
    "indentation": ("  a\n    b", "  a\n    b", "  a\n    b"),
    "only blanks": ("   ", "···", "<3SP>"),
    "tab": ("a\tb\n\tc", "a→  b\n→   c", "a<TAB>b\n<TAB>c"),
    "line ends": ("a\r\nb\rc\n\n", "a<CR>\nb<CR>c↵\n↵", "a<CR>\nb<CR>c<LF>\n<LF>"),
    "only a line end": ("\n", "↵", "<LF>"),
    "no-break": ("a\xa0b\u202fc\u3000d", "a<NBSP>b<U+202F>c<U+3000>d", "a<NBSP>b<U+202F>c<U+3000>d"),
    "zero width": ("a\u200bb\u200dc\ufeff", "a<U+200B>b<U+200D>c<U+FEFF>", "a<U+200B>b<U+200D>c<U+FEFF>"),
    "escape": ("\x1b[31m\x9b\x07", "<U+001B>[31m<U+009B><U+0007>", "<U+001B>[31m<U+009B><U+0007>"),
    "markdown": ("**a** `b`", "**a** `b`", "**a** `b`"),
    "letters": ("é", "é", "<U+00E9>"),
    "nothing": ("", "", ""),
}


@pytest.mark.parametrize(("text", "utf8", "plain"), RAW.values(), ids=RAW)
def test_raw_marks_what_nobody_sees(text, utf8, plain):
    assert shown(drawn(text, "raw")) == utf8
    assert shown(drawn(text, "raw", charset=ASCII)) == plain


def test_raw_marks_stand_out_from_the_text():
    assert drawn("<CR>\r", "raw") == [[("<CR>", ""), ("<CR>", "mark"), ("", "")]]


def test_rendered_markdown_reads_without_colours():
    rows = drawn(ANSWER, "rendered")
    assert shown(rows) == RENDERED
    assert styled(rows, "strong") == [
        "Take it ",
        "back",
        "reset",
        "- ",
        "- ",
        "1. ",
        "def",
        "return",
        "way",
        "what it does to the files",
        "nothing",
    ]
    assert styled(rows, "code") == ["`revert`"]


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("*a*\n**b**", 20, ["a", "b"]),
        ("- a\n\n- b", 20, ["- a", "", "- b"]),
        ("7) a\n8) b", 20, ["7) a", "8) b"]),
        ("> a\n>\n> > b", 20, ["| a", "| ", "| | b"]),
        ("- - - - - - a b c d", 12, ["a b c d"]),
        ("| a | b |\n|-|-|\n| one two three | four five six |", 12, ["a: one two", "three", "b: four five", "six"]),
        ("![a cat](c.png) <http://x.test>", 40, ["image: a cat <c.png> http://x.test"]),
        ("[a]: http://hidden.test", 40, ["[a]: http://hidden.test"]),
        ("```nosuchlanguage\nx = 1", 40, ["| nosuchlanguage", "| x = 1"]),
        ("    if a:\n        b", 40, ["| if a:", "|     b"]),
    ],
)
def test_rendered_blocks_keep_their_signs(text, width, rows):
    assert shown(drawn(text, "rendered", width=width, charset=ASCII)).split("\n") == rows


@pytest.mark.parametrize(
    ("text", "look", "note"),
    [
        ("word " * MOST_DRAWN, "rendered", "plain: too long to render"),
        ("\t" * 2 * MOST_DRAWN, "raw", "plain: too long to mark"),
        ("> " * 40 + "a", "rendered", "plain: too deep to render"),
        ("a", "rendered", "rendered"),
        ("a", "raw", "raw"),
        ("a", "plain", ""),
    ],
)
def test_the_rule_names_the_look(text, look, note):
    assert draw(Block("", text, look=look), 80, UTF8).note == note


@pytest.mark.parametrize("look", LOOKS)
@settings(deadline=None)
@given(text=texts, width=st.integers(2, 50), charset=charsets)
@example(text="|a|b|\n|-|-|\n|\u4e2d\u4e2d|`c`|", width=9, charset=UTF8)
@example(text="`a" + "\u0301" * 8 + "`" + "\u0301" * 8, width=9, charset=UTF8)
def test_no_look_is_too_wide_or_alive(look, text, width, charset):
    for row in drawn(text, look, width=width, charset=charset):
        assert row_width(row) <= width
        written = text_of(row).strip(JOINERS)
        assert visible(written) == written
        assert charset.has_unicode or text_of(row).isascii()


@pytest.mark.parametrize("look", ["plain", "raw"])
@given(text=st.text(alphabet="ab*#- `\n\u4e2d\U0001f468"), width=st.integers(2, 50))
def test_plain_and_raw_keep_every_word(look, text, width):
    assert words(shown(drawn(text, look, width=width))).replace("·", "").replace("↵", "") == words(text)


@given(text=st.text(alphabet="ab \x1b\r\t\xa0\u200b\n"))
def test_raw_hides_nothing(text):
    raw = "\n".join(
        "".join(f"[{span.text.strip()}]" if span.style == "mark" else span.text for span in row)
        for row in drawn(text, "raw", width=10_000)
    )
    back = raw.replace("[↵]\n", "\n").replace("[↵]", "\n").replace("[→]", "\t").replace("[<CR>]", "\r")
    back = back.replace("[<NBSP>]", "\xa0").replace("[<U+200B>]", "\u200b").replace("[<U+001B>]", "\x1b")
    assert re.sub(r"\[(·+)\]", lambda found: " " * len(found[1]), back) == text


@given(spans=st.lists(st.tuples(st.text(alphabet="ab \u4e2d\u0301"), st.sampled_from("xyz"))), width=st.integers(2, 20))
def test_wrapping_keeps_each_style_with_its_text(spans, width):
    row = [Span(text, style) for text, style in spans]
    rows = wrap_row(row, width)
    assert [text_of(one) for one in rows] == wrap(text_of(row), width)
    for style in "xyz":
        assert words("".join(styled(rows, style))) == words("".join(styled([row], style)))


def test_no_control_category_is_left_by_markdown_entities():
    for code in range(0x2100):
        for row in drawn(f"&#{code};", "rendered"):
            assert {unicodedata.category(one) for one in text_of(row)} & {"Cc", "Cn", "Co", "Cs", "Zl", "Zp"} == set()


def test_a_diff_without_another_text_is_plain():
    assert draw(Block("", "a", look=DIFF), 80, UTF8) == draw(Block("", "a"), 80, UTF8)
