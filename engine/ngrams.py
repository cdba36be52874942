"""Texts as rows of numbers: their words, pairs of neighbouring words, letters, and style."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from math import log1p
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word, or one punctuation mark."""

SENTENCE_ENDS = (".", "!", "?", '"', "”", ")")

FEWEST_TEXTS = 2
"""A word of fewer texts is one of the unknown words, which have number 0."""

BITS = 18
"""Pairs of known words are hashed into 2 to this many columns, and so are three letters in a row."""

TEXTS_AT_ONCE = 512

HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, odd: the high bits of a product are well mixed (Knuth, volume 3, 6.4)."""

STYLE_WEIGHT = 0.5
"""Of a standard deviation of one style feature, where all words of a text together have length 1."""

Floats = NDArray[np.float64]


class Text(NamedTuple):
    """A response, and what it answers."""

    text: str
    prompt: str


class Portion(NamedTuple):
    """Some texts, cut into words."""

    texts: Sequence[Text]
    words: list[list[str]]
    codes: NDArray[np.uint64]
    """The numbers of all words, one text after the other."""

    owner: NDArray[np.intp]
    """Which text each word is of."""


@dataclass(frozen=True)
class Vocabulary:
    """What is learned from texts without their labels. The row of a text depends on it and the text alone."""

    numbers: dict[str, int]
    """Of the words that stand in several texts, from 1."""

    rarity: Floats
    """By number: the logarithm of the share of texts without the word's company."""

    letters: Floats
    """The same of three letters, by column; 0 where too few texts have them."""

    is_mark: NDArray[np.bool_]
    """By number: whether it is punctuation."""

    mean: Floats
    spread: Floats
    """Of each style feature."""

    @classmethod
    def learn(cls, texts: Sequence[Text]) -> Self:
        """Number the words of these texts, and measure the common style."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(split_words(text.text)))
        known = sorted(word for word, count in seen.items() if count >= FEWEST_TEXTS)
        with_word = np.array([1, *(seen[word] for word in known)])
        with_letters = np.zeros(1 << BITS)
        for some in portions(texts):
            with_letters += np.bincount(_count(*_letters(some), (len(some), 1 << BITS)).indices, minlength=1 << BITS)
        usual = np.log((1 + len(texts)) / np.maximum(1, with_letters)) + 1
        blank = cls(
            {word: number for number, word in enumerate(known, 1)},
            np.log((1 + len(texts)) / with_word),
            np.where(with_letters >= FEWEST_TEXTS, usual, 0.0),
            np.array([False, *(not (word[0].isalnum() or word[0] == "_") for word in known)]),
            np.zeros(1),
            np.ones(1),
        )
        style = np.concatenate([blank._describe(blank._cut(some)) for some in portions(texts)])
        spread = style.std(axis=0)
        return replace(blank, mean=style.mean(axis=0), spread=np.where(spread > 0, spread, 1.0))

    @property
    def columns(self) -> int:
        return len(self.rarity) + (2 << BITS) + len(self.mean)

    def rows(self, texts: Sequence[Text]) -> Any:
        """Give one row per text, as a sparse matrix: words, pairs and letters, each brought to length 1, and style."""
        from scipy.sparse import csr_matrix, vstack

        parts = [self._portion_rows(self._cut(some)) for some in portions(texts)]
        return vstack(parts, format="csr") if parts else csr_matrix((0, self.columns))

    def _portion_rows(self, portion: Portion) -> Any:
        from scipy.sparse import csr_matrix, hstack
        from sklearn.preprocessing import normalize

        codes, owner, count = portion.codes, portion.owner, len(portion.texts)
        first, second = codes[:-1], codes[1:]
        pair = (first * HASH_FACTOR + second) * HASH_FACTOR >> np.uint64(64 - BITS)
        is_pair = (owner[:-1] == owner[1:]) & (first > 0) & (second > 0)
        counts = [
            _count(codes[codes > 0], owner[codes > 0], (count, len(self.rarity))),
            _count(pair[is_pair], owner[:-1][is_pair], (count, 1 << BITS)),
            _count(*_letters(portion.texts), (count, 1 << BITS)),
        ]
        counts[-1].data *= self.letters[counts[-1].indices]
        style = STYLE_WEIGHT * (self._describe(portion) - self.mean) / self.spread
        return hstack([*(normalize(each, copy=False) for each in counts), csr_matrix(style)], format="csr")

    def _cut(self, texts: Sequence[Text]) -> Portion:
        words = [split_words(text.text) for text in texts]
        lengths = [len(each) for each in words]
        numbers = map(self.numbers.get, chain.from_iterable(words), repeat(0))
        codes = np.fromiter(numbers, dtype=np.uint64, count=sum(lengths))
        return Portion(texts, words, codes, np.repeat(np.arange(len(texts)), lengths))

    def _describe(self, portion: Portion) -> Floats:
        """Length, punctuation, lines, a finished last sentence, what is shared with the prompt, and rare words."""
        codes, owner, count = portion.codes.astype(np.intp), portion.owner, len(portion.texts)
        lengths = np.maximum(1, [len(words) for words in portion.words])
        marks = np.bincount(owner, self.is_mark[codes], minlength=count)
        rarity = np.bincount(owner, self.rarity[codes], minlength=count) / lengths
        plain = np.array(list(_describe(portion)), dtype=float).reshape(count, -1)
        return np.column_stack([plain, np.log1p(marks), rarity])


def portions(texts: Sequence[Text]) -> Iterator[Sequence[Text]]:
    """Cut texts into portions that fit a processor's cache."""
    return (texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE))


def split_words(text: str) -> list[str]:
    """Cut a text into words and punctuation marks, in small letters."""
    return TOKEN.findall(text.lower())


def _describe(portion: Portion) -> Iterator[tuple[float, ...]]:
    asked = {text.prompt: frozenset(split_words(text.prompt)) for text in portion.texts}
    for (text, prompt), words in zip(portion.texts, portion.words, strict=True):
        known = asked[prompt]
        shared = [word for word in words if word in known]
        yield (
            log1p(len(text)),
            log1p(text.count("\n")),
            float(text.endswith(SENTENCE_ENDS)),
            len(shared) / max(1, len(words)),
            len(set(shared)) / max(1, len(known)),
        )


def _letters(texts: Sequence[Text]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Hash each three letters in a row, between a mark of the start and one of the end; with the text each is of."""
    marked = [f"\x02{text.text.lower()}\x03" for text in texts]
    codes = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in marked])
    three = codes[:-2] << np.uint64(42) | codes[1:-1] << np.uint64(21) | codes[2:]
    inside = owner[:-2] == owner[2:]
    return (three * HASH_FACTOR >> np.uint64(64 - BITS))[inside], owner[:-2][inside]


def _count(columns: NDArray[np.uint64], owner: NDArray[np.intp], shape: tuple[int, int]) -> Any:
    """Count by sorting, and weigh by 1 + log(count): many times as fast as sklearn's vectorizers, which loop."""
    from scipy.sparse import csr_matrix

    keys = owner.astype(np.uint64) << np.uint64(32) | columns
    found, counts = np.unique(keys, return_counts=True)
    row_starts = np.searchsorted(found >> np.uint64(32), np.arange(shape[0] + 1, dtype=np.uint64))
    weights = 1 + np.log(counts)
    columns = (found & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return csr_matrix((weights, columns, row_starts.astype(np.int32)), shape=shape)
