"""Train a language model on the preferences of an export, with TRL: DPO, robust DPO or SimPO, whole or by LoRA."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ConfigError
from engine.exports.manifests import manifest_of

LOSSES = ("dpo", "robust", "simpo")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. The defaults are the paper's for DPO."""

    loss: str = "dpo"
    beta: float = 0.01
    gamma: float = 0.0
    """Target margin of SimPO."""

    smoothing: float = 0.0
    """Share of wrong labels that robust DPO reckons with, below .5."""

    learning_rate: float = 5e-6
    batch: int = 2
    """Pairs on each device at once."""

    accumulation: int = 16
    """Batches that one update is made of."""

    epochs: float = 3.0
    max_steps: int = -1
    """Updates; -1: as many as the epochs have."""

    max_length: int = 2048
    """In tokens, prompt and response."""

    warmup: float = 0.1
    """Share of the updates over which the rate rises; it falls along a cosine then."""

    lora_rank: int = 8
    """Of LoRA on all linear layers, alpha twice that; 0: the whole model is trained."""

    seed: int = 42
    save_steps: int = 200
    """Updates between two checkpoints; 0: none."""

    logging_steps: int = 10
    is_loud: bool = False
    """Whether progress is shown."""


SIMPO = Recipe("simpo", batch=4, accumulation=8)

PRESETS = {
    ("llama3", "dpo"): Recipe(),
    ("llama3", "simpo"): replace(SIMPO, beta=2.4, gamma=1.4, learning_rate=1e-6),
    ("mistral", "dpo"): Recipe(),
    ("mistral", "simpo"): replace(SIMPO, beta=2.0, gamma=2.5, learning_rate=3e-7),
}
"""Those of arXiv 2505.23114 for Llama-3-Base-8B-SFT and zephyr-7b-sft-full; robust DPO takes those of DPO."""


class Trained(NamedTuple):
    """What became of a training."""

    model: Any
    """With LoRA, the model and its adapter."""

    steps: int
    rows: int
    """Of the export that the trainer took."""

    loss: float
    is_main: bool
    """Whether this is the process of several that saves and tells."""

    history: list[dict[str, Any]]
    """What the trainer logged: loss, margins and accuracy by step."""


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Read an export that DPO can learn from. Raises ConfigError where it is none."""
    if not file.exists():
        raise ConfigError(f"There is no {file}. Run: prefmap export")
    if file.suffix == ".parquet":
        from pyarrow.parquet import read_table

        rows: list[dict[str, Any]] = read_table(file).to_pylist()
    elif file.suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        raise ConfigError(f"{file} is neither .jsonl nor .parquet.")
    if not rows or not {"prompt", "chosen", "rejected"} <= rows[0].keys():
        raise ConfigError(
            f"{file} has no rows with prompt, chosen and rejected. Export it with --format trl or trl-standard."
        )
    return rows


def read_residual(file: Path) -> float:
    """Read from its manifest what share of an export's labels is still wrong, as the review measured it."""
    manifest = manifest_of(file)
    said = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    residual = said.get("residual_error")
    if residual is None:
        raise ConfigError(f"{manifest} states no residual error: that takes verdicts on controls. Give --smoothing.")
    return float(residual["estimate"])


def train(model: Any, tokenizer: Any, rows: list[dict[str, Any]], recipe: Recipe, folder: Path) -> Trained:
    """Train a model in place, from the last checkpoint in the folder where there is one."""
    from datasets import Dataset
    from transformers import PrinterCallback

    make = _make_cpo if recipe.loss == "simpo" else _make_dpo
    trainer = make(
        model=model,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_lora(recipe),
        recipe=recipe,
        folder=folder,
    )
    if not recipe.is_loud:
        trainer.remove_callback(PrinterCallback)
    find_last: Any = import_module("transformers.trainer_utils").get_last_checkpoint
    last = find_last(str(folder)) if folder.is_dir() else None
    done = trainer.train(resume_from_checkpoint=last)
    return Trained(
        trainer.accelerator.unwrap_model(trainer.model),
        trainer.state.global_step,
        len(trainer.train_dataset),
        done.training_loss,
        trainer.is_world_process_zero(),
        trainer.state.log_history,
    )


def _make_dpo(*, model: Any, recipe: Recipe, folder: Path, **given: Any) -> Any:
    """The reference is the model as it was; with LoRA, the model without its adapter."""
    trl: Any = import_module("trl")

    is_robust = recipe.loss == "robust"
    arguments = trl.DPOConfig(
        **_arguments(recipe, folder),
        loss_type=["robust" if is_robust else "sigmoid"],
        label_smoothing=recipe.smoothing if is_robust else 0.0,
    )
    reference = None if recipe.lora_rank else deepcopy(model)
    return trl.DPOTrainer(model=model, ref_model=reference, args=arguments, **given)


def _make_cpo(*, model: Any, recipe: Recipe, folder: Path, **given: Any) -> Any:
    """SimPO is a loss of TRL's CPO trainer, without the part that imitates the chosen response."""
    cpo: Any = import_module("trl.experimental.cpo")

    arguments = cpo.CPOConfig(
        **_arguments(recipe, folder),
        loss_type="simpo",
        simpo_gamma=recipe.gamma,
        cpo_alpha=0.0,
        remove_unused_columns=False,
    )
    return cpo.CPOTrainer(model=model, args=arguments, **given)


def _arguments(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Write what both trainers are told."""
    import torch

    return {
        "output_dir": str(folder),
        "beta": recipe.beta,
        "learning_rate": recipe.learning_rate,
        "per_device_train_batch_size": recipe.batch,
        "gradient_accumulation_steps": recipe.accumulation,
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps,
        "max_length": recipe.max_length,
        "warmup_steps": recipe.warmup,
        "lr_scheduler_type": "cosine",
        "seed": recipe.seed,
        "bf16": torch.cuda.is_available(),
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": torch.cuda.is_available(),
        "save_strategy": "steps" if recipe.save_steps else "no",
        "save_steps": recipe.save_steps or 500,
        "logging_steps": recipe.logging_steps,
        "report_to": "none",
        "disable_tqdm": not recipe.is_loud,
    }


def _lora(recipe: Recipe) -> Any:
    if not recipe.lora_rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_rank, lora_alpha=2 * recipe.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def be_quiet() -> None:
    """Keep the bars and the warnings of the libraries off the screen."""
    import os
    import warnings

    import datasets
    import transformers

    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    warnings.filterwarnings("ignore")
    datasets.disable_progress_bars()
    logging: Any = transformers.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
