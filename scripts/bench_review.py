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
MAP_KEYS = {"map: cursor": "l", "map: redraw": "=-", "map: colour": "c"}
QUIET = 0.12
"""Seconds without a byte after which a redraw is over."""


class Cost(NamedTuple):
    """What one key cost."""

    milliseconds: float
    """From the key to the last byte that it brought."""

    processor: float
    """Milliseconds that the program computed: on a busy machine they say more than the clock does."""

    size: int
    """Bytes sent."""


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[2_000, 100_000])
    parser.add_argument("--project", type=Path, nargs="+", default=[], help="measure these instead; give copies")
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--smoke", action="store_true", help="a few hundred samples and a few keys: does it run?")
    args = parser.parse_args()
    sizes, presses, rounds = ([200], 5, 1) if args.smoke else (args.samples, args.presses, ROUNDS)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed prefmap is compiled, too
    bare = median(time_paint([sys.executable, "-c", BARE_APP], "bare app is up") for _ in range(rounds))
    for project in args.project:
        report(project, project.name, presses, (args.columns, args.rows), bare, rounds)
    for count in [] if args.project else sizes:
        with tempfile.TemporaryDirectory() as folder:
            project = build(Path(folder), count)
            report(project, f"{count:,} samples", presses, (args.columns, args.rows), bare, rounds)


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


def report(project: Path, name: str, presses: int, size: tuple[int, int], bare: float, rounds: int) -> None:
    """Measure one project, and print what came out."""
    command = [sys.executable, "-m", "tui", "review", str(project), "--reviewer", "bench"]
    paint = median(time_paint(command, "read 0/") for _ in range(rounds))
    print(f"{name}, {size[0]}x{size[1]}")
    print(f"  first paint {paint:.2f} s, {paint / bare:.1f} x a bare Textual app ({bare:.2f} s)")
    with Terminal(command, columns=size[0], rows=size[1]) as terminal:
        terminal.wait_for("read 0/")
        terminal.settle()
        for what, key in KEYS.items():
            print(f"  {what:20} {describe([press(terminal, key) for _ in range(presses)])}")
        print(f"  resident memory {read_memory(terminal.pid):,.0f} MB")
        terminal.press("m")
        terminal.wait_for("variability")
        terminal.settle()
        for what, keys in MAP_KEYS.items():
            print(f"  {what:20} {describe([press(terminal, key) for _ in range(presses) for key in keys])}")
        terminal.press("q")
        terminal.wait_for("read ")
        terminal.settle()
        costs = [filter_by(terminal, f"suspicion>.{number % 2}{number}") for number in range(presses)]
        print(f"  {'filter to sample':20} {describe(costs)}")
        print(
            f"  resident memory {read_memory(terminal.pid):,.0f} MB, at most {read_memory(terminal.pid, 'VmHWM'):,.0f}"
        )


def press(terminal: Terminal, key: str) -> Cost:
    """Press one key, and wait until the screen is still."""
    before, spent, start = len(terminal.raw), read_processor(terminal.pid), time.perf_counter()
    terminal.press(key)
    last = start
    while terminal.read(QUIET if last > start else 1.0):
        last = time.perf_counter()
    return Cost((last - start) * 1000, read_processor(terminal.pid) - spent, len(terminal.raw) - before)


def filter_by(terminal: Terminal, text: str) -> Cost:
    """Put a filter in place of the last one; what is measured is enter alone."""
    terminal.press("w")
    terminal.settle()
    terminal.press("ctrl+u", text)
    terminal.settle()
    return press(terminal, "enter")


def describe(costs: Sequence[Cost]) -> str:
    """Write median and 99th percentile of the times, and the median and the most bytes."""
    times = [cost.milliseconds for cost in costs]
    sizes = [cost.size for cost in costs]
    return (
        f"{median(times):6.1f} ms median, {quantiles(times, n=100)[98]:6.1f} ms p99, "
        f"{median(cost.processor for cost in costs):6.1f} ms of processor, "
        f"{median(sizes):6,.0f} bytes median, {max(sizes):6,} most"
    )


def read_memory(pid: int, what: str = "VmRSS") -> float:
    """Read the resident memory of a process in MB, as it is or the most it was (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) * 1024 / 1e6


def read_processor(pid: int) -> float:
    """Read the milliseconds that the threads of a process computed (Linux)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


if __name__ == "__main__":
    main()
