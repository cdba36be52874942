"""The command: prefmap gain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.console import AS_JSON, narrate, say, say_json

if TYPE_CHECKING:
    from engine.linking import Link


@click.command(epilog="Example: prefmap gain margins.jsonl --project pairs.prefmap")
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--project", type=click.Path(path_type=Path), help="Whose map the pairs are on.")
@AS_JSON
def gain(results: Path, project: Path | None, as_json: bool) -> None:
    """Test whether the map foretells what training improves.

    RESULTS has either a row for each pair, with its margin `before` and `after` training and its `sample_id` (or its
    prompt, chosen and rejected as exported), or a row for each subset trained on, with its `result`. Then every other
    number of the row is compared with that and, where the row names an `export`, the means in the manifest of that
    file; rows of one `subset` or `export` count once.

    It gives Spearman's rank correlations with 95 % bootstrap intervals and permutation tests, adjusted after Holm.
    """
    from engine.gaining import measure_gain
    from engine.importing import summarise_refusals
    from engine.project import Project

    found = measure_gain(results, Project.open(project) if project else None)
    for reason in summarise_refusals(found.refused)[:5]:
        narrate(f"refused: {reason}")
    if as_json:
        links = {link.name: {**link._asdict(), "is_null": link.is_null} for link in found.links}
        say_json({
            "kind": found.kind, "rows": found.rows, "mean": found.mean, "refused": len(found.refused),
            "links": links, "verdict": found.verdict,
        })  # fmt: skip
        return
    what = "gain" if found.kind == "pairs" else "result"
    say(f"{found.rows:,} {found.kind}, mean {what} {found.mean:+.4f}")
    for link in found.links:
        say(f"  {_write(link)}")
    say(found.verdict)


def _write(link: Link) -> str:
    interval = f"95 % {link.low:+.3f} to {link.high:+.3f}"
    return (
        f"{link.name:12} rho {link.rho:+.3f} ({interval}), p {link.p:.4f}, adjusted {link.p_adjusted:.4f}, "
        f"over {link.rows:,}"
    )
