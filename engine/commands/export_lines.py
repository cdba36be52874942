"""What becomes of an export, in lines and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.console import narrate

if TYPE_CHECKING:
    from engine.exporting import Exported
    from engine.exports.predicting import Forecast
    from engine.verdicts.residual import Residual


def tell(done: Exported) -> None:
    """Tell the person what is in one file, and what is not."""
    narrate(f"{done.output}: {done.kept:,} of {done.samples:,} samples, {done.changed:,} changed by a verdict.")
    for reason, count in done.dropped.items():
        narrate(f"  left out: {count:,} {reason}")
    if (done.rows, done.rows_left_out) != (done.kept, {}):
        narrate(f"  rows: {done.rows:,}")
    for reason, count in done.rows_left_out.items():
        narrate(f"  rows left out: {count:,} {reason}")
    for trait in done.confounded:
        narrate(f"  mind: it differs from all by {trait}. To compare with the like: --policy random_stratified.")
    if done.forecast:
        _tell_forecast(done.forecast)


def _tell_forecast(said: Forecast) -> None:
    """Tell what TRL would do with the rows."""
    narrate(
        f"  TRL with {said.name} would drop {said.dropped:,} rows whose prompt fills {said.max_length:,} tokens, "
        f"and cut {said.cut:,} that are longer."
    )
    if said.refused:
        narrate(f"  mind: its chat template makes TRL stop at {said.first_refused} (such rows: {said.refused:,})")


def tell_residual(left: Residual, layout: str) -> None:
    """Tell how many labels are still wrong, and what robust DPO makes of it."""
    from engine.exports.cards import advise_smoothing

    narrate(f"  {left}.")
    advice = advise_smoothing(left.describe(), layout)
    if advice:
        narrate(f"  {advice}")


def summarise(done: Exported) -> dict[str, object]:
    """Say in JSON what is in one file."""
    return {
        "output": str(done.output),
        "manifest": str(done.manifest),
        "kept": done.kept,
        "rows": done.rows,
        "dropped": done.dropped,
        **({"confounded": done.confounded} if done.confounded else {}),
        **({"forecast": done.forecast.describe()} if done.forecast else {}),
    }
