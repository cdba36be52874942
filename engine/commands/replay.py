"""The command: prefmap replay."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import narrate, progress_bar


@click.command(epilog="Example: prefmap replay train.jsonl -o again.jsonl")
@click.argument("export", type=click.Path(path_type=Path), metavar="EXPORT|MANIFEST")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write it again.")
@click.option("--project", type=click.Path(path_type=Path), help="Its project, if it is not beside it or here.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def replay(export: Path, output: Path, project: Path | None, force: bool) -> None:
    """Make an export again from sources and logs, and compare.

    They are taken as they were then, and the files compared byte for byte. What was reviewed, scored or imported since
    is left aside: the manifest says how far each log went. The map is built anew from them. Exit code 1 when the new
    file differs.
    """
    from engine.errors import ReplayError
    from engine.replaying import replay as run

    with progress_bar(f"replay {export.name}") as tell:
        done = run(export, output, project=project, force=force, progress=tell)
    if done.is_same is False:
        raise ReplayError(f"{done.output} differs from {export}, which prefmap {done.made_by} made. Both are kept.")
    kind = "row for row" if output.suffix == ".duckdb" else "byte for byte"
    said = f"{kind} what {export} was" if done.is_same else "nothing to compare it with: the first .duckdb is gone"
    narrate(f"{done.output}: {done.rows:,} rows, {said}.")
