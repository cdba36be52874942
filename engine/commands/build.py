"""The command: prefmap build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.map_ import MAP_SCORER, map_project
from engine.commands.reading import GROUP, choose_project, import_files, make_reading, reading_options
from engine.commands.score import DEFAULT_SCORER, PARTLY_DONE, score_project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.importing import Reading


@click.command(epilog="Example: prefmap build train.jsonl -o train.prefmap --scorer crossfit")
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Project folder; default <stem>.prefmap here.")
@click.option(
    "--scorer", "specs", multiple=True, default=[DEFAULT_SCORER], show_default=True, help="SPEC or table name."
)
@GROUP
@reading_options
@MAP_SCORER
@click.pass_context
def build(
    context: click.Context,
    files: tuple[str, ...],
    output: Path | None,
    specs: tuple[str, ...],
    group: str | None,
    layout: str | None,
    dimension: str | None,
    columns: str | None,
    map_scorer: str | None,
) -> None:
    """Import, score and map in one go. A second run does only what is missing."""
    reading = make_reading(layout, dimension, columns)
    missing = build_project(files, output, specs, reading=reading, map_scorer=map_scorer)
    if group:
        choose_project(output, files).share(group)
    if missing:
        context.exit(PARTLY_DONE)


def build_project(
    files: Sequence[str],
    output: Path | None = None,
    specs: Sequence[str] = (DEFAULT_SCORER,),
    *,
    reading: Reading | None = None,
    map_scorer: str | None = None,
) -> int:
    """Import, score and map; gives the number of missing scores."""
    project = choose_project(output, files)
    import_files(project, files, reading)
    missing = score_project(project, specs)
    map_project(project, map_scorer)
    return missing
