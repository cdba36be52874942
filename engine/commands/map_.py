"""The command: prefmap map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.console import PROJECT, narrate, progress_bar

if TYPE_CHECKING:
    from engine.project import Project

MAP_SCORER = click.option("--map-scorer", help="Scorer whose map is used by queue, report and policy adm.")


@click.command("map", epilog="Example: prefmap map pairs.prefmap --map-scorer column-score")
@PROJECT
@MAP_SCORER
@click.option(
    "--cuts-from", type=click.Path(path_type=Path), metavar="PROJECT", help="Cut where the map of that one is cut."
)
def map_(project: Path, map_scorer: str | None, cuts_from: Path | None) -> None:
    """(Re)build map.duckdb from sources and logs.

    The map holds quality, variability, correlation, margin and region of each sample per scorer, and its suspicion.
    It is only a view: it can be deleted and built again at any time. With --cuts-from its regions part where those of
    the other project do, whatever lies here; policies of export still rank the samples of this one.
    """
    from engine.project import Project

    map_project(Project.open(project), map_scorer, Project.open(cuts_from) if cuts_from else None)


def map_project(project: Project, map_scorer: str | None = None, cuts_from: Project | None = None) -> None:
    """Build the map, and tell what went into it."""
    from engine.mapping import build_map

    with progress_bar("map") as tell:
        mapped = build_map(project, map_scorer=map_scorer, cuts_from=cuts_from, progress=tell)
    for name in mapped.stale:
        narrate(f"{name} was made from other rows or labels, and is left out. Run prefmap score to renew it.")
    for name in mapped.own_cuts:
        narrate(f"{name} is cut where its own samples lie: the other project has no cuts for it.")
    what = f"by {mapped.map_scorer}" if mapped.map_scorer else "without scores: run prefmap score, then map again"
    narrate(f"{project.map}: {mapped.samples:,} samples mapped {what}.")
