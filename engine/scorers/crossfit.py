"""A reward model fitted on the dataset's own labels, each response scored by a model that never saw its prompt."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from math import log1p
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScorerRefusedError
from engine.records import Sample, Score

FEWEST_PAIRS = 20
"""With fewer pairs to learn from, a model says nothing."""

PENALTY = 4.0
"""Of the squared weights; the loss is summed over samples."""

Codes = NDArray[np.uint32]

TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word, or one punctuation mark."""

MARK = re.compile(r"[^\w\s]")

SENTENCE_ENDS = (".", "!", "?", '"', "”", ")")

COLUMN_BITS = 18
"""Word n-grams are hashed into 2 to this many columns, character n-grams into as many."""

FEWEST_TEXTS = 2
"""An n-gram of fewer texts is left out."""

LONGEST_CHARACTER_NGRAM = 3
LONGEST_WORD_NGRAM = 2

TEXTS_AT_ONCE = 256
"""Text number and column share 32 bits, and the n-grams of so many texts fit into a processor's cache."""

HASH_FACTOR = np.uint32(0x9E3779B1)
"""2^32 over the golden ratio, odd: the high bits of a product are well mixed (Knuth, volume 3, 6.4)."""

STYLE_WEIGHT = 0.5
"""Of a standard deviation of one style feature, where all word n-grams together have length 1."""


class Candidate(NamedTuple):
    """A response that can be scored."""

    response_id: str
    text: str
    prompt: str
    fold: int


class Pairs(NamedTuple):
    """What there is to learn from, one entry a pair; `chosen` and `rejected` are rows of the features."""

    chosen: NDArray[np.intp]
    rejected: NDArray[np.intp]

    weight: NDArray[np.float64]
    """One over the number of pairs of the sample."""


@dataclass(frozen=True)
class Crossfit:
    """Bradley-Terry on the dataset's own labels, cross-fitted: the probability of beating an average response."""

    folds: int = 5
    """Prompts are dealt into this many folds; each is scored by a model of the others."""

    seed: int = 0
    """Deals the prompts into folds, and chooses the pairs of `fit_at_most`."""

    fit_at_most: int = 10_000
    """In pairs; where there are more, each model is fitted on a seeded choice of samples."""

    longest_text: int = 8_000
    """In characters; the middle of a longer response is left out."""

    depends_on_dataset: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("scikit-learn", "scipy")

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ScorerRefusedError(f"crossfit cannot hold out one of {self.folds} folds; give it folds=2 or more.")

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        ordered = sorted(samples, key=self._order)
        empty = {r.response_id for sample in ordered for r in sample.responses if not r.text.strip()}
        yield from (Score(response_id, None, "empty response", final=True) for response_id in sorted(empty))
        candidates = self._candidates(ordered)
        if candidates:
            values = self._values(candidates, _pairs(ordered, candidates))
            yield from (Score(c.response_id, float(value)) for c, value in zip(candidates, values, strict=True))

    def _candidates(self, samples: Sequence[Sample]) -> list[Candidate]:
        prompts = {sample.prompt_id: sample.prompt for sample in samples}
        folds = {prompt_id: place % self.folds for place, prompt_id in enumerate(sorted(prompts, key=self._draw))}
        said = {key: " ".join(message.content for message in prompt) for key, prompt in prompts.items()}
        found = {
            r.response_id: Candidate(r.response_id, self._cap(r.text), said[s.prompt_id], folds[s.prompt_id])
            for s in samples
            for r in s.responses
            if r.text.strip()
        }
        return [found[response_id] for response_id in sorted(found)]

    def _order(self, sample: Sample) -> tuple[bytes, list[str]]:
        """Exact duplicates are numbered by row, so that only their labels tell them apart."""
        return self._draw(sample.content_id), sorted(f"{r.response_id} {r.label}" for r in sample.responses)

    def _draw(self, key: str) -> bytes:
        return blake2b(f"{self.seed}:{key}".encode(), digest_size=8).digest()

    def _cap(self, text: str) -> str:
        text = text.strip()
        if len(text) <= self.longest_text:
            return text
        half = self.longest_text // 2
        return text[:half] + text[-half:]

    def _values(self, candidates: Sequence[Candidate], pairs: Pairs) -> NDArray[np.float64]:
        from scipy.special import expit

        folds = np.array([candidate.fold for candidate in candidates])
        features = _features(candidates)
        values = np.empty(len(candidates))
        for fold in np.unique(folds):
            seen = np.flatnonzero(folds[pairs.chosen] != fold)[: self.fit_at_most]
            rewards = features @ _fit(features, pairs, seen)
            values[folds == fold] = expit(rewards - rewards.mean())[folds == fold]
        return values


def _pairs(samples: Iterable[Sample], candidates: Sequence[Candidate]) -> Pairs:
    rows = {candidate.response_id: row for row, candidate in enumerate(candidates)}
    table: list[tuple[int, int, float]] = []
    for sample in samples:
        ordered = _label_ordered(sample, rows)
        table += [(chosen, rejected, 1 / len(ordered)) for chosen, rejected in ordered]
    chosen, rejected, weight = np.array(table, dtype=float).reshape(-1, 3).T
    return Pairs(chosen.astype(np.intp), rejected.astype(np.intp), weight)


def _label_ordered(sample: Sample, rows: dict[str, int]) -> list[tuple[int, int]]:
    labelled = [(r.label, rows[r.response_id]) for r in sample.responses if r.label is not None and r.text.strip()]
    return [(better[1], worse[1]) for worse, better in combinations(sorted(labelled), 2) if worse[0] < better[0]]


def _fit(features: Any, pairs: Pairs, seen: NDArray[np.intp]) -> NDArray[np.float32]:
    """Logistic regression on the differences of features, on one thread: sums depend on how they are split."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if len(seen) < FEWEST_PAIRS:
        raise ScorerRefusedError(
            f"crossfit needs {FEWEST_PAIRS} pairs with different labels outside each fold to learn from and finds"
            f" {len(seen)}; use another scorer, or more data."
        )
    sign = np.where(np.arange(len(seen)) % 2, 1.0, -1.0)
    differences = (features[pairs.chosen[seen]] - features[pairs.rejected[seen]]).multiply(sign[:, None])
    model = LogisticRegression(C=1 / PENALTY, fit_intercept=False, max_iter=1000)
    with threadpool_limits(1):
        model.fit(differences.astype(float).tocsr(), sign, pairs.weight[seen])
    weights: NDArray[np.float32] = model.coef_[0].astype(np.float32)
    return weights


def _features(candidates: Sequence[Candidate]) -> Any:
    """TF-IDF of character and of word n-grams, and style; one row a candidate, and no label is looked at."""
    from scipy.sparse import csr_matrix, hstack

    texts = [candidate.text for candidate in candidates]
    batches = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
    numbers: dict[str, int] = {}
    characters = (_count_ngrams(map(_characters, batch), LONGEST_CHARACTER_NGRAM) for batch in batches)
    words = (_count_ngrams((_words(text, numbers) for text in batch), LONGEST_WORD_NGRAM) for batch in batches)
    style = _standardise([_describe(candidate) for candidate in candidates])
    return hstack([_weigh(characters), _weigh(words), csr_matrix(style)], format="csr")


def _weigh(batches: Iterable[Any]) -> Any:
    """TF-IDF of the n-grams, each text brought to length 1."""
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import TfidfTransformer

    counts = vstack(list(batches), format="csr")
    texts_with = np.bincount(counts.indices, minlength=counts.shape[1])
    counts = counts[:, texts_with >= min(FEWEST_TEXTS, texts_with.max())]
    return TfidfTransformer(sublinear_tf=True).fit(counts).transform(counts, copy=False)


def _characters(text: str) -> Codes:
    """Code points between a mark of the start and one of the end."""
    return np.frombuffer(f"\x02{text.lower()}\x03".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _words(text: str, numbers: dict[str, int]) -> Codes:
    """Words and punctuation marks by number; a new one gets the next."""
    return np.array([numbers.setdefault(token, len(numbers)) for token in _tokens(text)], dtype=np.uint32)


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text.lower())


def _count_ngrams(texts: Iterable[Codes], longest: int) -> Any:
    """Count hashed n-grams by sorting them: many times as fast as sklearn's vectorizers, which loop in Python."""
    from scipy.sparse import csr_matrix

    sequences = list(texts)
    codes = np.concatenate(sequences)
    owner = np.repeat(np.arange(len(sequences), dtype=np.uint32), [len(each) for each in sequences])
    hashed = np.zeros_like(codes)
    keys = []
    for last in range(longest):
        hashed = (hashed[: len(codes) - last] + codes[last:] + np.uint32(1)) * HASH_FACTOR
        inside = owner[: len(hashed)] == owner[last:]
        keys.append((owner[: len(hashed)] << COLUMN_BITS | hashed >> (32 - COLUMN_BITS))[inside])
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    row_starts = np.searchsorted(found >> COLUMN_BITS, np.arange(len(sequences) + 1))
    columns = found & ((1 << COLUMN_BITS) - 1)
    parts = counts.astype(np.float32), columns.astype(np.int32), row_starts.astype(np.int32)
    return csr_matrix(parts, shape=(len(sequences), 1 << COLUMN_BITS))


def _describe(candidate: Candidate) -> tuple[float, ...]:
    """Length, punctuation, lines, a finished last sentence, and what is shared with the prompt."""
    tokens, asked = _tokens(candidate.text), set(_tokens(candidate.prompt))
    shared = [token for token in tokens if token in asked]
    return (
        log1p(len(candidate.text)),
        log1p(len(MARK.findall(candidate.text))),
        log1p(candidate.text.count("\n")),
        float(candidate.text.endswith(SENTENCE_ENDS)),
        len(shared) / max(1, len(tokens)),
        len(set(shared)) / max(1, len(asked)),
    )


def _standardise(style: Sequence[tuple[float, ...]]) -> NDArray[np.float32]:
    table = np.array(style)
    spread = table.std(axis=0)
    standard = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scaled: NDArray[np.float32] = (STYLE_WEIGHT * standard).astype(np.float32)
    return scaled
