"""Draw Markdown as rows of styled text: each meaning keeps a sign or a weight, so that no colour is needed."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from tui.highlighting import highlight
from tui.page import Row, Span
from tui.spans import indent, inside, make_harmless, wrap_row
from tui.tables import draw_table
from tui.terminal import Charset

MOST_NESTED = 20
"""Levels of blocks inside each other, two for an item of a list; the parser leaves out what lies deeper."""

Draw = Callable[[int], list[Row]]
"""Draws something in so many columns."""


def draw_rendered(text: str, width: int, charset: Charset) -> list[Row] | None:
    """Read the text as Markdown; HTML in it is text like any other. None: nothing that could be shown whole."""
    tokens = _parser().parse(charset.show(text))
    if any(token.level >= MOST_NESTED - 1 for token in tokens):
        return None
    return _draw_all(SyntaxTreeNode(tokens).children, width, charset)


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "typographer": False, "maxNesting": MOST_NESTED}
    return MarkdownIt("commonmark", options).enable("table").disable("reference")


def _draw_all(nodes: Sequence[SyntaxTreeNode], width: int, charset: Charset) -> list[Row]:
    """Draw blocks one below the other, with a blank row between two unless they are parts of a tight list."""
    rows: list[Row] = []
    is_tight = False
    for node in nodes:
        rows += ([] if is_tight or not rows else [[]]) + _draw(node, width, charset)
        is_tight = node.type == "paragraph" and node.hidden
    return rows


def _draw(node: SyntaxTreeNode, width: int, charset: Charset) -> list[Row]:
    match node.type:
        case "paragraph":
            return _draw_lines(_lines(node, ""), width, charset)
        case "heading":
            sign = Span("#" * int(node.tag[1]) + " ", "faint")
            return _draw_lines(([sign, *line] for line in _lines(node, "strong")), width, charset)
        case "bullet_list" | "ordered_list":
            return _draw_list(node, width, charset)
        case "blockquote":
            return _behind_bar(lambda room: _draw_all(node.children, room, charset), width, charset)
        case "fence" | "code_block":
            return _behind_bar(lambda room: _draw_code(node, room, charset), width, charset)
        case "table":
            cells = [[_cell(cell, charset) for cell in row.children] for part in node.children for row in part.children]
            return draw_table(cells, width, charset)
        case "hr":
            return [[Span(charset.rule * width, "rule")]]
    return _draw_lines([[Span(node.content)]], width, charset)


def _behind_bar(draw: Draw, width: int, charset: Charset) -> list[Row]:
    room = inside(width, 2)
    bar = Span(f"{charset.bar} ", "rule")
    return indent(draw(room), bar, bar) if room else draw(width)


def _draw_list(node: SyntaxTreeNode, width: int, charset: Charset) -> list[Row]:
    rows: list[Row] = []
    first = int(node.attrs.get("start", 1))
    is_loose = any(child.type == "paragraph" and not child.hidden for item in node.children for child in item.children)
    for number, item in enumerate(node.children, start=first):
        mark = "- " if node.type == "bullet_list" else f"{number}{item.markup} "
        room = inside(width, len(mark))
        drawn = _draw_all(item.children, room or width, charset) or [[]]
        if is_loose and rows:
            rows.append([])
        rows += indent(drawn, Span(mark, "strong"), Span(" " * len(mark))) if room else drawn
    return rows


def _draw_code(node: SyntaxTreeNode, width: int, charset: Charset) -> list[Row]:
    language = node.info.strip().partition(" ")[0]
    lines = highlight(node.content.removesuffix("\n"), language)
    return _draw_lines([[Span(language, "faint")], *lines] if language else lines, width, charset)


def _draw_lines(lines: Sequence[Row] | Iterator[Row], width: int, charset: Charset) -> list[Row]:
    return [row for line in lines for row in wrap_row(make_harmless(line, charset), width)]


def _cell(node: SyntaxTreeNode, charset: Charset) -> Row:
    line = [span for line in _lines(node, "strong" if node.type == "th" else "") for span in line]
    return make_harmless(line, charset)


def _lines(node: SyntaxTreeNode, style: str) -> list[Row]:
    """Cut what is inside a block into lines, where its author did."""
    lines: list[Row] = [[]]
    for child in node.children:
        for span in _spans(child, style):
            first, *others = span.text.split("\n")
            lines[-1].append(Span(first, span.style))
            lines += [[Span(other, span.style)] for other in others]
    return lines


def _spans(node: SyntaxTreeNode, style: str) -> Iterator[Span]:
    """Write one inline part; a link and a picture are followed by where they lead."""
    match node.type:
        case "softbreak" | "hardbreak":
            yield Span("\n", style)
        case "code_inline":
            yield Span(f"`{node.content}`", "code")
        case "link" | "image":
            target = str(node.attrs.get("href") or node.attrs.get("src") or "")
            label = [span for child in node.children for span in _spans(child, "link")]
            text = "".join(span.text for span in label)
            yield from [Span("image: ", "faint"), *label] if node.type == "image" else label
            if target not in (text, f"mailto:{text}"):
                yield Span(f" <{target}>", "faint")
        case "strong" | "em" | "inline":
            own = {"strong": "strong", "em": style or "emphasis"}.get(node.type, style)
            for child in node.children:
                yield from _spans(child, own)
        case _:
            yield Span(node.content, style)
