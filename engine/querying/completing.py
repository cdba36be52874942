"""What may come next in a filter that is being typed."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.querying.filtering import BY_NAME, COLUMNS, COMPARISONS, Column

VALUE_BEGUN = re.compile(r'([A-Za-z_]+)(?:!=|==|[:=])("[^"\\]*|[^"\\\s()]*)$')
WORD_BEGUN = re.compile(r'[^\s()"<>=!:]*$')
QUOTES = re.compile(r'"(?:[^"\\]|\\.)*("|$)')
PLAIN = re.compile(r'[^\s()"]+')


class Completion(NamedTuple):
    """What may stand from a place on."""

    start: int
    """Where the last word begins, which a choice replaces."""

    choices: list[str]


def complete(text: str, known: Mapping[str, Sequence[str]]) -> Completion:
    """List what may come next; `known` are values by column. Best first where it is known."""
    value = VALUE_BEGUN.search(text)
    if value and value[1].lower() in BY_NAME:
        begun = value[2].removeprefix('"').lower()
        fitting = [one for one in known.get(value[1].lower(), ()) if one.lower().startswith(begun)]
        return Completion(value.start(2), [_quote(one) for one in fitting])
    if any(not found[1] for found in QUOTES.finditer(text)):
        return Completion(len(text), [])
    start = WORD_BEGUN.search(text).start()  # type: ignore[union-attr]
    before, word = text[:start].rstrip(), text[start:].lower()
    if text[:start].endswith(":") or before.endswith((">", "<", "=", "!")):
        return Completion(len(text), [])
    joining = ["and", "or"] if before and not before.endswith("(") and not _ends_open(before) else []
    words = [*map(_begin, COLUMNS), "not", *joining]
    longer = [one for one in words if one.startswith(word) and one != word]
    return Completion(start, longer + [word + sign for sign in COMPARISONS if _is_number(word)])


def _is_number(word: str) -> bool:
    return word in BY_NAME and BY_NAME[word].kind == "number"


def _begin(column: Column) -> str:
    """Write a column as it begins a condition."""
    return column.name if column.kind in ("number", "word") else f"{column.name}:"


def _ends_open(before: str) -> bool:
    return before.lower().split()[-1].lstrip("(") in ("and", "or", "not")


def _quote(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
