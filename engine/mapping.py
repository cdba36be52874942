"""Map: build map.duckdb from sources and logs. It is a view: deleted and built again, it is the same."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.diagnosing import Diagnosis, diagnose, find_truth
from engine.errors import ConfigError, ProjectMissingError
from engine.logs import is_torn
from engine.map_writer import MapWriter, write_turns
from engine.project import Project, replacing
from engine.records import Sample, content_hash, label_pair
from engine.scores.score_logs import ENSEMBLE, FITTED_TYPES, ScoreLog, find_logs
from engine.sources import Fingerprint, SourceReader
from engine.statistics import Regions, Statistics, divide_regions, measure, rank_ids
from engine.suspicion.noise_model import WRONG_SHARE
from engine.verdicts.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK_SAMPLES = 20_000
VARIABILITY_RULE = "high_variance: all but the first floor(2N/3) by variability"
QUALITY_RULE = "high_average: the upper half by quality of the low-variability part"
TIES = "by sample id"

Progress = Callable[[int, int], None]
"""Told how many samples of how many are read."""


class Mapped(NamedTuple):
    """What a map was made of."""

    samples: int
    map_scorer: str
    stale: list[str]
    """Logs that were left out: their scorer depends on the dataset, and had another."""


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


def build_map(project: Project, *, map_scorer: str | None = None, progress: Progress = lambda *_: None) -> Mapped:
    """Build the map beside the old one, and put it in its place when it is whole."""
    samples = SourceReader(project)
    if not len(samples):
        raise ProjectMissingError(f"{project.path} holds no samples. Import a file first: prefmap import FILE -o P")
    with replacing(project.map) as beside:
        writer = MapWriter(beside)
        try:
            mapped = _write_map(project, samples, writer, map_scorer, progress)
            writer.finish()
        finally:
            writer.close()
    return mapped


def _write_map(
    project: Project, samples: SourceReader, writer: MapWriter, wanted: str | None, progress: Progress
) -> Mapped:
    outcomes = Outcomes.read(project.review_logs())
    shape, fingerprint = _write_samples(samples, outcomes, writer, progress)
    logs, stale = find_logs(project, fingerprint)
    tie_rank = rank_ids(np.array(shape.ids, dtype=object))
    scores = {}
    margins: list[Floats] = []
    for log in logs:
        writer.add_scores(log.name, log.paths, torn=[path for path in log.paths if is_torn(path)])
        aligned = writer.aligned_scores(log.name)
        scores[log.name] = standardise(aligned)
        margins.append(_write_points(writer, log.name, shape, aligned, tie_rank))
    others = [scores[log.name] for log in logs if log.type not in FITTED_TYPES]
    if len(others) > 1:
        _write_points(writer, ENSEMBLE, shape, average(others), tie_rank)
    chosen_scorer = _choose(logs, wanted)
    known = np.column_stack(margins) if margins else np.full((len(shape.ids), 1), np.nan)
    known[shape.same] = np.nan
    diagnosis = diagnose(known, shape.sources, np.array(shape.truths))
    _write_suspicion(writer, shape, diagnosis, tie_rank)
    _write_verdicts(outcomes, writer)
    _note_diagnosis(writer, [log.name for log in logs], diagnosis)
    writer.note("map_scorer", chosen_scorer)
    writer.note("map_is_fitted", str(any(log.name == chosen_scorer and log.type in FITTED_TYPES for log in logs)))
    writer.note(
        "fingerprint",
        content_hash(fingerprint, chosen_scorer, *(str(path.stat().st_size) for log in logs for path in log.paths)),
    )
    return Mapped(len(shape.ids), chosen_scorer, stale)


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


def standardise(scores: Floats) -> Floats:
    """z-score the scores of one scorer over all responses; what has no spread becomes 0."""
    if np.isnan(scores).all():
        return scores
    spread = float(np.nanstd(scores))
    return np.asarray((scores - np.nanmean(scores)) / (spread or 1.0))


def average(scores: Sequence[Floats]) -> Floats:
    """Average z-scored scores over those scorers that have one."""
    stacked = np.vstack(scores)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def _write_points(writer: MapWriter, scorer: str, shape: Shape, scores: Floats, tie_rank: Ints) -> Floats:
    """Write one map with its cuts; give the margins in units of the scores' standard deviation."""
    statistics = shape.measure(scores)
    margin = shape.measure(standardise(scores)).margin
    regions = divide_regions(statistics.quality, statistics.variability, tie_rank)
    writer.add("point", {
        "scorer": [scorer] * len(shape.ids),
        "ordinal": np.arange(len(shape.ids)),
        **statistics._replace(margin=margin)._asdict(),
        "region": regions.region,
    })  # fmt: skip
    _write_cuts(writer, scorer, statistics, regions)
    return margin


def _write_cuts(writer: MapWriter, scorer: str, statistics: Statistics, regions: Regions) -> None:
    nulls = int(np.isnan(statistics.variability).sum())
    ranked = len(statistics.variability) - nulls
    low = 2 * ranked // 3
    writer.add("cut", {
        "scorer": [scorer] * 2,
        "axis": ["variability", "quality"],
        "value": np.array([regions.variability_cut, regions.quality_cut], dtype=np.float64),
        "rule": [VARIABILITY_RULE, QUALITY_RULE],
        "ties": [TIES] * 2,
        "samples": [ranked, low],
        "nulls": [nulls, nulls],
    })  # fmt: skip


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
    })  # fmt: skip
