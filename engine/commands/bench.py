"""The command: prefmap bench."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engine.commands.console import AS_JSON, progress_bar, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.bench.detecting import Found
    from engine.bench.noise import Row, Run

KINDS = ("uniform", "close", "source", "length")

SHOWN = ("auroc", "average_precision", "precision_at_1", "precision_at_5", "precision_at_10", "found_in_10", "lift")
HEADINGS = ("AUROC", "AP", "P@1%", "P@5%", "P@10%", "found in 10%", "lift")


@click.group()
def bench() -> None:
    """Measure how well scorers do on your own data."""


@bench.command(epilog="Example: prefmap bench noise train.jsonl --rate .1 --seeds 5")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rate", "rates", type=click.FloatRange(0, 0.5), multiple=True, default=(0.1,), show_default=True,
    help="Share of labels to flip; any number of them.",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many times, with seeds 0, 1, ..."
)
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, default=("uniform",), show_default=True,
    help="Which labels go wrong: any, or four times as likely close pairs, half of the sources, long responses.",
)  # fmt: skip
@click.option("--scorer", "specs", multiple=True, help="SPEC or table name; any number of them. [default: crossfit]")
@click.option("--format", "layout", help="Format of the file, if it is not to be detected.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@click.option("--simulate-review", is_flag=True, help="Let a simulated reader go through the review, and count finds.")
@click.option(
    "--reader-error", type=click.FloatRange(0, 0.5), default=0.03, show_default=True, help="Of the simulated reader."
)
@AS_JSON
@click.pass_context
def noise(
    context: click.Context,
    file: Path,
    rates: tuple[float, ...],
    seeds: int,
    kinds: tuple[str, ...],
    specs: tuple[str, ...],
    layout: str | None,
    markdown: bool,
    simulate_review: bool,
    reader_error: float,
    as_json: bool,
) -> None:
    """Plant known flips in FILE and measure how many are found.

    By each method; nothing is written. --simulate-review reads 30 % of the pairs, in the order of the start and ranked
    anew after every 25 verdicts, with controls and repeats among them: flips found in the first 10 % read, lift over
    reading at random, verdicts until the queue is dry, and the interval for the wrong labels left beside the truth.

    FILE can be a project: then its judges, rewards and imported scores take part.
    """
    from engine.bench.noise import measure_noise, open_bench, summarise

    opened = open_bench(file, layout, specs)
    if simulate_review:
        from engine.commands.bench_review import simulate

        if len(rates) > 1 or kinds != ("uniform",) or markdown:
            raise click.UsageError("--simulate-review takes one --rate, and neither --kind nor --markdown.", context)
        simulate(opened, rates[0], seeds, reader_error, as_json=as_json)
        return
    if context.get_parameter_source("reader_error") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--reader-error needs --simulate-review.", context)
    runs: list[Run] = []
    with progress_bar("bench") as tell:
        for run in measure_noise(opened, kinds=kinds, rates=rates, seeds=range(seeds)):
            runs.append(run)
            done = len({(one.kind, one.rate, one.seed) for one in runs})
            tell(done, len(kinds) * len(rates) * seeds)
    rows = summarise(runs)
    if as_json:
        say_json(describe(runs, rows))
        return
    say("\n".join(write_markdown(rows) if markdown else write_table(rows)))


def describe(runs: Sequence[Run], rows: Sequence[Row]) -> dict[str, Any]:
    """Give every run, and the means, as JSON has them."""
    return {
        "runs": [
            {"kind": run.kind, "rate": run.rate, "seed": run.seed, "method": run.method, **_known(run.found)}
            for run in runs
        ],
        "methods": [
            {
                "kind": row.kind, "rate": row.rate, "method": row.method, "seeds": row.seeds,
                "mean": _known(row.mean), "sd": _known(row.sd),
            }
            for row in rows
        ],
    }  # fmt: skip


def _known(found: Found) -> dict[str, float | None]:
    return {name: None if isnan(value) else value for name, value in found._asdict().items()}


def write_table(rows: Sequence[Row]) -> Iterator[str]:
    """Write a row per method for people, in blocks of one kind and rate; after the mean its standard deviation."""
    wide = max(len(row.method) for row in rows)
    before = None
    for row in rows:
        if (row.kind, row.rate) != before:
            before = (row.kind, row.rate)
            planted = f"{row.mean.planted:,.0f} of {row.mean.pairs:,.0f} labels"
            yield f"{row.kind}, rate {row.rate:g}: {planted}, {row.seeds} seeds, mean (sd)"
            yield f"  {'':{wide}}" + "".join(f"  {heading:>13}" for heading in HEADINGS)
        yield f"  {row.method:{wide}}" + "".join(f"  {cell:>13}" for cell in _cells(row))


def write_markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Write one Markdown table."""
    yield "| noise | method | " + " | ".join(HEADINGS) + " |"
    yield "|---|---|" + "---|" * len(HEADINGS)
    for row in rows:
        yield f"| {row.kind} {row.rate:.0%} | {row.method} | " + " | ".join(_cells(row)) + " |"


def _cells(row: Row) -> Iterator[str]:
    for name in SHOWN:
        yield f"{getattr(row.mean, name):.3f} ({getattr(row.sd, name):.3f})"
