"""The command: prefmap log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.console import AS_JSON, PROJECT, narrate, say, say_json, short_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.verdicts.acts import Act

ACT_COLUMNS = 12
"""The longest usual act is `flip in bulk`."""


@click.command(epilog="Example: prefmap log pairs.prefmap --reviewer kim --since 2h")
@PROJECT
@click.option("--reviewer", help="Only what this one did.")
@click.option("--sample", default="", help="Only what was done to this sample; any prefix of its id will do.")
@click.option("--since", help="Only from then on: 2026-05-31, 2026-05-31T14:00 (UTC), or 30m, 2h, 3d, 1w ago.")
@AS_JSON
def log(project: Path, reviewer: str | None, sample: str, since: str | None, as_json: bool) -> None:
    """Tell who did what, when, and what was on the screen.

    A line per act, newest last. Times are UTC. Undone acts stay in the list, and so does the undo. --json gives the
    lines whole, as the logs have them.
    """
    from datetime import UTC, datetime

    from engine.extents import find_break
    from engine.logs import is_torn
    from engine.project import Project
    from engine.verdicts.acts import read_acts, read_since

    opened = Project.open(project)
    start = read_since(since, datetime.now(UTC)) if since else None
    logs = opened.review_logs()
    acts = read_acts(logs, reviewer=reviewer, sample=sample, since=start)
    for path in logs:
        if found := find_break(path):
            narrate(f"mind: the chain of {path} breaks at line {found}. See: prefmap doctor {project}")
        if is_torn(path):
            narrate(f"mind: {path} ends in half a line, which counts for nothing. See: prefmap doctor {project}")
    if not acts:
        known = sorted({str(act.line.get("reviewer")) for act in read_acts(logs)})
        narrate(f"No act fits. Reviewers here: {', '.join(known)}." if known else f"Nobody has reviewed {project} yet.")
    if as_json:
        say_json({"acts": [{"log": act.log, "line": act.number, **act.line} for act in acts]})
        return
    for text in _write(acts):
        say(text)


def _write(acts: Sequence[Act]) -> Iterator[str]:
    """Write a line for each act; those of a bulk verdict share one."""
    batch = None
    width = max((len(str(act.line.get("reviewer"))) for act in acts), default=0)
    for act in acts:
        if act.line.get("batch") and act.line.get("batch") == batch:
            continue
        batch = act.line.get("batch")
        time, reviewer = str(act.line.get("time"))[:19].replace("T", " "), str(act.line.get("reviewer"))
        sample = f"{act.line.get('of')} samples" if batch else short_id(str(act.line.get("sample_id")))
        head = f"{time}  {reviewer:{width}}  {act.name:{ACT_COLUMNS}}  {sample}"
        yield "  ".join([head, *_details(act, is_bulk=bool(batch))]).replace("\n", " ")


def _details(act: Act, *, is_bulk: bool) -> Iterator[str]:
    line = act.line
    if act.choice and not is_bulk:
        yield act.choice
    if line.get("seconds"):
        yield f"{line['seconds']} s"
    if line.get("mode"):
        yield str(line["mode"])
    seen = line.get("seen")
    if isinstance(seen, list):
        yield "saw " + (", ".join(map(str, seen)) or "the texts alone")
    if line.get("served") not in (None, "queue"):
        yield f"served as {line['served']}"
    if line.get("rank"):
        yield f"rank {line['rank']}"
    if line.get("where"):
        yield f"where {line['where']}"
    if line.get("map"):
        yield f"map {str(line['map'])[:8]}"
    if line.get("text"):
        yield f'"{line["text"]}"'
