"""Export: the selected samples with their verdicts applied, in a trainer's format, with a manifest to check it by."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson

from engine.errors import ExportRefusedError
from engine.exports.choosing import Choice, choose, divide
from engine.exports.drafting import Draft, Drafter, Drafting, Drafts, Row, judge_once, set_apart
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
    done = []
    with ExitStack() as stack:
        notes = [stack.enter_context(replacing(manifest_of(part.output))) for part in parts]
        files = [stack.enter_context(replacing(part.output)) for part in parts]
        for part, beside in zip(parts, files, strict=True):
            tally = _Tally(forecast and replace(forecast))
            drafts = _draft(samples, part, outcomes, plan, writer)
            _write(drafts, writer, beside, part.output.suffix, tally, progress)
            done.append(tally.conclude(part.output, len(samples), choice))
        hashes = {part.output: hash_file(beside) for part, beside in zip(parts, files, strict=True)}
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
    drafter = Drafter(outcomes, writer, part.output.suffix == ".jsonl", plan.pairs, plan.seed)
    return Drafts(samples, part.absent, drafter)


def _write(drafts: Drafted, writer: Writer, target: Path, ending: str, tally: "_Tally", progress: Progress) -> None:
    """Write one file, of the kind that the ending says."""
    lines = target.with_name(target.name + ".jsonl") if ending != ".jsonl" else target
    rows = _rows(drafts, writer, tally, progress)
    try:
        with lines.open("wb") as file:
            for row in tally.forecast.watch(rows) if tally.forecast else rows:
                file.write(_encode(row))
        if lines != target:
            convert_rows(lines, target, writer.types, ending=ending, table=TABLE)
    finally:
        if lines != target:
            lines.unlink(missing_ok=True)


def _encode(row: Row) -> bytes:
    """Write one line; what the fast writer refuses (half of a surrogate pair, say) the patient one takes."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        pass
    try:
        return json.dumps(row, separators=(",", ":"), default=str).encode() + b"\n"
    except TypeError as error:
        raise ExportRefusedError(f"A row cannot be written as JSON: {error}.") from error


def _describe(output: Path, names: Sequence[str], writer: Writer) -> Path | None:
    """Write what the trainer must be told to read the files of an export, if it must be told."""
    if not hasattr(writer, "describe") or output.suffix == ".duckdb":
        return None
    description = output.with_name(output.name + DESCRIPTION)
    said = {key: value for name in names for key, value in cast(DescribingWriter, writer).describe(name).items()}
    write_atomically(description, json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    return description


@dataclass
class _Tally:
    forecast: Forecast | None
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    rows: int = 0
    changed: int = 0

    def count(self, draft: Draft) -> None:
        self.left_out.update(draft.left_out if draft.rows else ())
        self.kept += bool(draft.rows)
        self.rows += len(draft.rows)
        self.changed += draft.changed and bool(draft.rows)
        if not draft.rows:
            self.dropped[draft.reason] += 1

    def conclude(self, output: Path, samples: int, choice: Choice) -> Exported:
        return Exported(
            output,
            manifest_of(output),
            samples=samples,
            kept=self.kept,
            rows=self.rows,
            dropped=dict(sorted(self.dropped.items())),
            changed=self.changed,
            is_by_fitted_scorer=choice.is_by_fitted_scorer,
            confounded=choice.confounded,
            rows_left_out=dict(sorted(self.left_out.items())),
            forecast=self.forecast,
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


def _rows(drafts: Drafted, writer: Writer, tally: _Tally, progress: Progress) -> Iterator[Row]:
    """Yield what is exported, and count what is not."""
    if hasattr(writer, "judge"):
        return set_apart(_count(judge_once(drafts, cast(JudgingWriter, writer)), len(drafts), tally, progress))
    return (row for rows in _count(drafts, len(drafts), tally, progress) for row in rows)


def _count(drafts: Iterable[Draft], total: int, tally: _Tally, progress: Progress) -> Iterator[list[Row]]:
    for number, draft in enumerate(drafts):
        if number % 1000 == 0:
            progress(number, total)
        tally.count(draft)
        if draft.rows:
            yield draft.rows
    progress(total, total)
