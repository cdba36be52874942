"""How close a response is to a reference answer, in meaning (cosine, BERTScore) or in words (ROUGE-L)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.errors import ScorerRefusedError
from engine.modelling.embeddings import (
    DEFAULT_EMBEDDER,
    Embedder,
    Vectors,
    identify_embedder,
    load_embedder,
)
from engine.records import Response, Sample, Score, content_hash
from engine.scores.references import References, read_references
from engine.scores.wanted import Wanted

PAIRS_AT_ONCE = {"cosine": 2048, "bertscore": 256, "rouge_l": 64}
"""Pairs that are scored before the first of them is logged, by metric: enough to find texts of like length."""

EMPTY, ALONE = "empty response", "no reference"
WORDLESS = "no word that the metric knows in the response or the reference"


class Compared(NamedTuple):
    """A response beside its reference."""

    response: Response
    reference: str


class Found(NamedTuple):
    """What a metric says of one pair; NaN where one of the texts has no token."""

    value: float
    truncated: bool = False


@dataclass(frozen=True)
class Reference:
    """Compares the text of each response with a reference answer; the prompt is not looked at."""

    embedder: str = field(default=DEFAULT_EMBEDDER, metadata={"provenance": True})
    """Hub name or folder of a sentence embedder; `facts` says which model it is, wherever it lies."""

    file: str = field(default="", metadata={"provenance": True})
    """The references: rows with `reference` and `sample_id`, `prompt_id` or `row`."""

    metric: str = "cosine"
    """cosine, bertscore or rouge_l."""

    revision: str = field(default="main", metadata={"provenance": True})
    """Of the embedder on the hub: a branch, tag or commit."""

    device: str = field(default="", metadata={"provenance": True})
    """Empty: a GPU where there is one."""

    tokens: int = field(default=0, metadata={"provenance": True})
    """How many tokens go through the embedder together; 0: as many as suit the device."""

    def __post_init__(self) -> None:
        if self.metric not in PAIRS_AT_ONCE:
            raise ScorerRefusedError(f"reference has no metric {self.metric!r}; it may be {', '.join(PAIRS_AT_ONCE)}.")
        if not self.file:
            raise ScorerRefusedError("reference needs a file of references: reference:EMBEDDER?file=references.jsonl")
        if self.tokens < 0:
            raise ScorerRefusedError(f"reference cannot embed {self.tokens} tokens at once; give it tokens=0 or more.")

    @property
    def packages(self) -> tuple[str, ...]:
        return ("rouge-score",) if self.metric == "rouge_l" else ("torch", "transformers")

    def facts(self) -> dict[str, str]:
        """The references and the model by their content."""
        known = {"references": self._references.digest}
        return known if self.metric == "rouge_l" else {**known, "embedder": self._embedder_identity}

    @cached_property
    def _references(self) -> References:
        return read_references(Path(self.file))

    @cached_property
    def _embedder_identity(self) -> str:
        return identify_embedder(self.embedder, revision=self.revision)

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        found = self._find_references(samples.samples if isinstance(samples, Wanted) else samples)
        groups: dict[str, dict[str, Response]] = {}
        done: set[str] = set()
        for response in (response for sample in samples for response in sample.responses):
            one = response.response_id
            if response.text.strip() and one in found:
                groups.setdefault(found[one], {})[one] = response
            elif one not in done:
                done.add(one)
                yield Score(one, None, ALONE if response.text.strip() else EMPTY, final=True)
        if not groups:
            return
        measure = self._make_metric()
        for pairs in _split(groups, PAIRS_AT_ONCE[self.metric]):
            yield from (_score(pair, said) for pair, said in zip(pairs, measure(pairs), strict=True))

    def _find_references(self, samples: Iterable[Sample]) -> dict[str, str]:
        """Give the reference of each response: that of the first sample that holds it and has one."""
        found: dict[str, str] = {}
        files: set[str] = set()
        for sample in samples:
            files.add(sample.file)
            reference = self._references.find(sample)
            if reference is not None:
                for response in sample.responses:
                    found.setdefault(response.response_id, reference)
        if len(files) > 1 and self._references.needs_one_file:
            raise ScorerRefusedError(f"Several files were imported: {self.file} needs file beside row.")
        if files and not found:
            raise ScorerRefusedError(
                f"No sample has a reference in {self.file}. Check its sample_id, prompt_id or row."
            )
        return found

    def _make_metric(self) -> Callable[[Sequence[Compared]], Iterable[Found]]:
        if self.metric == "rouge_l":
            return RougeL()
        embedder = load_embedder(self.embedder, revision=self.revision, device=self.device, tokens_at_once=self.tokens)
        return Cosine(embedder) if self.metric == "cosine" else BertScore(embedder)


def _split(groups: Mapping[str, Mapping[str, Response]], pairs_at_once: int) -> Iterator[list[Compared]]:
    """Cut the work into portions, never between two responses of one reference."""
    portion: list[Compared] = []
    for reference, responses in groups.items():
        portion += [Compared(response, reference) for response in responses.values()]
        if len(portion) >= pairs_at_once:
            yield portion
            portion = []
    if portion:
        yield portion


def _score(pair: Compared, said: Found) -> Score:
    one = pair.response.response_id
    if np.isnan(said.value):
        return Score(one, None, WORDLESS, final=True)
    details = {"reference": content_hash(pair.reference), **({"truncated": True} if said.truncated else {})}
    return Score(one, said.value, details=details)


@dataclass(frozen=True)
class Cosine:
    """Cosine of the sentence vectors of reference and response."""

    embedder: Embedder

    def __call__(self, pairs: Sequence[Compared]) -> Iterator[Found]:
        texts = [pair.reference for pair in pairs] + [pair.response.text for pair in pairs]
        vectors = self.embedder.embed(texts).astype(float)
        values = (vectors[: len(pairs)] * vectors[len(pairs) :]).sum(axis=1)
        return map(Found, values.tolist(), _cuts(self.embedder, pairs))


@dataclass(frozen=True)
class BertScore:
    """BERTScore F1 (arXiv 1904.09675) on the last states of the embedder, without idf weights and without rescaling."""

    embedder: Embedder

    def __call__(self, pairs: Sequence[Compared]) -> Iterator[Found]:
        texts = [pair.reference for pair in pairs] + [pair.response.text for pair in pairs]
        tokens = self.embedder.embed_tokens(texts)
        values = map(match_greedily, tokens[: len(pairs)], tokens[len(pairs) :])
        return map(Found, values, _cuts(self.embedder, pairs))


def match_greedily(reference: Vectors, response: Vectors) -> float:
    """F1 of two texts given as unit vectors of their tokens, shape (tokens, d).

    Each token is matched with the nearest one of the other text: the mean cosine over the response is precision, over
    the reference recall. 0 where neither is positive; NaN where a text has no token.
    """
    if not (len(reference) and len(response)):
        return float("nan")
    cosines = response @ reference.T
    precision, recall = float(cosines.max(axis=1).mean()), float(cosines.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _cuts(embedder: Embedder, pairs: Sequence[Compared]) -> Iterator[bool]:
    references = embedder.cuts([pair.reference for pair in pairs])
    responses = embedder.cuts([pair.response.text for pair in pairs])
    return (one or other for one, other in zip(references, responses, strict=True))


class RougeL:
    """ROUGE-L F1 over stemmed words, by the library rouge-score; it knows a to z and digits alone."""

    def __init__(self) -> None:
        try:
            from rouge_score import rouge_scorer, tokenizers
        except ImportError:
            raise ScorerRefusedError(
                "metric=rouge_l needs rouge-score. Install it: pip install 'prefmap[rouge]'"
            ) from None
        self._words: Any = tokenizers.DefaultTokenizer(use_stemmer=True)
        self._scorer: Any = rouge_scorer.RougeScorer(["rougeL"], tokenizer=self._words)

    def __call__(self, pairs: Sequence[Compared]) -> Iterator[Found]:
        for reference, text in ((pair.reference, pair.response.text) for pair in pairs):
            has_words = self._words.tokenize(reference) and self._words.tokenize(text)
            value = self._scorer.score(reference, text)["rougeL"].fmeasure if has_words else float("nan")
            yield Found(float(value))
