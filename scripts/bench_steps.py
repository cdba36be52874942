"""Time every step of the loop at several sizes, and say how each grows and what ten million samples would take.

Example: python scripts/bench_steps.py --samples 10000 100000 --responses 4
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log
from pathlib import Path

from bench_import import run
from bench_loop import read_sentences, write_pairs

ON_PAPER = 10_000_000
"""Samples, for which the last growth is carried on."""

BULK = """
import sys
from contextlib import closing
from pathlib import Path
import numpy as np
from engine.project import Project
from engine.reviewing import Review
from engine.store import Store
project = Project.open(Path(sys.argv[1]))
with closing(Store.open(project.map)) as store, closing(Review(project, "bench")) as review:
    review.give_all(store.labelled(np.arange(store.count("sample"))), "keep")
"""
"""Keeps all samples in one act, as the review's bulk verdict does."""


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--responses", type=int, choices=(2, 4), default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    report(sorted(args.samples), args.responses, args.seed)


def report(sizes: Sequence[int], responses: int, seed: int) -> None:
    """Print seconds and peak memory of each step at each size, its growth for ten times the samples, and the rest."""
    found: dict[str, list[tuple[float, float]]] = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for name, cost in time_steps(Path(folder), count, responses, seed):
                found.setdefault(name, []).append(cost)
                print(f"  {count:,} x {responses}: {name} {cost[0]:.1f} s, {cost[1]:,.0f} MB", file=sys.stderr)
    print(
        f"samples of {responses} responses: seconds (peak MB); growth for ten times as many; on paper at {ON_PAPER:,}"
    )
    print(f"  {'':22}" + "".join(f"{count:>19,}" for count in sizes) + f"{'growth':>17}{'on paper s':>12}")
    for name, costs in found.items():
        cells = "".join(f"{f'{seconds:,.1f} ({peak:,.0f})':>19}" for seconds, peak in costs)
        print(f"  {name:22}{cells}{describe_growth(sizes, [seconds for seconds, _ in costs])}", flush=True)


def describe_growth(sizes: Sequence[int], seconds: Sequence[float]) -> str:
    """Write how many times longer ten times as many samples take, from size to size, and where the last one leads.

    Where the start of the program still counts, growth is less than the samples' own; on paper it is at least that.
    """
    powers = [
        log(later / sooner) / log(more / fewer)
        for (fewer, more), (sooner, later) in zip(pairwise(sizes), pairwise(seconds), strict=True)
    ]
    if not powers:
        return ""
    paper = seconds[-1] * (ON_PAPER / sizes[-1]) ** max(1.0, powers[-1])
    return f"{' '.join(f'x{10**power:.1f}' for power in powers):>17}{paper:>12,.0f}"


def time_steps(folder: Path, count: int, responses: int, seed: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """Go through the loop once; yields each step with its seconds and its peak memory in MB."""
    file, project, export = folder / "samples.jsonl", folder / "p.prefmap", folder / "export.jsonl"
    scores = folder / "scores.jsonl"
    write = write_pairs if responses == 2 else write_rated
    write(file, count, seed)
    write_scores(scores, count, responses, seed)
    steps: Mapping[str, Sequence[object]] = {
        "import": ["import", file, "-o", project],
        "import-scores": ["import-scores", project, scores, "--scorer", "drawn"],
        "map": ["map", project],
        "queue of 100": ["queue", project, "--limit", 100],
        "report": ["report", project],
        "report --html": ["report", project, "--html", folder / "report.html"],
        "export": ["export", project, "-o", export],
        "replay": ["replay", export, "-o", folder / "again.jsonl", "--project", project],
        "bulk verdict on all": [],
        "map with verdicts": ["map", project],
        "report with verdicts": ["report", project],
        "doctor": ["doctor", project],
    }
    for name, step in steps.items():
        command = ["-m", "engine", *map(str, step)] if step else ["-c", BULK, str(project)]
        yield name, run([sys.executable, *command])


def write_rated(file: Path, count: int, seed: int) -> None:
    """Write samples of four responses, each with a rating."""
    draw = random.Random(seed)
    sentences = read_sentences("good", "good_too", "wrong", "lazy", "flawed")
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            completions = [
                {"response": ". ".join(draw.choices(sentences, k=draw.randint(3, 9))), "annotations": {},
                 "fine-grained_score": draw.randint(4, 20) / 4}
                for _ in range(4)
            ]  # fmt: skip
            row = {"instruction": f"Question {number}: {draw.choice(sentences)}", "completions": completions}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_scores(file: Path, count: int, responses: int, seed: int) -> None:
    """Write a score for each response."""
    draw = random.Random(seed)
    with file.open("w", encoding="utf-8") as out:
        for row in range(1, count + 1):
            for response in range(responses):
                value = draw.gauss(-0.2 * response, 1.0)
                out.write(f'{{"row": {row}, "response": {response}, "value": {value:.6f}}}\n')


if __name__ == "__main__":
    main()
