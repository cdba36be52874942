"""The command: prefmap queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.console import AS_JSON, PROJECT, number, say, say_json, short_id

if TYPE_CHECKING:
    from engine.store import QueueEntry

ORDERS = ("suspicion", "correlation", "margin", "quality", "variability", "random", "source")


@click.command(epilog="Example: prefmap queue pairs.prefmap --limit 20")
@PROJECT
@click.option("--by", type=click.Choice(ORDERS), default="suspicion", show_default=True, help="What goes first.")
@click.option("--limit", type=click.IntRange(min=1), help="How many samples; default all.")
@click.option("--reviewer", help="Leave out what this reviewer has read; default: what anybody has.")
@AS_JSON
def queue(project: Path, by: str, limit: int | None, reviewer: str | None, as_json: bool) -> None:
    """List the samples that nobody has read yet, the likeliest mislabel first."""
    from contextlib import closing

    from engine.outcomes import Outcomes
    from engine.project import Project
    from engine.reviewing import unread
    from engine.store import Store

    opened = Project.open(project)
    outcomes = Outcomes.read(opened.review_logs())
    with closing(Store.open(opened.map)) as store:
        entries = store.entries(unread(store.order(by), store.ordinals(outcomes.decided_by(reviewer)))[:limit])
    if as_json:
        say_json({"samples": [_describe(entry) for entry in entries]})
        return
    say("id          suspicion  margin z  quality  variab.  against  region         row")
    for entry in entries:
        say(_line(entry))


def _line(entry: QueueEntry) -> str:
    return (
        f"{short_id(entry.sample_id):10}  {'~' + number(entry.suspicion):>9}  {number(entry.margin, 2):>8}  "
        f"{number(entry.quality):>7}  {number(entry.variability):>7}  {f'{entry.against}/{entry.scorers}':>7}  "
        f"{entry.region or '--':14} {entry.file}:{entry.row}"
    )


def _describe(entry: QueueEntry) -> dict[str, Any]:
    return {
        "sample_id": entry.sample_id,
        "source": {"file": entry.file, "row": entry.row},
        "suspicion": entry.suspicion,
        "quality": entry.quality,
        "variability": entry.variability,
        "correlation": entry.correlation,
        "margin": entry.margin,
        "region": entry.region,
        "chosen": entry.chosen,
        "rejected": entry.rejected,
    }
