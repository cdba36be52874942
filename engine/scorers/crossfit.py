"""A reward model fitted on the dataset's own labels, each response scored by a model that never saw its prompt."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from itertools import chain, combinations
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScorerRefusedError
from engine.fitting import Pairs, check_pairs, fit_folds
from engine.modelling.embeddings import Embedder, identify_embedder, load_embedder
from engine.ngrams import TEXTS_AT_ONCE, Text, Vocabulary
from engine.records import Response, Sample, Score
from engine.spreading import count_processors, spread

EDITION = "2"
"""Of the method: scores of another edition are not mixed with these."""

MANY_RESPONSES = 100_000
"""From so many on, the start of several processes pays."""

VECTOR_WEIGHT = 1.0
"""Length of an embedding, where all words of a text together have length 1."""


class Candidate(NamedTuple):
    """A response that can be scored."""

    response_id: str
    text: Text
    fold: int


class Survey(NamedTuple):
    """What a first reading finds."""

    prompts: NDArray[np.uint64]
    """The numbers drawn for all prompts, in order: that is how they are dealt into folds."""

    learned: list[Sample]
    """Samples of the prompts of smallest number, with pairs enough to learn from."""

    responses: int
    """How many can be scored, duplicates included."""

    empty: dict[str, None]
    """The ids of those without a text."""


@dataclass(frozen=True)
class Crossfit:
    """Bradley-Terry on the dataset's own labels, cross-fitted: the probability of beating an average response."""

    folds: int = 5
    """Prompts are dealt into this many folds; each is scored by a model of the others."""

    seed: int = 0
    """Deals the prompts into folds, and chooses the pairs of `fit_at_most`."""

    fit_at_most: int = 10_000
    """In pairs; where there are more, each model is fitted on those of a seeded choice of prompts."""

    longest_text: int = 8_000
    """In characters; the middle of a longer response is left out."""

    features: str = field(default="", metadata={"provenance": True})
    """Hub name or folder of a sentence embedder whose vectors join the features (extra `models`); empty: none."""

    depends_on_dataset: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ScorerRefusedError(f"crossfit cannot hold out one of {self.folds} folds; give it folds=2 or more.")

    @property
    def packages(self) -> tuple[str, ...]:
        return ("scikit-learn", "scipy", *(("torch", "transformers") if self.features else ()))

    def facts(self) -> dict[str, str]:
        """The edition of the method, and the embedder by its content."""
        return {"edition": EDITION, **({"features": identify_embedder(self.features)} if self.features else {})}

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        """Read the samples twice: to learn, and to score each as it passes."""
        survey = self._survey(samples)
        yield from (Score(response_id, None, "empty response", final=True) for response_id in survey.empty)
        if not survey.responses:
            return
        model = self._learn(survey)
        many = survey.responses >= MANY_RESPONSES and not self.features
        candidates = self._candidates(samples, survey.prompts)
        for scores in spread(model, _portions(candidates), processes=count_processors() if many else 1):
            yield from (Score(response_id, value) for response_id, value in scores)

    def _survey(self, samples: Iterable[Sample]) -> Survey:
        prompts, responses = array("Q"), 0
        empty: dict[str, None] = {}
        wanted = -(-self.fit_at_most * self.folds // (self.folds - 1))
        kept: dict[int, list[Sample]] = {}
        held, highest = 0, 1 << 64
        for sample in samples:
            number = self._draw(sample.prompt_id)
            prompts.append(number)
            blank = [one.response_id for one in sample.responses if not one.text.strip()]
            empty.update(dict.fromkeys(blank))
            responses += len(sample.responses) - len(blank)
            pairs = len(_label_ordered(sample))
            if not pairs or number > highest:
                continue
            kept.setdefault(number, []).append(sample)
            held += pairs
            if held > 2 * wanted:
                kept, held = _keep_first(kept, wanted)
                highest = max(kept)
        kept, _ = _keep_first(kept, wanted)
        return Survey(
            np.unique(np.array(prompts, dtype=np.uint64)), list(chain.from_iterable(kept.values())), responses, empty
        )

    def _learn(self, survey: Survey) -> "Model":
        samples = sorted(survey.learned, key=self._order)
        candidates = sorted(self._candidates(samples, survey.prompts))
        texts = [candidate.text for candidate in candidates]
        pairs = _pairs(samples, candidates)
        check_pairs(pairs.fold, self.folds)
        vocabulary = Vocabulary.learn(texts)
        blank = Model(vocabulary, np.zeros((self.folds, 0)), np.zeros(self.folds), self._embedder)
        features = blank.describe(texts)
        weights = fit_folds(features, pairs, folds=self.folds, at_most=self.fit_at_most)
        return Model(vocabulary, weights, (features @ weights.T).mean(axis=0), self._embedder)

    @cached_property
    def _embedder(self) -> Embedder | None:
        return load_embedder(self.features) if self.features else None

    def _candidates(self, samples: Iterable[Sample], prompts: NDArray[np.uint64]) -> Iterator[Candidate]:
        """Give each response that can be scored once, with its fold."""
        found: set[str] = set()
        for sample in samples:
            new = {one.response_id: one for one in sample.responses if one.text.strip()}
            if new.keys() <= found:
                continue
            said = " ".join(message.content for message in sample.prompt)
            place = np.searchsorted(prompts, np.uint64(self._draw(sample.prompt_id)))
            for response_id, one in new.items():
                if response_id not in found:
                    found.add(response_id)
                    yield Candidate(response_id, Text(self._cap(one.text), said), int(place) % self.folds)

    def _order(self, sample: Sample) -> tuple[int, int, list[str]]:
        """Exact duplicates are numbered by row, so that only their labels tell them apart."""
        labels = sorted(f"{one.response_id} {one.label}" for one in sample.responses)
        return self._draw(sample.prompt_id), self._draw(sample.content_id), labels

    def _draw(self, key: str) -> int:
        return int.from_bytes(blake2b(f"{self.seed}:{key}".encode(), digest_size=8).digest(), "big")

    def _cap(self, text: str) -> str:
        text = text.strip()
        if len(text) <= self.longest_text:
            return text
        half = self.longest_text // 2
        return text[:half] + text[-half:]


@dataclass(frozen=True)
class Model:
    """Scores responses, each by the weights of its fold; the score depends on the response alone."""

    vocabulary: Vocabulary
    weights: NDArray[np.float64]
    """Shape (folds, columns)."""

    mean: NDArray[np.float64]
    """Of the rewards of all texts that were learned from, by fold."""

    embedder: Embedder | None

    def __call__(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        from scipy.special import expit

        rewards = self.describe([candidate.text for candidate in candidates]) @ self.weights.T - self.mean
        folds = [candidate.fold for candidate in candidates]
        values = expit(rewards[np.arange(len(candidates)), folds])
        return [(candidate.response_id, float(value)) for candidate, value in zip(candidates, values, strict=True)]

    def describe(self, texts: Sequence[Text]) -> Any:
        """Give one row of features per text."""
        rows = self.vocabulary.rows(texts)
        if self.embedder is None:
            return rows
        from scipy.sparse import csr_matrix, hstack

        vectors = np.nan_to_num(self.embedder.embed([text.text for text in texts]))
        return hstack([rows, csr_matrix(VECTOR_WEIGHT * vectors)], format="csr")


def _keep_first(kept: dict[int, list[Sample]], wanted: int) -> tuple[dict[int, list[Sample]], int]:
    """Keep the prompts of smallest number that together have the pairs that are wanted."""
    first: dict[int, list[Sample]] = {}
    held = 0
    for number in sorted(kept):
        if held >= wanted:
            break
        first[number] = kept[number]
        held += sum(len(_label_ordered(sample)) for sample in kept[number])
    return first, held


def _portions(candidates: Iterator[Candidate]) -> Iterator[list[Candidate]]:
    portion: list[Candidate] = []
    for candidate in candidates:
        portion.append(candidate)
        if len(portion) == TEXTS_AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion


def _pairs(samples: Iterable[Sample], candidates: Sequence[Candidate]) -> Pairs:
    rows = {candidate.response_id: row for row, candidate in enumerate(candidates)}
    table: list[tuple[int, int, float]] = []
    for sample in samples:
        ordered = _label_ordered(sample)
        table += [(rows[better.response_id], rows[worse.response_id], 1 / len(ordered)) for better, worse in ordered]
    chosen, rejected, weight = np.array(table, dtype=float).reshape(-1, 3).T
    folds = np.array([candidate.fold for candidate in candidates], dtype=np.intp)
    return Pairs(chosen.astype(np.intp), rejected.astype(np.intp), weight, folds[chosen.astype(np.intp)])


def _label_ordered(sample: Sample) -> list[tuple[Response, Response]]:
    labelled = [(one.label, one) for one in sample.responses if one.label is not None and one.text.strip()]
    ordered = sorted(labelled, key=lambda one: (one[0], one[1].response_id))
    return [(better[1], worse[1]) for worse, better in combinations(ordered, 2) if worse[0] < better[0]]
