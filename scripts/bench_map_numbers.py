"""Time the computing of a map of a million samples of four responses beside DuckDB and a plain loop, in one run.

Example: python scripts/bench_map_numbers.py --samples 10000 100000 1000000
"""

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from engine.diagnosing import diagnose
from engine.statistics import divide_regions, measure, measure_spread

Floats = npt.NDArray[np.float64]

RESPONSES = 4
ROUNDS = 3
LOOPED = 2_000
"""Samples that the loop does; it is told for all, as if it went on so."""

GROUP_BY = "CREATE OR REPLACE TABLE grouped AS SELECT ordinal, avg(value), var_pop(value) FROM score GROUP BY ordinal"


class Data(NamedTuple):
    """Scores and labels of shape (samples, 4), and an id and a source for each sample."""

    scores: Floats
    labels: Floats
    ids: npt.NDArray[np.object_]
    sources: list[str]


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    report(args.samples, args.seed)


def report(sizes: Sequence[int], seed: int) -> None:
    """Print a table."""
    print(f"{'samples':>9}  {'map s':>7}  {'us/sample':>9}  {'group-by s':>10}  {'map/group-by':>12}  {'loop/map':>8}")
    for count in sizes:
        data = draw(count, seed)
        ours, grouped, looped = clock(lambda: compute(data)), time_group_by(data), time_loop(data)  # noqa: B023
        print(f"{count:>9,}  {ours:>7.2f}  {1e6 * ours / count:>9.2f}  {grouped:>10.2f}  {ours / grouped:>12.1f}  "
              f"{looped / ours:>8.0f}", flush=True)  # fmt: skip


def draw(count: int, seed: int) -> Data:
    """Draw scores that know something of the labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(1, 6, (count, RESPONSES)).astype(np.float64)
    scores = 1 / (1 + np.exp(-random.normal(labels - 3, 1.5)))
    ids = np.array([f"{one:016x}" for one in random.integers(0, 2**63, count)], dtype=object)
    return Data(scores, labels, ids, [f"source {one}" for one in random.integers(0, 5, count)])


def compute(data: Data) -> None:
    """Do what `prefmap map` does with scores that are loaded: statistics, correlations, regions, suspicion."""
    found = measure(data.scores, data.labels)
    divide_regions(found.quality, found.variability, data.ids)
    margin = found.margin / measure_spread(data.scores.ravel())
    diagnose(margin[:, None], data.sources, np.full(len(margin), np.nan))


def time_group_by(data: Data) -> float:
    """Let DuckDB take mean and variance alone."""
    connection = duckdb.connect()
    loaded = {"ordinal": np.repeat(np.arange(len(data.scores)), RESPONSES), "value": data.scores.ravel()}
    connection.register("loaded", loaded)
    connection.execute("CREATE TABLE score AS SELECT * FROM loaded")
    return clock(lambda: connection.execute(GROUP_BY))


def time_loop(data: Data) -> float:
    """Do a few samples one by one, and tell how long all of them would take so."""
    few = range(min(LOOPED, len(data.scores)))
    taken = clock(lambda: [measure_one(data.scores[row], data.labels[row]) for row in few])
    return taken * len(data.scores) / len(few)


def measure_one(scores: Floats, labels: Floats) -> tuple[object, ...]:
    """Compute mean, variance and three correlations of one sample."""
    cosine = scores @ labels / (np.linalg.norm(scores) * np.linalg.norm(labels))
    tied = labels.max() == labels.min()
    pearson, tau = (np.nan, np.nan) if tied else (np.corrcoef(scores, labels)[0, 1], kendalltau(scores, labels)[0])
    return scores.mean(), scores.var(), cosine, pearson, tau


def clock(work: Callable[[], object]) -> float:
    """Give the median seconds of a few runs."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


if __name__ == "__main__":
    main()
