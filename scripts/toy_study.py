"""One seed of the experiment: data, models and map are made anew, then each arm is trained and measured."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from dpo_training import Recipe, read_rows, train
from toy_arms import Arm, export_arm, review_queue
from toy_language import Task, draw_prompts, draw_tasks, make_tokenizer, measure_reward
from toy_training import LONGEST, fit_reward, make_base, sample_answers

from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.records import Sample
from engine.scorers.catalog import make_scorer
from engine.scoring import score
from engine.store import Store

FLIP_RATE = 0.1


@dataclass(frozen=True, slots=True)
class Size:
    """How large the experiment is."""

    prompts: int
    """Of the map; the language model and the scorer learn from as many others each."""

    held_out: int
    """Prompts that the trained models answer."""

    base_steps: int
    reward_steps: int
    updates: int
    """Of DPO, the same for every arm."""

    read: int
    """Verdicts that the corrected arms have."""

    batch: int = 32
    beta: float = 0.1
    learning_rate: float = 5e-4


SIZES = {
    "smoke": Size(prompts=120, held_out=30, base_steps=40, reward_steps=20, updates=6, read=18),
    "full": Size(prompts=3000, held_out=2000, base_steps=700, reward_steps=300, updates=120, read=450),
}


class Result(NamedTuple):
    """What one arm of one seed came to."""

    seed: int
    arm: str
    pairs: int
    wrong: float
    """Share of the pairs whose chosen response is truly the worse."""

    chosen: float
    rejected: float
    """Mean true rewards of both sides of the pairs."""

    reward: float
    """Mean true reward of the answers to the held-out prompts."""

    wins: float
    """Share of the prompts on which the answer is truly better than that of the model before DPO; a tie is half."""

    seconds: float


class Start(NamedTuple):
    """What all arms of a seed start from."""

    seed: int
    reward: float
    """Mean true reward of the language model's answers before DPO."""

    scorer_right: float
    """How often the scorer of the map prefers the truly better response of a pair."""


class Study:
    """All that one seed's arms share, made in a folder, or found there."""

    def __init__(self, folder: Path, size: Size, seed: int) -> None:
        self.folder, self.size, self.seed = folder, size, seed
        random = np.random.default_rng(seed)
        prompts = draw_prompts(3 * size.prompts + size.held_out, random)
        tasks = draw_tasks(prompts[: 3 * size.prompts], random, FLIP_RATE)
        self.for_base, self.for_scorer, self.for_map = (tasks[n::3] for n in range(3))
        self.held_out = prompts[3 * size.prompts :]
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Train the language model and the scorer, then build the map."""
        if not (self.base / "tokenizer.json").exists():
            make_base(self.base, self.for_base, steps=self.size.base_steps, seed=self.seed)
        if not (self.scorer / "tokenizer.json").exists():
            project = self._import("scorer", self.for_scorer)
            export(project, self.folder / "scorer.jsonl", ExportPlan(), force=True)
            rows = read_rows(self.folder / "scorer.jsonl")
            fit_reward(self.scorer, self.base, rows, steps=self.size.reward_steps, seed=self.seed)
        if not self.project.map.exists():
            self._import("map", self.for_map)
            score(self.project, make_scorer(f"reward:{self.scorer}", {}))
            build_map(self.project)
        if not self.corrected.path.exists():
            self._correct()

    def _correct(self) -> None:
        """Give verdicts in a copy of the project."""
        made = Project(self.folder / "correcting.prefmap")
        shutil.rmtree(made.path, ignore_errors=True)
        shutil.copytree(self.project.path, made.path)
        review_queue(made, self.truth, reads=self.size.read, seed=self.seed)
        build_map(made)
        made.path.rename(self.corrected.path)

    def _import(self, name: str, tasks: Sequence[Task]) -> Project:
        file = self.folder / f"{name}-tasks.jsonl"
        file.write_text("".join(json.dumps(task.row()) + "\n" for task in tasks), encoding="utf-8")
        project = Project(self.folder / f"{name}.prefmap")
        if not project.source_file.exists():
            import_file(project, file)
        return project

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def scorer(self) -> Path:
        return self.folder / "scorer"

    @property
    def project(self) -> Project:
        return Project(self.folder / "map.prefmap")

    @property
    def corrected(self) -> Project:
        """The same samples after some verdicts."""
        return Project(self.folder / "corrected.prefmap")

    @cached_property
    def truth(self) -> dict[tuple[str, str], float]:
        """The true reward of each response of the map, by prompt and text."""
        return {
            (task.prompt, text): reward
            for task in self.for_map
            for text, reward in zip(task.responses, task.rewards, strict=True)
        }

    @cached_property
    def tokenizer(self) -> Any:
        return make_tokenizer()

    def load_base(self) -> Any:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(self.base)

    @cached_property
    def before(self) -> list[float]:
        """True rewards of the base's answers to the held-out prompts."""
        return self.answer(self.load_base())

    def answer(self, model: Any) -> list[float]:
        answers = sample_answers(model, self.tokenizer, self.held_out, seed=self.seed)
        return [measure_reward(prompt, text) for prompt, text in zip(self.held_out, answers, strict=True)]

    def run(self, arm: Arm) -> Result:
        """Train one arm and measure it."""
        started = time.monotonic()
        project = self.corrected if arm.is_corrected else self.project
        rows = read_rows(export_arm(project, arm, self.folder))
        sides = np.array([[self.truth[say_pair(row, side)] for side in ("chosen", "rejected")] for row in rows])
        recipe = Recipe(
            beta=self.size.beta, learning_rate=self.size.learning_rate, batch=self.size.batch, accumulation=1,
            max_steps=self.size.updates, max_length=LONGEST, lora_rank=0, seed=self.seed, save_steps=0,
        )  # fmt: skip
        trained = train(self.load_base(), self.tokenizer, rows, recipe, self.folder / "training")
        after, before = np.array(self.answer(trained.model)), np.array(self.before)
        return Result(
            self.seed, arm.name, len(rows),
            wrong=float((sides[:, 0] < sides[:, 1]).mean()),
            chosen=float(sides[:, 0].mean()), rejected=float(sides[:, 1].mean()),
            reward=float(after.mean()), wins=float((after > before).mean() + (after == before).mean() / 2),
            seconds=round(time.monotonic() - started, 1),
        )  # fmt: skip

    def describe(self) -> Start:
        """Measure what the arms start from."""
        with closing(Store.open(self.project.map)) as store:
            (margins,) = store.margin_table().values()
            samples = [store.sample(place) for place in range(len(margins))]
        signs = [
            (margin > 0, self._gap(one) > 0) for margin, one in zip(margins, samples, strict=True) if self._gap(one)
        ]
        return Start(self.seed, float(np.mean(self.before)), float(np.mean([one == other for one, other in signs])))

    def _gap(self, sample: Sample) -> float:
        """Give how much better the chosen response truly is; 0 where the label ties."""
        if sample.pair is None:
            return 0.0
        prompt, texts = sample.prompt[-1].content, [one.text for one in sample.responses]
        return self.truth[prompt, texts[sample.pair.chosen]] - self.truth[prompt, texts[sample.pair.rejected]]


def say_pair(row: dict[str, Any], side: str) -> tuple[str, str]:
    """Give the prompt and one response of a row."""
    return row["prompt"][0]["content"], row[side][0]["content"]
