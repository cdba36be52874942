"""The sections of a page on where its numbers come from: how far scorers can be trusted, files, configurations."""

import json
import platform
from collections.abc import Iterator
from importlib.metadata import version

from engine.judging.card import Card
from engine.judging.intervals import Estimate
from engine.judging.trust import judge_the_judge
from engine.judging.wording import ANSWERS, SHARES, UNITS
from engine.pages.gathering import Facts
from engine.pages.markup import Html, Part, join, table, tag
from engine.pages.sections import section

PACKAGES = ("prefmap", "duckdb", "numpy", "scipy", "scikit-learn")
CONFIGURATION = ("type", "identity", "parameters", "facts", "versions", "started")
"""Of the header of a log, what a reader needs to run the scorer again."""


def write_cards(facts: Facts) -> Html:
    """Tell how far each scorer can be trusted."""
    return section(
        "Scorers",
        tag("p", "95 % intervals; a prompt counts as one observation."),
        *(part for card in facts.cards for part in _write_card(card)),
    )


def _write_card(card: Card) -> Iterator[Part]:
    yield tag("h3", card.scorer)
    yield tag("p", judge_the_judge(card))
    coverage = ("coverage", f"{card.coverage:.1%}", "", f"{card.scored:,} of {card.responses:,} responses")
    rows = [
        coverage,
        *(_write_share(name, getattr(card, key), UNITS.get(key, ANSWERS)) for key, name in SHARES.items()),
    ]
    rows.append(_write_correlation("correlation, length", card.length))
    for other, said in card.others.items():
        rows.append(_write_correlation(f"correlation, {other}", said.spearman))
        rows.append(_write_share(f"same order as {other}", said.pairs, "pairs"))
    rows += [(f"failed: {reason}", f"{count:,}", "", "answers") for reason, count in card.reasons.items()]
    rows += [(f"read by {method}", f"{count:,}", "", "answers") for method, count in card.methods.items()]
    yield table(f"What was measured of {card.scorer}", ("", "value", "interval", "of"), rows)


def _write_share(name: str, one: Estimate | None, unit: str) -> tuple[str, str, str, str]:
    if one is None:
        return name, "--", "", "not measured"
    return name, f"{one.value:.1%}", f"{one.low:.1%} to {one.high:.1%}", f"{one.of:,} {unit}"


def _write_correlation(name: str, one: Estimate | None) -> tuple[str, str, str, str]:
    if one is None:
        return name, "--", "", "not measured"
    return name, f"{one.value:.2f}", f"{one.low:.2f} to {one.high:.2f}", f"{one.of:,} responses"


def write_origins(facts: Facts) -> Html:
    """Tell which files, which configurations and which versions everything comes from, and how to make it again."""
    made = facts.report
    files = [
        (file.name, file.format, file.dimension or "--", f"{file.samples:,} of {file.rows:,}",
         f"{len(file.refused):,}", file.prefmap, tag("code", file.sha256))
        for file in made.files
    ]  # fmt: skip
    head = ("file", "format", "label", "samples of rows", "refused", "prefmap", "sha256")
    flags = ", ".join(f"{count:,} {flag}" for flag, count in made.flags.items())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return section(
        "Origins",
        table("Files", head, files),
        tag("p", f"Flags: {flags}.") if flags else None,
        *(_write_header(name, header) for name, header in facts.headers.items()),
        tag("h3", "Commands"),
        tag("pre", tag("code", join(_list_commands(facts)))),
        tag("p", f"Map {facts.fingerprint}. This page: {versions}, Python {platform.python_version()}."),
    )


def _write_header(name: str, header: dict[str, object] | object) -> Html:
    said = {key: header[key] for key in CONFIGURATION if key in header} if isinstance(header, dict) else {}
    text = json.dumps(said, indent=1, ensure_ascii=False)
    return tag("details", tag("summary", f"Configuration of {name}"), tag("pre", tag("code", text)))


def _list_commands(facts: Facts) -> Iterator[str]:
    files = " ".join(file.name for file in facts.report.files)
    yield f"prefmap import {files} -o {facts.name}"
    for name in facts.headers:
        yield f"prefmap score {facts.name} --scorer ...   # {name}, configured as above"
    yield f"prefmap map {facts.name}" + (f" --map-scorer {facts.report.map_scorer}" if facts.report.map_scorer else "")
    yield f"prefmap report {facts.name} --html page.html"
