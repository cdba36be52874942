"""Map: build map.duckdb from sources and logs. It is a view: deleted and built again, it is the same."""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.cutting import Frozen, cut_map, read_frozen
from engine.diagnosing import Diagnosis, diagnose, find_truth
from engine.errors import ConfigError, ProjectMissingError
from engine.extents import describe_extents, measure_extent
from engine.logs import is_torn
from engine.map_writer import MapWriter, saying_what_fails, write_turns
from engine.project import Project, replacing
from engine.records import Sample, content_hash, label_pair
from engine.scores.score_logs import ENSEMBLE, FITTED_TYPES, ScoreLog, find_logs
from engine.sources import Fingerprint, SourceReader
from engine.statistics import Ids, Statistics, average, measure, measure_spread, rank_ids, standardise
from engine.suspicion.noise_model import WRONG_SHARE
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import History

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK_SAMPLES = 20_000

Progress = Callable[[int, int], None]
"""Told how many samples of how many are read."""


class Mapped(NamedTuple):
    """What a map was made of."""

    samples: int
    map_scorer: str
    stale: list[str]
    """Logs that were left out: their scorer depends on the dataset, and had another."""

    own_cuts: list[str]
    """Scorers that the project of the frozen cuts has none for, so that these are cut where they lie."""


@dataclass
class Shape:
    """The dataset as arrays: which rows of the response table belong to which sample."""

    ids: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    labels: list[float | None] = field(default_factory=list)
    """Of all responses, in the order of the table."""

    sources: list[str] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)
    """Whether the two responses of the pair are one and the same, so that no label of them is wrong."""

    truths: list[float] = field(default_factory=list)
    """What verdicts say of each label: 0 right, 1 wrong, NaN nothing."""

    def add(self, sample: Sample, outcomes: Outcomes) -> None:
        """Append one sample."""
        self.ids.append(sample.sample_id)
        self.counts.append(len(sample.responses))
        self.labels.extend(response.label for response in sample.responses)
        self.sources.append(sample.source)
        pair, responses = sample.pair, sample.responses
        self.same.append(
            pair is not None and responses[pair.chosen].response_id == responses[pair.rejected].response_id
        )
        self.truths.append(find_truth(sample, outcomes))

    def blocks(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield, per number of responses K, the samples (n,) and the rows of their responses (n, K)."""
        counts = np.array(self.counts, dtype=np.int64)
        starts = np.cumsum(counts) - counts
        for k in np.unique(counts):
            ordinals = np.flatnonzero(counts == k)
            yield ordinals, starts[ordinals][:, None] + np.arange(k)

    def measure(self, scores: Floats) -> Statistics:
        """Compute the map of one scorer from its score of each response."""
        labels = np.array(self.labels, dtype=np.float64)
        columns = np.full((len(Statistics._fields), len(self.counts)), np.nan)
        for ordinals, rows in self.blocks():
            columns[:, ordinals] = measure(scores[rows], labels[rows])
        return Statistics(*columns)


def build_map(
    project: Project,
    *,
    map_scorer: str | None = None,
    cuts_from: Project | None = None,
    progress: Progress = lambda *_: None,
) -> Mapped:
    """Build the map beside the old one, and put it in its place when it is whole."""
    frozen = read_frozen(cuts_from) if cuts_from else None
    samples = SourceReader(project)
    if not len(samples):
        raise ProjectMissingError(f"{project.path} holds no samples. Import a file first: prefmap import FILE -o P")
    with replacing(project.map, private=True) as beside, saying_what_fails(project.map), not_collecting():
        writer = MapWriter(beside)
        try:
            mapped = _write_map(project, samples, writer, map_scorer, frozen, progress)
            writer.finish()
        finally:
            writer.close()
    return mapped


@contextmanager
def not_collecting() -> Iterator[None]:
    """Leave the search for cycles out: samples have none, and with many of them it takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _write_map(
    project: Project,
    samples: SourceReader,
    writer: MapWriter,
    wanted: str | None,
    frozen: Frozen | None,
    progress: Progress,
) -> Mapped:
    histories = {path.name: History.read(path) for path in project.review_logs()}
    outcomes = Outcomes.of(list(histories.values()))
    shape, fingerprint = _write_samples(samples, outcomes, writer, progress)
    logs, stale = find_logs(project, fingerprint)
    extents = {path: measure_extent(path) for log in logs for path in log.paths}
    ids = np.array(shape.ids, dtype=object)
    others = [log.name for log in logs if log.type not in FITTED_TYPES]
    frozen = frozen and frozen.fit([log.name for log in logs], others)
    scores: dict[str, Floats] = {}
    margins: list[Floats] = []
    for log in logs:
        writer.add_scores(log.name, log.paths, torn=[path for path in log.paths if is_torn(path)])
        scores[log.name] = writer.aligned_scores(log.name)
        margins.append(_write_points(writer, log.name, shape, scores[log.name], ids, frozen))
    if len(others) > 1:
        scaled = [frozen.standardise(name, scores[name]) if frozen else standardise(scores[name]) for name in others]
        _write_points(writer, ENSEMBLE, shape, average(scaled), ids, frozen)
    chosen_scorer = _choose(logs, wanted)
    known = np.column_stack(margins) if margins else np.full((len(shape.ids), 1), np.nan)
    known[shape.same] = np.nan
    diagnosis = diagnose(known, shape.sources, np.array(shape.truths))
    _write_suspicion(writer, shape, diagnosis, rank_ids(ids))
    _write_verdicts(outcomes, writer)
    _note_diagnosis(writer, [log.name for log in logs], diagnosis)
    writer.note("logs", json.dumps(describe_extents(extents, histories)))
    writer.note("map_scorer", chosen_scorer)
    writer.note("map_is_fitted", str(any(log.name == chosen_scorer and log.type in FITTED_TYPES for log in logs)))
    writer.note(
        "fingerprint",
        content_hash(
            fingerprint,
            chosen_scorer,
            *(str(path.stat().st_size) for log in logs for path in log.paths),
            *([repr(frozen)] if frozen else []),
        ),
    )
    names = [*(log.name for log in logs), *([ENSEMBLE] if len(others) > 1 else [])]
    own_cuts = [name for name in names if frozen and name not in frozen.cuts]
    return Mapped(len(shape.ids), chosen_scorer, stale, own_cuts)


def _write_samples(
    samples: SourceReader, outcomes: Outcomes, writer: MapWriter, progress: Progress
) -> tuple[Shape, str]:
    shape, fingerprint = Shape(), Fingerprint()
    waiting = iter(samples)
    while chunk := list(islice(waiting, CHUNK_SAMPLES)):
        _write_chunk(writer, chunk, first=len(shape.ids))
        for sample in chunk:
            fingerprint.add(sample)
            shape.add(sample, outcomes)
        progress(len(shape.ids), len(samples))
    return shape, str(fingerprint)


def _write_chunk(writer: MapWriter, chunk: Sequence[Sample], first: int) -> None:
    writer.add("sample", {
        "ordinal": np.arange(first, first + len(chunk)),
        "sample_id": [sample.sample_id for sample in chunk],
        "content_id": [sample.content_id for sample in chunk],
        "prompt_id": [sample.prompt_id for sample in chunk],
        "file": [sample.file for sample in chunk],
        "row": [sample.row for sample in chunk],
        "source": [sample.source for sample in chunk],
        "flags": [",".join(sample.flags) for sample in chunk],
        "prompt": [write_turns(sample.prompt) for sample in chunk],
        "responses": [len(sample.responses) for sample in chunk],
        "votes": [json.dumps(sample.votes) if sample.votes else "" for sample in chunk],
        "tools": [sample.tools for sample in chunk],
    })  # fmt: skip
    flat = [(first + n, at, one) for n, sample in enumerate(chunk) for at, one in enumerate(sample.responses)]
    place = {"ordinal": [ordinal for ordinal, _, _ in flat], "position": [at for _, at, _ in flat]}
    writer.add("response", {
        **place,
        "response_id": [one.response_id for _, _, one in flat],
        "text": [one.text for _, _, one in flat],
        "system": [one.system or "" for _, _, one in flat],
        "turns": [write_turns(one.turns) for _, _, one in flat],
        "extra": [one.extra for _, _, one in flat],
    })  # fmt: skip
    labels = np.array([np.nan if one.label is None else one.label for _, _, one in flat])
    writer.add("label", {**place, "value": labels})


def _write_points(
    writer: MapWriter, scorer: str, shape: Shape, scores: Floats, ids: Ids, frozen: Frozen | None
) -> Floats:
    """Write one map with its cuts; give the margins in units of the scores' standard deviation."""
    statistics = shape.measure(scores)
    margin = statistics.margin / measure_spread(scores)
    regions, cuts = cut_map(scorer, statistics, ids, frozen)
    writer.add("point", {
        "scorer": [scorer] * len(shape.ids),
        "ordinal": np.arange(len(shape.ids)),
        **statistics._replace(margin=margin)._asdict(),
        "region": regions.region,
    })  # fmt: skip
    writer.add("cut", cuts)
    return margin


def _choose(logs: Sequence[ScoreLog], wanted: str | None) -> str:
    """Choose the map that queue, report and policy adm use."""
    names = [log.name for log in logs]
    others = [log.name for log in logs if log.type not in FITTED_TYPES]
    known = names + [ENSEMBLE] * (len(others) > 1)
    if wanted is None:
        return ENSEMBLE if len(others) > 1 else (others or names or [""])[0]
    fitting = [name for name in known if name == wanted] or [name for name in known if name.startswith(wanted)]
    if len(fitting) != 1:
        raise ConfigError(f"No map is called {wanted!r}: there are {', '.join(known) or 'none; run prefmap score'}.")
    return fitting[0]


def _write_suspicion(writer: MapWriter, shape: Shape, diagnosis: Diagnosis, tie_rank: Ints) -> None:
    order = np.lexsort((tie_rank, diagnosis.margin, -diagnosis.suspicion))
    pairs = [label_pair(labels) for labels in _labels_by_sample(shape)]
    writer.add("suspicion", {
        "ordinal": np.arange(len(shape.ids)),
        "chosen": np.array([np.nan if pair is None else pair.chosen for pair in pairs]),
        "rejected": np.array([np.nan if pair is None else pair.rejected for pair in pairs]),
        "margin": diagnosis.margin,
        "suspicion": diagnosis.suspicion,
        "against": diagnosis.against,
        "scorers": diagnosis.scorers,
        "place": np.argsort(order),
    })  # fmt: skip


def _labels_by_sample(shape: Shape) -> Iterator[list[float | None]]:
    labels = iter(shape.labels)
    for count in shape.counts:
        yield list(islice(labels, count))


def _note_diagnosis(writer: MapWriter, scorers: Sequence[str], diagnosis: Diagnosis) -> None:
    weights = dict(zip(scorers, diagnosis.weights.tolist(), strict=False))
    writer.note("wrong_share", str(WRONG_SHARE))
    writer.note("accuracy", repr(diagnosis.accuracy))
    writer.note("rho", json.dumps(None if np.isnan(diagnosis.rho) else diagnosis.rho))
    writer.note("rho_by_source", json.dumps(diagnosis.rho_by_source))
    writer.note("weights", json.dumps(weights))
    writer.note("read", str(diagnosis.read))
    writer.note("reliability", json.dumps(diagnosis.reliability))


def _write_verdicts(read: Outcomes, writer: MapWriter) -> None:
    outcomes = list(read)
    if not outcomes:
        return
    writer.add("verdict", {
        "content_id": [outcome.sample_id.partition("-")[0] for outcome in outcomes],
        "reviewer": [outcome.reviewer for outcome in outcomes],
        "verdict": [outcome.verdict for outcome in outcomes],
        "preferred": [outcome.preferred or "" for outcome in outcomes],
        "rejected": [outcome.rejected or "" for outcome in outcomes],
        "time": [outcome.time for outcome in outcomes],
        "bulk": [outcome.is_bulk for outcome in outcomes],
        "adjudicates": [outcome.adjudicates for outcome in outcomes],
    })  # fmt: skip
