"""Measure how near a judge's run comes to the ideal: calls x latency / calls at once.

The server of scripts/judge_server.py answers after a fixed latency, in a process of its own. The time is that of the
whole scoring, log included, from the first call to the last.

Example: python scripts/bench_judge.py --calls 9600 --at-once 64 --latency 0.2
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.importing import import_file
from engine.project import Project
from engine.scorers.catalog import make_scorer
from engine.scoring import Terms, score

SERVER = Path(__file__).with_name("judge_server.py")


def main() -> int:
    """Score so many responses, three times, and print the share of the ideal that was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=9600)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ideal = args.calls * args.latency / args.at_once
    print(f"{args.calls:,} calls of {args.latency} s, {args.at_once} at once: ideal {ideal:.2f} s")
    command = [sys.executable, str(SERVER), "--port", "0", "--latency", str(args.latency)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            for number in range(args.rounds):
                measure(Path(folder) / str(number), url, args.calls, args.at_once, ideal)
        finally:
            server.terminate()
    return 0


def measure(folder: Path, url: str, calls: int, at_once: int, ideal: float) -> None:
    """Time one run."""
    folder.mkdir()
    file = folder / "pairs.jsonl"
    text = "a word or two of what a response says, " * 20
    rows = ({"prompt": f"Question {n}?", "chosen": f"{n} {text}", "rejected": f"{text} {n}"} for n in range(calls // 2))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    project = Project(folder / "pairs.prefmap")
    import_file(project, file)
    spec = f"judge:made-up?base_url={url}&aspects=helpfulness&concurrency={at_once}&max_concurrency={at_once}"
    named = make_scorer(spec, {})
    score(project, named, Terms(limit=1))  # the first call learns what the server can do, and loads what is needed
    began, busy = time.perf_counter(), time.process_time()
    coverage = score(project, named)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    assert coverage.missing == 0
    print(f"  {seconds:6.2f} s, {ideal / seconds:6.1%} of the ideal; {1000 * busy / calls:.2f} ms of processor a call")


if __name__ == "__main__":
    sys.exit(main())
