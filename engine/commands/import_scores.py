"""The command: prefmap import-scores."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import PROJECT, narrate


@click.command("import-scores", epilog="Example: prefmap import-scores pairs.prefmap rewards.jsonl --scorer skywork")
@PROJECT
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--scorer", "name", required=True, help="What the scores are called from now on.")
@click.option("--lower-is-better", is_flag=True, help="Turn the values round.")
def import_scores(project: Path, file: Path, name: str, lower_is_better: bool) -> None:
    """Take scores that were computed elsewhere.

    FILE is .jsonl, .csv or .parquet with `row` (from 1; with `file` when several were imported) or `sample_id`,
    `response` (from 0 in source order; in pair formats 0 is chosen, 1 rejected) or alone `response_id`, and `value`.
    Rows that fit nothing are refused.
    """
    from engine.importing import summarise_refusals
    from engine.project import Project
    from engine.score_importing import import_scores as run

    done = run(Project.open(project), file, name=name, lower_is_better=lower_is_better)
    narrate(f"{name}: {done.scored:,} of {done.rows:,} rows taken. Run prefmap map {project} to see them.")
    for reason in summarise_refusals(done.refused)[:5]:
        narrate(f"  refused: {reason}")
