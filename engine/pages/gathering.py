"""Gather what a page tells: the report, the judge cards, the dots of the map, and what its samples are like."""

from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

import numpy as np

from engine.judging.card import Card
from engine.judging.report import make_cards
from engine.logs import Line
from engine.pages.caption import count_samples, describe_axes, describe_scorers, read_headers
from engine.pages.composition import Parting, Reads, code_names, code_sizes, part
from engine.pages.dots import Field, lay_out
from engine.project import Project
from engine.records import content_of
from engine.reporting import Report, make_report
from engine.store import QueueEntry, Store
from engine.verdicts.outcomes import Outcomes

SUSPECTS = 20
"""Samples that a page lists to be read first."""


class Suspect(NamedTuple):
    """A sample that nobody has read, whose label is likely wrong."""

    rank: int
    """In the queue, from 1."""

    entry: QueueEntry
    prompt: str


class Facts(NamedTuple):
    """All that a page tells."""

    name: str
    report: Report
    cards: list[Card]
    field: Field
    cuts: Mapping[str, float | None]
    """Of the map scorer, by axis."""

    caption: list[str]
    suspects: list[Suspect]
    partings: list[Parting]
    headers: dict[str, Line]
    """The configuration of each scorer that has a log."""

    fingerprint: str
    """Of the map."""


def gather(project: Project) -> Facts:
    """Read a project. Raises MapMissingError."""
    report = make_report(project)
    outcomes = Outcomes.read(project.review_logs())
    verdicts = _settle(outcomes)
    with closing(Store.open(project.map)) as store:
        cuts = {cut.axis: cut.value for cut in report.cuts if cut.scorer == report.map_scorer}
        field = lay_out(store, verdicts)
        caption = [
            describe_scorers(store),
            describe_axes("variability", cuts),
            count_samples(field.total, field.shown, field.unplaced, "variability") + " No subsample was drawn.",
        ]
        return Facts(
            project.name,
            report,
            make_cards(project) if report.scorers else [],
            field,
            cuts,
            caption,
            _find_suspects(store, verdicts),
            _compose(store, outcomes),
            read_headers(project.path, list(report.scorers)),
            store.fingerprint,
        )


def _settle(outcomes: Outcomes) -> dict[str, str]:
    """Give the verdict on each content that has one; `disagree` where reviewers do."""
    verdicts: dict[str, str] = {content_of(outcome.sample_id): outcome.verdict for outcome in outcomes}
    for content_id in verdicts:
        settled = outcomes.settle(content_id)
        if settled.outcome or settled.is_open:
            verdicts[content_id] = settled.outcome.verdict if settled.outcome else "disagree"
    return verdicts


def _find_suspects(store: Store, verdicts: Mapping[str, str]) -> list[Suspect]:
    found: list[Suspect] = []
    seen = set()
    ids, order = store.sample_ids(), store.order("suspicion")
    ranks = []
    for rank, ordinal in enumerate(order.tolist(), start=1):
        content_id = content_of(ids[ordinal])
        if content_id not in seen and content_id not in verdicts:
            ranks.append((rank, ordinal))
            seen.add(content_id)
        if len(ranks) == SUSPECTS:
            break
    ordinals = [ordinal for _, ordinal in ranks]
    for (rank, _), entry, prompt in zip(ranks, store.entries(ordinals), store.prompts(ordinals), strict=True):
        if entry.suspicion is not None:
            found.append(Suspect(rank, entry, prompt))
    return found


def _compose(store: Store, outcomes: Outcomes) -> list[Parting]:
    points = store.points()
    contents = [content_of(one) for one in store.sample_ids().tolist()]
    first = dict(zip(reversed(contents), range(len(contents) - 1, -1, -1), strict=True))
    reads = Reads(*np.zeros((2, len(contents)), dtype=bool))
    for outcome in outcomes:
        if outcome.is_read and (place := first.get(content_of(outcome.sample_id))) is not None:
            reads.read[place] = True
            reads.flipped[place] |= outcome.verdict == "flip"
    length, turns = store.numbers("len"), store.numbers("turns")
    thirds = np.quantile(length, [1 / 3, 2 / 3]).tolist()
    kinds = {
        "source": code_names(points.source),
        "characters of the longest response": code_sizes(length, thirds),
        "turns of the prompt": code_sizes(turns, (1, 3)),
    }
    return list(part(points, kinds, reads))
