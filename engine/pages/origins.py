"""The sections of a page on where its numbers come from: how far scorers can be trusted, files, configurations."""

import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from shlex import quote
from urllib.parse import urlencode

from engine.judging.card import Card
from engine.judging.intervals import Estimate
from engine.judging.trust import judge_the_judge
from engine.judging.wording import ANSWERS, SHARES, UNITS
from engine.logs import Line
from engine.pages.gathering import Facts
from engine.pages.markup import Html, Part, join, table, tag
from engine.pages.sections import section
from engine.score_importing import TYPE as IMPORTED

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
    shares = {name: _write_share(getattr(card, key), UNITS.get(key, ANSWERS)) for key, name in SHARES.items()}
    shares["correlation with length"] = _write_correlation(card.length)
    for other, said in card.others.items():
        shares[f"correlation with {other}"] = _write_correlation(said.spearman)
        shares[f"same order as {other}"] = _write_share(said.pairs, "pairs")
    rows = [("coverage", f"{card.coverage:.1%}", "", f"{card.scored:,} of {card.responses:,} responses")]
    rows += [(name, *cells) for name, cells in shares.items() if cells]
    rows += [(f"failed: {reason}", f"{count:,}", "", "answers") for reason, count in card.reasons.items()]
    rows += [(f"read by {method}", f"{count:,}", "", "answers") for method, count in card.methods.items()]
    yield table(f"What was measured of {card.scorer}", ("", "value", "interval", "of"), rows)
    if missing := [name.removeprefix("... ") for name, cells in shares.items() if not cells]:
        yield tag("p", f"Not measured: {', '.join(missing)}.")


def _write_share(one: Estimate | None, unit: str) -> tuple[str, str, str] | None:
    return one and (f"{one.value:.1%}", f"{one.low:.1%} to {one.high:.1%}", f"{one.of:,} {unit}")


def _write_correlation(one: Estimate | None) -> tuple[str, str, str] | None:
    return one and (f"{one.value:.2f}", f"{one.low:.2f} to {one.high:.2f}", f"{one.of:,} responses")


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
        tag("pre", tag("code", join(list_commands(facts)))),
        tag("p", f"Map {facts.fingerprint}. This page: {versions}, Python {platform.python_version()}."),
    )


def _write_header(name: str, header: Line) -> Html:
    text = json.dumps({key: header[key] for key in CONFIGURATION if key in header}, indent=1, ensure_ascii=False)
    return tag("details", tag("summary", f"Configuration of {name}"), tag("pre", tag("code", text)))


def list_commands(facts: Facts) -> Iterator[str]:
    """Write the commands that make the project again, up to its reviews, for a POSIX shell."""
    project = quote(facts.name)
    for file in facts.report.files:
        columns = ",".join(f"{key}={value}" for key, value in (file.columns or {}).items())
        options = {"--format": file.format, "--dimension": file.dimension, "--columns": columns}
        said = "".join(f" {key} {quote(value)}" for key, value in options.items() if value)
        yield f"prefmap import {quote(file.name)} -o {project}{said}"
    for name, header in facts.headers.items():
        if header.get("type") == IMPORTED:
            yield f"prefmap import-scores {project} FILE --scorer {quote(name)}"
        else:
            yield f"prefmap score {project} --scorer {quote(write_spec(header))}"
    chosen = facts.report.map_scorer
    yield f"prefmap map {project}" + (f" --map-scorer {quote(chosen)}" if chosen else "")
    yield f"prefmap report {project} --html page.html"


def write_spec(header: Line) -> str:
    """Write the configuration of a log as the SPEC that `score` takes; empty settings are left out."""
    parameters = header.get("parameters")
    given = parameters if isinstance(parameters, dict) else {}
    query = urlencode({key: value for key, value in given.items() if value not in (None, "")})
    return f"{header.get('type')}?{query}" if query else str(header.get("type"))
