"""Several reviewers at once in terminals of their own while maps are built, then: is each verdict there that was seen?

Example: python scripts/crowd.py --reviewers 4 --minutes 10
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from threading import Event

from sklearn.metrics import cohen_kappa_score
from terminal import Terminal

from engine.project import Project
from engine.records import content_of
from engine.verdicts.agreement import measure_agreement
from engine.verdicts.assigning import Assignment
from engine.verdicts.outcomes import Outcomes

ROOT = Path(__file__).resolve().parent.parent
ALL_IS_READ = "Every sample of the queue is read"
VERDICTS = {"y": "keep", "f": "flip", "t": "tie", "x": "drop"}


def main() -> int:
    """Review, build, compare; the exit code is 1 where something is lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviewers", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--overlap", type=float, help="Assign shares that meet in so much; default: all read all.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT / "sample_data" / "helpful_pairs.jsonl")
    args = parser.parse_args()
    names = [f"reviewer{number}" for number in range(args.reviewers)]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "crowd.prefmap"
        run("build", str(args.data), "-o", str(project))
        if args.overlap is not None:
            run("assign", str(project), "--reviewers", ",".join(names), "--overlap", str(args.overlap))
        is_over = Event()
        with ThreadPoolExecutor(len(names) + 1) as pool:
            building = pool.submit(build_on, project, is_over)
            until = time.monotonic() + 60 * args.minutes
            try:
                seen = list(pool.map(lambda name: review(project, name, until, f"{args.seed} {name}"), names))
            finally:
                is_over.set()
            maps = building.result()
        lost = sum(given != read_log(project, name) for name, given in zip(names, seen, strict=True))
        differing = compare_agreement(project, names)
        doubles = count_doubles(project, names)
    print(f"{len(names)} reviewers, {sum(map(len, seen)):,} verdicts, {maps} maps built meanwhile: "
          f"{lost} logs differ from what was seen, {differing} kappas differ from scikit-learn's, "
          f"{doubles} samples were read by two beyond the overlap")  # fmt: skip
    return int(bool(lost or differing or doubles))


def run(*words: str) -> None:
    """Run a command of prefmap to its end."""
    subprocess.run([sys.executable, "-m", "engine", *words], check=True, capture_output=True)


def build_on(project: Path, is_over: Event) -> int:
    """Build the map again and again; gives how often."""
    count = 0
    while not is_over.is_set():
        run("map", str(project))
        count += 1
    return count


def review(project: Path, name: str, until: float, seed: str) -> list[str]:
    """Give verdicts until the time is over; gives those that were seen on the screen."""
    draw = random.Random(seed)
    given: list[str] = []
    with Terminal([sys.executable, "-m", "tui", "review", str(project), "--reviewer", name]) as terminal:
        terminal.wait_for("read 0/")
        while time.monotonic() < until and ALL_IS_READ not in terminal.text:
            key = draw.choice("yyft")
            terminal.press(key)
            terminal.wait_for(f"read {len(given) + 1:,}/")
            given.append(VERDICTS[key])
            time.sleep(draw.random() / 2)
    return given


def read_log(project: Path, name: str) -> list[str]:
    """List the verdicts that a reviewer's log has."""
    (log,) = (project / "reviews").glob(f"{name}.*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line["verdict"] for line in lines if line["kind"] == "verdict"]


def compare_agreement(project: Path, names: list[str]) -> int:
    """Compute each kappa from the bare logs; gives how many differ from what prefmap says."""
    found = measure_agreement(Outcomes.read(Project(project).review_logs()))
    said = {name: dict(read_pairs(project, name)) for name in names}
    differing = 0
    for one, other in combinations(names, 2):
        both = sorted(said[one].keys() & said[other].keys())
        if not both:
            continue
        expected = cohen_kappa_score([said[one][key] for key in both], [said[other][key] for key in both])
        ours = found and found.kappa[one, other]
        differing += not ours or ours.of != len(both) or abs((ours.value or 0.0) - expected) > 1e-9
    return differing


def count_doubles(project: Path, names: list[str]) -> int:
    """Count the contents that two or more read though they are not assigned to all."""
    assignment = Assignment.read(Project(project))
    if assignment is None:
        return 0
    read = Counter(content for name in names for content in {content_of(one) for one, _ in read_pairs(project, name)})
    twice = [content for content, count in read.items() if count > 1]
    return len(twice) - int(assignment.shared(twice).sum())


def read_pairs(project: Path, name: str) -> list[tuple[str, str]]:
    """List sample and verdict of each line of a log; the last one on a sample counts."""
    (log,) = (project / "reviews").glob(f"{name}.*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [(line["sample_id"], line["verdict"]) for line in lines if line["kind"] == "verdict"]


if __name__ == "__main__":
    sys.exit(main())
