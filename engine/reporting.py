"""Report: what a project holds, how its map is cut, what the scorers cover and what the reviewers found."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from engine.auditing import Audit, audit_project
from engine.outcomes import Outcomes
from engine.project import Project, SourceFile
from engine.records import content_of
from engine.steps import Outcome
from engine.store import Cut, ScorerCoverage, Store


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
    """Contents on which reviewers disagree."""

    wrong_share: float
    """The assumed share of wrong labels."""

    accuracy: float
    """How often the mean margin is taken to have the true sign."""

    suspects: int
    """Samples whose label is more likely wrong than right."""

    audit: Audit | None
    """What the reading says of the queue and of the labels left; None before anything was read."""


def make_report(project: Project) -> Report:
    """Count everything there is to count."""
    files = project.source_files()
    flags: Counter[str] = Counter()
    for file in files:
        flags.update(file.flags)
    said = Outcomes.read(project.review_logs())
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
            conflicts=_count_conflicts(outcomes),
            wrong_share=float(store.meta["wrong_share"]),
            accuracy=float(store.meta["accuracy"]),
            suspects=int((suspicion > 0.5).sum()),
            audit=audit_project(project),
        )


def _count_conflicts(outcomes: list[Outcome]) -> int:
    said: dict[str, set[tuple[str, ...]]] = {}
    for outcome in outcomes:
        if outcome.verdict != "skip":
            said.setdefault(content_of(outcome.sample_id), set()).add(outcome.meaning)
    return sum(len(meanings) > 1 for meanings in said.values())
