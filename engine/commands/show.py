"""The command: prefmap show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.console import AS_JSON, PROJECT, number, say, say_json

if TYPE_CHECKING:
    from engine.records import Sample
    from engine.store import QueueEntry
    from engine.verdicts.outcomes import Outcomes


@click.command(epilog="Example: prefmap show pairs.prefmap 9f3c21ab")
@PROJECT
@click.argument("sample")
@AS_JSON
def show(project: Path, sample: str, as_json: bool) -> None:
    """Show one sample whole, with labels, scores and verdicts.

    SAMPLE is an id, or any beginning of one that fits no other.
    """
    from contextlib import closing

    from engine.project import Project
    from engine.store import Store
    from engine.verdicts.outcomes import Outcomes

    opened = Project.open(project)
    with closing(Store.open(opened.map)) as store:
        ordinal = store.find(sample)
        whole, scores = store.sample(ordinal), store.scores(store.sample(ordinal))
        (entry,) = store.entries([ordinal])
    outcomes = Outcomes.read(opened.review_logs())
    if as_json:
        say_json(_describe(whole, entry, scores, outcomes))
        return
    say("\n".join(_lines(whole, entry, scores, outcomes)))


def _lines(sample: Sample, entry: QueueEntry, scores: Any, outcomes: Outcomes) -> list[str]:
    from engine.verdicts.outcomes import name_choice

    lines = [f"{sample.sample_id}  {sample.file}:{sample.row}  {', '.join(sample.flags)}".rstrip()]
    lines.append(
        f"suspicion ~{number(entry.suspicion)}  margin z {number(entry.margin, 2)}  "
        f"{entry.against}/{entry.scorers} scorers against the label  region {entry.region or '--'}"
    )
    lines += [f"\n-- {turn.role}\n{turn.content}" for turn in sample.prompt]
    for index, response in enumerate(sample.responses):
        mark = {entry.chosen: "  CHOSEN by the label", entry.rejected: "  rejected"}.get(index, "")
        said = "  ".join(f"{name} {number(values[index][0])}" for name, values in scores.items())
        lines.append(f"\n-- [{index + 1}]{mark}  label {number(response.label, 2)}  {said}".rstrip())
        lines += [f"(system) {response.system}"] if response.system else []
        lines += [f"({turn.role}) {turn.content}" for turn in response.turns]
        lines.append(response.text)
    for outcome in outcomes.on(sample.content_id):
        bulk = " (bulk)" * outcome.is_bulk
        lines.append(f"\n{outcome.reviewer}: {outcome.act}{name_choice(sample, outcome)}{bulk}  {outcome.time}")
    for remark in outcomes.remarks_on(sample.content_id):
        said = f": {remark.text}" if remark.kind == "note" else ""
        lines.append(f"\n{remark.reviewer}: {remark.kind}{said}  {remark.time}")
    return lines


def _describe(sample: Sample, entry: QueueEntry, scores: Any, outcomes: Outcomes) -> dict[str, Any]:
    remarks = outcomes.remarks_on(sample.content_id)
    return {
        "sample_id": sample.sample_id,
        "source": {"file": sample.file, "row": sample.row},
        "flags": list(sample.flags),
        "suspicion": entry.suspicion,
        "margin": entry.margin,
        "region": entry.region,
        "chosen": entry.chosen,
        "rejected": entry.rejected,
        "prompt": [{"role": turn.role, "content": turn.content} for turn in sample.prompt],
        "responses": [
            {
                "response_id": response.response_id,
                "text": response.text,
                "label": response.label,
                "system": response.system,
                "scores": {name: values[index][0] for name, values in scores.items()},
            }
            for index, response in enumerate(sample.responses)
        ],
        "verdicts": [
            {
                "reviewer": one.reviewer,
                "verdict": one.verdict,
                "time": one.time,
                "bulk": one.is_bulk,
                "adjudicates": one.adjudicates,
            }
            for one in outcomes.on(sample.content_id)
        ],
        "notes": [{"reviewer": one.reviewer, "text": one.text} for one in remarks if one.kind == "note"],
        "flagged_by": [one.reviewer for one in remarks if one.kind == "flag"],
    }
