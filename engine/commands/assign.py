"""The command: prefmap assign."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.commands.console import AS_JSON, PROJECT, narrate, say, say_json

if TYPE_CHECKING:
    from engine.project import Project
    from engine.verdicts.assigning import Assignment


class Share(NamedTuple):
    """What a reviewer is to read, in contents: duplicates count once."""

    samples: int
    read: int


@click.command(epilog="Example: prefmap assign pairs.prefmap --reviewers kim,lee --overlap .1")
@PROJECT
@click.option("--reviewers", metavar="A,B,...", help="Who reads; their names as in --reviewer of review.")
@click.option("--overlap", type=float, help="Share of the samples that all read, to see how they agree.  [default: .1]")
@click.option("--clear", is_flag=True, help="End the assignment: everybody reads all.")
@AS_JSON
def assign(project: Path, reviewers: str | None, overlap: float | None, clear: bool, as_json: bool) -> None:
    """Share the samples out among reviewers.

    Without --reviewers it tells how they are shared out, and how much of it is read.
    The queue and the controls of each then hold his or her share alone. One who joins later takes a part from each of
    the others; what they keep stays theirs.
    """
    from engine.project import Project
    from engine.verdicts.assigning import DEFAULT_OVERLAP, Assignment

    if overlap is not None and reviewers is None:
        raise click.UsageError("--overlap needs --reviewers.")
    if clear and reviewers is not None:
        raise click.UsageError("--clear and --reviewers exclude each other.")
    opened = Project.open(project)
    if clear:
        opened.assignment.unlink(missing_ok=True)
    if reviewers is None:
        made = Assignment.read(opened)
    else:
        names = tuple(name.strip() for name in reviewers.split(","))
        made = Assignment(names, DEFAULT_OVERLAP if overlap is None else overlap)
    shared, shares = _measure(opened, made) if made else (0, {})
    if made and reviewers is not None:
        made.write(opened)
    if as_json:
        told = made.describe() if made else {"reviewers": [], "overlap": None}
        say_json({**told, "shared": shared, "shares": {name: one._asdict() for name, one in shares.items()}})
        return
    if made is None:
        narrate("Nothing is assigned: everybody reads all.")
        return
    for name, one in shares.items():
        say(f"{name}: {one.samples:,} samples, {one.read:,} of them read")
    say(f"{shared:,} of these are read by all (overlap {made.overlap:g})")


def _measure(project: Project, made: Assignment) -> tuple[int, dict[str, Share]]:
    """Count what all read, and the share of each."""
    from contextlib import closing

    from engine.records import content_of
    from engine.store import Store
    from engine.verdicts.outcomes import Outcomes

    with closing(Store.open(project.map)) as store:
        contents = sorted({content_of(one) for one in store.sample_ids().tolist()})
    outcomes = Outcomes.read(project.review_logs())
    shares = {}
    for name in made.reviewers:
        read, mine = set(outcomes.decided_by(name)), made.of(name, contents)
        shares[name] = Share(int(mine.sum()), sum(one in read for one in compress(contents, mine)))
    return int(made.shared(contents).sum()), shares
