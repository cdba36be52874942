"""What must hold of any file, however damaged: no crash, no row lost, and what is written can be read back."""

import csv
import gzip
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import zstandard
from fuzz_rows import COLUMNS

from engine.errors import PrefmapError, RowRefusedError
from engine.formats.catalog import is_grouped, load_format, recognise
from engine.importing import Reading
from engine.nesting import is_too_deep
from engine.project import Project, SourceFile
from engine.records import Sample
from engine.rows import Row, read_rows
from engine.sources import SourceReader, fingerprint, parse
from engine.visible import visible

LONGEST_REASON = 400
SLOW = 1.0
"""Seconds of processor time that a file may take, beside those for its size."""

Made = TypeVar("Made")


class BrokenError(Exception):
    """Something that must hold does not."""


class Counted(NamedTuple):
    """What one file came to."""

    rows: int = 0
    refused: int = 0


def require(holds: object, what: str) -> None:
    if not holds:
        raise BrokenError(what)


def reading_of(format_name: str) -> Reading:
    if format_name == "columns":
        return Reading(columns=COLUMNS)
    return Reading(format_name, "better" if format_name == "pku" else None)


def check_row(row: Mapping[str, object], format_name: str) -> None:
    """Read one row in memory, and exchange its labels."""
    if is_too_deep(row):
        return
    reading = reading_of(format_name)
    layout = load_format(format_name, reading.dimension, reading.columns)
    require(recognise(format_name).looks_like(row) in (True, False) if format_name != "columns" else True, "looks_like")
    if is_grouped(layout):
        return
    try:
        sample = parse(Row(1, row), layout)
    except RowRefusedError as refusal:
        check_reason(str(refusal))
        return
    require(len(sample.responses) > 1, "a sample with one response")
    if pair := sample.pair:
        again = parse(Row(1, layout.exchange(row, pair.chosen, pair.rejected)), layout)
        require(again.pair is not None, "an exchange loses the label")


def check_reason(reason: str) -> None:
    require(reason and reason.isprintable() and len(reason) < LONGEST_REASON, f"a reason of no use: {reason[:500]!r}")


def attempt(make: Callable[[], Made]) -> Made | None:
    try:
        return make()
    except PrefmapError as error:
        check_reason(visible(str(error)))
        return None


def check_samples(project: Project, file: SourceFile, path: Path) -> list[Sample]:
    samples = list(SourceReader(project))
    require(len(samples) == file.samples, f"{file.samples} samples were read, {len(samples)} read back")
    require(len({sample.sample_id for sample in samples}) == len(samples), "two samples have one id")
    refused = [one.row for one in file.refused]
    for one in file.refused:
        check_reason(one.reason)
    numbers = [row.number for row in read_rows(path)]
    require(len(numbers) == file.rows, f"the file has {len(numbers)} rows, {file.rows} were counted")
    if is_grouped(load_format(file.format, file.dimension, file.columns)):
        parts = sum(len(sample.responses) for sample in samples)
        require(parts + len(refused) == file.rows, f"{parts} responses + {len(refused)} refused are not {file.rows}")
        require(len(set(refused)) == len(refused), "a row is refused twice")
    else:
        found = sorted([*(sample.row for sample in samples), *refused])
        require(found == numbers, f"rows {sorted(set(numbers) ^ set(found))[:5]} are lost or twice")
    fingerprint(samples)
    return samples


def as_json(value: object) -> str:
    """Write a value so that it can be compared; JSON has no NaN and no infinity, so both are null."""

    def clean(one: object) -> object:
        if isinstance(one, dict):
            return {key: clean(inner) for key, inner in one.items()}
        if isinstance(one, list):
            return [clean(inner) for inner in one]
        return None if isinstance(one, float) and not math.isfinite(one) else one

    return json.dumps(clean(value), default=str, sort_keys=True)


def plain_rows(path: Path) -> Iterator[tuple[int, object]]:
    """Read a file with the standard library alone; a line that is no JSON is left out."""
    if path.name.endswith(".parquet"):
        yield from ((row.number, row.values) for row in read_rows(path))
        return
    data = path.read_bytes()
    data = gzip.decompress(data) if path.name.endswith(".gz") else data
    data = zstandard.ZstdDecompressor().stream_reader(data).read() if path.name.endswith(".zst") else data
    if ".csv" in path.name or ".tsv" in path.name:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        yield from enumerate(csv.DictReader(text, delimiter="\t" if ".tsv" in path.name else ","), start=1)
    elif ".jsonl" not in path.name and data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        yield from enumerate(json.loads(data), start=1)
    else:
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                continue
