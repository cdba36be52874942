"""A long day: thousands of verdicts through a pseudo-terminal, with latency, work and memory told on the way.

Example: python scripts/soak.py --verdicts 10000
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from bench_review import build, read_memory, read_processor
from terminal import REACTION_SECONDS, Terminal

KEYS = "yyyfftx"
"""Keep, flip, tie and drop, about as often as people use them."""

MOST_GROWTH = 1.10
"""Of latency, work and memory, from the second stretch to the last; latency alone grows with what else runs."""


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
    latency, work, memory = (late / early for early, late in zip(first, last, strict=True))
    print(f"from the second stretch to the last: latency x {latency:.2f}, work x {work:.2f}, memory x {memory:.2f}")
    return int(max(latency, work, memory) > MOST_GROWTH)


def sit(project: Path, verdicts: int, stretch: int, draw: random.Random) -> list[tuple[float, float, float]]:
    """Review on and on; gives of each stretch median milliseconds, milliseconds of work per verdict, resident MB."""
    stretches, taken = [], []
    command = [sys.executable, "-m", "tui", "review", str(project), "--reviewer", "soak", "--target", str(verdicts)]
    with Terminal(command) as terminal:
        terminal.wait_for("read 0/")
        print(f"{'verdicts':>9}  {'ms median':>9}  {'p99':>6}  {'processor ms':>12}  {'MB':>6}")
        worked = read_processor(terminal.pid)
        for number in range(1, verdicts + 1):
            start = time.perf_counter()
            terminal.press(draw.choice(KEYS))
            terminal.wait_for(f"read {number:,}/", quiet=0.0)
            taken.append(1000 * (time.perf_counter() - start))
            terminal.settle(REACTION_SECONDS)
            terminal.raw = b""
            if number % stretch == 0:
                before, worked = worked, read_processor(terminal.pid)
                stretches.append((median(taken), (worked - before) / stretch, read_memory(terminal.pid)))
                print(f"{number:>9,}  {stretches[-1][0]:>9.1f}  {quantiles(taken, n=100)[98]:>6.1f}  "
                      f"{stretches[-1][1]:>12.1f}  {stretches[-1][2]:>6.0f}", flush=True)  # fmt: skip
                taken.clear()
    return stretches


if __name__ == "__main__":
    sys.exit(main())
