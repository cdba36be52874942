"""The command: prefmap verdict."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import PROJECT, narrate

VERDICTS = ("keep", "flip", "tie", "drop", "skip")


@click.command(epilog="Example: prefmap verdict pairs.prefmap 9f3c21ab flip --reviewer kim")
@PROJECT
@click.argument("sample")
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.option("--prefer", type=click.IntRange(min=0), help="Index of the better response, from 0 in source order.")
@click.option("--over", type=click.IntRange(min=0), help="Index of the worse response.")
@click.option("--reviewer", help="Who decides; default: your login.")
@click.option("--note", help="A line of text that is kept with the verdict.")
@click.pass_context
def verdict(
    context: click.Context,
    project: Path,
    sample: str,
    verdict: str,
    prefer: int | None,
    over: int | None,
    reviewer: str | None,
    note: str | None,
) -> None:
    """Give one verdict without the app.

    Keep or flip the label, call it a tie, drop the sample, or skip it.
    """
    from contextlib import closing

    from engine.config import load_config
    from engine.project import Project
    from engine.reviewing import Review, name_reviewer
    from engine.store import Store
    from engine.verdicts.outcomes import name_choice

    if (prefer is None) != (over is None):
        raise click.UsageError("--prefer and --over go together.", context)
    opened = Project.open(project)
    name = name_reviewer(reviewer, load_config(opened.path).review)
    with closing(Store.open(opened.map)) as store, closing(Review(opened, name)) as review:
        whole = store.sample(store.find(sample))
        extra = {"mode": "headless", "map": store.fingerprint, **({"text": note} if note else {})}
        outcome = review.give(whole, verdict, preferred=prefer, rejected=over, **extra)  # type: ignore[arg-type]
    narrate(f"{whole.sample_id}: {outcome.verdict} by {outcome.reviewer}{name_choice(whole, outcome)}, saved.")
