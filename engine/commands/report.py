"""The command: prefmap report."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.console import AS_JSON, PROJECT, narrate, number, say, say_json
from engine.pages.styles import COLOURS, STYLES, Colour, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.project import Project
    from engine.reporting import Companion, Report


@click.command(epilog="Example: prefmap report pairs.prefmap --json")
@PROJECT
@click.option(
    "--judge",
    "judge",
    metavar="[SCORER]",
    is_flag=False,
    flag_value="",
    help="How far a scorer, or each, can be trusted.",
)
@click.option(
    "--stability",
    "stability",
    type=click.Path(path_type=Path),
    metavar="[FILE.csv]",
    is_flag=False,
    flag_value=Path(),
    help="How sure the regions are, and how alike between scorers; with a file, of each sample.",
)
@click.option("--figure", type=click.Path(path_type=Path), metavar="F", help="Draw the map: F.png, F.svg or F.pdf.")
@click.option("--style", type=click.Choice(STYLES), help="Of the figure.  [default: continuous]")
@click.option("--colour", type=click.Choice(COLOURS), help="What its colours are.  [default: correlation]")
@click.option("--html", type=click.Path(path_type=Path), metavar="F", help="Write all of it as one page for a browser.")
@AS_JSON
def report(
    project: Path,
    judge: str | None,
    stability: Path | None,
    figure: Path | None,
    style: Style | None,
    colour: Colour | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Count what the project holds, and what was found in it.

    Samples, refused rows, scorers, regions, cuts, verdicts, and labels still wrong.
    """
    from engine.project import Project

    if figure is None and (style or colour):
        raise click.UsageError("--style and --colour need --figure.")
    opened = Project.open(project)
    if [judge is None, stability is None, figure is None and html is None].count(False) > 1:
        raise click.UsageError("--judge, --stability and --figure or --html are reports of their own: ask for one.")
    if judge is not None:
        _report_cards(opened, judge, as_json)
        return
    if stability is not None:
        _report_stability(opened, stability, as_json)
        return
    from engine.reporting import make_report

    made = make_report(opened)
    written = _draw(opened, figure, style or "continuous", colour or "correlation", html)
    if as_json:
        say_json(_describe(made) | {name: str(path) for name, path in written.items()})
        return
    say("\n".join(_lines(made)))


def _draw(project: Project, figure: Path | None, style: Style, colour: Colour, html: Path | None) -> dict[str, Path]:
    if figure:
        from engine.pages.figure import write_figure

        write_figure(project, figure, style, colour)
    if html:
        from engine.pages.page import write_page

        write_page(project, html)
    written = {name: path for name, path in (("figure", figure), ("html", html)) if path}
    for path in written.values():
        narrate(f"wrote {path}")
    return written


def _report_cards(project: Project, scorer: str, as_json: bool) -> None:
    from engine.commands.judge_card import describe_card, write_card
    from engine.judging.report import make_cards

    cards = make_cards(project, scorer)
    if as_json:
        say_json({"judges": {card.scorer: describe_card(card) for card in cards}})
        return
    say("\n\n".join("\n".join(write_card(card)) for card in cards))


def _report_stability(project: Project, table: Path, as_json: bool) -> None:
    from engine.commands.stability_lines import describe_stability, write_stability, write_table
    from engine.stability import measure_stability

    found = measure_stability(project)
    if table.name:
        write_table(found, table)
    if as_json:
        say_json(describe_stability(found))
        return
    say("\n".join(write_stability(found)))


def _lines(made: Report) -> Iterator[str]:
    from engine.commands.audit_lines import write_audit
    from engine.commands.reviewer_lines import write_reviewers

    yield f"samples    {made.samples:,} with {made.responses:,} responses; {made.refused:,} rows refused"
    for file in made.files:
        yield f"  {file.name}: {file.samples:,} of {file.rows:,} rows, read as {file.format}"
    if made.flags:
        yield "flags      " + ", ".join(f"{count:,} {flag}" for flag, count in made.flags.items())
    yield "scorers"
    for name, coverage in made.scorers.items():
        used = "  <- the map" if name == made.map_scorer else ""
        yield f"  {name}: {coverage.scored:,} of {coverage.responses:,} responses ({coverage.share:.1%}){used}"
        if name in made.companions:
            yield f"    {_tell(made.companions[name])}"
    yield f"regions    by {made.map_scorer or 'no scorer'}"
    for name, count in made.regions.items():
        yield f"  {name:14} {count:>9,}  {count / made.samples:.1%}"
    for cut in made.cuts:
        if cut.scorer == made.map_scorer:
            placed = f"N {cut.samples:,}, {cut.nulls:,} null"
            yield f"  cut: {cut.axis} {number(cut.value, 6)}, {placed} ({cut.rule}; ties {cut.ties})"
    rho = number(made.rho, 3)
    basis = (
        f"learnt from {made.learnt_from:,} verdicts" if made.learnt_from else f"if {made.wrong_share:.0%} are assumed"
    )
    yield f"suspicion  above .5 for {made.suspects:,}; share of wrong labels {rho}, {basis}"
    if len(made.rho_by_source) > 1:
        said = (f"{name or 'small ones'} {number(rho, 3)}" for name, rho in made.rho_by_source.items())
        yield "  by source: " + ", ".join(said)
    if made.reliability:
        yield f"  calibration error {number(made.reliability.error, 3)} over what was read: " + ", ".join(
            f"said {number(one.said)} was {number(one.was)} ({one.samples})" for one in made.reliability.bins
        )
    verdicts = ", ".join(f"{count:,} {name}" for name, count in made.verdicts.items()) or "none yet"
    rate = f"; {made.flips / made.read:.0%} of {made.read:,} read were flipped" if made.read else ""
    yield f"verdicts   {verdicts}{rate}"
    if made.bulk:
        yield (
            "in bulk    " + ", ".join(f"{count:,} {name}" for name, count in made.bulk.items()) + "; nobody read these"
        )
    if made.remarks:
        yield "remarks    " + ", ".join(f"{count:,} {kind}{'s' * (count > 1)}" for kind, count in made.remarks.items())
    if made.conflicts:
        yield f"conflicts  {made.conflicts:,} on which reviewers differ; they stay out of exports"
    yield from write_reviewers(made)
    if made.audit:
        yield from write_audit(made.audit)


def _tell(one: Companion) -> str:
    others = list(one.correlation.values())
    shared = f", correlates {number(sum(others) / len(others))} with the others" if others else ""
    turned = " (so often against the labels that it counts the other way round)" if one.weight < 0 else ""
    return f"weight {number(one.weight)}{turned}, agrees with {one.agreement:.1%} of the labels{shared}"


def _describe(made: Report) -> dict[str, Any]:
    from engine.commands.audit_lines import describe_audit
    from engine.commands.reviewer_lines import describe_reviewers

    cuts: dict[str, dict[str, float | None]] = {}
    for cut in made.cuts:
        cuts.setdefault(cut.scorer, {})[cut.axis] = cut.value
    return {
        "samples": made.samples,
        "responses": made.responses,
        "refused": made.refused,
        "flags": made.flags,
        "scorers": {
            name: {"coverage": c.share, "scored": c.scored, **_describe_companion(made.companions.get(name))}
            for name, c in made.scorers.items()
        },
        "map_scorer": made.map_scorer,
        "regions": made.regions,
        "cuts": cuts,
        "verdicts": made.verdicts,
        "bulk": made.bulk,
        "remarks": made.remarks,
        "conflicts": made.conflicts,
        "suspicion": {
            "wrong_share": made.wrong_share,
            "rho": made.rho,
            "rho_by_source": made.rho_by_source,
            "accuracy": made.accuracy,
            "above_half": made.suspects,
            "learnt_from": made.learnt_from,
            "reliability": made.reliability
            and {"error": made.reliability.error, "bins": [one._asdict() for one in made.reliability.bins]},
        },
        **describe_reviewers(made),
        **(describe_audit(made.audit) if made.audit else {}),
    }


def _describe_companion(one: Companion | None) -> dict[str, Any]:
    if one is None:
        return {}
    known = {name: value for name, value in one.correlation.items() if not isnan(value)}
    agreement = None if isnan(one.agreement) else one.agreement
    return {"weight": one.weight, "agreement": agreement, "correlation": known}
