"""A toy language whose responses have a true reward: name the asked letters, each once, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

LETTERS = tuple("abcdefghijklmnop")
ASKED = 6
"""Letters that a prompt asks for."""

ASKS = "sort"
"""The first word of every prompt."""

RESPONSES = 4
"""Of each prompt."""

WORST_LEVEL, WIDEST_SPREAD = 0.45, 0.45
"""Of the faults: what the best response of a prompt has, and what the worst has more."""

RATING_NOISE = 0.4
"""Standard deviation on the scale of the ratings, 1 to 5."""

RATING_STEP = 0.25

Random = np.random.Generator


class Task(NamedTuple):
    """A prompt with responses of different quality, what they are worth, and what a rater says of them."""

    prompt: str
    responses: tuple[str, ...]
    rewards: tuple[float, ...]
    """The truth, 0 to 1."""

    ratings: tuple[float, ...]
    """1 to 5: noisy, and where `is_flipped` those of the best and the worst are exchanged."""

    is_flipped: bool

    def row(self) -> dict[str, object]:
        """Write the task as UltraFeedback does."""
        rated = zip(self.responses, self.ratings, strict=True)
        completions = [{"response": text, "annotations": {}, "fine-grained_score": rating} for text, rating in rated]
        return {"instruction": self.prompt, "completions": completions}


def measure_reward(prompt: str, response: str) -> float:
    """Multiply three shares: asked letters that are named, neighbours in order, words that are asked for and new."""
    asked, said = prompt.split()[1:], response.split()
    named = set(asked) & set(said)
    if len(said) < 2:
        return 0.0
    ordered = sum(one < other for one, other in pairwise(said)) / (len(said) - 1)
    return len(named) / len(asked) * ordered * len(named) / len(said)


def draw_prompts(count: int, random: Random, without: frozenset[str] = frozenset()) -> list[str]:
    """Draw different prompts, none of those that are spoken for."""
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        prompt = " ".join((ASKS, *random.permutation(LETTERS)[:ASKED]))
        if prompt not in without:
            drawn[prompt] = None
    return list(drawn)


def draw_tasks(prompts: Sequence[str], random: Random, flip_rate: float) -> list[Task]:
    """Answer each prompt several times and rate the answers."""
    flipped = random.random(len(prompts)) < flip_rate
    return [_draw_task(prompt, random, bool(flip)) for prompt, flip in zip(prompts, flipped, strict=True)]


def _draw_task(prompt: str, random: Random, is_flipped: bool) -> Task:
    level, spread = random.uniform(0, WORST_LEVEL), random.uniform(0, WIDEST_SPREAD)
    responses: dict[str, None] = {}
    while len(responses) < RESPONSES:
        fault = level + spread * len(responses) / (RESPONSES - 1)
        responses[_answer(prompt.split()[1:], fault, random)] = None
    texts = [list(responses)[place] for place in random.permutation(RESPONSES)]
    rewards = [measure_reward(prompt, text) for text in texts]
    ratings = [_rate(reward, random) for reward in rewards]
    if is_flipped:
        best, worst = ratings.index(max(ratings)), ratings.index(min(ratings))
        ratings[best], ratings[worst] = ratings[worst], ratings[best]
    return Task(prompt, tuple(texts), tuple(rewards), tuple(ratings), is_flipped)


def _answer(asked: Sequence[str], fault: float, random: Random) -> str:
    """Sort the letters; each may be lost, said twice or followed by another one, and neighbours may change places."""
    words: list[str] = []
    for letter in sorted(asked):
        kind = random.random() / fault if fault else 1.0
        if kind >= 1 / 3:
            words.append(letter)
        if 1 / 3 <= kind < 2 / 3:
            words.append(letter)
        elif 2 / 3 <= kind < 1:
            words.append(str(random.choice(LETTERS)))
    for place in range(len(words) - 1):
        if random.random() < fault / 2:
            words[place : place + 2] = words[place + 1], words[place]
    return " ".join(words or [str(random.choice(LETTERS))])


def _rate(reward: float, random: Random) -> float:
    rating = 1 + 4 * reward + random.normal(0, RATING_NOISE)
    return float(np.clip(round(rating / RATING_STEP) * RATING_STEP, 1, 5))


def make_tokenizer() -> Any:
    """Make a tokenizer with one token a word."""
    from tiny_training import TEMPLATE
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ("<|pad|>", "<|unk|>", "<|end|>", "<|user|>", "<|assistant|>")
    words = {word: place for place, word in enumerate((*special, ASKS, *LETTERS))}
    raw: Any = Tokenizer(models.WordLevel(words, unk_token="<|unk|>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        unk_token="<|unk|>",
        eos_token="<|end|>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
        model_max_length=64,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
