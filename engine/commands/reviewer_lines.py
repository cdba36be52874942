"""The lines of `report` that compare the reviewers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands.console import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.reporting import Report
    from engine.verdicts.agreement import Coefficient
    from engine.verdicts.auditing import Reader
    from engine.verdicts.working import Work


def write_reviewers(made: Report) -> Iterator[str]:
    """Write how several reviewers agree, and what each did; nothing where there is only one."""
    if made.agreement:
        yield f"agreement  Krippendorff's alpha {_say(made.agreement.alpha)} that two or more read"
        for (one, other), kappa in made.agreement.kappa.items():
            yield f"  {one}, {other}: Cohen's kappa {_say(kappa)} that both read"
    if len(made.work) > 1:
        yield "by reviewer"
        for name, work in made.work.items():
            yield f"  {name}: {', '.join(_tell(work, _reader(made, name)))}"


def _say(one: Coefficient) -> str:
    value = "not defined (one thing only was said)" if one.value is None else number(one.value, 2)
    return f"{value} on {one.of:,} sample{'s' * (one.of != 1)}"


def _tell(work: Work, reader: Reader | None) -> Iterator[str]:
    yield f"{work.read:,} read"
    if work.read:
        yield f"{work.flips / work.read:.0%} flipped"
    if reader and reader.repeats:
        yield f"{reader.repeats - reader.changed} of {reader.repeats} repeats alike"
    if reader and reader.slips:
        yield f"{reader.slips.share:.1%} of {reader.slips.of:,} verdicts inferred to be slips"


def _reader(made: Report, name: str) -> Reader | None:
    return made.audit.readers.get(name) if made.audit else None


def describe_reviewers(made: Report) -> dict[str, Any]:
    """Give the same as JSON."""
    agreement = made.agreement and {
        "alpha": made.agreement.alpha._asdict(),
        "kappa": [{"reviewers": list(pair), **kappa._asdict()} for pair, kappa in made.agreement.kappa.items()],
    }
    return {
        "agreement": agreement,
        "reviewers": {name: _describe(work, _reader(made, name)) for name, work in made.work.items()},
    }


def _describe(work: Work, reader: Reader | None) -> Mapping[str, Any]:
    return {
        "read": work.read,
        "flips": work.flips,
        "last": work.last,
        "repeats": reader.repeats if reader else 0,
        "same": reader.repeats - reader.changed if reader else 0,
        "slips": reader.slips._asdict() if reader and reader.slips else None,
    }
