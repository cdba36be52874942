"""Turn conversations into tokens; the prompt of several responses is read once."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from engine.modelling.chat import ChatTemplate, Rendered
from engine.modelling.conversations import Conversation, UnfitError
from engine.records import Message

SANE_LENGTH = 1_000_000
"""In tokens; a tokenizer that claims more knows no limit."""

SPARE_TOKENS = (0, 2, 8, 32)
"""How many tokens more to cut, one after the other: those around a cut may join differently."""

One = TypeVar("One")
Other = TypeVar("Other")

Read = Callable[[Conversation], "Encoded"]


class Encoded(NamedTuple):
    """A conversation as a model reads it."""

    ids: list[int]
    start: int
    """Where the response begins, in tokens."""

    types: list[int] | None = None
    """Which of two texts each token belongs to, for models that ask."""

    truncated: bool = False
    """Whether the start of the prompt was left out."""


class ChatEncoder:
    """Encodes what the chat template renders; the template alone writes a BOS."""

    def __init__(self, template: ChatTemplate, longest: int) -> None:
        self.template, self.longest = template, longest
        self.tokenizer = template.tokenizer
        self.marks = _find_marks(self.tokenizer)

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded | UnfitError]:
        """Encode conversations, each to its tokens or to the reason why the model cannot read it."""
        rendered = [_try(self.template.render, one) for one in conversations]
        read = iter(self._read([one for one in rendered if isinstance(one, Rendered)]))
        whole = [next(read) if isinstance(one, Rendered) else one for one in rendered]
        return [
            one if isinstance(one, UnfitError) or len(one.ids) <= self.longest else _try(self._shorten, conversation)
            for one, conversation in zip(whole, conversations, strict=True)
        ]

    def _shorten(self, conversation: Conversation) -> Encoded:
        return shorten(conversation, self._read_one, self.tokenizer, self.longest)

    def _read_one(self, conversation: Conversation) -> Encoded:
        return self._read([self.template.render(conversation)])[0]

    def _read(self, rendered: Sequence[Rendered]) -> list[Encoded]:
        """Read each text in two parts, cut where the tokens are sure to part; equal first parts are read once."""
        cuts = [self._cut(one) for one in rendered]
        heads = dict.fromkeys(one.text[:cut] for one, cut in zip(rendered, cuts, strict=True))
        if not heads:
            return []
        known = dict(zip(heads, self._tokens(list(heads))["input_ids"], strict=True))
        tails = self._tokens([one.text[cut:] for one, cut in zip(rendered, cuts, strict=True)], with_offsets=True)
        read = []
        for one, cut, ids, spans in zip(rendered, cuts, tails["input_ids"], tails["offset_mapping"], strict=True):
            head = known[one.text[:cut]]
            inside = next((place for place, (_, end) in enumerate(spans) if end + cut > one.start), len(ids))
            read.append(Encoded([*head, *ids], len(head) + inside))
        return read

    def _cut(self, one: Rendered) -> int:
        """Find the last special token of the prompt: no token reaches over its start."""
        if self.marks is None:
            return 0
        return max((found.start() for found in self.marks.finditer(one.text, 0, one.start)), default=0)

    def _tokens(self, texts: list[str], *, with_offsets: bool = False) -> Any:
        return self.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=with_offsets, verbose=False)


class PairEncoder:
    """Encodes prompt and response as two texts, for encoders that learned from questions and answers: DeBERTa."""

    def __init__(self, tokenizer: Any, longest: int) -> None:
        self.tokenizer, self.longest = tokenizer, longest

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded | UnfitError]:
        """Encode conversations, each to its tokens or to the reason why the model cannot read it."""
        return [_try(self._shorten, one) for one in conversations]

    def _shorten(self, conversation: Conversation) -> Encoded:
        conversation.check_text()
        if not conversation.response.content.strip():
            raise UnfitError("the response has no text")
        return shorten(conversation, self._read, self.tokenizer, self.longest)

    def _read(self, conversation: Conversation) -> Encoded:
        question = "\n\n".join(turn.content for turn in conversation.turns)
        read = self.tokenizer(question, conversation.response.content, return_token_type_ids=True, verbose=False)
        return Encoded(read["input_ids"], read.sequence_ids().index(1), read["token_type_ids"])


def shorten(conversation: Conversation, read: Read, tokenizer: Any, longest: int) -> Encoded:
    """Leave out the oldest turns, then the start of the last one, until it fits; the response stays whole."""
    found, shorter = read(conversation), conversation.drop_oldest()
    if len(found.ids) <= longest:
        return found
    while len(found.ids) > longest and shorter is not None:
        conversation, shorter = shorter, shorter.drop_oldest()
        found = read(conversation)
    over = len(found.ids) - longest
    for spare in SPARE_TOKENS:
        if len(found.ids) > longest and conversation.turns:
            last = conversation.turns[-1]
            cut = Message(last.role, _drop_start(tokenizer, last.content, over + spare), last.extra)
            found = read(replace(conversation, turns=(*conversation.turns[:-1], cut)))
    if len(found.ids) > longest:
        raise UnfitError(f"the response does not fit: {len(found.ids):,} tokens, and the model reads {longest:,}")
    return found._replace(truncated=True)


def find_longest(tokenizer: Any, config: Any, wanted: int) -> int:
    """Say how many tokens a model reads: what was asked for, no more than model and tokenizer say."""
    places = getattr(config.get_text_config(), "max_position_embeddings", None)
    limits = [limit for limit in (places, tokenizer.model_max_length) if limit and 0 < limit < SANE_LENGTH]
    return min([*limits, *([wanted] if wanted else [])], default=SANE_LENGTH)


def find_pad(tokenizer: Any) -> int:
    """Give a token to pad with. Any will do, since none is looked at; encoders count positions by their own."""
    return tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0


def _drop_start(tokenizer: Any, text: str, tokens: int) -> str:
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    return text[spans[tokens][0] :] if tokens < len(spans) else ""


def _find_marks(tokenizer: Any) -> re.Pattern[str] | None:
    """Match the special tokens before which every text parts, whatever stands there."""
    marks = [
        one.content
        for one in tokenizer.added_tokens_decoder.values()
        if one.special and not (one.lstrip or one.normalized)
    ]
    if not marks:
        return None
    return re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))


def _try(step: Callable[[One], Other], value: One) -> Other | UnfitError:
    try:
        return step(value)
    except UnfitError as error:
        return error
