"""The command: prefmap import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.console import AS_JSON, say_json
from engine.commands.preview import show_preview
from engine.commands.reading import GROUP, choose_project, import_files, make_reading, reading_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.importing import Imported
    from engine.project import Project


@click.command("import", epilog="Example: prefmap import train.jsonl.gz -o train.prefmap")
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Project folder; default <stem>.prefmap here.")
@GROUP
@reading_options
@click.option("--strict", is_flag=True, help="Refuse a file whole when one of its rows cannot be read.")
@click.option("--dry-run", is_flag=True, help="Show what would be read, and write nothing.")
@AS_JSON
def import_(
    files: tuple[str, ...],
    output: Path | None,
    group: str | None,
    layout: str | None,
    dimension: str | None,
    columns: str | None,
    strict: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make or extend a project from preference files.

    FILES are .jsonl, .json, .csv, .tsv (each also with .gz or .zst) and .parquet, globs, folders saved by `datasets`,
    hf:owner/name, or - for stdin. Rows that cannot be read are counted and listed in source.json; the rest is imported.
    """
    reading = make_reading(layout, dimension, columns)
    if dry_run:
        show_preview(files, reading)
        return
    project = choose_project(output, files)
    done = import_files(project, files, reading, strict=strict)
    if group:
        project.share(group)
    if as_json:
        say_json(_describe(project, done))


def _describe(project: Project, done: Sequence[Imported]) -> dict[str, Any]:
    files = [one.file for one in done]
    return {
        "project": str(project.path),
        "format": files[0].format if len({file.format for file in files}) == 1 else None,
        "rows": sum(file.rows for file in files),
        "samples": sum(file.samples for file in files),
        "refused": [
            {"row": one.row, "reason": one.reason, "file": file.name} for file in files for one in file.refused
        ],
        "files": [{"name": file.name, "format": file.format, "rows": file.rows, "flags": file.flags} for file in files],
    }
