"""Export: the selected samples with their verdicts applied, in a trainer's format, with a manifest to check it by."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import orjson

from engine.drafting import Draft, Drafting, Drafts, Row, judge_once, set_apart
from engine.errors import ExportRefusedError
from engine.formats.catalog import VERBATIM, DescribingWriter, JudgingWriter, Writer, load_writer
from engine.manifests import ExportPlan, describe_export, manifest_of
from engine.map_writer import convert_rows
from engine.outcomes import Outcomes
from engine.project import Project, replacing, write_atomically
from engine.rewriting import Patches, Rewrites, check_rewritable
from engine.selecting import MapColumns, Mask, select
from engine.sources import SourceReader
from engine.statistics import rank_ids
from engine.store import Store

TABLE = "selected"
"""The table of an export into a DuckDB file."""

ENDINGS = (".jsonl", ".parquet", ".duckdb")
DESCRIPTION = ".dataset_info.json"
"""What the name of an export is followed by in that of the file that tells a trainer how to read it."""

Progress = Callable[[int, int], None]
"""Told how many samples of how many were looked at."""


class Exported(NamedTuple):
    """What became of an export. samples = kept + the sum of dropped."""

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

    description: Path | None = None
    """The file that tells the trainer how to read the export, where it must be told."""


def export(
    project: Project, output: Path, plan: ExportPlan, *, force: bool = False, progress: Progress = lambda *_: None
) -> Exported:
    """Write the export and its manifest. The same project gives the same bytes (of .duckdb, the same rows)."""
    manifest = manifest_of(output)
    _check_target(project, output, force)
    writer = load_writer(plan.format)
    samples = SourceReader(project)
    kept, is_by_fitted_scorer = _select(project, samples, plan)
    outcomes = Outcomes.read(project.review_logs())
    drafts: Drafting[Any] = Drafts(samples, kept, outcomes, plan.policy, writer, output.suffix == ".jsonl")
    if plan.format in VERBATIM:
        check_rewritable(project, output.suffix)
        drafts = (Rewrites if plan.format == "same" else Patches)(samples, kept, outcomes, plan.policy)
    tally = _Tally()
    with replacing(manifest) as note, replacing(output) as beside:
        rows = beside.with_name(beside.name + ".jsonl") if output.suffix != ".jsonl" else beside
        try:
            with rows.open("wb") as file:
                for row in _rows(drafts, writer, tally, progress):
                    file.write(_encode(row))
            if rows != beside:
                convert_rows(rows, beside, writer.types, ending=output.suffix, table=TABLE)
        finally:
            if rows != beside:
                rows.unlink(missing_ok=True)
        dropped, left_out = (dict(sorted(counted.items())) for counted in (tally.dropped, tally.left_out))
        counts = {"samples": len(samples), "kept": tally.kept, "dropped": dropped, "changed": tally.changed,
                  "rows": tally.rows, "rows_left_out": left_out}  # fmt: skip
        described = describe_export(project, plan, counts, name=output.name, written=beside)
        note.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Exported(
        output,
        manifest,
        samples=len(samples),
        kept=tally.kept,
        rows=tally.rows,
        dropped=dropped,
        changed=tally.changed,
        is_by_fitted_scorer=is_by_fitted_scorer,
        rows_left_out=left_out,
        description=_describe(output, writer),
    )


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


def _describe(output: Path, writer: Writer) -> Path | None:
    """Write what the trainer must be told to read the export, if it must be told."""
    if not hasattr(writer, "describe") or output.suffix == ".duckdb":
        return None
    description = output.with_name(output.name + DESCRIPTION)
    said = cast(DescribingWriter, writer).describe(output.name)
    write_atomically(description, json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    return description


@dataclass
class _Tally:
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


class _Selection(NamedTuple):
    kept: Mask
    is_by_fitted_scorer: bool


def _select(project: Project, samples: SourceReader, plan: ExportPlan) -> _Selection:
    if plan.policy == "all":
        return _Selection(np.ones(len(samples), dtype=bool), is_by_fitted_scorer=False)
    ids = np.array([sample.sample_id for sample in samples], dtype=object)
    nowhere = np.full(len(ids), np.nan)
    columns = MapColumns(nowhere, nowhere, rank_ids(ids))
    is_fitted = False
    if plan.policy != "random":
        with closing(Store.open(project.map)) as store:
            _check_map(project, store, ids)
            points, is_fitted = store.points(), store.is_fitted
        columns = columns._replace(quality=points.quality, variability=points.variability)
    return _Selection(select(plan.policy, columns, fraction=plan.fraction, seed=plan.seed), is_fitted)


def _check_map(project: Project, store: Store, ids: npt.NDArray[np.object_]) -> None:
    if not np.array_equal(store.sample_ids(), ids):
        raise ExportRefusedError(f"{project.map} is older than the imported files. Run: prefmap map {project.path}")


def _rows(drafts: Drafting[Any], writer: Writer, tally: _Tally, progress: Progress) -> Iterator[Row]:
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
