"""Likeness of samples by their words: TF-IDF vectors of prompt and responses, compared by cosine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.errors import SearchAbandonedError
from engine.store import Store

Ints = npt.NDArray[np.int64]

MOST_SAMPLES = 100_000
"""Among so many samples the like ones are looked for: it takes some 100 microseconds and a kilobyte for each."""

SAMPLES_AT_ONCE = 5_000

NEAREST = 100
"""Samples that count as like one."""

WORD = r"\w+"
NO_WORD = "0"
"""Stands for a text more, since there must be a word in one of them."""


@dataclass(frozen=True)
class Likeness:
    """The words of some samples."""

    store: Store
    ordinals: Ints
    vectorizer: Any
    vectors: Any
    """(samples, words), sparse, each of length 1."""

    @classmethod
    def read(cls, store: Store, order: Ints, *, is_given_up: Callable[[], bool] = lambda: False) -> Self:
        """Take the words of the first samples of an order; given up meanwhile, it raises SearchAbandonedError."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        ordinals = np.sort(order[:MOST_SAMPLES])
        vectorizer = TfidfVectorizer(token_pattern=WORD, sublinear_tf=True, dtype=np.float32)
        return cls(store, ordinals, vectorizer, vectorizer.fit_transform(_read(store, ordinals, is_given_up))[1:])

    def nearest(self, ordinal: int, count: int = NEAREST) -> Ints:
        """List the samples most like one, that one first."""
        asked = self.vectorizer.transform(self.store.words(np.array([ordinal])))
        likeness = (self.vectors @ asked.T).toarray().ravel()
        likeness[self.ordinals == ordinal] = 0
        first = np.argsort(-likeness, kind="stable")[: count - 1]
        return np.concatenate([[ordinal], self.ordinals[first[likeness[first] > 0]]])


def _read(store: Store, ordinals: Ints, is_given_up: Callable[[], bool]) -> Iterator[str]:
    yield NO_WORD
    for start in range(0, len(ordinals), SAMPLES_AT_ONCE):
        for words in store.words(ordinals[start : start + SAMPLES_AT_ONCE]):
            if is_given_up():
                raise SearchAbandonedError("The search for samples like one was given up.")
            yield words
