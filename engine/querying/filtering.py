"""The filter language: `suspicion>.8 source:flan not reviewed` as a small tree. It knows the words, not the data."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from engine.errors import FilterError

COMPARISONS = (">", "<", ">=", "<=", "=", "!=")
DEEPEST = 50
"""How many parentheses and `not` may stand within each other."""

CONFLICTS = "conflicts"
SELECTIONS = {"flagged": "flagged", "undecided": "verdict:skip", CONFLICTS: "conflict"}
"""Queues that hold a part of the samples only, each with its filter."""


@dataclass(frozen=True, slots=True)
class Column:
    """Something to filter by."""

    name: str
    kind: Literal["number", "text", "choice", "word"]
    """number: compared. text: contains (`:`) or is (`=`). choice: one of `words`. word: stands alone."""

    means: str
    words: tuple[str, ...] = ()


COLUMNS = (
    Column("suspicion", "number", "how likely the label is wrong, 0 to 1"),
    Column("margin", "number", "mean z-scored margin of the label; below 0 the scorers are against it"),
    Column("against", "number", "how many scorers are against the label"),
    Column("disagreement", "number", "spread of the scorers' margins"),
    Column("quality", "number", "mean score, on the map"),
    Column("variability", "number", "variance of the scores, on the map"),
    Column("correlation", "number", "agreement of labels and scores, on the map"),
    Column("len", "number", "characters of the longest response"),
    Column("len_chosen", "number", "characters of the chosen response"),
    Column("len_rejected", "number", "characters of the rejected response"),
    Column("responses", "number", "how many responses"),
    Column("turns", "number", "how many turns the prompt has"),
    Column("row", "number", "row in the file, from 1"),
    Column("source", "text", "part of the dataset that the row names"),
    Column("file", "text", "imported file"),
    Column("region", "text", "region of the map"),
    Column("flag", "text", "what the import noticed: tie, empty response, ..."),
    Column("id", "text", "beginning of the id"),
    Column("text", "text", "prompt or a response"),
    Column("prompt", "text", "prompt"),
    Column("response", "text", "a response"),
    Column("verdict", "choice", "keep, flip, tie, drop, skip, none", ("keep", "flip", "tie", "drop", "skip", "none")),
    Column("by", "text", "who gave a verdict"),
    Column("note", "text", "note of a reviewer"),
    Column("reviewed", "word", "has a verdict other than skip"),
    Column("flagged", "word", "flagged by a reviewer; also: flag"),
    Column("bulk", "word", "has a bulk verdict, given without reading"),
    Column("conflict", "word", "reviewers differ on it, and nobody adjudicated"),
)
BY_NAME = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a column."""

    column: str
    operator: str
    """One of COMPARISONS, `:` for contains; empty for a word that stands alone."""

    value: str | float | None = None
    """None of a number: it must be missing. An empty text: there must be any."""


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; without parts, everything fits."""

    parts: tuple["Filter", ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """One part holds at least."""

    parts: tuple["Filter", ...]


Filter = Condition | Not | Every | Either

WORD = re.compile(r'[^\s()"<>=!:]+')
OPERATOR = re.compile(r":|\s*(>=|<=|!=|==|=|>|<)\s*")
VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|[^\s()"]+')
ESCAPED = re.compile(r"\\(.)")


def parse(text: str) -> Filter:
    """Read a filter; an empty one fits everything. Raises FilterError, which names the place."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FilterError("The filter is not UTF-8 text.")
    return _Parser(text).parse()


class _Parser:
    """Reads from left to right; `or` binds loosest, then `and` or a space, then `not`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def parse(self) -> Filter:
        if not self._skip_space():
            return Every()
        tree = self._read_either()
        if self._skip_space():
            raise self._error("There is a ) too many", self.at)
        return tree

    def _read_either(self) -> Filter:
        parts = [self._read_every()]
        while self._take("or"):
            parts.append(self._read_every())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _read_every(self) -> Filter:
        parts = [self._read_one()]
        while self._take("and") or (self._skip_space() not in ("", ")") and self._peek() != "or"):
            parts.append(self._read_one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _read_one(self) -> Filter:
        start, self.depth = self.at, self.depth + 1
        if self.depth > DEEPEST:
            raise self._error("Too many parentheses or `not` stand within each other", start)
        part = Not(self._read_one()) if self._take("not") else self._read_group() or self._read_condition()
        self.depth -= 1
        return part

    def _read_group(self) -> Filter | None:
        if self._skip_space() != "(":
            return None
        start, self.at = self.at, self.at + 1
        inner = self._read_either()
        if self._skip_space() != ")":
            raise self._error("The ( is not closed", start)
        self.at += 1
        return inner

    def _read_condition(self) -> Condition:
        start = self.at
        found = WORD.match(self.text, start)
        if not found or found[0].lower() in ("and", "or", "not"):
            raise self._error(self._say_what_is_missing(found[0] if found else ""), start)
        self.at = found.end()
        operator = OPERATOR.match(self.text, self.at)
        column = self._find_column(found[0], start)
        if not operator:
            return self._read_alone(column, start)
        self.at = operator.end()
        sign = (operator[1] or ":").replace("==", "=")
        return Condition(column.name, sign, self._check(column, sign, self._read_value(sign), start))

    def _say_what_is_missing(self, word: str) -> str:
        left = self.text[self.at : self.at + 1]
        if word or not left:
            return f"A condition is missing before {word!r}" if word else "The end comes where a condition is due"
        if left == '"':
            return 'A text in quotes needs a column, as in text:"as an AI"'
        return f"{left!r} stands where a condition is due"

    def _find_column(self, word: str, start: int) -> Column:
        if word.lower() in BY_NAME:
            return BY_NAME[word.lower()]
        near = get_close_matches(word.lower(), BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else f"to search the texts, write text:{word}."
        raise FilterError(f"There is no column {word!r} (character {start + 1}): {hint}")

    def _read_alone(self, column: Column, start: int) -> Condition:
        if column.kind == "word" or column.name == "flag":
            return Condition("flagged" if column.name == "flag" else column.name, "")
        raise self._error(f"{column.name} needs a value, such as {_example(column)}", start)

    def _read_value(self, sign: str) -> str:
        found = VALUE.match(self.text, self.at)
        if not found and self.text[self.at : self.at + 1] == '"':
            raise self._error('The " is not closed', self.at)
        if not found and sign != ":":
            raise self._error(f"A value is missing after {sign}", self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0] if found[1] is None else ESCAPED.sub(r"\1", found[1])

    def _check(self, column: Column, sign: str, value: str, start: int) -> str | float | None:
        if column.kind == "word":
            raise self._error(f"{column.name} stands alone, without {sign}", start)
        if column.kind == "number":
            return self._check_number(column, sign, value, start)
        if sign not in (":", "=", "!="):
            raise self._error(f"{column.name} is a text, so it takes : or =, not {sign}", start)
        if column.kind == "choice" and value not in column.words:
            near = get_close_matches(value.lower(), column.words, n=1)
            known = f"did you mean {near[0]}" if near else f"it may be {', '.join(column.words)}"
            raise self._error(f"{column.name} is never {value!r}: {known}", start)
        return value

    def _check_number(self, column: Column, sign: str, value: str, start: int) -> float | None:
        if value == "none" and sign in (":", "=", "!="):
            return None
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", value, re.IGNORECASE | re.ASCII):
            raise self._error(f"{value!r} is no number: {column.name} takes one, such as {_example(column)}", start)
        return float(value)

    def _skip_space(self) -> str:
        """Go to the next character that is no space, and give it; empty at the end."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _peek(self) -> str:
        self._skip_space()
        found = WORD.match(self.text, self.at)
        return found[0].lower() if found else ""

    def _take(self, keyword: str) -> bool:
        """Go past a keyword if it comes next."""
        if self._peek() != keyword:
            return False
        self.at += len(keyword)
        return True

    def _error(self, problem: str, at: int) -> FilterError:
        return FilterError(f"{problem} (character {at + 1} of the filter).")


def _example(column: Column) -> str:
    if column.kind == "number":
        return f"{column.name}>{'.8' if column.name == 'suspicion' else '1'}"
    return f"{column.name}:{(*column.words, 'WORD')[0]}"


def describe_language() -> list[str]:
    """Tell what can be filtered by, a line for each column."""
    width = max(len(column.name) for column in COLUMNS)
    return [f"{column.name:{width}}  {column.means}" for column in COLUMNS]
