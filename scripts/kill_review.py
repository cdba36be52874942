"""Kill the review again and again, right after a verdict was seen on the screen, and count the verdicts that are lost.

Example: python scripts/kill_review.py --rounds 100 --signal HUP
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
VERDICTS = {"y": "keep", "f": "flip", "t": "tie", "x": "drop"}


def main() -> int:
    """Run the rounds; the exit code is 1 when a verdict was lost or the review opened in the wrong place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="at most as many as the data has samples")
    parser.add_argument("--signal", choices=["KILL", "HUP", "TERM"], default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT / "sample_data" / "helpful_pairs.jsonl")
    args = parser.parse_args()
    number = signal.Signals[f"SIG{args.signal}"]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "kill.prefmap"
        build = [sys.executable, "-m", "engine", "build", str(args.data), "-o", str(project)]
        subprocess.run(build, check=True, capture_output=True)
        lost, misplaced = run_rounds(project, args.rounds, number, random.Random(args.seed))
    print(f"SIG{args.signal}: {args.rounds} rounds, {lost} verdicts lost, {misplaced} reopened on another sample")
    return int(bool(lost or misplaced))


def run_rounds(project: Path, rounds: int, number: signal.Signals, draw: random.Random) -> tuple[int, int]:
    """Open, give one verdict, kill as soon as it is seen; then look into the log. Gives the lost and the misplaced."""
    lost = misplaced = 0
    expected = ""
    for round_ in range(rounds):
        key, verdict = draw.choice(list(VERDICTS.items()))
        with Terminal([sys.executable, "-m", "tui", "review", str(project), "--reviewer", "kill"]) as terminal:
            shown = _shown_id(terminal.wait_for(lambda text: bool(_shown_id(text)) and "read " in text))
            misplaced += bool(expected) and shown != expected
            terminal.press(key)
            said, at = f"last: {verdict} {shown}", shown
            text = terminal.wait_for(lambda text: said in text and _shown_id(text) not in ("", at), quiet=0.0)  # noqa: B023
            expected = _shown_id(text)
            terminal.kill(number)
        logged = _read_verdicts(project)
        lost += len(logged) != round_ + 1 or logged[-1] != (shown, verdict)
    return lost, misplaced


def _shown_id(text: str) -> str:
    found = re.search(r"\bid ([0-9a-f]{8})", text)
    return found[1] if found else ""


def _read_verdicts(project: Path) -> list[tuple[str, str]]:
    (log,) = (project / "reviews").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [(line["sample_id"][:8], line["verdict"]) for line in lines if line["kind"] == "verdict"]


if __name__ == "__main__":
    sys.exit(main())
