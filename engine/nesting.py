"""How deep lists and objects stand in one another in a row."""

DEEPEST = 100
"""Lists and objects that may stand in one another; real rows have a dozen at most, and Python gives up at 1,000."""

NESTS = (dict, list)


def is_too_deep(value: object) -> bool:
    """Say whether lists and objects stand in one another more than DEEPEST deep."""
    level = [value] if isinstance(value, NESTS) else []
    for _ in range(DEEPEST):
        if not level:
            return False
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, NESTS)
        ]
    return any(level)
