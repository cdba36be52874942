"""The command: prefmap bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engine.commands.console import AS_JSON, number, say, say_json

if TYPE_CHECKING:
    from engine.review_benching import Compared
    from engine.simulating import Simulated


@click.group()
def bench() -> None:
    """Measure how well scorers do on your own data."""


@bench.command(epilog="Example: prefmap bench noise train.jsonl --rate .1 --seeds 5")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rate", type=click.FloatRange(0, 0.5), default=0.1, show_default=True, help="Share of labels to flip.")
@click.option(
    "--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many times, with seeds 0, 1, ..."
)
@click.option("--scorer", "spec", default="crossfit", show_default=True, help="SPEC or table name.")
@click.option("--format", "layout", help="Format of the file, if it is not to be detected.")
@click.option("--simulate-review", is_flag=True, help="Let a simulated reader go through the review, and count finds.")
@click.option(
    "--reader-error", type=click.FloatRange(0, 0.5), default=0.03, show_default=True, help="Of the simulated reader."
)
@AS_JSON
@click.pass_context
def noise(
    context: click.Context,
    file: Path,
    rate: float,
    seeds: int,
    spec: str,
    layout: str | None,
    simulate_review: bool,
    reader_error: float,
    as_json: bool,
) -> None:
    """Plant known flips in FILE and measure how well a scorer finds them. Nothing is written.

    --simulate-review reads 30 % of the pairs, in the order of the start and ranked anew after every 25 verdicts, with
    controls and repeats among them: flips found in the first 10 % read, lift over reading at random, verdicts until the
    queue is dry, and the interval for the wrong labels left beside the truth.
    """
    if simulate_review:
        _simulate(file, rate, seeds, spec, layout, reader_error, as_json)
        return
    if context.get_parameter_source("reader_error") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--reader-error needs --simulate-review.", context)
    from statistics import mean

    from engine.benching import measure_noise, read_samples
    from engine.config import load_config
    from engine.scorers.catalog import make_scorer

    named = make_scorer(spec, load_config(None).scorers)
    found = []
    if not as_json:
        say("seed    pairs  planted   AUROC    P@5%  found in 10%  agreement")
    for one in measure_noise(read_samples(file, layout), named.scorer, rate=rate, seeds=range(seeds)):
        found.append(one)
        if not as_json:
            say(f"{one.seed:>4}  {one.pairs:>7,}  {one.planted:>7,}  {one.auroc:>6.3f}  {one.precision_at_5:>6.3f}  "
                f"{one.found_in_10:>12.3f}  {one.agreement:>9.3f}")  # fmt: skip
    means = {
        key: mean(getattr(one, key) for one in found) for key in ("auroc", "precision_at_5", "found_in_10", "agreement")
    }
    if as_json:
        say_json({"scorer": named.name, "rate": rate, "runs": [one._asdict() for one in found], "mean": means})
        return
    say(f"mean  {'':>16}  {means['auroc']:>6.3f}  {means['precision_at_5']:>6.3f}  "
        f"{means['found_in_10']:>12.3f}  {means['agreement']:>9.3f}")  # fmt: skip


def _simulate(
    file: Path, rate: float, seeds: int, spec: str, layout: str | None, reader_error: float, as_json: bool
) -> None:
    from engine.benching import read_samples
    from engine.config import load_config
    from engine.review_benching import measure_reviews
    from engine.scorers.catalog import make_scorer

    named = make_scorer(spec, load_config(None).scorers)
    if not as_json:
        say("seed  order   planted  found in 10%  lift  dry after   left  estimated (95 % interval)")
    runs = []
    for one in measure_reviews(
        read_samples(file, layout), named.scorer, rate=rate, seeds=range(seeds), error=reader_error
    ):
        runs.append(_describe(one))
        for name in () if as_json else ("static", "live"):
            say(_line(one, name))
    if as_json:
        say_json({"scorer": named.name, "rate": rate, "reader_error": reader_error, "runs": runs})


def _line(one: Compared, name: str) -> str:
    done: Simulated = getattr(one, name)
    found, left = done.found_in(one.early), done.residual
    dry = "--" if done.dry_at is None else f"{done.dry_at:,}"
    told = f"{left.estimate:,.0f} ({left.low:,.0f} to {left.high:,.0f})" if left else "too few controls"
    return (f"{one.seed:>4}  {name:6}  {one.planted:>7,}  {found:>12,}  {number(one.lift(done), 1):>4}  {dry:>9}  "
            f"{done.left:>5,}  {told}")  # fmt: skip


def _describe(one: Compared) -> dict[str, Any]:
    orders: dict[str, Any] = {}
    for name, done in (("static", one.static), ("live", one.live)):
        left = done.residual
        orders[name] = {
            "found_in_10": done.found_in(one.early),
            "lift": one.lift(done),
            "dry_after": done.dry_at,
            "found": done.found_in(len(done.found)),
            "read": len(done.found),
            "left": done.left,
            "residual": left and {"estimate": left.estimate, "low": left.low, "high": left.high},
        }
    return {"seed": one.seed, "pairs": one.pairs, "planted": one.planted, **orders}
