"""The sections of a page on the map and the labels."""

from collections.abc import Iterator
from math import isnan

from engine.pages.chart import draw_map, write
from engine.pages.composition import Group, Parting
from engine.pages.dots import PROMPT_SHOWN, shorten
from engine.pages.gathering import Facts
from engine.pages.markup import Html, Part, bar, join, table, tag
from engine.reporting import Report
from engine.verdicts.auditing import Reader
from engine.verdicts.residual import FEWEST_CONTROLS
from engine.verdicts.stopping import say_ahead, say_stop


def section(title: str, *parts: Part) -> Html:
    """Put parts under a heading that can be linked to."""
    name = title.lower().replace(" ", "-")
    return tag("section", tag("h2", title, id=name), *parts, aria_labelledby=name)


def percent(share: float, digits: int = 1) -> str:
    """Write a share; `--` where there is none."""
    return "--" if isnan(share) else f"{share:.{digits}%}"


def write_summary(facts: Facts) -> Html:
    """Tell the numbers that a reader wants first."""
    made = facts.report
    residual = made.audit.residual if made.audit else None
    found = [
        (f"{made.samples:,}", f"samples with {made.responses:,} responses"),
        (f"{made.refused:,}", "rows refused"),
        (f"{made.suspects:,}", "labels more likely wrong than right"),
        (f"{made.read:,}", f"read by people; {made.flips:,} flipped"),
        (
            percent(residual.estimate / residual.labels) if residual else "not known",
            "of the labels left are wrong",
        ),
    ]
    return tag("dl", *(tag("div", tag("dt", what), tag("dd", value)) for value, what in found), class_="numbers")


def write_map(facts: Facts) -> Html:
    """Draw the map, and tell its regions and cuts."""
    made = facts.report
    regions = [
        (name, f"{count:,}", percent(count / made.samples), bar(count / made.samples))
        for name, count in made.regions.items()
    ]
    cuts = [
        (cut.scorer, cut.axis, write(cut.value, 6), f"{cut.samples:,}", f"{cut.nulls:,}", cut.rule, cut.ties)
        for cut in made.cuts
    ]
    if not facts.field.dots:
        return section("Map", tag("p", "No sample has a place on the map: no scorer has scores for it."))
    return section(
        "Map",
        draw_map(facts.field, facts.cuts, facts.caption),
        table(f"Regions of {made.map_scorer}", ("region", "samples", "share", ""), regions),
        table("Cuts of each map", ("scorer", "axis", "value", "samples", "null", "rule", "ties"), cuts),
    )


def write_suspects(facts: Facts) -> Html:
    """List the unread samples whose labels are likeliest wrong."""
    if not facts.suspects:
        return section("Read first", tag("p", "No unread sample has a suspicion."))
    rows: list[list[Part]] = []
    has_sources = any(one.entry.source for one in facts.suspects)
    has_files = len(facts.report.files) > 1
    for rank, entry, prompt in facts.suspects:
        where = [entry.source or "--"] * has_sources + [entry.file] * has_files + [f"{entry.row:,}"]
        numbers = [f"{rank:,}", write(entry.suspicion), write(entry.margin, 2)]
        name = join((shorten(prompt, PROMPT_SHOWN) or "no prompt", tag("code", entry.sample_id)), "<br/>")
        rows.append([name, *numbers, *where])
    head = ["sample", "rank", "suspicion", "margin", *["source"] * has_sources, *["file"] * has_files, "row"]
    return section("Read first", table("Unread samples whose labels are likeliest wrong", head, rows))


def write_suspicion(facts: Facts) -> Html:
    """Tell what suspicion is made of, and how well it foretold the verdicts."""
    made = facts.report
    basis = f"learnt from {made.learnt_from:,} verdicts" if made.learnt_from else f"{made.wrong_share:.0%} are assumed"
    share = f"Share of wrong labels that the scorers speak for: {write(made.rho)} ({basis})."
    said = [tag("p", share, "" if made.reliability else " Suspicion is not calibrated yet: too little was read.")]
    weights = [
        (name, write(one.weight), percent(one.agreement),
         ", ".join(f"{other} {write(value, 2)}" for other, value in one.correlation.items()) or "--")
        for name, one in made.companions.items()
    ]  # fmt: skip
    head = ("scorer", "weight", "agrees with labels", "correlation of margins")
    said.append(table("What each scorer adds to suspicion", head, weights))
    if len(made.rho_by_source) > 1:
        rows = [(name or "small ones", write(rho), bar(rho)) for name, rho in made.rho_by_source.items()]
        said.append(table("Estimated share of wrong labels by source", ("source", "share", ""), rows))
    if made.reliability:
        bins = [(f"{one.samples:,}", write(one.said), write(one.was), bar(one.was)) for one in made.reliability.bins]
        caption = f"What suspicion said and what was; calibration error {write(made.reliability.error)}"
        said.append(table(caption, ("read", "said", "was wrong", ""), bins))
    return section("Suspicion", *said)


def write_reviews(facts: Facts) -> Html:
    """Tell what people read and found, and how many labels are still wrong."""
    made = facts.report
    if not (made.verdicts or made.bulk):
        return section("Reviews", tag("p", "Nobody has given a verdict yet."))
    rows = [(name, f"{count:,}", f"{made.bulk.get(name, 0):,}") for name, count in made.verdicts.items()]
    rows += [(name, "0", f"{count:,}") for name, count in made.bulk.items() if name not in made.verdicts]
    return section(
        "Reviews",
        table("Standing verdicts", ("verdict", "read", "in bulk, unread"), rows),
        tag("p", f"Reviewers disagree on {made.conflicts:,} samples.") if made.conflicts else None,
        *_write_team(made),
        *_write_audit(made),
    )


def _write_team(made: Report) -> Iterator[Html]:
    """Tell how several reviewers agree, and what each did; nothing where there is only one."""
    if made.agreement:
        found = {("all", "Krippendorff's alpha"): made.agreement.alpha}
        found |= {(", ".join(pair), "Cohen's kappa"): one for pair, one in made.agreement.kappa.items()}
        rows = [(*of, "not defined" if one.value is None else write(one.value, 2), f"{one.of:,}")
                for of, one in found.items()]  # fmt: skip
        names = ("reviewers", "coefficient", "agreement", "samples read by two or more")
        yield table("How reviewers agree, beyond chance", names, rows)
    if len(made.work) > 1:
        readers = made.audit.readers if made.audit else {}
        each = [(name, f"{work.read:,}", f"{work.flips:,}", *_describe(readers.get(name)))
                for name, work in made.work.items()]  # fmt: skip
        head = ("reviewer", "read", "flipped", "repeats alike", "inferred slips")
        yield table("By reviewer", head, each)


def _describe(reader: Reader | None) -> tuple[str, str]:
    """Say how steady a reviewer is, and which share of the verdicts is inferred to be slips."""
    if reader is None:
        return "--", "--"
    alike = f"{reader.repeats - reader.changed} of {reader.repeats}" if reader.repeats else "--"
    return alike, percent(reader.slips.share) if reader.slips else "--"


def _write_audit(made: Report) -> Iterator[Html]:
    if not made.audit:
        return
    found, error, residual = made.audit.found, made.audit.error, made.audit.residual
    rows = [
        (f"to {one.last:,}", f"{one.reads:,}", f"{one.flips:,}", f"{one.per_stretch:.1f}", bar(one.flips / one.reads))
        for one in found.curve
    ]
    if rows:
        yield table("Yield of the queue, in the order of reading", ("reads", "read", "flipped", "per 20", ""), rows)
    yield tag("p", _sentences(say_ahead(found), say_stop(found)))
    if found.controls:
        one = found.controls
        share = f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%}) of {one.of:,} random samples were flipped."
        seen = f" {made.audit.sighted:,} of them were read with the label in view; blind ones say more."
        yield tag("p", "Controls: ", share, seen if made.audit.sighted else None)
    same = f"{error.repeats - error.changed} of {error.repeats} repeats got the same verdict; " if error.repeats else ""
    yield tag("p", f"Reviewers: {same}{error.value:.1%} of the verdicts are taken to be wrong.")
    left = f"{residual}." if residual else f"unknown until {FEWEST_CONTROLS} controls are read."
    yield tag("p", tag("strong", "Residual error: "), left)


def _sentences(*said: str) -> str:
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in said if one)


def write_composition(facts: Facts) -> Html:
    """Tell what the samples of each region, source, length and number of turns are like."""
    return section(
        "Composition",
        tag("p", "Margin: chosen less rejected, in standard deviations of each scorer, mean over all scorers. "
            "Close: smaller than .05. Against: the scorers prefer the rejected response."),
        *(_write_parting(parting) for parting in facts.partings),
    )  # fmt: skip


def _write_parting(parting: Parting) -> Html:
    head = (parting.by, "samples", "share", "median margin", "close", "against", "read", "flipped")
    told = "" if isnan(parting.association) else f"; Cramer's V with the region {parting.association:.2f}"
    return table(f"By {parting.by}{told}", head, [_write_group(one) for one in parting.groups])


def _write_group(one: Group) -> list[Part]:
    flipped = f"{one.flipped:,} ({one.flipped / one.read:.0%})" if one.read else "--"
    return [one.name, f"{one.samples:,}", percent(one.share), write(one.margin, 2), percent(one.close),
            percent(one.against), f"{one.read:,}", flipped]  # fmt: skip
