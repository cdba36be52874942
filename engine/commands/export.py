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
from engine.commands.export_lines import summarise, tell, tell_residual

if TYPE_CHECKING:
    from engine.exporting import Exported
    from engine.exports.manifests import ExportPlan

BY_MAP = ("adm", "low_average", "high_variance", "low_variance", "quality", "large_margin", "small_margin")
MATCHED = ("random_pairs", "random_stratified")
POLICIES = ("all", *BY_MAP, "random", *MATCHED)
PAIRS = ("best-worst", "best-random", "all-strict")
FORMATS = ("trl", "trl-standard", "kto", "openai", "llamafactory", "axolotl", "openrlhf", "same", "patch")


@click.command(epilog="Example: prefmap export pairs.prefmap -o train.jsonl --policy adm")
@PROJECT
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=".jsonl, .parquet or .duckdb")
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    metavar="NAME",
    default="all",
    show_default=True,
    help="Which samples: prefmap list policies.",
)
@click.option("--fraction", type=float, default=1 / 3, show_default="1/3", help="Share to keep, but for policy all.")
@click.option("--map-scorer", metavar="NAME", help="Whose map the policy goes by; consensus: the mean rank on all.")
@click.option("--after-verdicts", is_flag=True, help="Select by margins and pairs as the verdicts have made them.")
@click.option(
    "--match",
    type=click.Choice(BY_MAP),
    metavar="POLICY",
    help="What random_pairs and random_stratified are like; else adm.",
)
@click.option(
    "--controls", type=click.IntRange(min=0), default=0, help="Random controls of as many samples and pairs, beside it."
)
@click.option(
    "--pairs",
    type=click.Choice(PAIRS),
    default="best-worst",
    show_default=True,
    help="What more than two responses give.",
)
@click.option("--majority", is_flag=True, help="Settle conflicts by majority; else they stay out.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of all that is drawn.")
@click.option("--holdout", type=float, help="Share of the prompts to hold out, in a second file beside the first.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(FORMATS),
    metavar="SHAPE",
    default="trl",
    show_default=True,
    help=f"Shape of the rows: {', '.join(FORMATS)}.",
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
    map_scorer: str | None,
    after_verdicts: bool,
    match: str | None,
    controls: int,
    pairs: str,
    majority: bool,
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
    """Write the selected samples with all verdicts applied.

    A manifest is written beside them. A flip exchanges the pair; tie and drop leave it out; skip and unread stay as
    labelled. What a trainer would drop or misread (empty or identical responses, say) is left out and counted.
    --holdout never cuts a prompt: all of its samples are in one file, drawn by the prompt and the seed alone, so other
    exports hold out the same prompts. --controls N writes N more files, o.control-1.jsonl and so on: random samples to
    compare with.
    """
    from engine.exporting import export_with_controls
    from engine.exports.manifests import ExportPlan
    from engine.exports.predicting import load_forecast
    from engine.project import Project
    from engine.publishing import check_push, publish

    plan = ExportPlan(
        policy=policy, fraction=fraction, seed=seed, format=layout, holdout=holdout, pairs=pairs,
        map_scorer=map_scorer, after_verdicts=after_verdicts, match=match, majority=majority,
    )  # fmt: skip
    _check_usage(context, plan, controls, push)
    check_length(context, tokenizer)
    name = check_push(push) if push else ""
    forecast = load_forecast(tokenizer, max_length, layout) if tokenizer else None
    with progress_bar(f"export {output.name}") as progress:
        done, *others = export_with_controls(
            Project.open(project), output, plan, controls, force=force, forecast=forecast, progress=progress
        )
    for one in (done, *others):
        tell(one)
        if one.held_out:
            tell(one.held_out)
    if done.residual:
        tell_residual(done.residual, layout)
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
        say_json({**_describe(done), **({"controls": [_describe(one) for one in others]} if others else {})})


def _describe(done: Exported) -> dict[str, object]:
    return {**summarise(done), **({"held_out": summarise(done.held_out)} if done.held_out else {})}


def _check_usage(context: click.Context, plan: ExportPlan, controls: int, push: str | None) -> None:
    """Refuse what would count for nothing."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    by_map, policy = plan.policy in BY_MAP, plan.policy
    draws = policy not in ("all", *BY_MAP) or plan.holdout is not None or plan.pairs == "best-random" or controls
    wrong = {
        "fraction": policy == "all" and "--fraction needs a --policy other than all.",
        "after_verdicts": policy == "all" and "--after-verdicts needs a --policy other than all.",
        "map_scorer": not (by_map or policy in MATCHED) and "--map-scorer needs a --policy that goes by a map.",
        "match": policy not in MATCHED and "--match needs --policy random_pairs or random_stratified.",
        "controls": not by_map and "--controls needs a --policy that goes by a map.",
        "pairs": plan.format in ("same", "patch") and "--pairs has no part in original rows: leave it out.",
        "seed": not draws
        and "--seed needs something to draw: --policy random, --controls, --holdout or --pairs best-random.",
        "is_private": push is None and "--private and --public need --push.",
        "push": bool(controls) and "--push uploads one export: leave out --controls.",
    }
    for name, problem in wrong.items():
        if name in given and problem:
            raise click.UsageError(problem, context)
