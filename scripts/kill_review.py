"""Kill the review again and again, right after a verdict was seen on the screen, and count the verdicts that are lost.

With --signal STOP each review is first stopped at some moment around its verdict, and goes on after a while. A second
review of that reviewer must be refused meanwhile.

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
import time
from pathlib import Path
from typing import NamedTuple

from terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "tui"]
REVIEWER = ["--reviewer", "kill"]
LONGEST_WAIT, LONGEST_STOP = 0.1, 0.5
"""Seconds from the key to the stop, and from there until the review goes on, besides what a second one takes."""

VERDICTS = {"y": "keep", "f": "flip", "t": "tie", "x": "drop"}


class Tally(NamedTuple):
    """What went wrong in the rounds."""

    lost: int
    """Verdicts that were seen and are not in the log."""

    misplaced: int
    """Reviews that opened on another sample than was shown last."""

    doubled: int
    """Second reviews that were not refused while the first one was stopped."""


def main() -> int:
    """Run the rounds; the exit code is 1 when a verdict was lost, or a review opened in the wrong place or twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="at most as many as the data has samples")
    parser.add_argument("--signal", choices=["KILL", "HUP", "TERM", "STOP"], default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT / "sample_data" / "helpful_pairs.jsonl")
    args = parser.parse_args()
    number = signal.Signals[f"SIG{args.signal}"]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "kill.prefmap"
        build = [sys.executable, "-m", "engine", "build", str(args.data), "-o", str(project)]
        subprocess.run(build, check=True, capture_output=True)
        tally = run_rounds(project, args.rounds, number, random.Random(args.seed))
    print(
        f"SIG{args.signal}: {args.rounds} rounds, {tally.lost} verdicts lost, {tally.misplaced} reopened on another "
        f"sample, {tally.doubled} begun twice at once"
    )
    return int(any(tally))


def run_rounds(project: Path, rounds: int, number: signal.Signals, draw: random.Random) -> Tally:
    """Open, give one verdict, kill as soon as it is seen; then look into the log."""
    lost = misplaced = doubled = 0
    expected = ""
    for round_ in range(rounds):
        key, verdict = draw.choice(list(VERDICTS.items()))
        with Terminal([*COMMAND, "review", str(project), *REVIEWER], columns=100) as terminal:
            shown = _shown_id(terminal.wait_for(lambda text: bool(_shown_id(text)) and "read " in text))
            misplaced += bool(expected) and shown != expected
            terminal.press(key)
            if number == signal.SIGSTOP:
                doubled += not _stop_for_a_while(terminal, project, shown, draw)
            said, at = f"last: {verdict} {shown}", shown
            text = terminal.wait_for(lambda text: said in text and _shown_id(text) not in ("", at), quiet=0.0)  # noqa: B023
            expected = _shown_id(text)
            terminal.kill(signal.SIGKILL if number == signal.SIGSTOP else number)
        logged = _read_verdicts(project)
        lost += len(logged) != round_ + 1 or logged[-1] != (shown, verdict)
    return Tally(lost, misplaced, doubled)


def _stop_for_a_while(terminal: Terminal, project: Path, shown: str, draw: random.Random) -> bool:
    """Stop a review and let it go on; says whether a second one was refused with the process that holds the log."""
    time.sleep(draw.uniform(0, LONGEST_WAIT))
    terminal.send_signal(signal.SIGSTOP)
    second = subprocess.run(
        [*COMMAND, "verdict", str(project), shown, "skip", *REVIEWER], capture_output=True, text=True, check=False
    )
    time.sleep(draw.uniform(0, LONGEST_STOP))
    terminal.send_signal(signal.SIGCONT)
    return second.returncode == 1 and f"is being written by process {terminal.pid} on " in second.stderr


def _shown_id(text: str) -> str:
    found = re.search(r"\bid ([0-9a-f]{8})", text)
    return found[1] if found else ""


def _read_verdicts(project: Path) -> list[tuple[str, str]]:
    (log,) = (project / "reviews").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [(line["sample_id"][:8], line["verdict"]) for line in lines if line["kind"] == "verdict"]


if __name__ == "__main__":
    sys.exit(main())
