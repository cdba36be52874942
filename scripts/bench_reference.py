"""Time the reference scorer beside the same embedder asked for one pair of reference and response at a time.

The texts are those of FILE. The reference of a prompt is its first chosen answer with the words turned round: a
stand-in of real length that is none of the responses, so the values mean nothing. Many rows of a file repeat a
response; the second way is timed over all rows as they stand, and over the first of each response alone.

Example: python scripts/bench_reference.py pairs.jsonl --embedder all-MiniLM-L6-v2 --rows 300
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from engine.importing import import_file
from engine.modelling.embeddings import Embedder, load_embedder
from engine.project import Project
from engine.records import Sample
from engine.scorers.reference import Reference
from engine.scores.references import read_references
from engine.sources import SourceReader

TOLERANCE = 1e-5


class Took(NamedTuple):
    """Seconds, and those of the processor, which other programs on the machine disturb less."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Self:
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: "Took") -> "Took":
        return Took(self.wall - start.wall, self.processor - start.processor)

    def plus(self, other: "Took") -> "Took":
        return Took(self.wall + other.wall, self.processor + other.processor)


def main() -> None:
    """Score the same responses in both ways, and print seconds, ratios and the largest difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--embedder", required=True)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--device", default="")
    parser.add_argument("--tokens", type=int, default=Reference.tokens, help="that go through the model together")
    args = parser.parse_args()
    embedder = load_embedder(args.embedder, device=args.device)
    embedder.embed(["The first call of a model is slower than the others."])
    with tempfile.TemporaryDirectory() as folder:
        samples, references = prepare(args.file, args.rows, Path(folder))
        start = Took.now()
        load_embedder(args.embedder, device=args.device)
        load = Took.now().since(start)
        start = Took.now()
        scorer = Reference(args.embedder, str(references), device=args.device, tokens=args.tokens)
        batched = {one.response_id: one.value for one in scorer(samples) if one.value is not None}
        fast = Took.now().since(start)
        rows, firsts, alone = score_one_by_one(embedder, list(list_pairs(samples, references)))
    print(f"{len(samples):,} rows, {len(batched):,} different responses")
    report("prefmap, batched", fast, fast)
    report("  of it for loading the model, about", load, fast)
    report("one pair at a time, each response once", firsts, fast)
    report("one pair at a time, all rows", rows, fast)
    furthest = max(abs(value - alone[one]) for one, value in batched.items())
    print(f"largest difference {furthest:.1e}: {'equal' if furthest < TOLERANCE else 'NOT equal'} within {TOLERANCE}")


def prepare(file: Path, rows: int, folder: Path) -> tuple[list[Sample], Path]:
    """Import the pairs, take the first of them, and write a reference of each prompt."""
    project, references = Project(folder / "p.prefmap"), folder / "references.jsonl"
    import_file(project, file)
    samples = list(islice(SourceReader(project), rows))
    first: dict[str, str] = {}
    for sample in samples:
        if sample.pair:
            first.setdefault(sample.prompt_id, sample.responses[sample.pair.chosen].text)
    with references.open("w", encoding="utf-8") as out:
        for prompt_id, text in first.items():
            out.write(json.dumps({"prompt_id": prompt_id, "reference": " ".join(reversed(text.split()))}) + "\n")
    return samples, references


def list_pairs(samples: Sequence[Sample], references: Path) -> Iterator[tuple[str, str, str]]:
    """List response id, reference and response, row by row."""
    known = read_references(references)
    for sample in samples:
        reference = known.find(sample)
        for response in sample.responses:
            if reference is not None and response.text.strip():
                yield response.response_id, reference, response.text


def score_one_by_one(embedder: Embedder, pairs: Sequence[tuple[str, str, str]]) -> tuple[Took, Took, dict[str, float]]:
    """Embed each pair alone. Gives the time of all, that of the first of each response, and the values."""
    found: dict[str, float] = {}
    rows = firsts = Took(0, 0)
    for response_id, reference, text in pairs:
        start = Took.now()
        one, other = embedder.embed([reference, text])
        value = float(one @ other)
        took = Took.now().since(start)
        rows = rows.plus(took)
        if response_id not in found:
            firsts = firsts.plus(took)
            found[response_id] = value
    return rows, firsts, found


def report(name: str, took: Took, fast: Took) -> None:
    """Print a line of the table."""
    ratio = f"{took.wall / fast.wall:6.1f} x, by the processor {took.processor / fast.processor:6.1f} x"
    print(f"  {name:40} {took.wall:8.2f} s  {took.processor:8.2f} s of the processor  {ratio}")


if __name__ == "__main__":
    main()
