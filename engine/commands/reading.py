"""What `import`, `build` and the bare `prefmap FILE` share: how files are read, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.commands.console import Progress, narrate, progress_bar
from engine.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.importing import Imported, Reading
    from engine.project import Project

REASONS_SHOWN = 5

GROUP = click.option("--group", help="Give the project to a group of this machine; else it is for its owner alone.")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def reading_options(command: Decorated) -> Decorated:
    """Add the options that say how files are to be read."""
    for option in (
        click.option(
            "--columns", metavar="A=B,...", help="Name the columns of a table: prompt=q,chosen=good,rejected=bad."
        ),
        click.option("--dimension", help="Rating that becomes the label, where a format has several."),
        click.option("--format", "layout", help="Format of the files, if it is not to be detected."),
    ):
        command = option(command)
    return command


def make_reading(layout: str | None, dimension: str | None, columns: str | None) -> Reading:
    """Put the options together; raises UsageError where --columns is no list of names."""
    from engine.importing import Reading

    if columns is None:
        return Reading(layout, dimension)
    pairs = [part.partition("=") for part in columns.split(",")]
    known = ("prompt", "chosen", "rejected", "response_a", "response_b", "winner")
    if any(not (name.strip() in known and value) for name, _, value in pairs):
        raise click.UsageError(f"--columns takes NAME=COLUMN,... with the names {', '.join(known)}.")
    return Reading(layout, dimension, {name.strip(): value for name, _, value in pairs})


def choose_project(output: Path | None, specs: Sequence[str]) -> Project:
    """Take the project that was named, else the one of the first file; that of another file is never mixed in."""
    from engine.errors import SourceUnreadableError
    from engine.project import Project

    if output:
        return Project(output)
    project = Project(name_project_of(specs[0]))
    here = str(Path(specs[0]).resolve())
    known = [file.path for file in project.source_files()]
    if Path(specs[0]).is_file() and known and here not in known:
        holds = ", ".join(known[:3])
        raise SourceUnreadableError(f"{project.path} exists and holds {holds}. Say which project you mean with -o.")
    return project


def name_project_of(spec: str) -> Path:
    """Name the project of what a person names, in the current folder."""
    from engine.importing import name_project

    return name_project(Path(spec.rpartition("/")[2] if spec.startswith("hf:") else "stdin" if spec == "-" else spec))


def import_files(
    project: Project, specs: Sequence[str], reading: Reading | None = None, *, strict: bool = False
) -> list[Imported]:
    """Import files one by one, and tell what became of each."""
    from engine.fetching import fetch
    from engine.importing import Reading, import_file

    done = []
    with TemporaryDirectory() as folder:
        for path, origin in (one for spec in specs for one in fetch(spec, Path(folder))):
            size = path.stat().st_size if path.is_file() else 0
            with progress_bar(f"import {visible(path.name)}") as tell:
                one = import_file(
                    project,
                    path,
                    reading or Reading(),
                    origin=origin,
                    strict=strict,
                    tell=partial(_tell_share, tell, size),
                )
            _narrate(project, origin if origin != str(path.resolve()) else str(path), one)
            done.append(one)
    return done


def _tell_share(tell: Progress, size: int, at: int) -> None:
    tell(at, size)


def _narrate(project: Project, name: str, done: Imported) -> None:
    from engine.importing import summarise_refusals

    file = done.file
    if not done.is_new:
        narrate(f"{name} is in {project.path} already.")
        return
    narrate(f"{name}: {file.samples:,} samples from {file.rows:,} rows, read as {file.format}.")
    if file.refused:
        narrate(f"{len(file.refused):,} rows refused, each listed in {project.source_file}:")
        for reason in summarise_refusals(file.refused)[:REASONS_SHOWN]:
            narrate(f"  {reason}")
    if file.flags:
        narrate("flagged: " + ", ".join(f"{count:,} {flag}" for flag, count in file.flags.items()))
