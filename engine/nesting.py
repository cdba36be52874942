"""How deep lists and objects stand in one another in a row."""

from collections.abc import Iterable

DEEPEST = 100
"""Lists and objects that may stand in one another; real rows have a dozen at most, and Python gives up at 1,000."""


def is_too_deep(value: object) -> bool:
    """Say whether lists and objects stand in one another more than DEEPEST deep."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value
