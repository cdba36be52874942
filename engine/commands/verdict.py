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
@click.option("--adjudicate", is_flag=True, help="Settle what reviewers differ on, then see their verdicts.")
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
    adjudicate: bool,
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
    if adjudicate and verdict == "skip":
        raise click.UsageError("To skip a conflict leaves it open: --adjudicate needs another verdict.", context)
    opened = Project.open(project)
    name = name_reviewer(reviewer, load_config(opened.path).review)
    with closing(Store.open(opened.map)) as store, closing(Review(opened, name)) as review:
        whole = store.sample(store.find(sample))
        extra: dict[str, object] = {"mode": "headless", "map": store.fingerprint, **({"text": note} if note else {})}
        known = review.standing().get(whole.content_id)
        extra |= {"adjudicates": True} if adjudicate or (known and known.adjudicates) else {}
        others = [one for one in review.said_of(whole.content_id) if one.reviewer != name] if adjudicate else []
        outcome = review.give(whole, verdict, preferred=prefer, rejected=over, **extra)  # type: ignore[arg-type]
    narrate(f"{whole.sample_id}: {outcome.act} by {outcome.reviewer}{name_choice(whole, outcome)}, saved.")
    for one in others:
        narrate(f"  {one.reviewer}: {one.verdict}{name_choice(whole, one)}{f'  {one.note}' if one.note else ''}")
