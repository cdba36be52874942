"""What is drawn: rows of styled text, blocks with a rule above them, and pages of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SIDE_BY_SIDE_COLUMNS = 120
STACKED_COLUMNS = 80
GAP_COLUMNS = 4
"""Between two responses side by side."""

PROMPT_SHARE = 4
"""The prompt takes at most one row in so many, as long as the responses need the rest."""

LEAST_BODY_ROWS = 2


class Span(NamedTuple):
    """Some text in one style of the page."""

    text: str
    style: str = ""


Row = list[Span]


@dataclass(frozen=True, slots=True)
class Block:
    """A text under a rule that says what it is."""

    title: str
    """Fit to be sent, as is all but the texts."""

    text: str
    """As it stands in the data: how it is drawn makes it harmless."""

    style: str = ""
    """Of the title."""

    note: str = ""
    """For the right end of the rule, before what part of the text is in view."""

    size: str = ""
    """How long the text is, in words: `291 chars`."""

    look: str = "plain"
    """How the text is drawn; see looks.py."""

    against: str | None = None
    """The text that it is compared with, for the diff."""

    sign: str = "+"
    """What marks the words that only this text has."""


@dataclass(frozen=True, slots=True)
class View:
    """What is to be laid out."""

    prompt: Block
    responses: Sequence[Block]
    """The pair first."""

    also: str = ""
    """A line about the responses that are not in view; empty when all are."""

    focus: int | None = None
    """The response that has the page for itself; None: the pair."""

    aside: Block | None = None
    """What has the page for itself in place of the sample."""

    top: int = 0
    """First line of the texts that scroll."""


class Page(NamedTuple):
    """Rows of a page, and how far its texts can scroll."""

    rows: list[Row]
    last_top: int
    """The largest `top` that makes sense."""

    page: int
    """How many lines of text one page shows."""
