"""Train a language model on an export of prefmap: DPO, robust DPO or SimPO, with LoRA or whole.

The file is an export in the format trl or trl-standard, .jsonl or .parquet. --loss robust takes the share of wrong
labels from the export's manifest, where a review with controls has measured it. The same command goes on from the last
checkpoint in the output folder. On several GPUs: accelerate launch scripts/train_dpo.py ...

Example: python scripts/train_dpo.py train.jsonl --model ./sft-model --preset mistral --loss simpo --output simpo-model
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from dpo_training import LOSSES, PRESETS, Recipe, Trained, be_quiet, read_residual, read_rows, train

from engine.errors import ConfigError, PrefmapError
from engine.exports.manifests import hash_file
from engine.modelling.loading import Origin, Place, load_config, load_language_model, load_tokenizer

SUMMARY = "training.json"
FAMILIES = tuple(dict.fromkeys(family for family, _ in PRESETS))
OPTIONS = {
    "beta": float, "gamma": float, "smoothing": float, "learning_rate": float, "batch": int, "accumulation": int,
    "epochs": float, "max_steps": int, "max_length": int, "warmup": float, "lora_rank": int, "seed": int,
    "save_steps": int, "logging_steps": int,
}  # fmt: skip
"""What of a recipe can be given on the command line."""


def main(arguments: list[str] | None = None) -> None:
    """Train, save, and say what came of it; what cannot be done is one sentence."""
    args = _parse(arguments)
    if not sys.stderr.isatty():
        be_quiet()
    try:
        recipe = choose_recipe(args)
        done = run(args.model, args.file, recipe, args.output)
    except PrefmapError as error:
        sys.exit(f"train_dpo: {error}")
    if done.is_main:
        print(f"{args.output}: {done.steps:,} updates on {done.rows:,} pairs, loss {done.loss:.4f}.")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", required=True, help="folder, .gguf file or hub name of a chat model")
    parser.add_argument("--output", required=True, type=Path, help="folder of checkpoints, model and summary")
    parser.add_argument("--preset", choices=FAMILIES, default=FAMILIES[0], help="whose settings in the paper")
    parser.add_argument("--loss", choices=LOSSES, default=LOSSES[0])
    for name, kind in OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="default: the preset's")
    return parser.parse_args(arguments)


def choose_recipe(args: argparse.Namespace) -> Recipe:
    """Take a preset, and change what was given; robust DPO asks the manifest how many labels are wrong."""
    given = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    preset = PRESETS[args.preset, "simpo" if args.loss == "simpo" else "dpo"]
    recipe = replace(preset, loss=args.loss, **given)
    if recipe.loss == "robust" and "smoothing" not in given:
        recipe = replace(recipe, smoothing=read_residual(args.file))
    if not 0 <= recipe.smoothing < 0.5:
        raise ConfigError(f"--smoothing is {recipe.smoothing:g}; it must be 0 or more, and below .5.")
    if "smoothing" in given and recipe.loss != "robust":
        raise ConfigError("--smoothing needs --loss robust.")
    return recipe


def run(model: str, file: Path, recipe: Recipe, output: Path) -> Trained:
    """Load, train and save."""
    rows = read_rows(file)
    origin = Origin(model)
    tokenizer = load_tokenizer(origin)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None and isinstance(rows[0]["prompt"], list):
        raise ConfigError(
            f"{model} has no chat template, and the rows are conversations: export --format trl-standard."
        )
    done = train(_load(origin, recipe), tokenizer, rows, replace(recipe, is_loud=sys.stderr.isatty()), output)
    if done.is_main:
        done.model.save_pretrained(output)
        tokenizer.save_pretrained(output)
        summary = describe(model, file, recipe, done)
        (output / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return done


def _load(origin: Origin, recipe: Recipe) -> Any:
    """Load the weights; the trainer moves them. Beside an adapter they do not change, so bfloat16 will do on a GPU."""
    import torch

    is_small = torch.cuda.is_available() and recipe.lora_rank
    model = load_language_model(origin, load_config(origin), Place("cpu", "bfloat16" if is_small else "float32"), "")
    if origin.gguf_file:
        free(model, origin)
    return model


def free(model: Any, origin: Origin) -> None:
    """Let a model from a .gguf file be trained: its weights are plain numbers, though it is marked as quantised."""
    if not all(weight.is_floating_point() for weight in model.parameters()):
        raise ConfigError(f"{origin.model} is loaded with packed weights, which cannot be trained. Give a folder.")
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config


def describe(model: str, file: Path, recipe: Recipe, done: Trained) -> dict[str, object]:
    """Say what made the model, so that it can be made again."""
    from importlib.metadata import version

    settings = {one.name: asdict(recipe)[one.name] for one in fields(recipe) if one.name != "is_loud"}
    return {
        "model": model,
        "file": {"name": file.name, "sha256": hash_file(file)},
        "recipe": settings,
        "steps": done.steps,
        "pairs": done.rows,
        "loss": done.loss,
        "versions": {name: version(name) for name in ("prefmap", "trl", "transformers", "torch", "peft")},
        "history": done.history,
    }


if __name__ == "__main__":
    main()
