"""The nouns of prefmap: plain, frozen values that every module shares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple, Self

Verdict = Literal["keep", "flip", "tie", "drop", "skip"]
Region = Literal["high_average", "low_average", "high_variance"]

ID_BYTES = 8
"""Size of an id: 64 bits, shown as 16 hexadecimal digits."""


class NulError(ValueError):
    """A text holds a NUL character, which no terminal, log or database takes."""


def content_hash(*parts: str) -> str:
    """Hash texts so that no two different lists of texts are confused; raises NulError, since NUL keeps them apart."""
    joined = "\0".join((*parts, ""))
    if joined.count("\0") > len(parts):
        raise NulError("NUL")
    return blake2b(joined.encode(), digest_size=ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """system, user, assistant or tool."""

    content: str

    extra: str = ""
    """What else the turn holds, as JSON: tool calls, a name, images by reference. Empty for most."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What makes the turn what it is."""
        return (self.role, self.content, self.extra) if self.extra else (self.role, self.content)


def hash_prompt(prompt: tuple[Message, ...]) -> str:
    """Hash a conversation."""
    return content_hash(*[part for turn in prompt for part in turn.parts])


@dataclass(frozen=True, slots=True)
class Response:
    """One candidate answer of a sample."""

    response_id: str
    """Hash of prompt, own system prompt and text: an unchanged response keeps its scores."""

    text: str

    label: float | None = None
    """What the dataset says, on its own scale; higher is better. None: it says nothing."""

    system: str | None = None
    """The system prompt that this response alone was given, if any."""

    turns: tuple[Message, ...] = ()
    """Turns that stand before this text alone, where the conversations of a sample differ."""

    columns: Mapping[str, float | None] = field(default_factory=dict)
    """Numbers that the row states of this response, by column name. None: it states that there is none."""

    extra: str = ""
    """What else the turn holds beside its text, as in Message."""

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.extra)


@dataclass(frozen=True, slots=True)
class Pair:
    """The responses that a label or a verdict sets against each other, by index."""

    chosen: int
    rejected: int


class Labelled(NamedTuple):
    """The pair that a label makes, by response ids; None where it has no direction."""

    sample_id: str
    chosen: str | None
    rejected: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt with its K >= 2 responses."""

    sample_id: str
    """Hash of the prompt and the sorted response ids; exact duplicates end in -2, -3."""

    prompt: tuple[Message, ...]
    prompt_id: str
    """Hash of the prompt: samples of one prompt share it."""

    responses: tuple[Response, ...]

    source: str = ""
    """The part of the dataset that the row says it is from, such as `sharegpt`."""

    votes: Mapping[str, int | None] = field(default_factory=dict)
    """Whom the annotators prefer, by name, where there are several: the index of a response; None: a tie."""

    tools: str = ""
    """The tools that the responses could call, as JSON."""

    flags: tuple[str, ...] = ()
    """What a person should know of this row: `tie`, `empty response`, `identical responses`, ..."""

    file: str = ""
    row: int = 0
    """Where the original row stands: the imported file, and the row in it from 1."""

    @classmethod
    def of(
        cls,
        *,
        prompt: Sequence[Message],
        texts: Sequence[str],
        labels: Sequence[float | None],
        systems: Sequence[str | None] | None = None,
        turns: Sequence[tuple[Message, ...]] | None = None,
        columns: Sequence[Mapping[str, float | None]] | None = None,
        extras: Sequence[str] | None = None,
        source: str = "",
        votes: Mapping[str, int | None] | None = None,
        tools: str = "",
        flags: Sequence[str] = (),
    ) -> Self:
        """Make a sample of what a row says, with ids made from its content."""
        shared = tuple(prompt)
        prompt_id = hash_prompt(shared)
        systems = systems or [None] * len(texts)
        turns = turns or [()] * len(texts)
        columns = columns or [{}] * len(texts)
        extras = extras or [""] * len(texts)
        responses = tuple(
            [
                Response(_hash_response(prompt_id, system, own, text, extra), text, label, system, own, numbers, extra)
                for text, label, system, own, numbers, extra in zip(
                    texts, labels, systems, turns, columns, extras, strict=True
                )
            ]
        )
        sample_id = content_hash(prompt_id, *sorted([response.response_id for response in responses]))
        split = ["annotators split"] if votes and len(set(votes.values())) > 1 else []
        noticed = (*flags, *split, *_notice(shared, responses))
        return cls(sample_id, shared, prompt_id, responses, source, votes or {}, tools, noticed)

    def placed(self, file: str, row: int, sample_id: str) -> Self:
        """Give the same sample with its place, and the id that it has among its duplicates."""
        return type(self)(
            sample_id, self.prompt, self.prompt_id, self.responses, self.source, self.votes, self.tools, self.flags,
            file, row,
        )  # fmt: skip

    @property
    def content_id(self) -> str:
        """The id that all exact duplicates share; a verdict belongs to it."""
        return content_of(self.sample_id)

    @property
    def pair(self) -> Pair | None:
        """The first highest and the first lowest label; None when all labels tie."""
        return label_pair([response.label for response in self.responses])


def content_of(sample_id: str) -> str:
    """Drop the number that tells exact duplicates apart."""
    return sample_id.partition("-")[0]


def label_pair(labels: Sequence[float | None]) -> Pair | None:
    """Find the first highest and the first lowest label; None when all tie or fewer than two exist."""
    known = [label for label in labels if label is not None]
    if not known:
        return None
    highest, lowest = max(known), min(known)
    return None if highest == lowest else Pair(labels.index(highest), labels.index(lowest))


def _hash_response(prompt_id: str, system: str | None, turns: tuple[Message, ...], text: str, extra: str) -> str:
    if not (turns or extra):
        return content_hash(prompt_id, system or "", text)
    own = (part for turn in turns for part in turn.parts)
    return content_hash(prompt_id, system or "", *own, text, *([extra] if extra else []))


def _notice(prompt: Sequence[Message], responses: Sequence[Response]) -> Iterator[str]:
    contexts = {response.turns for response in responses}
    differ = contexts != {()}
    if not prompt and not differ:
        yield "no prompt"
    if differ:
        yield "contexts differ"
    if any(_stumbles((*prompt, *turns)) for turns in contexts):
        yield "roles do not alternate"
    labels = [response.label for response in responses if response.label is not None]
    if len(set(labels)) < 2:
        yield "no label" if len(labels) < 2 else "tie"
    if any(response.is_empty for response in responses):
        yield "empty response"
    if len({response.response_id for response in responses}) < len(responses):
        yield "identical responses"


def _stumbles(turns: Sequence[Message]) -> bool:
    """Say whether a speaker speaks twice in a row, the answer of the assistant included."""
    after = "assistant"
    for turn in reversed(turns):
        if turn.role == after:
            return True
        after = turn.role
    return False


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says of one response. Higher is better."""

    response_id: str

    value: float | None
    """None: there is no score, and `reason` says why. Never 0 or -1 instead."""

    reason: str = ""

    final: bool = False
    """True: a missing value can never be had (an empty response), so a rerun does not ask again."""

    part: str = ""
    """Which question of several this answers: an aspect, an opponent. A response's score is the mean of its parts."""

    parts: int = 1
    """How many parts the score of this response has; while one is missing, so is the score."""

    number: int = 0
    """Which of several answers to the same question this is, from 0."""

    of: int = 1
    """How many answers this part is the mean of."""

    details: Mapping[str, object] = field(default_factory=dict)
    """What else the log keeps of a call: raw reply, rationale, tokens, cost, method, truncated."""


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """What a trainer learns one step from: a prompt, the better and the worse answer."""

    sample_id: str
    prompt: tuple[Message, ...]
    chosen: Message
    rejected: Message
    tools: str = ""
    """As in Sample."""
