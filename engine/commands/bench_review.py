"""What `prefmap bench noise --simulate-review` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands.console import number, say, say_json

if TYPE_CHECKING:
    from engine.bench.noise import Bench
    from engine.bench.review import Compared
    from engine.bench.simulating import Simulated


def simulate(bench: Bench, rate: float, seeds: int, reader_error: float, *, as_json: bool) -> None:
    """Let a reader who slips go through planted datasets, and print what each review found and left."""
    from engine.bench.review import measure_reviews

    if not as_json:
        say("seed  order   planted  found in 10%  lift  dry after   left  estimated (95 % interval)")
    runs = []
    for one in measure_reviews(bench.samples, bench.scorers, rate=rate, seeds=range(seeds), error=reader_error):
        runs.append(_describe(one))
        for name in () if as_json else ("static", "live"):
            say(_line(one, name))
    if as_json:
        say_json({"scorers": list(bench.scorers), "rate": rate, "reader_error": reader_error, "runs": runs})


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
