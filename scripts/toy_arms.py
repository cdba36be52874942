"""The arms of the experiment: which pairs DPO learns from, chosen by prefmap, with or without corrected labels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.project import Project
from engine.records import Sample, Verdict
from engine.reviewing import Review
from engine.store import Store

READER_ERROR = 0.03
"""How often the simulated reader is wrong."""

READER = 1
"""Keeps the reader's chances apart from those of the data."""

RANDOMS = 5


@dataclass(frozen=True, slots=True)
class Arm:
    """A selection of the pairs."""

    name: str
    policy: str
    seed: int = 42
    is_corrected: bool = False
    """After the verdicts on the first samples of the queue."""


ARMS = (
    Arm("full", "all"),
    Arm("high_average", "adm"),
    Arm("low_average", "low_average"),
    Arm("high_variance", "high_variance"),
    Arm("low_variance", "low_variance"),
    Arm("quality", "quality"),
    *(Arm(f"random {seed}", "random", seed) for seed in range(1, RANDOMS + 1)),
    Arm("full, corrected", "all", is_corrected=True),
    Arm("high_average, corrected", "adm", is_corrected=True),
    Arm("random, corrected", "random", 1, is_corrected=True),
)


def export_arm(project: Project, arm: Arm, folder: Path) -> Path:
    """Export the pairs of an arm as prefmap does."""
    output = folder / "arm.jsonl"
    export(project, output, ExportPlan(policy=arm.policy, seed=arm.seed), force=True)
    return output


def review_queue(project: Project, truth: Mapping[tuple[str, str], float], *, reads: int, seed: int) -> None:
    """Read the first samples of the queue as one who knows the truth but for slips, and give each a verdict."""
    random = np.random.default_rng([seed, READER])
    with closing(Store.open(project.map)) as store, closing(Review(project, "reader")) as review:
        for ordinal in store.order("suspicion")[:reads]:
            sample = store.sample(int(ordinal))
            if sample.pair:
                review.give(sample, _judge(sample, truth, is_slip=random.random() < READER_ERROR))


def _judge(sample: Sample, truth: Mapping[tuple[str, str], float], *, is_slip: bool) -> Verdict:
    assert sample.pair
    prompt = sample.prompt[-1].content
    chosen, rejected = (
        truth[prompt, sample.responses[place].text] for place in (sample.pair.chosen, sample.pair.rejected)
    )
    if chosen == rejected:
        return "tie"
    return "keep" if (chosen > rejected) != is_slip else "flip"
