"""The command: prefmap score."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.console import PROJECT, agree, narrate, narrate_over, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.project import Project
    from engine.scores.wanted import Shard
    from engine.scoring import Runner, Terms

DEFAULT_SCORER = "crossfit"
PARTLY_DONE = 3
"""Exit code where scores are missing."""


@click.command(epilog="Example: prefmap score pairs.prefmap --scorer crossfit --scorer column:score")
@PROJECT
@click.option(
    "--scorer", "specs", multiple=True, default=[DEFAULT_SCORER], show_default=True, help="SPEC or table name."
)
@click.option("--limit", type=click.IntRange(min=1), help="Score no more than so many responses now.")
@click.option("--budget", type=click.FloatRange(min=0), help="Spend no more than so many USD now.")
@click.option("--on", metavar="ray[://HOST:PORT]", help="Run on a Ray cluster: this machine's own, or one elsewhere.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many processes on Ray hold the scorer.",
)
@click.option(
    "--gpus-per-worker", "gpus", type=click.FloatRange(min=0), default=0, show_default=True, help="GPUs of each worker."
)
@click.option("--shard", metavar="I/N", help="Score the I-th of N parts, into a log of its own.")
@click.option("--batch", is_flag=True, help="Leave the calls with the server as a batch; the same command collects it.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@click.pass_context
def score(
    context: click.Context,
    project: Path,
    specs: tuple[str, ...],
    limit: int | None,
    budget: float | None,
    shard: str | None,
    on: str | None,
    workers: int,
    gpus: float,
    batch: bool,
    yes: bool,
) -> None:
    """Run scorers over the responses that have no score yet.

    SPEC is kind[:model][?key=value&...], such as crossfit, crossfit?folds=10 or column:score?lower_is_better=true,
    or the name of a table [scorers.NAME] in prefmap.toml. Every result is logged as it comes; after an
    interruption the same command goes on where it was. Exit code 3: scores are missing.
    """
    from engine.project import Project
    from engine.scoring import Terms

    terms = Terms(limit, _read_shard(shard), budget, batch)
    runner = _make_runner(on, workers, gpus)
    if score_project(Project.open(project), specs, terms, runner, yes=yes):
        context.exit(PARTLY_DONE)


def _read_shard(text: str | None) -> Shard | None:
    from engine.scores.wanted import Shard

    if text is None:
        return None
    index, slash, count = text.partition("/")
    if not (slash and index.isascii() and index.isdigit() and count.isascii() and count.isdigit()):
        raise click.UsageError(f"--shard is {text!r}; it must be I/N, such as 1/4.")
    if not 1 <= int(index) <= int(count):
        raise click.UsageError(f"--shard is {text!r}; I must be from 1 to N.")
    return Shard(int(index), int(count))


def _make_runner(on: str | None, workers: int, gpus: float) -> Runner | None:
    if on is None:
        if workers > 1 or gpus:
            raise click.UsageError("--workers and --gpus-per-worker go with --on ray.")
        return None
    if on != "ray" and not on.startswith("ray://"):
        raise click.UsageError(f"--on is {on!r}; it must be ray or ray://HOST:PORT.")
    from engine.scores.ray_running import RayRunner

    return RayRunner("" if on == "ray" else on, workers, gpus)


def score_project(
    project: Project,
    specs: Sequence[str],
    terms: Terms | None = None,
    runner: Runner | None = None,
    *,
    yes: bool = False,
) -> int:
    """Run scorers one by one, tell what each covers, and give the number of missing scores."""
    from engine.config import load_config
    from engine.scorers.catalog import make_scorer
    from engine.scoring import ALL, run_here
    from engine.scoring import score as run

    tables = load_config(project.path).scorers
    missing = 0
    for named in [make_scorer(spec, tables) for spec in specs]:
        with progress_bar(f"score {named.name}") as tell:
            coverage = run(
                project,
                named,
                terms or ALL,
                runner=runner or run_here,
                progress=tell,
                tell=narrate_over,
                agree=partial(agree, yes=yes),
            )
        can = coverage.responses - coverage.final
        share = f" ({coverage.scored / can:.1%})" if can else ""
        never = f", {coverage.final:,} can have none" if coverage.final else ""
        narrate(f"{named.name}: {coverage.scored:,} of {can:,} responses have a score{share}{never}.")
        missing += coverage.missing
    return missing
