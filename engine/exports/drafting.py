"""What samples become in an export, before it is written: the rows of each, or why it has none."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import RowRefusedError
from engine.exports.lines import Draft, Row, Written
from engine.exports.pairing import list_pairs
from engine.formats.catalog import JudgingWriter, Writer
from engine.records import Message, Pair, Response, Sample, TrainingPair
from engine.sources import Piece, SourceReader
from engine.spreading import count_workers, spread
from engine.verdicts.outcomes import Outcomes

NOT_IN_COLUMNS = "more than columns hold (tools, tool calls): export it to .jsonl"
BOTH_WAYS = "answer with both labels"
TWICE = "answer that another row has"

PACKED_SHARE = 3
"""Rows are about so many times larger than the packed copy of them, ..."""

SAMPLE_BYTES = 1000
"""... and at least of about this size, each: some files pack well."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Drafting(ABC, Generic[Item]):
    """What is to be exported of the selected samples, made anew each time it is asked for."""

    samples: SourceReader
    absent: npt.NDArray[np.object_]
    """Why each sample is not selected; empty: it is."""

    outcomes: Outcomes

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Draft]:
        for item, reason in zip(self.read(), self.absent, strict=True):
            yield Draft([], reason) if reason else self.draft(item)

    @abstractmethod
    def read(self) -> Iterator[Item]:
        """Read what drafts are made of, one of each sample."""

    @abstractmethod
    def draft(self, item: Item) -> Draft:
        """Say what becomes of one sample that is selected."""


@dataclass(frozen=True)
class Drafts:
    """The rows of a trainer's format, made in several processes where there are many."""

    samples: SourceReader
    drafter: "Drafter"

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Draft]:
        if self.is_grouped:
            return self.drafter.draft_all(self.samples)
        return chain.from_iterable(self._spread(self.drafter.draft_piece))

    @property
    def is_grouped(self) -> bool:
        """Whether several rows make a sample, so that all are to be read in one place."""
        return self.samples.size == 0

    def write(self) -> Iterator[Written]:
        """Write the rows where they are made; only for formats of one row a sample."""
        return self._spread(self.drafter.write_piece)

    def _spread(self, work: Callable[[Piece], Result]) -> Iterator[Result]:
        size = max(PACKED_SHARE * self.samples.size, SAMPLE_BYTES * len(self.samples))
        return spread(work, self.samples.pieces(), processes=count_workers(size))


@dataclass(frozen=True)
class Drafter:
    """Makes the rows of a trainer's format."""

    absent: npt.NDArray[np.object_]
    """Why each sample is not selected; empty: it is."""

    outcomes: Outcomes
    writer: Writer
    holds_all: bool
    """Whether a row may hold more than the writer's columns."""

    pairs: str
    """The rule by which a sample gives pairs."""

    seed: int

    def draft_piece(self, piece: Piece) -> list[Draft]:
        """Say what becomes of each sample of some rows."""
        return list(self.draft_all(piece.read(), piece.place))

    def write_piece(self, piece: Piece) -> Written:
        """Write what becomes of some rows."""
        return Written.of(self.draft_all(piece.read(), piece.place))

    def draft_all(self, samples: Iterable[Sample], place: slice = slice(None)) -> Iterator[Draft]:
        """Say what becomes of the samples at one place of the project."""
        for sample, reason in zip(samples, self.absent[place], strict=True):
            yield Draft([], reason) if reason else self.draft(sample)

    def draft(self, sample: Sample) -> Draft:
        """Say what becomes of one sample that is selected."""
        decision = self.outcomes.decide(sample)
        if decision.pair is None:
            return Draft([], decision.reason)
        rows: list[Row] = []
        refused = []
        for pair in list_pairs(sample, decision.pair, changed=decision.changed, rule=self.pairs, seed=self.seed):
            try:
                rows.extend(self._write(sample, pair))
            except RowRefusedError as error:
                refused.append(str(error))
        return Draft(rows, "" if rows else refused[0], decision.changed, tuple(refused))

    def _write(self, sample: Sample, pair: Pair) -> list[Row]:
        """Write the rows of one pair, or raise RowRefusedError."""
        if obstacle := find_obstacle(sample, pair):
            raise RowRefusedError(obstacle)
        rows = self.writer.to_rows(make_pair(sample, pair))
        for row in rows:
            if problem := self._find_problem(row):
                raise RowRefusedError(problem)
        return rows

    def _find_problem(self, row: Row) -> str:
        problem = self.writer.find_problem(row)
        return problem or ("" if self.holds_all or fits(row, self.writer.types) else NOT_IN_COLUMNS)


def fits(row: Mapping[str, object], types: Mapping[str, str]) -> bool:
    """Say whether columns of these types, in DuckDB's words, hold all that a row says."""
    return all(name in types and _keys(value) <= _words(types[name]) for name, value in row.items())


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", kind))


def _keys(value: object) -> set[str]:
    """Give the names that stand in a value at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def judge_once(drafts: Iterable[Draft], writer: JudgingWriter) -> Iterator[Draft]:
    """Leave out each answer that is judged both ways, and each that was judged before."""
    judged: dict[str, bool] = {}
    done = {
        answer
        for draft in drafts
        for answer, is_wanted in map(writer.judge, draft.rows)
        if judged.setdefault(answer, is_wanted) != is_wanted
    }
    both_ways = frozenset(done)
    for draft in drafts:
        rows, left_out = [], list(draft.left_out)
        for row in draft.rows:
            answer, _ = writer.judge(row)
            if answer in done:
                left_out.append(BOTH_WAYS if answer in both_ways else TWICE)
            else:
                rows.append(row)
            done.add(answer)
        reason = draft.reason or (left_out[0] if left_out and not rows else "")
        yield draft._replace(rows=rows, reason=reason, left_out=tuple(left_out))


def set_apart(groups: Iterable[list[Row]]) -> Iterator[Row]:
    """Put the first row of the next sample between the rows of one: a trainer sets each answer beside its neighbour."""
    waiting: list[Row] = []
    for first, *others in groups:
        yield first
        yield from waiting
        waiting = others
    yield from waiting


def find_obstacle(sample: Sample, pair: Pair) -> str:
    """Say why a pair would mislead any trainer; empty when nothing does."""
    chosen, rejected = _sides(sample, pair)
    if chosen.is_empty or rejected.is_empty:
        return "empty response"
    if (chosen.text, chosen.extra) == (rejected.text, rejected.extra):
        return "identical responses"
    if chosen.turns or rejected.turns:
        return "contexts differ"
    if not sample.prompt:
        return "no prompt"
    if sample.prompt[-1].role not in ("user", "tool"):
        return f"prompt ends with a turn of the {sample.prompt[-1].role}"
    return ""


def make_pair(sample: Sample, pair: Pair) -> TrainingPair:
    """Put prompt and texts together; a system prompt that both responses were given goes before the prompt."""
    chosen, rejected = _sides(sample, pair)
    shares_system = chosen.system and chosen.system == rejected.system
    system = (Message("system", chosen.system),) if shares_system and chosen.system else ()
    better = Message("assistant", chosen.text, chosen.extra)
    worse = Message("assistant", rejected.text, rejected.extra)
    return TrainingPair(sample.sample_id, (*system, *sample.prompt), better, worse, sample.tools)


def _sides(sample: Sample, pair: Pair) -> tuple[Response, Response]:
    return sample.responses[pair.chosen], sample.responses[pair.rejected]
