"""Time crossfit on synthetic pairs of several sizes, each in a process of its own: seconds, memory, growth.

Example: python scripts/bench_crossfit.py --pairs 10000 100000
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from bench_loop import write_pairs

from engine.formats.catalog import load_format
from engine.records import Sample
from engine.scorers.crossfit import Crossfit
from engine.sources import detect_file, read_samples


class Taken(NamedTuple):
    """What one run took."""

    seconds: float
    learning: float
    """Seconds until the first score came."""

    processor: float
    """Processor seconds, those of the other processes included."""

    largest: float
    """Peak memory of this process, in GB."""

    other: float
    """Peak memory of the largest of the others, in GB."""


@dataclass(frozen=True)
class File:
    """Samples that are read anew each time, as those of a project are."""

    path: Path

    def __iter__(self) -> Iterator[Sample]:
        layout = load_format(detect_file(self.path))
        return (one.sample for one in read_samples(self.path, layout) if one.sample is not None)


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    report(args.pairs, args.seed)


def report(sizes: Sequence[int], seed: int) -> None:
    """Print a table."""
    print(
        f"{'pairs':>9}  {'s':>6}  {'to learn':>8}  {'processor s':>11}  {'ms/pair':>7}  {'GB':>5}  {'GB of others':>12}"
    )
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pairs.jsonl"
            write_pairs(file, count, seed)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                taken = pool.submit(measure, file).result()
        print(f"{count:>9,}  {taken.seconds:>6.1f}  {taken.learning:>8.1f}  {taken.processor:>11.1f}  "
              f"{1000 * taken.seconds / count:>7.3f}  {taken.largest:>5.2f}  {taken.other:>12.2f}",
              flush=True)  # fmt: skip


def measure(file: Path) -> Taken:
    """Score a file from its first byte to the last score."""
    start = time.perf_counter()
    scores = Crossfit()(File(file))
    next(scores)
    learning = time.perf_counter() - start
    for _ in scores:
        pass
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(one.ru_utime + one.ru_stime for one in used)
    return Taken(seconds, learning, processor, *(one.ru_maxrss / 1e6 for one in used))


if __name__ == "__main__":
    main()
