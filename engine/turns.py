"""Read what rows hold: conversations, transcripts, texts, ratings. What is not understood is refused, never guessed."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from engine.errors import RowRefusedError
from engine.records import Message

ROLES = {"system", "developer", "user", "assistant", "tool"}
TURN_EXTRAS = ("tool_calls", "tool_call_id", "name", "reasoning_content")
"""Keys of a turn that belong to it beside role and content."""

NOT_A_RATING = {"", "n/a", "na", "none", "null", "nan"}
MISSING_VOTE = -100.0
"""HelpSteer's mark for a vote that was not cast."""

NOT_A_WINNER = {*NOT_A_RATING, f"{MISSING_VOTE:.0f}"}

LONGEST_QUOTE = 40
"""In characters: what is quoted of a value in the reason why its row is refused."""

Duel = tuple[float | None, float | None]
"""The labels of two responses."""

FIRST: Duel = (1.0, 0.0)
SECOND: Duel = (0.0, 1.0)
TIE: Duel = (0.5, 0.5)
UNLABELLED: Duel = (None, None)

_WHOLE = re.compile(r"(-?\d+)\.0*")
_TURN = re.compile(r"\n\n(Human|Assistant):")
_TRANSCRIPT_ROLES = {"Human": "user", "Assistant": "assistant"}
_MARK = re.compile(r"<extra_id_1>(User|Assistant)\n")


class Split(NamedTuple):
    """Conversations cut into what they share and what is each one's own."""

    prompt: tuple[Message, ...]
    """The turns that all share, up to the last assistant turn."""

    texts: list[str]
    """The last assistant turn of each."""

    extras: list[str] | None = None
    """What else that turn holds."""

    turns: list[tuple[Message, ...]] | None = None
    """The turns between prompt and text of each; empty unless their contexts differ."""


def read_text(row: Mapping[str, object], name: str) -> str:
    """Read one column that must hold text."""
    value = row.get(name)
    if not isinstance(value, str):
        raise RowRefusedError(f"{name} is {describe(value)}, not text")
    return value


def read_messages(value: object, name: str) -> tuple[Message, ...]:
    """Read a list of {role, content} objects."""
    if not isinstance(value, list) or not value:
        raise RowRefusedError(f"{name} is {describe(value)}, not a list of messages")
    return tuple(_read_message(turn, name) for turn in value)


def _read_message(turn: object, name: str) -> Message:
    if not isinstance(turn, dict):
        raise RowRefusedError(f"{name} holds {describe(turn)}, not a message with role and content")
    role = turn.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise RowRefusedError(f"{name} holds a turn with the role {quote(role)}, not one of {', '.join(sorted(ROLES))}")
    extra = {key: turn[key] for key in TURN_EXTRAS if turn.get(key)}
    content = turn.get("content")
    if isinstance(content, list) and any(isinstance(part, dict) and part.get("type") != "text" for part in content):
        extra["content"] = content
    text = "" if content is None and extra else _read_content(content, name)
    return Message(role, text, write_json(extra, name) if extra else "")


def _read_content(content: object, name: str) -> str:
    """Read text, or parts of which some may be no text: an image stands there as `[image]`."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") for part in content):
        return "".join(read_text(part, "text") if part["type"] == "text" else f"[{part['type']}]" for part in content)
    raise RowRefusedError(f"{name} holds a turn whose content is {describe(content)}, not text")


def write_message(turn: Message) -> dict[str, object]:
    """Write a turn as trainers read it, with all that it holds."""
    return {"role": turn.role, "content": turn.content, **(json.loads(turn.extra) if turn.extra else {})}


def read_tools(value: object) -> str:
    """Read a list of tools, or its JSON text; empty when there is none."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return write_json(value, "tools")
    raise RowRefusedError(f"tools is {describe(value)}, not a list")


def write_json(value: object, name: str) -> str:
    """Write what is kept as JSON; a parquet file may hold more than that says."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise RowRefusedError(f"{name} holds what JSON cannot say (bytes, a time, NaN)") from None


def is_transcript(text: object) -> bool:
    """Say whether a text is an Anthropic transcript, with a human and an assistant turn."""
    return isinstance(text, str) and "\n\nHuman:" in text and "\n\nAssistant:" in text


def read_transcript(text: str, name: str) -> tuple[Message, ...]:
    """Cut a transcript at each line that opens a turn; surrounding white space goes."""
    start, *rest = _TURN.split(text)
    if start.strip() or not rest:
        raise RowRefusedError(f"{name} does not begin with a turn of Human or Assistant")
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return tuple(Message(_TRANSCRIPT_ROLES[speaker], said.strip()) for speaker, said in pairs)


def read_marked(text: str) -> tuple[Message, ...]:
    """Cut a prompt of HelpSteer 2 where `<extra_id_1>` opens a turn; it begins with the user's, unmarked."""
    start, *rest = _MARK.split(text)
    *before, last = (start, *rest[1::2])
    first, *later = (*(said.rstrip("\n") for said in before), last)
    opening = (Message("user", first),) if first else ()
    return opening + tuple(Message(speaker.lower(), said) for speaker, said in zip(rest[::2], later, strict=True))


def opens_with_turn(text: object) -> bool:
    """Say whether a text is a transcript from its first line on; a text that only quotes one is not."""
    return isinstance(text, str) and is_transcript(text) and not _TURN.split(text, maxsplit=1)[0].strip()


def read_prompt(value: object) -> tuple[Message, ...]:
    """Read a prompt: text, a transcript up to the answer, or a list of messages; none when it is null or empty."""
    if value is None:
        return ()
    if isinstance(value, list):
        return read_messages(value, "prompt")
    if not isinstance(value, str):
        raise RowRefusedError("prompt is neither text nor a list of messages")
    if not opens_with_turn(value):
        return (Message("user", value),) if value else ()
    turns = read_transcript(value, "prompt")
    return turns[:-1] if turns[-1] == Message("assistant", "") else turns


def read_conversations(row: Mapping[str, object], sides: Sequence[str]) -> list[tuple[Message, ...]]:
    """Read a whole conversation of each side; where they hold no question, `prompt` is it."""
    conversations = [read_messages(row.get(side), side) for side in sides]
    if any(turn.role == "user" for turns in conversations for turn in turns):
        return conversations
    prompt = read_prompt(row.get("prompt"))
    return [prompt + turns for turns in conversations]


def split_conversations(conversations: Sequence[Sequence[Message]], names: Sequence[str]) -> Split:
    """Cut each conversation before its last assistant turn, and find the turns that all of them share."""
    for name, turns in zip(names, conversations, strict=True):
        if not turns or turns[-1].role != "assistant":
            raise RowRefusedError(f"{name} does not end with an assistant turn")
    contexts = [tuple(turns[:-1]) for turns in conversations]
    shared = _count_shared(contexts)
    return Split(
        prompt=contexts[0][:shared],
        texts=[turns[-1].content for turns in conversations],
        extras=[turns[-1].extra for turns in conversations],
        turns=[context[shared:] for context in contexts],
    )


def _count_shared(contexts: Sequence[tuple[Message, ...]]) -> int:
    count = 0
    for turns in zip(*contexts, strict=False):
        if any(turn != turns[0] for turn in turns):
            break
        count += 1
    return count


def read_rating(value: object, name: str) -> float | None:
    """Read a rating. What says "no rating", -100 included, is None; what is unclear is refused."""
    number = read_number(value, name)
    return None if number == MISSING_VOTE else number


def read_number(value: object, name: str) -> float | None:
    """Read a number or its text. What says "none" is None; what is unclear is refused."""
    if isinstance(value, float) and math.isfinite(value):
        return value
    if value is None or (isinstance(value, str) and value.strip().casefold() in NOT_A_RATING):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise RowRefusedError(f"{name} is {describe(value)}, not a number")
    if isinstance(value, str) and "_" in value:
        raise RowRefusedError(f"{name} is {quote(value)}, not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise RowRefusedError(f"{name} is {quote(value)}, not a number") from None
    if math.isinf(number):
        raise RowRefusedError(f"{name} is {quote(value)}, not a finite number")
    return None if math.isnan(number) else number


def read_winner(value: object, name: str, winners: Mapping[str, Duel]) -> Duel:
    """Read a word or a code that says which of two responses is better; what says "none" labels neither."""
    word = _read_word(value)
    if word is not None and word in winners:
        return winners[word]
    if value is None or (word is not None and word.casefold() in NOT_A_WINNER):
        return UNLABELLED
    shown = quote(value) if isinstance(value, str) else describe(value)
    raise RowRefusedError(f"{quote_name(name)} is {shown}, not {' or '.join(winners)}")


def exchange_words(value: object, one: str, other: str) -> object:
    """Give the other of two words or codes, written as this one was; any other value stays."""
    word = _read_word(value)
    if word is None or word not in (one, other):
        return value
    opposite = other if word == one else one
    kind: Callable[[str], object] = type(value)
    return value.replace(word, opposite, 1) if isinstance(value, str) else kind(opposite)


def _read_word(value: object) -> str | None:
    """Read a word or a code: 1, 1.0 and "1." are all "1"."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    word = str(value).strip()
    whole = _WHOLE.fullmatch(word)
    return whole[1] if whole else word


def read_pair_columns(row: Mapping[str, object], sides: tuple[str, str]) -> list[dict[str, float | None]]:
    """Read the numbers that a row states of both sides, as in `score_chosen` and `score_rejected`: {"score": ...}."""
    first: dict[str, float | None] = {}
    second: dict[str, float | None] = {}
    for stem, one, other in _pair_names(tuple(row), sides):
        if _is_number(row[one]) and _is_number(row[other]):
            first[stem] = read_rating(row[one], quote_name(one))
            second[stem] = read_rating(row[other], quote_name(other))
    return [first, second]


@lru_cache
def _pair_names(names: tuple[str, ...], sides: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Find the names that stand for both sides, each two with what is left of them; most rows have the same names."""
    others = [(name, name.replace(*sides)) for name in names]
    stems = [(name.replace(sides[0], "").strip("_-"), name, other) for name, other in others if other != name]
    return [(stem, name, other) for stem, name, other in stems if stem and other in names]


def exchange_sides(row: Mapping[str, object], sides: tuple[str, str] = ("chosen", "rejected")) -> dict[str, object]:
    """Give a row whose two sides have changed places, with all that it says of each, in the same order of columns."""
    first, second = sides
    other = {name: name.replace(first, second) if first in name else name.replace(second, first) for name in row}
    return {name: row.get(other[name], value) for name, value in row.items()}


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def describe(value: object) -> str:
    """Name a value in the reason why its row is refused."""
    if value is None:
        return "null or missing"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if isinstance(value, dict | str):
        return "an object" if isinstance(value, dict) else "text"
    return quote(value)


def quote_name(name: str) -> str:
    """Give a name as it is, or quoted where it is no short printable line."""
    return name if name.isprintable() and len(name) <= LONGEST_QUOTE else quote(name)


def quote(value: object) -> str:
    """Show a value in one short printable line."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}..."
