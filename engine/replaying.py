"""Replay: make an export again, from the sources and logs of its project as they were when it was made."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from engine.errors import ReplayError
from engine.exporting import TABLE, export
from engine.exports.manifests import SUFFIX, ExportPlan, find_project, manifest_of, read_manifest
from engine.extents import Extent, begins, find_change
from engine.formats.catalog import load_format
from engine.importing import tally_file
from engine.map_writer import read_table_rows
from engine.mapping import Progress, build_map
from engine.project import SOURCE_VERSION, Project, SourceFile

COPY_BYTES = 1 << 20
MAPLESS = ("all", "random")
"""Policies that ask no map, which may then be older than the files."""


class Replayed(NamedTuple):
    """An export, made again."""

    output: Path
    rows: int
    is_same: bool | None
    """Whether it is byte for byte the first one (of .duckdb, row for row); None where that cannot be known."""

    made_by: str
    """The version of prefmap that made the first one."""


def replay(
    named: Path, output: Path, *, project: Path | None = None, force: bool = False, progress: Progress = lambda *_: None
) -> Replayed:
    """Make the export of a manifest again. `named` is the export or its manifest. Raises ReplayError, VerifyError.

    Nothing in the project changes: what it was is put together in a temporary folder.
    """
    first = named.with_name(named.name.removesuffix(SUFFIX))
    manifest = read_manifest(manifest_of(first))
    if output.suffix != first.suffix:
        raise ReplayError(f"{first} is {first.suffix}: it is made again as {output.with_suffix(first.suffix)}.")
    found = find_project(manifest, first, project)
    if found is None:
        raise ReplayError(
            f"The project {manifest.get('project', '')} of {first} is not beside it. Name it: --project P"
        )
    try:
        plan = ExportPlan(**manifest["plan"])
    except TypeError:
        raise ReplayError(f"{first} was exported by a newer prefmap, {manifest['prefmap']}. Update prefmap.") from None
    with TemporaryDirectory() as folder:
        past = Project(Path(folder) / found.name)
        past.create()
        _restore(found, past, manifest, progress)
        done = export(past, output, plan, force=force, progress=progress)
    return Replayed(output, done.rows, _is_same(first, output, manifest), str(manifest["prefmap"]))


def _restore(project: Project, past: Project, manifest: Mapping[str, Any], progress: Progress) -> None:
    """Put the project together as it was: the map from the logs of its time, then the verdicts up to the export."""
    files = [_find_source(project, entry) for entry in manifest["sources"]]
    for file in files:
        (past.sources / file.stored).symlink_to((project.sources / file.stored).resolve())
    content = {"version": SOURCE_VERSION, "files": [asdict(file) for file in files]}
    past.source_file.write_text(json.dumps(content), encoding="utf-8")
    if manifest["plan"]["policy"] not in MAPLESS:
        logs = (manifest["map"] or {}).get("logs")
        if logs is None:
            raise ReplayError(
                f"The map of this export does not say how far the logs went. Run prefmap map {project.path}, and "
                "export again: that one can be replayed."
            )
        for name, extent in logs["scores"].items():
            _restore_scores(project, past, name, extent)
        for name, one in logs["reviews"].items():
            _restore_review(project, past, name, one["lines"], one["head"])
        build_map(past, map_scorer=manifest["map"]["map_scorer"] or None, progress=progress)
    for path in past.review_logs():
        path.unlink()
    for one in manifest["reviews"]:
        _restore_review(project, past, one["log"], one["lines"], one["head"])


def _find_source(project: Project, entry: Mapping[str, Any]) -> SourceFile:
    """Find an imported file; one that another import took the place of is read anew from its copy."""
    same = ("name", "sha256", "format", "dimension", "columns")
    for file in project.source_files():
        if all(getattr(file, key) == entry.get(key) for key in same):
            return file
    stored = project.sources / str(entry.get("stored"))
    if not stored.is_file():
        raise ReplayError(f"{project.path} no longer holds {entry['name']} as it was exported: {stored} is missing.")
    layout = load_format(entry["format"], entry["dimension"], entry["columns"])
    tally = tally_file(stored, layout, lambda _: None)
    return SourceFile(
        path="", stored=stored.name, rows=tally.rows, samples=tally.samples, refused=tuple(tally.refused),
        **{key: entry[key] for key in same},
    )  # fmt: skip


def _restore_scores(project: Project, past: Project, name: str, said: Mapping[str, Any] | None) -> None:
    """Take the beginning of a score log; one that was put away since has another name."""
    if said is None:
        raise ReplayError(f"{name} grew while the map of this export was built, so nobody knows what was in that map.")
    extent = Extent(said["size"], said["head"])
    path = project.scores / name
    for candidate in (path, *sorted(project.scores.glob(f"{path.stem}*.old"))):
        if candidate.exists() and begins(candidate, extent):
            _copy_beginning(candidate, past.scores / name, extent.size)
            return
    raise ReplayError(f"{path} no longer begins with the scores that the export was made from.")


def _restore_review(project: Project, past: Project, name: str, lines: int, head: str) -> None:
    path = project.reviews / name
    problem = find_change(path, lines, head)
    if problem:
        raise ReplayError(f"{path} is not what the export was made from: {problem}.")
    if lines:
        with path.open("rb") as file:
            (past.reviews / name).write_bytes(b"".join(line for line, _ in zip(file, range(lines), strict=False)))


def _copy_beginning(path: Path, target: Path, size: int) -> None:
    """Copy so many bytes; a log that has not grown is linked to."""
    if path.stat().st_size == size:
        target.symlink_to(path.resolve())
        return
    with path.open("rb") as source, target.open("wb") as copy:
        while size > 0:
            size -= copy.write(source.read(min(size, COPY_BYTES)))


def _is_same(first: Path, output: Path, manifest: Mapping[str, Any]) -> bool | None:
    """Compare with what the manifest says; DuckDB never writes the same file twice, so there the rows."""
    if output.suffix == ".duckdb":
        if not first.exists():
            return None
        return list(read_table_rows(first, TABLE)) == list(read_table_rows(output, TABLE))
    made = json.loads(manifest_of(output).read_text(encoding="utf-8"))
    mine, other = made["output"]["sha256"], made.get("other_part", {}).get("sha256")
    if made.get("part") != manifest.get("part"):
        mine, other = other, mine
    return (mine, other) == (manifest["output"]["sha256"], manifest.get("other_part", {}).get("sha256"))
