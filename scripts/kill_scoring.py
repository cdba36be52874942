"""Kill a judge's run with SIGKILL at random moments, go on, and count the finished calls that were sent again.

A call is finished once its line is in the log. What was under way at the kill is lost, and all that may be
sent twice. With --signal STOP one run is stopped again and again instead, and goes on after a while; a second run of
the same scorer must be refused meanwhile.

Example: python scripts/kill_scoring.py --rounds 20
"""

import argparse
import json
import math
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from judge_server import JudgeServer, rate

from engine.importing import import_file
from engine.logs import read_log
from engine.project import Project
from engine.sources import SourceReader

AT_ONCE = 8
LATENCY = 0.03
"""Seconds."""

LONGEST_LIFE = 1.0
"""Seconds from the first new call to the kill."""

PAIRS_PER_ROUND = 60

SECOND_RUN_EVERY = 10
"""Stops of which one is long enough for a second run to be tried."""

LONGEST_RUN, LONGEST_STOP = 0.1, 0.5
"""Seconds until a run is stopped again, and until it goes on."""


class Tally(NamedTuple):
    """What came of the rounds."""

    kills: int
    """Or stops."""

    calls: int
    """Different calls that were wanted."""

    sent: int
    sent_again: int
    """Calls that were sent although their line was in the log."""

    under_way: int
    """Calls that were sent twice, because a kill came while they were under way."""

    lost: int
    """Responses without a score at the end."""

    wrong: int
    """Scores that are not what the server said, or that stand twice in the log."""

    doubled: int
    """Second runs that were not refused while the first one was stopped."""


def main() -> int:
    """Run the rounds; the exit code is 1 when a finished call was sent again, or a score is lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--pairs", type=int, help=f"default: {PAIRS_PER_ROUND} for each round, so that none is done early"
    )
    parser.add_argument("--signal", choices=["KILL", "STOP"], default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = args.pairs or PAIRS_PER_ROUND * args.rounds
    number = signal.Signals[f"SIG{args.signal}"]
    with tempfile.TemporaryDirectory() as folder:
        tally = run_rounds(Path(folder), args.rounds, pairs, random.Random(args.seed), number)
    print(f"SIG{args.signal}: {tally.kills} times, {tally.calls:,} calls wanted, {tally.sent:,} sent")
    print(f"sent twice: {tally.sent_again} that were finished, {tally.under_way} that were under way")
    print(f"{tally.lost} responses lost, {tally.wrong} scores wrong, {tally.doubled} second runs at the same time")
    return int(bool(tally.sent_again or tally.lost or tally.wrong or tally.doubled))


def run_rounds(
    folder: Path, rounds: int, pairs: int, draw: random.Random, number: signal.Signals = signal.SIGKILL
) -> Tally:
    """Kill so many runs, or stop one as often, and let the last one end."""
    project = _make_project(folder, pairs)
    wanted = {
        (sample.prompt[0].content, one.text): one.response_id
        for sample in SourceReader(project)
        for one in sample.responses
    }
    with JudgeServer(latency=LATENCY) as server:
        spec = f"judge:made-up?base_url={server.url}&aspects=helpfulness"
        spec += f"&concurrency={AT_ONCE}&max_concurrency={AT_ONCE}"
        command = [sys.executable, "-m", "engine", "score", str(project.path), "--scorer", spec]
        times_sent: dict[str, int] = {}
        kills = doubled = 0
        if number == signal.SIGSTOP:
            kills, doubled = _stop_often(command, server, rounds, draw)
        for _ in range(rounds if number == signal.SIGKILL else 0):
            kills += _kill(command, server, draw)
            ids = {wanted[key]: text for text in list(server.received) if (key := _read_call(text)) in wanted}
            for one in _values(project):
                times_sent.setdefault(ids[one], server.received[ids[one]])
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    sent = {text: times for text, times in server.received.items() if _read_call(text) in wanted}
    again = [text for text, times in times_sent.items() if sent[text] > times]
    values = _values(project)
    wrong = [key for key, one in wanted.items() if one in values and values[one] != [_expect(key[1])]]
    lost = set(wanted.values()) - set(values)
    return Tally(
        kills, len(wanted), sum(sent.values()), len(again), sum(sent.values()) - len(sent), len(lost), len(wrong),
        doubled,
    )  # fmt: skip


def _make_project(folder: Path, pairs: int) -> Project:
    file = folder / "pairs.jsonl"
    rows = (
        {"prompt": f"Question {n}?", "chosen": f"A good answer, {n}.", "rejected": "No" * (n % 4)} for n in range(pairs)
    )
    file.write_text("".join(json.dumps(row | {"rejected": row["rejected"] or "Hm"}) + "\n" for row in rows))
    project = Project(folder / "pairs.prefmap")
    import_file(project, file)
    return project


def _kill(command: Sequence[str], server: JudgeServer, draw: random.Random) -> bool:
    """Start a run and kill it some time after its first call; says whether it was still at work."""
    before = sum(server.received.values())
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and sum(server.received.values()) == before:
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, LONGEST_LIFE))
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def _stop_often(command: Sequence[str], server: JudgeServer, stops: int, draw: random.Random) -> tuple[int, int]:
    """Stop a run so many times at most; gives how often it was still at work, and how often a second one was let in."""
    done = doubled = 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not server.received:
            time.sleep(0.005)
        while process.poll() is None and done < stops:
            process.send_signal(signal.SIGSTOP)
            if done % SECOND_RUN_EVERY == 0:
                second = subprocess.run(command, capture_output=True, text=True, check=False)
                doubled += f"is being written by process {process.pid} on " not in second.stderr
            time.sleep(draw.uniform(0, LONGEST_STOP))
            process.send_signal(signal.SIGCONT)
            time.sleep(draw.uniform(0, LONGEST_RUN))
            done += 1
    return done, doubled


def _read_call(text: str) -> tuple[str, str] | None:
    """Find prompt and response in the content of a call."""
    found = re.search(r"===== USER\n(.*?)\n===== RESPONSE\n(.*?)\n===== END", text, re.DOTALL)
    return (found[1], found[2]) if found else None


def _values(project: Project) -> dict[str, list[float]]:
    """Read what the log has of each response."""
    values: dict[str, list[float]] = {}
    for path in project.score_logs():
        for line in read_log(path).lines[1:]:
            value = line["value"]
            values.setdefault(str(line["response"]), []).append(
                round(value, 6) if isinstance(value, float) else math.nan
            )
    return values


def _expect(text: str) -> float:
    """What the server's probabilities come to: .6 of its number, .2 of the next one down, of .8 in all."""
    number = rate(text)
    return number - 0.25 * (number > 1)


if __name__ == "__main__":
    sys.exit(main())
