"""Training pairs on their way into rows: what the writers for several trainers ask alike."""

from collections.abc import Mapping

from engine.errors import RowRefusedError
from engine.records import TrainingPair
from engine.turns import ROLES, read_messages

MORE_THAN_TEXT = "more than text (tools, tool calls, images, names)"

TURNS = "STRUCT(role VARCHAR, content VARCHAR)[]"
"""A list of messages, in DuckDB's words."""


def require_text(pair: TrainingPair) -> None:
    """Refuse a pair of which a trainer would read the text alone, and learn from less than was judged."""
    if pair.tools:
        raise RowRefusedError(MORE_THAN_TEXT)
    require_text_turns(pair)


def require_text_turns(pair: TrainingPair) -> None:
    """Refuse a pair whose turns hold more than text; it may have tools."""
    if any(turn.extra for turn in (*pair.prompt, pair.chosen, pair.rejected)):
        raise RowRefusedError(MORE_THAN_TEXT)


def find_turn_problem(prompt: object, answers: Mapping[str, object]) -> str:
    """Say what a trainer would stumble over in a prompt and one or two answers, each a list of messages."""
    try:
        asked = _outline(prompt, "prompt")
        given = [_outline(turns, name) for name, turns in answers.items()]
    except RowRefusedError as error:
        return str(error)
    if asked[-1][0] not in ("user", "tool"):
        return f"the prompt ends with a turn of the {asked[-1][0]}"
    names = " and ".join(answers)
    if any(len(turns) != 1 or turns[0][0] != "assistant" for turns in given):
        return f"{names} {'are' if len(given) > 1 else 'is'} not one assistant turn{' each' if len(given) > 1 else ''}"
    if not all(content.strip() or extra for [(_, content, extra)] in given):
        return "a response is empty"
    return f"{names} are the same" if len(given) > 1 and given[0] == given[1] else ""


def _outline(turns: object, name: str) -> list[tuple[str, str, str]]:
    """Give role, text and what else is in each turn; turns of two texts, as most are, need no closer look."""
    if isinstance(turns, list) and turns and all(map(_is_plain, turns)):
        return [(turn["role"], turn["content"], "") for turn in turns]
    return [(turn.role, turn.content, turn.extra) for turn in read_messages(turns, name)]


def _is_plain(turn: object) -> bool:
    if not isinstance(turn, dict) or len(turn) != 2:
        return False
    role = turn.get("role")
    return isinstance(role, str) and role in ROLES and isinstance(turn.get("content"), str)


def find_more_than_text(*conversations: object) -> str:
    """Say whether a turn holds more than two texts; what is no conversation is for find_turn_problem to say."""
    lists = (turns for turns in conversations if isinstance(turns, list))
    turns = (turn for turns in lists for turn in turns if isinstance(turn, dict))
    if any(len(turn) > 2 or not all(isinstance(text, str) for text in turn.values()) for turn in turns):
        return MORE_THAN_TEXT
    return ""
