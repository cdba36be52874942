"""Write a conversation as the model's chat template does."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ScorerRefusedError
from engine.modelling.conversations import Conversation, UnfitError
from engine.records import Message, content_hash
from engine.turns import write_message

TODAY = {"Y": "2024", "y": "24", "m": "07", "B": "July", "b": "Jul", "d": "26", "A": "Friday", "a": "Fri"}
"""What templates that ask for the date are told, by the codes of strftime: a score must not change overnight."""

DATE_ASKED = "strftime_now"

MARK = "prefmap asks whether this is kept"


class Rendered(NamedTuple):
    """A conversation as one text."""

    text: str
    start: int
    """Where the response begins, in characters; the mark that ends its turn belongs to it. 0 where that is unclear."""


class ChatTemplate:
    """Renders conversations; a system prompt goes into the first user turn where the template knows none."""

    def __init__(self, tokenizer: Any, model: str, file: str = "", *, must_part: bool = False) -> None:
        """Take the tokenizer's template, or that of a file. `must_part`: prompt and response must be told apart."""
        if file:
            tokenizer.chat_template = _read_template(file)
        self.text = _stop_clock(tokenizer.chat_template)
        if not self.text:
            raise ScorerRefusedError(
                f"{model} has no chat template, so how it reads a conversation is unknown: give it one, template=FILE."
            )
        self.tokenizer, self.must_part = tokenizer, must_part
        self.takes_system = self._takes_system()

    @property
    def fingerprint(self) -> str:
        return content_hash(json.dumps(self.text, sort_keys=True))

    def render(self, conversation: Conversation) -> Rendered:
        """Render a conversation; raises UnfitError when the template refuses it."""
        conversation.check_text()
        turns, tools = self._place_system(conversation.turns), conversation.list_tools()
        text = self._apply((*turns, conversation.response), tools, is_open=False)
        before = self._apply(turns, tools, is_open=True) if turns else ""
        start = _count_shared(before, text)
        if not turns or turns[-1].content.strip() in text[:start]:
            return Rendered(text, start)
        if self.must_part:
            raise UnfitError("the chat template writes the prompt in another way once it is answered")
        return Rendered(text, 0)

    def _place_system(self, turns: Sequence[Message]) -> tuple[Message, ...]:
        if self.takes_system or not turns or turns[0].role != "system":
            return tuple(turns)
        system, *later = turns
        if later and later[0].role == "user":
            return (Message("user", f"{system.content}\n\n{later[0].content}", later[0].extra), *later[1:])
        return (Message("user", system.content), *later)

    def _takes_system(self) -> bool:
        turns = (Message("system", MARK), Message("user", "?"), Message("assistant", "!"))
        try:
            return MARK in self._apply(turns, None, is_open=False)
        except UnfitError:
            return False

    def _apply(self, turns: Sequence[Message], tools: list[Any] | None, *, is_open: bool) -> str:
        """Render turns; `is_open` lets the assistant begin to speak."""
        from jinja2.exceptions import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    [write_message(turn) for turn in turns],
                    tools=tools,
                    chat_template=self.text,
                    tokenize=False,
                    add_generation_prompt=is_open,
                )
            )
        except (TemplateError, TypeError, KeyError, ValueError, AttributeError) as error:
            raise UnfitError(f"the chat template refuses it: {error}") from error


def _stop_clock(template: Any) -> Any:
    """Put a macro before a template that asks for the date, which then always is the same."""
    if not isinstance(template, str) or DATE_ASKED not in template:
        return template
    codes = "".join(f" | replace('%{code}', '{said}')" for code, said in TODAY.items())
    return f"{{% macro {DATE_ASKED}(format) %}}{{{{ format{codes} }}}}{{% endmacro %}}{template}"


def _count_shared(one: str, other: str) -> int:
    """Count the characters that two texts begin with alike."""
    if other.startswith(one):
        return len(one)
    differs = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differs, len(other))


def _read_template(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScorerRefusedError(f"The template {file} cannot be read: {error}") from error
