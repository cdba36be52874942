"""Cut a review log at every byte, as a power cut could, and see that exactly the torn line is set aside.

Example: python scripts/cut_log.py --lines 1000
"""

import argparse
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from engine.importing import import_file
from engine.logs import Log
from engine.project import Project
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verdicts.outcomes import VERDICTS

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Cut everywhere; the exit code is 1 when a whole line was lost, or half of one was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole = make_log(Path(folder), args.lines)
        wrong = [cut for cut in range(len(whole) + 1) if not holds(Path(folder) / "cut.jsonl", whole, cut)]
    print(
        f"{args.lines:,} lines cut at each of {len(whole) + 1:,} places: {len(wrong)} times not exactly the torn line"
    )
    return int(bool(wrong))


def make_log(folder: Path, lines: int) -> bytes:
    """Give so many verdicts, and the log of them."""
    project = Project(folder / "cut.prefmap")
    import_file(project, ROOT / "sample_data" / "helpful_pairs.jsonl")
    samples = list(SourceReader(project))
    with closing(Review(project, "cut")) as review:
        for number in range(lines):
            review.give(samples[number % len(samples)], VERDICTS[number % len(VERDICTS)], seconds=number / 10)
    (log,) = project.review_logs()
    return log.read_bytes()


def holds(path: Path, whole: bytes, cut: int) -> bool:
    """Cut, open to go on, and look at what is there and what was set aside."""
    path.write_bytes(whole[:cut])
    kept = whole.rfind(b"\n", 0, cut) + 1
    with Log(path, chained=True) as log:
        aside = log.set_aside
    torn = aside.read_bytes() if aside else b""
    if aside:
        aside.unlink()
    return (path.read_bytes(), torn) == (whole[:kept], whole[kept:cut])


if __name__ == "__main__":
    sys.exit(main())
