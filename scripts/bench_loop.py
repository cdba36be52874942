"""Time the whole loop on synthetic pairs, from a file to an open queue, beside peers in the same run.

Example: python scripts/bench_loop.py --pairs 60000
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from terminal import Terminal

CONTENT = Path(__file__).resolve().parent / "sample_content"
ROUNDS = 5
BARE_APP = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("bare app is up")
Bare().run(mouse=False)
"""


def main() -> None:
    """Make the data, time each step, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, project = Path(folder) / "pairs.jsonl", Path(folder) / "pairs.prefmap"
        write_pairs(file, args.pairs, args.seed)
        print(f"{args.pairs:,} synthetic pairs, {file.stat().st_size / 1e6:,.0f} MB")
        steps = {
            "import": ["import", str(file), "-o", str(project)],
            "score (crossfit)": ["score", str(project)],
            "map": ["map", str(project)],
        }
        times = {name: time_command([sys.executable, "-m", "tui", *step]) for name, step in steps.items()}
        paint = median(
            time_paint([sys.executable, "-m", "tui", "review", str(project)], "read 0/") for _ in range(ROUNDS)
        )
        times["open queue (median of 5)"] = paint
        for name, seconds in times.items():
            print(f"  {name:28} {seconds:8.2f} s")
        print(f"  {'file to open queue':28} {sum(times.values()):8.2f} s")
        bare = median(time_paint([sys.executable, "-c", BARE_APP], "bare app is up") for _ in range(ROUNDS))
        print(f"  {'first paint / bare Textual':28} {paint / bare:8.2f} x  (bare app {bare:.2f} s)")
    shown = median(time_command([sys.executable, "-m", "tui", "--help"]) for _ in range(ROUNDS))
    empty = median(time_command([sys.executable, "-c", "import click"]) for _ in range(ROUNDS))
    print(f"  {'prefmap --help':28} {shown:8.2f} s  ({shown / empty:.2f} x python -c 'import click')")


def write_pairs(file: Path, count: int, seed: int) -> None:
    """Write pairs of about 1.2 KB in the words of the samples; the better side has more of the good sentences."""
    draw = random.Random(seed)
    good, bad = read_sentences("good", "good_too"), read_sentences("wrong", "lazy", "flawed")
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            chosen, rejected = _mix(draw, good, bad, 0.7), _mix(draw, good, bad, 0.4)
            if draw.random() < 0.1:
                chosen, rejected = rejected, chosen
            row = {"prompt": f"Question {number}: {draw.choice(good)}", "chosen": chosen, "rejected": rejected}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _mix(draw: random.Random, good: Sequence[str], bad: Sequence[str], share: float) -> str:
    return ". ".join(draw.choice(good if draw.random() < share else bad) for _ in range(draw.randint(3, 9)))


def read_sentences(*keys: str) -> list[str]:
    """Read the sentences of the sample content that stand under these keys."""
    return [sentence for text in _read_texts(keys) for sentence in text.split(". ")]


def _read_texts(keys: Sequence[str]) -> Iterator[str]:
    for path in sorted(CONTENT.glob("*.toml")):
        for topic in tomllib.loads(path.read_text(encoding="utf-8"))["topic"]:
            yield from (topic[key] for key in keys)


def time_command(command: Sequence[str]) -> float:
    """Run a command to its end; gives the seconds."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def time_paint(command: Sequence[str], shown: str) -> float:
    """Start a program in a terminal; gives the seconds until it shows a text."""
    start = time.perf_counter()
    with Terminal(command) as terminal:
        terminal.wait_for(shown, quiet=0.0)
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
