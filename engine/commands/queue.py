"""The command: prefmap queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.console import AS_JSON, PROJECT, narrate, number, say, say_json, short_id
from engine.querying.filtering import CONFLICTS, SELECTIONS, Every, describe_language, parse

if TYPE_CHECKING:
    from engine.store import QueueEntry

ORDERS = (
    "suspicion", "correlation", "margin", "disagreement", "quality", "variability", "region", "random", "source",
    *SELECTIONS,
)  # fmt: skip

HELP = """List the undecided samples, the likeliest mislabel first.

--where takes conditions, joined by a space or `and`, by `or`, `not` and parentheses. It lists all that fit, decided or
not:

\b
  --where "suspicion>.8 source:flan len>500 not reviewed"
  --where 'verdict:flip by:kim or text:"as an AI"'

Numbers are compared by > < >= <= = != (`none`: there is none); in texts `:` means contains, whatever the case, `=` is;
`note:` with nothing behind it means any note. Columns:

\b
""" + "\n".join(f"  {line}" for line in describe_language())


@click.command(help=HELP, epilog="Example: prefmap queue pairs.prefmap --limit 20")
@PROJECT
@click.option(
    "--by",
    type=click.Choice(ORDERS),
    metavar="ORDER",
    default="suspicion",
    help=f"What goes first: {', '.join(ORDERS)}.",
)
@click.option("--where", help="List what fits a filter.")
@click.option("--limit", type=click.IntRange(min=1), help="How many samples; default all.")
@click.option("--reviewer", help="Whose share, verdicts, notes and flags count; default: anybody's.")
@AS_JSON
def queue(project: Path, by: str, where: str | None, limit: int | None, reviewer: str | None, as_json: bool) -> None:
    from contextlib import closing

    from engine.project import Project
    from engine.querying.matching import Matcher
    from engine.reviewing import unread
    from engine.store import Store
    from engine.verdicts.assigning import Assignment
    from engine.verdicts.outcomes import Outcomes

    wanted = [parse(text) for text in (SELECTIONS.get(by), where) if text is not None]
    opened = Project.open(project)
    outcomes = Outcomes.read(opened.review_logs())
    with closing(Store.open(opened.map)) as store:
        order = store.order("suspicion" if by in SELECTIONS else by)
        assignment = Assignment.read(opened) if reviewer and by != CONFLICTS else None
        if assignment and reviewer:
            narrate(assignment.tell(reviewer))
            order = order[assignment.share(reviewer, store.sample_ids().tolist())[order]]
        if wanted:
            fits = Matcher(store, lambda: outcomes, reviewer).fit(Every(tuple(wanted)))
            order = order[fits[order]]
        else:
            order = unread(order, store.ordinals(outcomes.decided_by(reviewer)))
        entries = store.entries(order[:limit])
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
