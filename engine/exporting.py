"""Export: the selected samples with their verdicts applied, in a trainer's format, with a manifest to check it by."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from engine.errors import ExportRefusedError
from engine.exports.choosing import Choice, choose, divide
from engine.exports.drafting import Drafter, Drafting, Drafts, judge_once, set_apart
from engine.exports.lines import Draft, Row, Tally, write_row
from engine.exports.manifests import ExportPlan, control_of, describe_export, hash_file, manifest_of
from engine.exports.predicting import Forecast
from engine.exports.rewriting import Patches, Rewrites, check_rewritable
from engine.exports.splitting import Part, heldout_of
from engine.formats.catalog import VERBATIM, DescribingWriter, JudgingWriter, Writer, load_writer
from engine.map_writer import convert_rows
from engine.project import Project, replacing, write_atomically
from engine.sources import SourceReader
from engine.verdicts.auditing import audit_project
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.residual import Residual
from engine.verdicts.steps import History

TABLE = "selected"
"""The table of an export into a DuckDB file."""

ENDINGS = (".jsonl", ".parquet", ".duckdb")
DESCRIPTION = ".dataset_info.json"
"""What the name of an export is followed by in that of the file that tells a trainer how to read it."""

Drafted = Drafting[Any] | Drafts

Progress = Callable[[int, int], None]
"""Told how many samples of how many were looked at."""


class Exported(NamedTuple):
    """What became of an export, or of one part of it. samples = kept + the sum of dropped."""

    output: Path
    manifest: Path
    samples: int
    kept: int
    """How many samples are in it, by one row at least."""

    rows: int
    dropped: dict[str, int]
    """How many samples were left out, by reason."""

    changed: int
    """How many of those kept differ from the label by a verdict."""

    is_by_fitted_scorer: bool
    """Whether they were selected by a map whose scorer was fitted on the labels."""

    rows_left_out: dict[str, int]
    """How many rows of the samples kept are not in it, by reason."""

    confounded: Sequence[str] = ()
    """In what else than the policy's own terms what it selects differs from all, with the strength of it."""

    description: Path | None = None
    """The file that tells the trainer how to read the export, where it must be told."""

    forecast: Forecast | None = None
    """What TRL would do with the rows, where a tokenizer was named."""

    residual: Residual | None = None
    """How many labels of the project are still wrong, where enough controls were read."""

    held_out: "Exported | None" = None
    """The other part, where some samples are held out."""

    @property
    def counts(self) -> dict[str, object]:
        """What its manifest counts."""
        return {"samples": self.samples, "kept": self.kept, "dropped": self.dropped, "changed": self.changed,
                "rows": self.rows, "rows_left_out": self.rows_left_out}  # fmt: skip


def export(
    project: Project,
    output: Path,
    plan: ExportPlan,
    *,
    force: bool = False,
    forecast: Forecast | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Write the export and its manifest. The same project gives the same bytes (of .duckdb, the same rows).

    With `plan.holdout` there are two such files; all is complete before the first takes its place.
    """
    _check_targets(project, output, plan, force)
    writer = load_writer(plan.format)
    if plan.format in VERBATIM:
        check_rewritable(project, output.suffix)
    samples = SourceReader(project)
    histories = {path.name: History.read(path) for path in project.review_logs()}
    outcomes = Outcomes.of(list(histories.values()), by_majority=plan.majority)
    choice = choose(project, samples, plan, outcomes)
    parts = divide(output, samples, choice.absent, plan)
    said = replace(plan, map_scorer=choice.scorer)
    audit = audit_project(project)
    residual = audit.residual if audit else None
    done: list[Exported] = []
    hashes: dict[Path, str] = {}
    with ExitStack() as stack:
        notes = [stack.enter_context(replacing(manifest_of(part.output))) for part in parts]
        files = [stack.enter_context(replacing(part.output)) for part in parts]
        for part, beside in zip(parts, files, strict=True):
            tally, foreseen = Tally(), forecast and replace(forecast)
            drafts = _draft(samples, part, outcomes, plan, writer)
            lines = _lines(drafts, writer, tally, foreseen, progress)
            hashes[part.output] = _write(lines, writer, beside, part.output.suffix)
            done.append(_conclude(tally, foreseen, part.output, len(samples), choice))
        for note, part, one in zip(notes, parts, done, strict=True):
            told = one.forecast.describe() if one.forecast else None
            described = describe_export(
                project, said, one.counts, part, hashes, told, residual, histories, choice.describe()
            )
            note.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    names = [part.output.name for part in parts]
    return done[0]._replace(
        description=_describe(output, names, writer), residual=residual, held_out=done[1] if done[1:] else None
    )


def export_with_controls(
    project: Project,
    output: Path,
    plan: ExportPlan,
    controls: int,
    *,
    force: bool = False,
    forecast: Forecast | None = None,
    progress: Progress = lambda *_: None,
) -> list[Exported]:
    """Write an export and, beside it, random controls of as many samples and pairs."""
    plans = [plan, *plan.controls(controls)]
    for one in plans:
        _check_targets(project, control_of(output, one.control), one, force)
    return [
        export(project, control_of(output, one.control), one, force=force, forecast=forecast, progress=progress)
        for one in plans
    ]


def _draft(samples: SourceReader, part: Part, outcomes: Outcomes, plan: ExportPlan, writer: Writer) -> Drafted:
    if plan.format in VERBATIM:
        return (Rewrites if plan.format == "same" else Patches)(samples, part.absent, outcomes)
    drafter = Drafter(part.absent, outcomes, writer, part.output.suffix == ".jsonl", plan.pairs, plan.seed)
    return Drafts(samples, drafter)


def _write(lines: Iterable[bytes], writer: Writer, target: Path, ending: str) -> str:
    """Write one file, of the kind that the ending says; gives its sha256."""
    if ending == ".jsonl":
        return _write_lines(lines, target)
    beside = target.with_name(target.name + ".jsonl")
    try:
        _write_lines(lines, beside)
        convert_rows(beside, target, writer.types, ending=ending, table=TABLE)
    finally:
        beside.unlink(missing_ok=True)
    return hash_file(target)


def _write_lines(lines: Iterable[bytes], target: Path) -> str:
    """Write lines to a file, and hash them on the way."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for some in lines:
            digest.update(some)
            file.write(some)
    return digest.hexdigest()


def _describe(output: Path, names: Sequence[str], writer: Writer) -> Path | None:
    """Write what the trainer must be told to read the files of an export, if it must be told."""
    if not hasattr(writer, "describe") or output.suffix == ".duckdb":
        return None
    description = output.with_name(output.name + DESCRIPTION)
    said = {key: value for name in names for key, value in cast(DescribingWriter, writer).describe(name).items()}
    write_atomically(description, json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    return description


def _conclude(tally: Tally, forecast: Forecast | None, output: Path, samples: int, choice: Choice) -> Exported:
    return Exported(
        output,
        manifest_of(output),
        samples=samples,
        kept=tally.kept,
        rows=tally.rows,
        dropped=dict(sorted(tally.dropped.items())),
        changed=tally.changed,
        is_by_fitted_scorer=choice.is_by_fitted_scorer,
        confounded=choice.confounded,
        rows_left_out=dict(sorted(tally.left_out.items())),
        forecast=forecast,
    )


def _check_targets(project: Project, output: Path, plan: ExportPlan, force: bool) -> None:
    for target in (output, heldout_of(output))[: 1 if plan.holdout is None else 2]:
        _check_target(project, target, force)


def _check_target(project: Project, output: Path, force: bool) -> None:
    if output.suffix not in ENDINGS:
        raise ExportRefusedError(f"{output} ends in none of {', '.join(ENDINGS)}.")
    if not output.parent.is_dir():
        raise ExportRefusedError(f"There is no folder {output.parent} to export into.")
    if output.resolve() == project.map.resolve() or output.parent.resolve() in _folders(project):
        raise ExportRefusedError(f"{output} is a place of the project's own files. Choose another one.")
    if output.exists() and not force:
        raise ExportRefusedError(f"{output} exists. Choose another name, or say --force to replace it.")


def _folders(project: Project) -> list[Path]:
    return [folder.resolve() for folder in (project.sources, project.scores, project.reviews)]


def _lines(
    drafts: Drafted, writer: Writer, tally: Tally, forecast: Forecast | None, progress: Progress
) -> Iterator[bytes]:
    """Yield what is exported, as lines, and count what is not.

    Rows are written where they are made, unless they are to be seen here, one after the other.
    """
    is_judging = hasattr(writer, "judge")
    if isinstance(drafts, Drafts) and not (is_judging or forecast or drafts.is_grouped):
        progress(0, len(drafts))
        for written in drafts.write():
            tally.add(written.tally)
            progress(tally.samples, len(drafts))
            yield written.lines
        return
    judged = judge_once(drafts, cast(JudgingWriter, writer)) if is_judging else drafts
    groups = _count(judged, len(drafts), tally, progress)
    rows = set_apart(groups) if is_judging else (row for group in groups for row in group)
    yield from map(write_row, forecast.watch(rows) if forecast else rows)


def _count(drafts: Iterable[Draft], total: int, tally: Tally, progress: Progress) -> Iterator[list[Row]]:
    for number, draft in enumerate(drafts):
        if number % 1000 == 0:
            progress(number, total)
        tally.count(draft)
        if draft.rows:
            yield draft.rows
    progress(total, total)
