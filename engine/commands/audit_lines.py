"""The lines of `report` that say what the reading so far has proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.judging.intervals import Estimate
    from engine.verdicts.auditing import Audit


def write_audit(made: Audit) -> Iterator[str]:
    """Write the yield, the controls, the agreement of the reviewers with themselves, and the labels still wrong."""
    from engine.verdicts.residual import FEWEST_CONTROLS
    from engine.verdicts.stopping import say_ahead, say_curve, say_stop

    found, error = made.found, made.error
    if found.curve:
        width = found.curve[0].reads
        every = f" (a number for each {width:,})" if width > 20 else ""
        yield f"yield      flips in 20 read from the queue{every}: {say_curve(found.curve)}"
    yield f"           {'; '.join(filter(None, (say_ahead(found), say_stop(found))))}"
    if found.controls:
        share = found.controls
        seen = f"; {made.sighted:,} were read with the label in view, blind ones say more" if made.sighted else ""
        yield f"controls   {_share(share)} of {share.of:,} random sample{'s' * (share.of != 1)} flipped{seen}"
    same = error.repeats - error.changed
    told = f"{same} of {error.repeats} repeats got the same verdict; " if error.repeats else "no repeats yet; "
    yield f"reviewers  {told}{error.value:.1%} of the verdicts are taken to be wrong"
    if made.residual:
        yield f"residual   {made.residual}"
    else:
        yield f"residual   unknown until {FEWEST_CONTROLS} controls are read"


def _share(one: Estimate) -> str:
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


def describe_audit(made: Audit) -> dict[str, Any]:
    """Give the same as JSON."""
    found = made.found
    controls = found.controls
    return {
        "yield": {
            "curve": [{"last": one.last, "reads": one.reads, "flips": one.flips} for one in found.curve],
            "recent": found.recent and found.recent._asdict(),
            "ahead": found.ahead,
            "dry": found.is_dry,
        },
        "controls": {**controls._asdict(), "sighted": made.sighted} if controls else None,
        "self_agreement": {"repeats": made.error.repeats, "same": made.error.repeats - made.error.changed},
        "residual_error": made.residual.describe() if made.residual else None,
    }
