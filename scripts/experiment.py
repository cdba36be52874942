"""Does the map choose better training data? DPO on each selection, where the true reward is known and can be counted.

A toy language (scripts/toy_language.py) gives prompts four responses of different true reward, with noisy ratings and
planted flips. A language model of two layers learns it from scratch, a reward model learns from the labels of other
prompts, and prefmap maps, reviews and exports. DPO then trains on each selection for the same number of updates, and
the true reward of new answers to held-out prompts is the result. Every run is kept in the output folder: the same
command goes on where it was interrupted.

Example: python scripts/experiment.py --size smoke
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from dpo_training import be_quiet
from experiment_table import write_report
from toy_arms import ARMS
from toy_study import SIZES, Result, Size, Start, Study

from engine.errors import ConfigError, PrefmapError
from engine.logs import Log, read_log
from engine.spreading import count_processors, spread

SEEDS = {"smoke": 2, "full": 10}


def main() -> None:
    """Run what is missing, print the table, and say what holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--seeds", type=int, help="how many")
    parser.add_argument("--output", type=Path, help="folder of models, projects and results")
    parser.add_argument("--workers", type=int, default=count_processors(), help="seeds at once")
    parser.add_argument("--table", action="store_true", help="run nothing, only print what there is")
    args = parser.parse_args()
    try:
        print(run(args))
    except PrefmapError as error:
        sys.exit(f"experiment: {error}")


def run(args: argparse.Namespace) -> str:
    """Run the seeds, and report on them."""
    be_quiet()
    output = args.output or Path(f"experiment-{args.size}")
    runner = SeedRunner(output, SIZES[args.size])
    seeds = range(args.seeds or SEEDS[args.size])
    results = [result for seed in seeds for result in runner.read(seed)]
    if not args.table:
        results = [one for found in spread(runner, seeds, processes=min(args.workers, len(seeds))) for one in found]
    return write_report(results, [runner.read_start(seed) for seed in sorted({one.seed for one in results})])


@dataclass(frozen=True)
class SeedRunner:
    """Runs all arms of a seed, each once."""

    output: Path
    size: Size

    def __call__(self, seed: int) -> list[Result]:
        import torch

        torch.set_num_threads(1)
        be_quiet()
        study = Study(self._folder(seed), self.size, seed)
        done = {result.arm for result in self.read(seed)}
        with Log(self._log(seed)) as log:
            if not done:
                self._begin(log)
            for arm in ARMS:
                if arm.name not in done:
                    study.prepare()
                    result = study.run(arm)
                    log.append(result._asdict())
                    print(f"seed {seed}, {arm.name}: {result.reward:.4f} in {result.seconds:.0f} s", flush=True)
        return self.read(seed)

    def read(self, seed: int) -> list[Result]:
        """Read the results of a seed that are there. Raises ConfigError where another size made them."""
        path = self._log(seed)
        if not path.exists():
            return []
        header, *lines = read_log(path).lines or [self._header()]
        if header != self._header():
            raise ConfigError(f"{path} was made with other settings. Give another --output, or remove that folder.")
        return [Result(**line) for line in lines]  # type: ignore[arg-type]

    def read_start(self, seed: int) -> Start:
        """Read what a seed started from, or measure it once."""
        file = self._folder(seed) / "start.json"
        if not file.exists():
            found = Study(self._folder(seed), self.size, seed).describe()
            file.write_text(json.dumps(found._asdict()) + "\n", encoding="utf-8")
        return Start(**json.loads(file.read_text(encoding="utf-8")))

    def _begin(self, log: Log) -> None:
        if not read_log(log.path).lines:
            log.append(self._header())

    def _header(self) -> dict[str, object]:
        return {"kind": "header", **asdict(self.size)}

    def _folder(self, seed: int) -> Path:
        return self.output / f"seed-{seed}"

    def _log(self, seed: int) -> Path:
        folder = self._folder(seed)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "results.jsonl"


if __name__ == "__main__":
    main()
