"""Measure the review in a real pseudo-terminal: first paint, keys, bytes on the wire, memory.

Example: python scripts/bench_review.py --samples 2000 100000 1000000
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from bench_loop import BARE_APP, ROUNDS, read_sentences, time_paint
from terminal import Terminal

KEYS = {"verdict and advance": "y", "next": "l", "previous": "h", "page": "space", "undo": "u"}
QUIET = 0.08
"""Seconds without a byte after which a redraw is over."""


class Cost(NamedTuple):
    """What one key cost."""

    milliseconds: float
    """From the key to the last byte that it brought."""

    size: int
    """Bytes sent."""


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[2_000, 100_000])
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--smoke", action="store_true", help="a few hundred samples and a few keys: does it run?")
    args = parser.parse_args()
    sizes, presses, rounds = ([200], 5, 1) if args.smoke else (args.samples, args.presses, ROUNDS)
    bare = median(time_paint([sys.executable, "-c", BARE_APP], "bare app is up") for _ in range(rounds))
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            project = build(Path(folder), count)
            report(project, count, presses, (args.columns, args.rows), bare, rounds)


def build(folder: Path, count: int) -> Path:
    """Make a project of synthetic pairs with a score in each row, so that nothing must be fitted."""
    file, project = folder / "pairs.jsonl", folder / "pairs.prefmap"
    draw, sentences = random.Random(0), read_sentences("good", "wrong", "lazy", "flawed")
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            chosen, rejected = (". ".join(draw.choices(sentences, k=draw.randint(1, 5))) for _ in range(2))
            row = {
                "prompt": f"Question {number}: {draw.choice(sentences)}", "chosen": chosen, "rejected": rejected,
                "score_chosen": draw.gauss(0.6, 1.0), "score_rejected": draw.gauss(0.0, 1.0),
            }  # fmt: skip
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    command = [sys.executable, "-m", "tui", "build", str(file), "-o", str(project), "--scorer", "column:score"]
    subprocess.run(command, check=True, capture_output=True)
    return project


def report(project: Path, count: int, presses: int, size: tuple[int, int], bare: float, rounds: int) -> None:
    """Measure one project, and print what came out."""
    command = [sys.executable, "-m", "tui", "review", str(project), "--reviewer", "bench"]
    paint = median(time_paint(command, "read 0/") for _ in range(rounds))
    print(f"{count:,} samples, {size[0]}x{size[1]}")
    print(f"  first paint {paint:.2f} s, {paint / bare:.1f} x a bare Textual app ({bare:.2f} s)")
    with Terminal(command, columns=size[0], rows=size[1]) as terminal:
        terminal.wait_for("read 0/")
        terminal.settle()
        for name, key in KEYS.items():
            print(f"  {name:20} {describe([press(terminal, key) for _ in range(presses)])}")
        terminal.press("m")
        terminal.wait_for("variability")
        terminal.settle()
        print(f"  {'map: cursor':20} {describe([press(terminal, 'l') for _ in range(presses)])}")
        print(f"  resident memory {read_memory(terminal.pid):,.0f} MB")


def press(terminal: Terminal, key: str) -> Cost:
    """Press one key, and wait until the screen is still."""
    before, start = len(terminal.raw), time.perf_counter()
    terminal.press(key)
    last = start
    while terminal.read(QUIET if last > start else 1.0):
        last = time.perf_counter()
    return Cost((last - start) * 1000, len(terminal.raw) - before)


def describe(costs: Sequence[Cost]) -> str:
    """Write median and 99th percentile of the times, and the median and the most bytes."""
    times = [cost.milliseconds for cost in costs]
    sizes = [cost.size for cost in costs]
    return (
        f"{median(times):6.1f} ms median, {quantiles(times, n=100)[98]:6.1f} ms p99, "
        f"{median(sizes):6,.0f} bytes median, {max(sizes):6,} most"
    )


def read_memory(pid: int) -> float:
    """Read the resident memory of a process in MB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


if __name__ == "__main__":
    main()
