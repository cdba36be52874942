"""How well each method finds planted flips: simulated scorers, LLMBar with its judges, and files of your own.

--simulate draws scorers of known accuracy, whose margins are normal; --llmbar takes the answers of the judges in that
folder (judge-NAME-SET.json) as scores of its pairs, whose labels are a ground truth. --timing measures the model.
The rest is `prefmap bench noise`.

Example: python scripts/bench_noise.py --simulate .8 --simulate .7 --llmbar llmbar --seeds 20 --json found.json
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np
from bench_llmbar import add_judge

from engine.bench.detecting import Scored, count_found, rank_by_all
from engine.bench.noise import Run, measure_noise, open_bench, summarise
from engine.commands.bench import KINDS, describe, write_markdown
from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.suspicion.noise_model import Noise, fit

LLMBAR_SETS = ("natural", "neighbor")
"""Those whose pairs the judges answered."""


def main() -> None:
    """Run what was asked for, print Markdown tables, and write all runs as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--simulate", type=float, action="append", default=[], metavar="ACCURACY", help="one a scorer")
    parser.add_argument("--samples", type=int, default=20_000, help="that are simulated")
    parser.add_argument("--llmbar", type=Path, metavar="FOLDER")
    parser.add_argument("--rate", dest="rates", type=float, action="append")
    parser.add_argument("--kind", dest="kinds", choices=KINDS, action="append", help="of files and of LLMBar")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--scorer", dest="specs", action="append", default=[], help="of files")
    parser.add_argument("--timing", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rates, kinds, seeds = args.rates or [0.05, 0.1, 0.2, 0.3], args.kinds or ["uniform"], range(args.seeds)
    found = {}
    if args.simulate:
        runs = [run for rate in rates for run in simulate(args.simulate, args.samples, rate, seeds)]
        found[f"simulated {args.simulate}"] = runs
    for name in LLMBAR_SETS if args.llmbar else ():
        found[f"LLMBar {name}"] = bench_llmbar(args.llmbar, name, kinds, rates, seeds)
    for file in args.files:
        found[file.name] = list(
            measure_noise(open_bench(file, None, args.specs), kinds=kinds, rates=rates, seeds=seeds)
        )
    for name, runs in found.items():
        print(f"\n{name}, {args.seeds} seeds, mean (sd)\n", *write_markdown(summarise(runs)), sep="\n")
    if args.timing:
        measure_time()
    if args.json:
        args.json.write_text(json.dumps({name: describe(runs, summarise(runs)) for name, runs in found.items()}))


def simulate(accuracies: Sequence[float], samples: int, rate: float, seeds: Sequence[int]) -> Iterator[Run]:
    """Draw margins m ~ N(z, 1), z = Phi^-1(accuracy), for right labels; those of exchanged labels change their sign."""
    means = np.array([NormalDist().inv_cdf(accuracy) for accuracy in accuracies])
    for seed in seeds:
        random = np.random.default_rng(seed)
        flipped = random.permutation(samples) < round(samples * rate)
        margins = random.normal(means, 1, (samples, len(means))) * np.where(flipped, -1, 1)[:, None]
        nothing = np.full(samples, np.nan)
        scored = {f"{n}: right {a:.0%}": Scored(margins[:, n - 1], nothing) for n, a in enumerate(accuracies, start=1)}
        for method, suspicion in rank_by_all(scored, None).items():
            if not np.isnan(suspicion).all():
                yield Run("uniform", rate, seed, method, count_found(suspicion, flipped))


def bench_llmbar(
    folder: Path, name: str, kinds: Sequence[str], rates: Sequence[float], seeds: Sequence[int]
) -> list[Run]:
    """Plant flips in one set of LLMBar; what the judges answered are the scores."""
    with tempfile.TemporaryDirectory() as made:
        project = Project(Path(made) / "llmbar.prefmap")
        import_file(project, folder / f"{name}.json")
        for file in sorted(folder.glob(f"judge-*-{name}.json")):
            add_judge(project, file, Path(made))
        build_map(project)
        return list(measure_noise(open_bench(project.path, None, ()), kinds=kinds, rates=rates, seeds=seeds))


def measure_time() -> None:
    """Time the model on three scorers, in seconds of one core: complete, with sources, verdicts, missing margins."""
    fit(np.ones((2, 1)))  # imports scipy
    for samples in (60_000, 1_000_000):
        random = np.random.default_rng(0)
        margins = random.normal([0.84, 0.52, 0.25], 1, (samples, 3))
        holes = np.where(random.random(margins.shape) < 0.3, np.nan, margins)
        sources, truths = random.integers(0, 6, samples), np.full(samples, np.nan)
        truths[:200] = random.random(200) < 0.3
        cases: dict[str, Callable[[], Noise]] = {
            "complete": partial(fit, margins),
            "six sources": partial(fit, margins, sources),
            "six sources, 200 verdicts": partial(fit, margins, sources, truths),
            "the same, 30 % missing": partial(fit, holes, sources, truths),
        }
        for what, work in cases.items():
            start = time.process_time()
            work()
            print(f"{samples:>9,} samples x 3, {what}: {time.process_time() - start:.3f} s")


if __name__ == "__main__":
    main()
