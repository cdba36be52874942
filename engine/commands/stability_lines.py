"""How stable the maps are, in lines, in JSON and as a table of all samples."""

from __future__ import annotations

import csv
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.console import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.stability import Stability


def write_stability(found: Stability) -> Iterator[str]:
    """Write it for people."""
    yield "regions when the samples are drawn anew (with replacement), and cut anew"
    for one in found.memberships:
        yield f"  {one.scorer}"
        for name, (samples, mean, sure) in one.by_region.items():
            yield f"    {name:14} {samples:>9,}  stay there in {mean:.1%} of the draws; sure (95 %) are {sure:.1%}"
    for scorer in found.frozen:
        yield f"  {scorer}: frozen cuts, which no draw moves"
    if found.agreements:
        yield "regions and ranks between scorers (macro-F1 by chance is about .33)"
    for pair in found.agreements:
        ranks = ", ".join(f"{name} {number(value, 2)}" for name, value in pair.rank.items())
        yield f"  {pair.one} and {pair.other}, {pair.samples:,} samples"
        yield f"    macro-F1 {pair.macro_f1:.3f}, same region {pair.same:.1%}; rank correlations: {ranks}"


def describe_stability(found: Stability) -> dict[str, Any]:
    """Write it as JSON."""
    membership = {
        one.scorer: {
            name: {"samples": samples, "mean": mean, "sure": sure}
            for name, (samples, mean, sure) in one.by_region.items()
        }
        for one in found.memberships
    }
    agreement = [pair._asdict() for pair in found.agreements]
    return {"membership": membership, "agreement": agreement, "frozen": found.frozen}


def write_table(found: Stability, file: Path) -> None:
    """Write a row for each sample on each map, with the share of draws that put it into each region."""
    from engine.project import replacing
    from engine.stability import REGIONS

    with replacing(file) as beside, beside.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["scorer", "sample_id", "region", *REGIONS])
        for one in found.memberships:
            rows = zip(found.sample_ids.tolist(), one.region.tolist(), one.shares.tolist(), strict=True)
            table.writerows([one.scorer, key, region, *shares] for key, region, shares in rows if not isnan(shares[0]))
