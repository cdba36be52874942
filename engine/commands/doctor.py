"""The command: prefmap doctor."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import AS_JSON, PROJECT, narrate, say, say_json

SICK = 1


@click.command(epilog="Example: prefmap doctor pairs.prefmap")
@PROJECT
@AS_JSON
@click.pass_context
def doctor(context: click.Context, project: Path, as_json: bool) -> None:
    """Find what is wrong with a project, and say what to do.

    Nothing is written. It looks for sources that are missing or changed; half lines, broken chains, lost lines and
    clock jumps in the logs; verdicts on what is not there; scores and maps of another time or version; a broken
    assignment; leftovers; files that others may write. Exit code 1 when something is wrong.
    """
    from engine.errors import ProjectMissingError
    from engine.examining import examine
    from engine.project import Project

    opened = Project(project)
    if not project.is_dir():
        raise ProjectMissingError(f"There is no project {project}. To make one: prefmap import FILE -o {project}")
    found = examine(opened)
    wrong = sum(one.is_wrong for one in found)
    if as_json:
        findings = [{"kind": one.kind, "text": one.text, "wrong": one.is_wrong} for one in found]
        say_json({"project": str(project), "wrong": wrong, "findings": findings})
    else:
        for one in found:
            say(f"{'wrong' if one.is_wrong else 'note '}  {one.kind}: {one.text}")
    narrate(f"{project}: {wrong} wrong, {len(found) - wrong} to know." if found else f"{project}: nothing found.")
    if wrong:
        context.exit(SICK)
