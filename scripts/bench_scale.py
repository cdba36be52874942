"""Print what each step costs at the sizes that people have, part by part, beside its peers in the same run.

Example: python scripts/bench_scale.py --what map loop --sizes 10000 100000 1000000
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import bench_crossfit
import bench_export
import bench_import
import bench_map_numbers
import bench_merge
import bench_review
import bench_steps
from bench_loop import BARE_APP, ROUNDS, time_paint, write_pairs

SEED = 0
SCREEN = (80, 24)
PRESSES = 100
SMOKE_SIZES = (200, 2_000)


def main() -> None:
    """Print the parts that are wanted, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="in samples")
    parser.add_argument("--smoke", action="store_true", help="a few samples: does it run?")
    args = parser.parse_args()
    sizes = sorted(SMOKE_SIZES if args.smoke else args.sizes)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed prefmap is compiled, too
    for what in args.what:
        print(f"== {what}", flush=True)
        PARTS[what](sizes)


def time_map(sizes: Sequence[int]) -> None:
    """Compute the map of loaded scores beside a bare group-by and a loop."""
    bench_map_numbers.report(sizes, SEED)


def time_crossfit(sizes: Sequence[int]) -> None:
    """Fit and score pairs."""
    bench_crossfit.report(sizes, SEED)


def time_review(sizes: Sequence[int]) -> None:
    """Open the review, and press keys."""
    rounds, presses = (1, 5) if max(sizes) in SMOKE_SIZES else (ROUNDS, PRESSES)
    bare = median(time_paint([sys.executable, "-c", BARE_APP], "bare app is up") for _ in range(rounds))
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            project = bench_review.build(Path(folder), count)
            bench_review.report(project, f"{count:,} samples", presses, SCREEN, bare, rounds)


def time_transfer(sizes: Sequence[int]) -> None:
    """Import and export pairs beside DuckDB."""
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pairs.jsonl"
            write_pairs(file, count, SEED)
            print(f"{count:,} pairs, {file.stat().st_size / 1e6:,.0f} MB")
            bench_import.report(file, Path(folder))
        with tempfile.TemporaryDirectory() as folder:
            bench_export.report(count, SEED, Path(folder))


def time_merge(sizes: Sequence[int]) -> None:
    """Merge logs of ten lines a sample beside DuckDB that only reads them."""
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            bench_merge.report(10 * count, Path(folder))


def time_loop(sizes: Sequence[int]) -> None:
    """Run all steps on pairs, then on samples of four responses."""
    for responses in (2, 4):
        bench_steps.report(sizes, responses, SEED)


PARTS: dict[str, Callable[[Sequence[int]], None]] = {
    "map": time_map,
    "crossfit": time_crossfit,
    "review": time_review,
    "transfer": time_transfer,
    "merge": time_merge,
    "loop": time_loop,
}


if __name__ == "__main__":
    main()
