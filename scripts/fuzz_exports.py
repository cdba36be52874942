"""What must hold of the exports of a project: what is written passes verify, and is read back as it was."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fuzz_checks import as_json, attempt, check_reason, plain_rows, require

from engine.errors import SourceUnreadableError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.formats.catalog import VERBATIM, WRITERS
from engine.importing import Reading, import_file
from engine.project import Project, SourceFile
from engine.records import Message, Sample
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verifying import verify

READ_BY = {"trl": "trl", "trl-standard": "trl", "kto": "kto", "openai": "openai", "llamafactory": "sharegpt",
           "axolotl": "axolotl", "openrlhf": "trl"}  # fmt: skip
"""The format that reads what a writer writes."""


def check_exports(project: Project, file: SourceFile, samples: list[Sample], path: Path, folder: Path) -> None:
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
    done = attempt(lambda: export(project, output, ExportPlan(format=name)))
    if done is None:
        return None
    dropped = sum(done.dropped.values())
    require(done.samples == done.kept + dropped, f"{name}: {done.samples} are not {done.kept} kept + {dropped} dropped")
    for reason in (*done.dropped, *done.rows_left_out):
        check_reason(reason)
    require(verify(output).rows == done.rows, f"{name}: verify counts other rows")
    return output if done.rows else None


def _check_same(output: Path, file: SourceFile, path: Path) -> None:
    """An export of original rows without a verdict is them, row by row."""
    refused = {one.row for one in file.refused}
    kept = [row for number, row in plain_rows(path) if number not in refused]
    written = [json.loads(line) for line in output.read_bytes().splitlines()]
    require(len(kept) == len(written), f"same: {len(written)} of {len(kept)} rows")
    for before, after in zip(kept, written, strict=True):
        require(as_json(before) == as_json(after), f"same: {as_json(before)[:500]} became {as_json(after)[:500]}")


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
        yield prompt, text, _order(response.extra), as_json(tools), bool(side)


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
