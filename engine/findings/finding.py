"""A finding: something in a project that a person should know of."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was found, in one sentence or two: what, where, what to do."""

    kind: str
    """In a word or two: torn line, broken chain, missing source, ..."""

    text: str
    is_wrong: bool = True
    """False: it is worth knowing, and nothing needs mending."""
