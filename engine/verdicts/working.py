"""How far each reviewer is: what was read, how much of it today, and when last."""

from datetime import UTC, datetime
from typing import NamedTuple

from engine.verdicts.outcomes import Outcomes


class Work(NamedTuple):
    """What one reviewer did."""

    read: int
    """Contents read and decided one by one."""

    today: int
    """Those whose verdict is of today."""

    flips: int
    last: str
    """When the newest verdict was given: UTC, ISO 8601."""


def tally_work(outcomes: Outcomes, now: datetime) -> dict[str, Work]:
    """Tally the standing verdicts of each reviewer; the day is that of the time zone of `now`."""
    found: dict[str, Work] = {}
    for outcome in outcomes:
        known = found.get(outcome.reviewer, Work(0, 0, 0, ""))
        found[outcome.reviewer] = Work(
            known.read + outcome.is_read,
            known.today + (outcome.is_read and _is_of_day(outcome.time, now)),
            known.flips + (outcome.is_read and outcome.verdict == "flip"),
            max(known.last, outcome.time),
        )
    return dict(sorted(found.items()))


def _is_of_day(time: str, now: datetime) -> bool:
    try:
        when = datetime.fromisoformat(time)
    except ValueError:
        return False
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(now.tzinfo).date() == now.date()
