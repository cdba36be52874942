"""Time the reference scorer, batched, beside the same embedder asked for one pair at a time, in one run.

Both read the same texts of FILE; the reference of each prompt is its first chosen answer, which is a stand-in: the
values mean nothing, the texts and their lengths are real. An equal value is one within 1e-5.

Example: python scripts/bench_reference.py pairs.jsonl --embedder all-MiniLM-L6-v2 --pairs 500
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from engine.embeddings import Embedder, load_embedder
from engine.importing import import_file
from engine.project import Project
from engine.references import read_references
from engine.scorers.reference import Reference
from engine.sources import SourceReader
from engine.wanted import Wanted

TOLERANCE = 1e-5


def main() -> None:
    """Score the same responses in both ways, and print seconds, rates and the largest difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--embedder", required=True)
    parser.add_argument("--pairs", type=int, default=500, help="responses to score")
    parser.add_argument("--device", default="")
    parser.add_argument(
        "--tokens", type=int, default=Reference.tokens, help="tokens that go through the model together"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples, references = prepare(args.file, Path(folder))
        scorer = Reference(args.embedder, str(references), device=args.device, tokens=args.tokens)
        wanted = Wanted(samples, limit=args.pairs)
        start = time.perf_counter()
        batched = {one.response_id: one.value for one in scorer(wanted) if one.value is not None}
        fast = report("batched", time.perf_counter() - start, len(batched))
        start = time.perf_counter()
        alone = score_one_by_one(load_embedder(args.embedder, device=args.device), wanted, references)
        slow = report("one pair at a time", time.perf_counter() - start, len(alone))
    print(f"  batched / one pair at a time {fast / slow:.1f} x, both with loading the model")
    assert batched.keys() == alone.keys()
    furthest = max(abs(value - alone[one]) for one, value in batched.items())
    print(
        f"  largest difference {furthest:.1e} ({'equal' if furthest < TOLERANCE else 'NOT equal'} within {TOLERANCE})"
    )


def prepare(file: Path, folder: Path) -> tuple[SourceReader, Path]:
    """Import the pairs, and write a reference of each prompt."""
    project, references = Project(folder / "p.prefmap"), folder / "references.jsonl"
    import_file(project, file)
    samples = SourceReader(project)
    first: dict[str, str] = {}
    for sample in samples:
        pair = sample.pair
        if pair and sample.responses[pair.chosen].text.strip():
            first.setdefault(sample.prompt_id, sample.responses[pair.chosen].text)
    with references.open("w", encoding="utf-8") as out:
        for prompt_id, text in first.items():
            out.write(json.dumps({"prompt_id": prompt_id, "reference": text}) + "\n")
    return samples, references


def score_one_by_one(embedder: Embedder, samples: Wanted, references: Path) -> dict[str, float]:
    """Embed the reference and the response of each pair, one text after the other, and multiply them."""
    known = read_references(references)
    found: dict[str, float] = {}
    for sample in samples:
        reference = known.find(sample)
        for response in sample.responses:
            if reference is not None and response.text.strip():
                one, other = embedder.embed([reference])[0], embedder.embed([response.text])[0]
                found[response.response_id] = float(one @ other)
    return found


def report(name: str, seconds: float, count: int) -> float:
    """Print a line of the table; gives the rate."""
    print(f"  {name:20} {seconds:8.2f} s   {count / seconds:8.1f} responses/s")
    return count / seconds


if __name__ == "__main__":
    main()
