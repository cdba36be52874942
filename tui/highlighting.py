"""Colour code: few styles, by what a word is for."""

from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_all_lexers, get_lexer_by_name
from pygments.token import Comment, Keyword, Name, String

from tui.page import Row, Span

MOST_HIGHLIGHTED = 10_000
"""Characters of the longest code that is coloured."""

LONGEST_LINE = 1_000

STYLES: dict[tuple[str, ...], str] = {
    Comment: "faint",
    Keyword: "strong",
    String: "quoted",
    Name.Function: "name",
    Name.Class: "name",
    Name.Tag: "name",
}


def highlight(code: str, language: str) -> list[Row]:
    """Cut code into lines of spans; without colours if the language is not known or the code is huge."""
    is_huge = len(code) > MOST_HIGHLIGHTED or max(map(len, code.split("\n"))) > LONGEST_LINE
    lexer = None if is_huge else _find_lexer(language.lower())
    if lexer is None:
        return [[Span(line)] for line in code.split("\n")]
    lines: list[Row] = [[]]
    for kind, text in lexer.get_tokens(code):
        first, *others = text.split("\n")
        style = _style(kind)
        lines[-1] += [Span(first, style)] if first else []
        lines += [[Span(other, style)] if other else [] for other in others]
    return lines


@lru_cache(maxsize=32)
def _find_lexer(language: str) -> Lexer | None:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False) if language in _languages() else None


@cache
def _languages() -> set[str]:
    """All names of the languages that come with Pygments; asking for another one would look through all packages."""
    return {alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


def _style(kind: tuple[str, ...]) -> str:
    """Style a token as the nearest kind above it is."""
    return next((STYLES[one] for one in (kind[:n] for n in range(len(kind), 0, -1)) if one in STYLES), "")
