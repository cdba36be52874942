"""The command: prefmap export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from engine.commands.console import (
    AS_JSON,
    MAX_LENGTH,
    PROJECT,
    TOKENIZER,
    check_length,
    narrate,
    progress_bar,
    say_json,
)

if TYPE_CHECKING:
    from engine.exporting import Exported
    from engine.exports.predicting import Forecast
    from engine.verdicts.residual import Residual

POLICIES = ("all", "adm", "random")
FORMATS = ("trl", "trl-standard", "kto", "openai", "llamafactory", "axolotl", "openrlhf", "same", "patch")


@click.command(epilog="Example: prefmap export pairs.prefmap -o train.jsonl --policy adm")
@PROJECT
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=".jsonl, .parquet or .duckdb")
@click.option("--policy", type=click.Choice(POLICIES), default="all", show_default=True, help="Which samples.")
@click.option("--fraction", type=float, default=1 / 3, show_default="1/3", help="Share to keep, for adm and random.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of policy random, and of --holdout.")
@click.option("--holdout", type=float, help="Share of the prompts to hold out, in a second file beside the first.")
@click.option(
    "--format", "layout", type=click.Choice(FORMATS), default="trl", show_default=True, help="Shape of the rows."
)
@TOKENIZER
@MAX_LENGTH
@click.option("--push", metavar="hf:OWNER/NAME", help="Upload the finished export to the Hugging Face hub.")
@click.option("--private/--public", "is_private", default=True, show_default=True, help="Who sees what --push uploads.")
@click.option("--force", is_flag=True, help="Replace the file if it exists; with --push, also those of the dataset.")
@AS_JSON
@click.pass_context
def export(
    context: click.Context,
    project: Path,
    output: Path,
    policy: str,
    fraction: float,
    seed: int,
    holdout: float | None,
    layout: str,
    tokenizer: str | None,
    max_length: int,
    push: str | None,
    is_private: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the selected samples with all verdicts applied, and a manifest beside them.

    A flip exchanges the pair; tie and drop leave it out; skip and unread stay as labelled. What a trainer would drop
    or misread (empty or identical responses, say) is left out and counted. --holdout never cuts a prompt: all of its
    samples are in one file, drawn by the prompt and the seed alone, so other exports hold out the same prompts.
    """
    from engine.exporting import export as run
    from engine.exports.manifests import ExportPlan
    from engine.exports.predicting import load_forecast
    from engine.project import Project
    from engine.publishing import check_push, publish

    _check_usage(context, policy, holdout, push)
    check_length(context, tokenizer)
    plan = ExportPlan(policy=policy, fraction=fraction, seed=seed, format=layout, holdout=holdout)
    name = check_push(push) if push else ""
    forecast = load_forecast(tokenizer, max_length, layout) if tokenizer else None
    with progress_bar(f"export {output.name}") as tell:
        done = run(Project.open(project), output, plan, force=force, forecast=forecast, progress=tell)
    for part in filter(None, (done, done.held_out)):
        _tell(part)
    if done.residual:
        _tell_residual(done.residual, layout)
    if done.description:
        narrate(f"  merge {done.description} into the trainer's dataset_info.json.")
    if done.is_by_fitted_scorer:
        narrate("  mind: the map's scorer was fitted on the labels. It finds mislabels more than it judges quality.")
    if name:
        more = [done.description] if done.description else []
        loud = sys.stderr.isatty()
        address = publish(name, done.output, *more, is_public=not is_private, force=force, quiet=not loud)
        narrate(f"  pushed to {address} ({'private' if is_private else 'public'}).")
    if as_json:
        say_json({**_summarise(done), **({"held_out": _summarise(done.held_out)} if done.held_out else {})})


def _check_usage(context: click.Context, policy: str, holdout: float | None, push: str | None) -> None:
    given = {name for name in ("fraction", "seed") if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if policy == "all" and "fraction" in given:
        raise click.UsageError("--fraction needs --policy adm or random.", context)
    if policy == "all" and holdout is None and "seed" in given:
        raise click.UsageError("--seed needs --policy random, or --holdout.", context)
    if push is None and context.get_parameter_source("is_private") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--private and --public need --push.", context)


def _tell(done: Exported) -> None:
    """Tell the person what is in one file, and what is not."""
    narrate(f"{done.output}: {done.kept:,} of {done.samples:,} samples, {done.changed:,} changed by a verdict.")
    for reason, count in done.dropped.items():
        narrate(f"  left out: {count:,} {reason}")
    if (done.rows, done.rows_left_out) != (done.kept, {}):
        narrate(f"  rows: {done.rows:,}")
    for reason, count in done.rows_left_out.items():
        narrate(f"  rows left out: {count:,} {reason}")
    if done.forecast:
        _tell_forecast(done.forecast)


def _tell_forecast(said: Forecast) -> None:
    """Tell what TRL would do with the rows."""
    narrate(
        f"  TRL with {said.name} would drop {said.dropped:,} rows whose prompt fills {said.max_length:,} tokens, "
        f"and cut {said.cut:,} that are longer."
    )
    if said.refused:
        narrate(f"  mind: its chat template makes TRL stop at {said.first_refused} (such rows: {said.refused:,})")


def _tell_residual(left: Residual, layout: str) -> None:
    """Tell how many labels are still wrong, and what robust DPO makes of it."""
    from engine.exports.cards import advise_smoothing

    narrate(f"  {left}.")
    advice = advise_smoothing(left.describe(), layout)
    if advice:
        narrate(f"  {advice}")


def _summarise(done: Exported) -> dict[str, object]:
    return {
        "output": str(done.output),
        "manifest": str(done.manifest),
        "kept": done.kept,
        "rows": done.rows,
        "dropped": done.dropped,
        **({"forecast": done.forecast.describe()} if done.forecast else {}),
    }
