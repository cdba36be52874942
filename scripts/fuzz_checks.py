"""What must hold of any file, however damaged: no crash, no row lost, and what is written can be read back."""

import csv
import gzip
import io
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import NamedTuple, TypeVar

import zstandard
from fuzz_rows import COLUMNS

from engine.errors import PrefmapError, RowRefusedError, SourceUnreadableError
from engine.exporting import export
from engine.formats.catalog import VERBATIM, WRITERS, is_grouped, load_format, recognise
from engine.importing import Reading, import_file, preview
from engine.manifests import ExportPlan
from engine.project import Project, SourceFile
from engine.records import Message, Sample
from engine.reviewing import Review
from engine.rows import Row, read_rows
from engine.sources import SourceReader, fingerprint, parse
from engine.turns import is_too_deep
from engine.verifying import verify
from engine.visible import visible

READ_BY = {"trl": "trl", "trl-standard": "trl", "kto": "kto", "openai": "openai", "llamafactory": "sharegpt",
           "axolotl": "axolotl", "openrlhf": "trl"}  # fmt: skip
"""The format that reads what a writer writes."""

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
        _check_reason(str(refusal))
        return
    require(len(sample.responses) > 1, "a sample with one response")
    if pair := sample.pair:
        again = parse(Row(1, layout.exchange(row, pair.chosen, pair.rejected)), layout)
        require(again.pair is not None, "an exchange loses the label")


def _check_reason(reason: str) -> None:
    require(reason and reason.isprintable() and len(reason) < LONGEST_REASON, f"a reason of no use: {reason[:500]!r}")


def check_file(path: Path, format_name: str, folder: Path, *, exact_rows: int | None) -> Counted:
    """Import, read back and export a file in a folder of its own. Raises BrokenError, or what crashed."""
    began = process_time()
    detected = _try(lambda: preview(path))
    require(detected is None or detected.tally.rows, "a preview of nothing")
    reading = reading_of(format_name)
    project = Project(folder / "p.prefmap")
    done = _try(lambda: import_file(project, path, reading))
    if done is None:
        require(not project.path.exists(), "an import that failed left something behind")
        rows = _try(lambda: sum(1 for _ in read_rows(path)))
        return Counted(rows or 0, rows or 0)
    file = done.file
    tally = preview(path, reading).tally
    require((tally.rows, tally.samples) == (file.rows, file.samples), "preview and import differ")
    require(exact_rows in (None, file.rows), f"{exact_rows} rows were written, {file.rows} read")
    samples = _check_samples(project, file, path)
    spent = process_time() - began
    require(spent < SLOW + path.stat().st_size / 200_000, f"reading took {spent:.1f} s")
    _check_exports(project, file, samples, path, folder)
    return Counted(file.rows, len(file.refused))


def _try(make: Callable[[], Made]) -> Made | None:
    try:
        return make()
    except PrefmapError as error:
        _check_reason(visible(str(error)))
        return None


def _check_samples(project: Project, file: SourceFile, path: Path) -> list[Sample]:
    samples = list(SourceReader(project))
    require(len(samples) == file.samples, f"{file.samples} samples were read, {len(samples)} read back")
    require(len({sample.sample_id for sample in samples}) == len(samples), "two samples have one id")
    refused = [one.row for one in file.refused]
    for one in file.refused:
        _check_reason(one.reason)
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


def _check_exports(project: Project, file: SourceFile, samples: list[Sample], path: Path, folder: Path) -> None:
    for name in WRITERS:
        output = _export(project, folder / f"{name}.jsonl", name)
        if output is not None:
            _check_back(name, output, samples, folder)
    for ending in (".parquet", ".duckdb") if file.sha256[0] in "0123" else ():  # it takes long
        _export(project, folder / f"trl{ending}", "trl")
        _export(project, folder / f"openai{ending}", "openai")
    for name in VERBATIM:
        output = _export(project, folder / f"{name}.jsonl", name)
        if output is not None and name == "same":
            _check_same(output, file, path)
    with_pair = [sample for sample in samples if sample.pair]
    review = Review(project, "fuzz")
    for sample in with_pair[:20]:
        review.give(sample, "flip")
    review.close()
    for name in (*VERBATIM, "trl"):
        _export(project, folder / f"flipped-{name}.jsonl", name)


def _export(project: Project, output: Path, name: str) -> Path | None:
    done = _try(lambda: export(project, output, ExportPlan(format=name)))
    if done is None:
        return None
    dropped = sum(done.dropped.values())
    require(done.samples == done.kept + dropped, f"{name}: {done.samples} are not {done.kept} kept + {dropped} dropped")
    for reason in (*done.dropped, *done.rows_left_out):
        _check_reason(reason)
    require(verify(output).rows == done.rows, f"{name}: verify counts other rows")
    return output if done.rows else None


def _check_same(output: Path, file: SourceFile, path: Path) -> None:
    """An export of original rows without a verdict is them, row by row."""
    refused = {one.row for one in file.refused}
    kept = [row for number, row in plain_rows(path) if number not in refused]
    written = [json.loads(line) for line in output.read_bytes().splitlines()]
    require(len(kept) == len(written), f"same: {len(written)} of {len(kept)} rows")
    for before, after in zip(kept, written, strict=True):
        require(_finite(before) == _finite(after), f"same: {_finite(before)[:500]} became {_finite(after)[:500]}")


def _finite(value: object) -> str:
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


def _check_back(name: str, output: Path, samples: list[Sample], folder: Path) -> None:
    """Import an export, and find each of its answers, with its label, among those that were exported."""
    project = Project(folder / f"{name}-again.prefmap")
    try:
        file = import_file(project, output, Reading(READ_BY[name])).file
    except SourceUnreadableError as error:
        require(name == "kto" and "completion only" in str(error), f"{name}: cannot be read back: {error}")
        return
    alone = [one for one in file.refused if name == "kto" and "completion only" in one.reason]
    require(len(alone) == len(file.refused), f"{name}: refused when read back: {file.refused[:1]}")
    before = Counter(fact for sample in samples for fact in _facts(sample, name))
    after = Counter(fact for sample in SourceReader(project) for fact in _facts(sample, name))
    strange = [fact for fact in after if after[fact] > before[fact]]
    require(not strange, f"{name}: read back otherwise: {strange[:1]!r}"[:1500])


def _facts(sample: Sample, name: str) -> Iterator[tuple[object, ...]]:
    """Say who is told what by whom: prompt, text, extra, tools and side of each answer of the pair."""
    pair = sample.pair
    if pair is None and name != "kto":
        return
    for at, response in enumerate(sample.responses):
        if pair and at not in (pair.chosen, pair.rejected) and name != "kto":
            continue
        shares = pair and sample.responses[pair.chosen].system == sample.responses[pair.rejected].system
        own = [Message("system", response.system)] if shares and response.system else []
        prompt = _flatten([*own, *sample.prompt], name)
        side = response.label if name == "kto" and not pair else at == pair.chosen if pair else None
        if name == "kto" and pair:
            labels = [one.label for one in sample.responses]
            side = bool(response.label == max(label for label in labels if label is not None))
        text = response.text.strip() if name in ("axolotl", "trl-standard") else response.text
        tools = _read_json(sample.tools) if name == "openai" else sample.tools
        yield prompt, text, _order(response.extra), _finite(tools), bool(side)


def _read_json(text: str) -> object:
    try:
        return json.loads(text) if text else []
    except (ValueError, RecursionError):
        return text


def _flatten(turns: list[Message], name: str) -> object:
    """Give what a format keeps of a prompt."""
    if name == "trl-standard":
        return _squeeze(turns)
    if name == "llamafactory" and turns and turns[0].role == "system" and not turns[0].content:
        turns = turns[1:]
    return tuple(replace(turn, extra=_order(turn.extra)) for turn in turns)


def _order(extra: str) -> str:
    return json.dumps(json.loads(extra), sort_keys=True) if extra else ""


def _squeeze(turns: list[Message]) -> str:
    """Write a prompt as one text, without white space and without the marks around it."""
    said = {"user": "\n\nHuman:", "assistant": "\n\nAssistant:"}
    whole = "".join("".join(said.get(turn.role, "") + turn.content for turn in turns).split())
    while whole.endswith("Assistant:"):
        whole = whole.removesuffix("Assistant:")
    while whole.startswith("Human:"):
        whole = whole.removeprefix("Human:")
    return whole


def clear(folder: Path) -> None:
    """Empty a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
