"""Import: check every row of a file, and keep a copy of it whole."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import zstandard

from engine.errors import SourceUnreadableError
from engine.formats.catalog import COLUMNS, Format, is_grouped, load_format
from engine.project import SUFFIX as PROJECT_SUFFIX
from engine.project import Project, Refused, SourceFile, as_text, replacing
from engine.records import Sample
from engine.rows import PACKED, Block, Tell, read_blocks
from engine.sources import Parsed, detect_file, parse_block, read_samples
from engine.spreading import count_workers, spread

HASH_BYTES = 1 << 20
PACKING_LEVEL = 3
LONGEST_NAME = 200
"""In bytes; with what the project adds to it, the name of a copy stays below the 255 of most file systems."""


class Imported(NamedTuple):
    """What became of one file."""

    file: SourceFile
    is_new: bool
    """False: exactly this file was imported before, and nothing was done."""


def name_project(path: Path) -> Path:
    """Name the project of a file that says no other: <stem>.prefmap, in the current folder."""
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return Path(f"{name.rpartition('.')[0] or name}{PROJECT_SUFFIX}")


class Reading(NamedTuple):
    """How a file is to be read."""

    format: str | None = None
    """None: it is detected."""

    dimension: str | None = None
    """The rating that becomes the label, where there are several."""

    columns: Mapping[str, str] | None = None
    """Which columns are what, where the format is a general one."""


AS_DETECTED = Reading()


def import_file(
    project: Project,
    path: Path,
    reading: Reading = AS_DETECTED,
    *,
    origin: str | None = None,
    strict: bool = False,
    tell: Tell = lambda _: None,
) -> Imported:
    """Add a file to a project: recognise its format, read every row, refuse what cannot be read, keep a copy.

    `origin` is what the file is known by, where that is not its path. `strict`: one row that cannot be read refuses
    the whole file. Raises SourceUnreadableError or FormatUnknownError, and then the project is as it was.
    """
    try:
        return _import_file(project, path, reading, origin or str(path.resolve()), strict, tell)
    except OSError as error:
        raise SourceUnreadableError(
            f"{path} cannot be imported into {project.path}: {error.strerror or error}."
        ) from error


def _import_file(project: Project, path: Path, reading: Reading, origin: str, strict: bool, tell: Tell) -> Imported:
    check_file(path)
    sha256 = _hash(path)
    for known in project.source_files():
        if known.sha256 == sha256 and _reads_alike(known, reading):
            return Imported(known, is_new=False)
    layout = choose_format(path, reading)
    tally = tally_file(path, load_format(layout, reading.dimension, reading.columns), tell)
    _check_tally(path, layout, tally, strict)
    project.create()
    file = SourceFile(
        name=as_text(path.name),
        path=as_text(origin),
        stored=_keep_copy(project, path, sha256),
        sha256=sha256,
        format=layout,
        dimension=reading.dimension,
        columns=dict(reading.columns) if reading.columns else None,
        rows=tally.rows,
        samples=tally.samples,
        refused=tuple(tally.refused),
        flags={flag: count for flag, count in sorted(tally.flags.items()) if count},
    )
    return Imported(project.add_source(file), is_new=True)


def check_file(path: Path) -> None:
    """Refuse what is no file."""
    if not path.is_file():
        is_other = f"{path} is a folder. Name the files in it." if path.is_dir() else f"{path} is not a regular file."
        if (path / "source.json").exists():
            is_other = f"{path} is a project already. To extend it: prefmap import FILE -o {path}"
        raise SourceUnreadableError(is_other if path.exists() else f"There is no file {path}.")


def choose_format(path: Path, reading: Reading) -> str:
    """Take the format that was named, else the one that the first rows are in."""
    return COLUMNS if reading.columns else reading.format or detect_file(path)


def _reads_alike(known: SourceFile, reading: Reading) -> bool:
    columns = dict(reading.columns) if reading.columns else None
    named = COLUMNS if columns else reading.format
    return named in (None, known.format) and reading.dimension in (None, known.dimension) and columns == known.columns


def _check_tally(path: Path, layout: str, tally: "Tally", strict: bool) -> None:
    first = f" Row {tally.refused[0].row}: {tally.refused[0].reason}." if tally.refused else ""
    if not tally.samples:
        raise SourceUnreadableError(f"{path} holds no row that can be read as {layout}.{first}")
    if strict and tally.refused:
        raise SourceUnreadableError(
            f"{path} is refused whole (--strict): {len(tally.refused):,} rows cannot be read as {layout}.{first}"
        )


class Preview(NamedTuple):
    """What an import would do."""

    format: str
    direction: str
    """Which response the label prefers, in words."""

    samples: list[Sample]
    """The first few."""

    tally: "Tally"


def preview(path: Path, reading: Reading = AS_DETECTED, *, limit: int = 3) -> Preview:
    """Read a whole file as an import would, and write nothing."""
    check_file(path)
    layout = choose_format(path, reading)
    made = load_format(layout, reading.dimension, reading.columns)
    first: list[Sample] = []

    def watch(rows: Iterable[Parsed]) -> Iterator[Parsed]:
        for one in rows:
            if one.sample is not None and len(first) < limit:
                first.append(replace(one.sample, file=path.name, row=one.number))
            yield one

    tally = Tally.sum([Tally.of(watch(read_samples(path, made)))])
    _check_tally(path, layout, tally, strict=False)
    return Preview(layout, made.direction, first, tally)


@dataclass
class Tally:
    """What a file holds, or a part of it."""

    rows: int = 0
    samples: int = 0
    refused: list[Refused] = field(default_factory=list)
    flags: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    """Of the samples, so that duplicates are found."""

    @classmethod
    def of(cls, rows: Iterable[Parsed]) -> Self:
        tally = cls()
        for number, sample, problem in rows:
            tally.rows += 1
            if problem:
                tally.refused.append(Refused(number, problem))
            if sample is None:
                continue
            tally.samples += 1
            if sample.flags:
                tally.flags.update(sample.flags)
            tally.ids.append(sample.sample_id)
        return tally

    @classmethod
    def sum(cls, parts: Iterable["Tally"]) -> Self:
        """Put the parts of one file together."""
        whole = cls()
        seen: set[str] = set()
        for part in parts:
            whole.rows += part.rows
            whole.samples += part.samples
            whole.refused += part.refused
            whole.flags += part.flags
            seen.update(part.ids)
        whole.refused.sort(key=lambda one: one.row)
        whole.flags["duplicate"] = whole.samples - len(seen)
        return whole


def tally_file(path: Path, layout: Format, tell: Tell) -> Tally:
    """Read every row of a file; a large one in several processes."""
    if is_grouped(layout):
        return Tally.sum([Tally.of(read_samples(path, layout, tell))])
    blocks = read_blocks(path, tell)
    return Tally.sum(spread(partial(_tally_block, layout), blocks, processes=count_workers(path.stat().st_size)))


def _tally_block(layout: Format, block: Block) -> Tally:
    return Tally.of(parse_block(block, layout))


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _keep_copy(project: Project, path: Path, sha256: str) -> str:
    """Copy a file into the project, packed unless it is already; its name tells its content."""
    is_packed = path.name.lower().endswith((*PACKED, ".parquet"))
    name = as_text(path.name)
    if len(name.encode()) > LONGEST_NAME:
        name = name[-LONGEST_NAME // 4 :]
    stored = f"{sha256[:12]}-{name}{'' if is_packed else '.zst'}"
    place = project.sources / stored
    with replacing(place, private=True) as beside, path.open("rb") as source, beside.open("wb") as copy:
        if is_packed:
            shutil.copyfileobj(source, copy, HASH_BYTES)
        else:
            zstandard.ZstdCompressor(level=PACKING_LEVEL, threads=-1).copy_stream(source, copy)
    return stored


def summarise_refusals(refused: Sequence[Refused]) -> list[str]:
    """Say why rows were refused, most frequent reason first, each with the first row it befell."""
    counts = Counter(one.reason for one in refused)
    first = {one.reason: one.row for one in reversed(refused)}
    return [f"{count:,} x {reason} (first: row {first[reason]})" for reason, count in counts.most_common()]
