"""Bench: plant flips in labels, score the dataset as if they were not known, and count what each method finds."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.bench.detecting import Found, Scored, count_found, rank_by_all
from engine.bench.planting import plant
from engine.config import load_config
from engine.diagnosing import number_sources
from engine.formats.catalog import load_format
from engine.project import Project
from engine.records import Sample
from engine.scorers.catalog import NamedScorer, make_scorer
from engine.scores.score_logs import FITTED_TYPES, find_logs
from engine.sources import SourceReader, detect_file, fingerprint
from engine.sources import read_samples as read_source
from engine.statistics import measure
from engine.store import Store

DEFAULT_SCORER = "crossfit"

Floats = npt.NDArray[np.float64]

Values = Mapping[str, float | None]
"""Scores by response id."""

Score = Callable[[Sequence[Sample]], Values]


class Run(NamedTuple):
    """What one method found of one planting."""

    kind: str
    rate: float
    seed: int
    method: str
    found: Found


class Bench(NamedTuple):
    """What there is to plant in, and who scores it."""

    samples: list[Sample]
    scorers: dict[str, Score]


def open_bench(path: Path, layout: str | None, specs: Sequence[str]) -> Bench:
    """Read a file as an import would, or a project with the scores that it has; nothing is written.

    Where nothing else scores it, crossfit does.
    """
    tables = load_config(None).scorers
    named = [make_scorer(spec, tables) for spec in specs]
    samples, scorers = _read_project(path) if (path / "source.json").exists() else (_read_file(path, layout), {})
    if not (named or scorers):
        named = [make_scorer(DEFAULT_SCORER, tables)]
    return Bench(samples, {**scorers, **{one.name: _caller(one) for one in named}})


def _read_file(path: Path, layout: str | None) -> list[Sample]:
    made = load_format(layout or detect_file(path))
    return [one.sample for one in read_source(path, made) if one.sample is not None]


def _caller(named: NamedScorer) -> Score:
    return lambda samples: {one.response_id: one.value for one in named.scorer(samples)}


def _read_project(path: Path) -> tuple[list[Sample], dict[str, Score]]:
    """Take the scores that no label could change; crossfit has to score again what is planted."""
    project = Project.open(path)
    samples = SourceReader(project)
    logs, _ = find_logs(project, fingerprint(samples))
    with closing(Store.open(project.map)) as store:
        ids = store.answers()["response_id"].tolist()
        names = [log.name for log in logs if log.type not in FITTED_TYPES]
        table = {name: dict(zip(ids, store.aligned_scores(name).tolist(), strict=True)) for name in names}
    return list(samples), {name: _repeat(values) for name, values in table.items()}


def _repeat(values: Values) -> Score:
    return lambda _: values


def measure_noise(bench: Bench, *, kinds: Sequence[str], rates: Sequence[float], seeds: Sequence[int]) -> Iterator[Run]:
    """Plant flips once per kind, rate and seed, and yield what each method finds of them."""
    for kind, rate, seed in ((kind, rate, seed) for kind in kinds for rate in rates for seed in seeds):
        planted = plant(bench.samples, rate, seed, kind)
        for method, suspicion in suspect(planted.samples, bench.scorers).items():
            yield Run(kind, rate, seed, method, count_found(suspicion, planted.flipped))


def suspect(samples: Sequence[Sample], scorers: Mapping[str, Score]) -> dict[str, Floats]:
    """Score a dataset, and rank its labels by each method. It sees what any user sees: samples with labels."""
    scored = {name: score_labels(samples, score(samples)) for name, score in scorers.items()}
    names, number = number_sources([sample.source for sample in samples])
    return rank_by_all(scored, number if len(names) > 1 else None)


def score_labels(samples: Sequence[Sample], values: Values) -> Scored:
    """Compute the margin and the cosine of each sample; NaN where its pair is one and the same response."""
    by_size: dict[int, list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        by_size[len(sample.responses)].append(place)
    margin, cosine = np.full((2, len(samples)), np.nan)
    every: list[Floats] = []
    for places in by_size.values():
        rows = [[values.get(one.response_id) for one in samples[at].responses] for at in places]
        labels = [[one.label for one in samples[at].responses] for at in places]
        scores = np.array(rows, dtype=np.float64)
        statistics = measure(scores, np.array(labels, dtype=np.float64))
        margin[places], cosine[places] = statistics.margin, statistics.cosine
        every.append(scores.ravel())
    nothing = [sample.pair is None or _is_same(sample) for sample in samples]
    margin[nothing] = cosine[nothing] = np.nan
    together = np.concatenate(every) if every else np.empty(0)
    spread = float(np.nanstd(together)) if (~np.isnan(together)).any() else 0.0
    return Scored(margin / (spread or 1.0), cosine)


def _is_same(sample: Sample) -> bool:
    pair = sample.pair
    return pair is not None and (
        sample.responses[pair.chosen].response_id == sample.responses[pair.rejected].response_id
    )


class Row(NamedTuple):
    """Mean and standard deviation over the seeds, of one method."""

    kind: str
    rate: float
    method: str
    seeds: int
    mean: Found
    sd: Found


def summarise(runs: Sequence[Run]) -> list[Row]:
    """Give one row per kind, rate and method, in the order in which they came."""
    grouped: dict[tuple[str, float, str], list[Found]] = defaultdict(list)
    for run in runs:
        grouped[(run.kind, run.rate, run.method)].append(run.found)
    rows = []
    for (kind, rate, method), found in grouped.items():
        table = np.array(found, dtype=np.float64)
        rows.append(Row(kind, rate, method, len(found), Found(*table.mean(axis=0)), Found(*table.std(axis=0))))
    return rows
