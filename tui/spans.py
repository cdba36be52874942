"""Rows of styled text: made harmless, wrapped and put one behind the other."""

from collections.abc import Iterator, Sequence

from tui.page import Row, Span
from tui.terminal import Charset
from tui.text import cell_width, wrap

NARROWEST_INSIDE = 12
"""Columns below which nothing is indented any more."""


def text_of(row: Row) -> str:
    """What stands in a row, without its styles."""
    return "".join(span.text for span in row)


def row_width(row: Row) -> int:
    """Count the terminal cells of a row."""
    return cell_width(text_of(row))


def make_harmless(row: Row, charset: Charset) -> Row:
    """Give up the styles of a row whose spans are harmless one by one and not together."""
    text = text_of(row)
    shown = charset.show(text.replace("\n", " "))
    return row if shown == text else [Span(shown)]


def wrap_row(row: Row, width: int) -> list[Row]:
    """Wrap one line as `wrap` does a text, and keep the styles."""
    text = text_of(row)
    pieces = wrap(text, width)
    return [row] if pieces == [text] else list(_cut(row, _find(pieces, text)))


def indent(rows: Sequence[Row], first: Span, others: Span) -> list[Row]:
    """Put one span before the first row, and another before the others."""
    return [[others if n else first, *row] for n, row in enumerate(rows)]


def inside(width: int, taken: int) -> int:
    """Columns that an indentation leaves; 0: too few, so that nothing is to be indented."""
    return width - taken if width - taken >= NARROWEST_INSIDE else 0


def _find(pieces: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """Where each piece of a wrapped text starts and ends; only spaces lie between."""
    end = 0
    for piece in pieces:
        start = text.index(piece, end)
        end = start + len(piece)
        yield start, end


def _cut(row: Row, places: Iterator[tuple[int, int]]) -> Iterator[Row]:
    """Cut parts out of a row, in one pass; the places rise."""
    spans = iter(row)
    span, begin = next(spans, Span("")), 0
    for start, end in places:
        part: Row = []
        while True:
            piece = span.text[max(start - begin, 0) : end - begin]
            if piece:
                part.append(Span(piece, span.style))
            if begin + len(span.text) >= end:
                break
            begin += len(span.text)
            span = next(spans)
        yield part
