"""Report: what a project holds, how its map is cut, what the scorers cover and what the reviewers found."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.project import Project, SourceFile
from engine.records import content_of
from engine.store import Cut, ScorerCoverage, Store
from engine.suspicion.calibration import Bin, Reliability
from engine.suspicion.companions import agree_with_labels, correlate_scorers
from engine.verdicts.agreement import Agreement, measure_agreement
from engine.verdicts.auditing import Audit, audit_project
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import History
from engine.verdicts.working import Work, tally_work

Floats = npt.NDArray[np.float64]


class Companion(NamedTuple):
    """What one scorer adds to the others."""

    weight: float
    """Its share in the mean margin."""

    agreement: float
    """How often its margin has the sign of the label; a tie counts half. NaN without margins."""

    correlation: dict[str, float]
    """Of its margins with those of each other scorer, around 0, whatever the labels say."""


@dataclass(frozen=True, slots=True)
class Report:
    """All counts of a project."""

    files: list[SourceFile]
    samples: int
    responses: int
    refused: int
    flags: dict[str, int]
    scorers: dict[str, ScorerCoverage]
    map_scorer: str
    regions: dict[str, int]
    cuts: list[Cut]
    verdicts: dict[str, int]
    """Standing verdicts by name, over all reviewers, of those given one by one."""

    bulk: dict[str, int]
    """Those given in bulk, without reading."""

    remarks: dict[str, int]
    """Notes and flags that stand."""

    flips: int
    """Contents whose label somebody read and flipped."""

    read: int
    """Contents that somebody read and decided."""

    conflicts: int
    """Contents on which reviewers differ, and nobody adjudicated."""

    companions: dict[str, Companion]
    """What each scorer adds to suspicion."""

    wrong_share: float
    """The share of wrong labels that is assumed before any verdict."""

    rho: float | None
    """The share that the scorers, and the verdicts that the map knows, speak for."""

    rho_by_source: dict[str, float]
    """The same by source, where there are several; the empty name stands for all small ones."""

    learnt_from: int
    """How many verdicts the map knows."""

    reliability: Reliability | None
    """Of suspicion, as those verdicts have it; None after a few."""

    accuracy: float
    """How often the mean margin is taken to have the true sign."""

    suspects: int
    """Samples whose label is more likely wrong than right."""

    audit: Audit | None
    """What the reading says of the queue and of the labels left; None before anything was read."""

    agreement: Agreement | None
    """How reviewers agree, adjudications left aside; None where no two read the same."""

    work: dict[str, Work]
    """What each reviewer did."""


def make_report(project: Project) -> Report:
    """Count everything there is to count."""
    files = project.source_files()
    flags: Counter[str] = Counter()
    for file in files:
        flags.update(file.flags)
    histories = [History.read(path) for path in project.review_logs()]
    said = Outcomes.of(histories)
    outcomes = list(said)
    verdicts = Counter(outcome.verdict for outcome in outcomes if not outcome.is_bulk)
    bulk = Counter(outcome.verdict for outcome in outcomes if outcome.is_bulk)
    remarks = Counter(remark.kind for remark in said.all_remarks())
    read = [outcome for outcome in outcomes if outcome.is_read]
    with closing(Store.open(project.map)) as store:
        suspicion = store.points().suspicion
        return Report(
            files=files,
            samples=store.count("sample"),
            responses=store.count("response"),
            refused=sum(len(file.refused) for file in files),
            flags=dict(flags),
            scorers=store.scorers(),
            map_scorer=store.map_scorer,
            regions=store.regions(),
            cuts=store.cuts(),
            verdicts=dict(sorted(verdicts.items())),
            bulk=dict(sorted(bulk.items())),
            remarks=dict(sorted(remarks.items())),
            flips=len({content_of(outcome.sample_id) for outcome in read if outcome.verdict == "flip"}),
            read=len({content_of(outcome.sample_id) for outcome in read}),
            conflicts=len(said.conflicts()),
            wrong_share=float(store.meta["wrong_share"]),
            companions=_compare(store.margin_table(), json.loads(store.meta["weights"])),
            rho=json.loads(store.meta["rho"]),
            rho_by_source=json.loads(store.meta["rho_by_source"]),
            learnt_from=int(store.meta["read"]),
            reliability=_read_reliability(store.meta["reliability"]),
            accuracy=float(store.meta["accuracy"]),
            suspects=int((suspicion > 0.5).sum()),
            audit=audit_project(project),
            agreement=measure_agreement(Outcomes(history.votes() for history in histories)),
            work=tally_work(said, datetime.now(UTC)),
        )


def _compare(margins: Mapping[str, Floats], weights: Mapping[str, float]) -> dict[str, Companion]:
    if not margins:
        return {}
    table = np.column_stack(list(margins.values()))
    agreement, correlation = agree_with_labels(table), correlate_scorers(table)
    return {
        name: Companion(
            weights.get(name, 0.0),
            float(agreement[at]),
            {other: float(correlation[at, place]) for place, other in enumerate(margins) if other != name},
        )
        for at, name in enumerate(margins)
    }


def _read_reliability(text: str) -> Reliability | None:
    found = json.loads(text)
    return found and Reliability([Bin(*one) for one in found[0]], found[1])
