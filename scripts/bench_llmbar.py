"""How often scorers prefer the better output of LLMBar (arXiv 2310.07641), whose labels are a ground truth.

The folder holds the sets as LLMBar has them (natural.json, neighbor.json, ...) and, where there are any, the answers
of judges in both orders, judge-NAME-SET.json. LLMBar has no reference answers, so a reference scorer has nothing to
compare with; --embedder adds the cosine of the instruction and the output, which is no such thing, as a floor.
crossfit learns from the labels of the set itself, and a hundred pairs are too few for it.

Example: python scripts/bench_llmbar.py --folder llmbar --scorer crossfit --scorer judge:MODEL
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb

from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.records import Sample
from engine.score_importing import import_scores
from engine.scorers.catalog import make_scorer
from engine.scoring import score
from engine.sources import SourceReader

Z = 1.96
"""Of a 95 % interval."""

ORDERS = ("swap = False", "swap = True")


class Accuracy(NamedTuple):
    """How often the better output has the higher score."""

    right: float
    """A tie counts half."""

    ties: int
    scored: int
    """Samples of which both outputs have a score; the others do not count."""


def main() -> None:
    """Score one set in every way there is, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--set", dest="name", default="natural", help="natural (100 pairs) or an adversarial set")
    parser.add_argument(
        "--scorer", dest="specs", action="append", default=[], metavar="SPEC", help="any number of them"
    )
    parser.add_argument("--embedder", help="adds the cosine of instruction and output")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        project = Project(Path(made) / "llmbar.prefmap")
        import_file(project, args.folder / f"{args.name}.json")
        samples = list(SourceReader(project))
        add_length(project, samples, Path(made))
        for file in sorted(args.folder.glob(f"judge-*-{args.name}.json")):
            add_judge(project, file, Path(made))
        if args.embedder:
            add_likeness(project, samples, args.embedder, Path(made))
        for spec in args.specs:
            score(project, make_scorer(spec, {}), tell=print)
        build_map(project)
        print_table(samples, read_scores(project))


def add_length(project: Project, samples: Sequence[Sample], folder: Path) -> None:
    """Prefer the longer output."""
    rows = [{"response_id": r.response_id, "value": len(r.text)} for sample in samples for r in sample.responses]
    import_scores(project, write(folder / "length.jsonl", rows), name="longest output")


def add_judge(project: Project, file: Path, folder: Path) -> None:
    """Take the answers of a judge: the score of an output is the share of orders in which it won."""
    answers = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for number, answer in enumerate(answers, start=1) for row in read_answer(number, answer)]
    import_scores(project, write(folder / f"{file.stem}.jsonl", rows), name=file.stem)


def read_answer(
    number: int, answer: Mapping[str, list[dict[str, dict[str, str | None]]]]
) -> Iterator[dict[str, object]]:
    """Give the scores of both outputs; null where the judge answered in no order."""
    winners = [said[order]["winner"] for said in answer["results"] for order in ORDERS]
    known = [winner for winner in winners if winner in ("1", "2")]
    for response, name in enumerate(("1", "2")):
        value = known.count(name) / len(known) if known else None
        yield {"row": number, "response": response, "value": value}


def add_likeness(project: Project, samples: Sequence[Sample], embedder: str, folder: Path) -> None:
    """Prefer the output that is nearer to the instruction."""
    rows = [{"row": sample.row, "reference": sample.prompt[-1].content} for sample in samples]
    table = {"scorer": f"reference:{embedder}", "file": str(write(folder / "instructions.jsonl", rows))}
    name = "cosine to the instruction"
    score(project, make_scorer(name, {name: table}))


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_scores(project: Project) -> dict[str, dict[str, float]]:
    """Read what the map has: by scorer, the score of each response that has one."""
    found: dict[str, dict[str, float]] = {}
    with closing(duckdb.connect(str(project.map), read_only=True)) as connection:
        rows = connection.execute("SELECT scorer, response_id, value FROM score WHERE value IS NOT NULL").fetchall()
    for scorer, response_id, value in rows:
        found.setdefault(scorer, {})[response_id] = value
    return found


def measure(samples: Sequence[Sample], scores: Mapping[str, float]) -> Accuracy:
    """Count the samples whose label the scores share."""
    margins = []
    for sample in samples:
        pair = sample.pair
        if pair is None:
            continue
        better, worse = (scores.get(sample.responses[at].response_id) for at in (pair.chosen, pair.rejected))
        if better is not None and worse is not None:
            margins.append(better - worse)
    ties = margins.count(0)
    return Accuracy(sum(margin > 0 for margin in margins) + ties / 2, ties, len(margins))


def interval(right: float, count: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval of a share; where ties count half it is somewhat too wide."""
    share, z2 = right / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count * count)) ** 0.5
    return middle - half, middle + half


def print_table(samples: Sequence[Sample], scores: Mapping[str, Mapping[str, float]]) -> None:
    """Print a row per scorer, the best first."""
    table = {name: measure(samples, known) for name, known in scores.items()}
    table = {name: found for name, found in table.items() if found.scored}
    print(f"{'scorer':40} {'accuracy':>8}   95 % interval   {'ties':>4}   scored of {len(samples)}")
    for name, found in sorted(table.items(), key=lambda item: -item[1].right / item[1].scored):
        low, high = interval(found.right, found.scored)
        share = found.right / found.scored
        print(f"{name:40} {share:8.1%}   {low:5.1%} - {high:5.1%}   {found.ties:4}   {found.scored:6}")


if __name__ == "__main__":
    main()
