"""A long day: thousands of verdicts through a pseudo-terminal, with memory and latency told on the way.

Example: python scripts/soak.py --verdicts 10000
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from bench_review import build, read_memory
from terminal import REACTION_SECONDS, Terminal

KEYS = "yyyfftx"
"""Keep, flip, tie and drop, about as often as people use them."""

MOST_GROWTH = 1.10
"""Of memory and of latency, from the second stretch to the last."""


def main() -> int:
    """Give the verdicts, print a line per stretch; the exit code is 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--stretch", type=int, default=1_000, help="verdicts per line")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = build(Path(folder), args.verdicts + 100)
        stretches = sit(project, args.verdicts, args.stretch, random.Random(args.seed))
    first, last = stretches[min(1, len(stretches) - 1)], stretches[-1]
    time_growth, memory_growth = (late / early for early, late in zip(first, last, strict=True))
    print(f"from the second stretch to the last: latency x {time_growth:.2f}, memory x {memory_growth:.2f}")
    return int(max(time_growth, memory_growth) > MOST_GROWTH)


def sit(project: Path, verdicts: int, stretch: int, draw: random.Random) -> list[tuple[float, float]]:
    """Review on and on; gives the median milliseconds and the resident MB of each stretch."""
    stretches, taken = [], []
    command = [sys.executable, "-m", "tui", "review", str(project), "--reviewer", "soak", "--target", str(verdicts)]
    with Terminal(command) as terminal:
        terminal.wait_for("read 0/")
        print(f"{'verdicts':>9}  {'ms median':>9}  {'p99':>6}  {'MB':>6}")
        for number in range(1, verdicts + 1):
            start = time.perf_counter()
            terminal.press(draw.choice(KEYS))
            terminal.wait_for(f"read {number:,}/", quiet=0)
            taken.append(1000 * (time.perf_counter() - start))
            terminal.settle(REACTION_SECONDS)
            terminal.raw = b""
            if number % stretch == 0:
                stretches.append((median(taken), read_memory(terminal.pid)))
                print(f"{number:>9,}  {stretches[-1][0]:>9.1f}  {quantiles(taken, n=100)[98]:>6.1f}  "
                      f"{stretches[-1][1]:>6.0f}", flush=True)  # fmt: skip
                taken.clear()
    return stretches


if __name__ == "__main__":
    sys.exit(main())
