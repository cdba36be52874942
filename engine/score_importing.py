"""Import scores that were computed elsewhere, as one more score log."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.errors import RowRefusedError, ScorerRefusedError
from engine.logs import Log, is_empty, read_header
from engine.project import Project, Refused
from engine.records import Sample
from engine.rows import Row, read_index, read_rows
from engine.sources import SourceReader
from engine.turns import read_number

TYPE = "imported"
RESERVED = "ensemble"
"""What the map calls the mean of several scorers."""

NONE = (None, "")
"""What a cell holds that says nothing."""

NAME = re.compile(r"[^./][^/]*")
LONGEST_NAME = 200
"""In bytes."""


class ScoresImported(NamedTuple):
    """What became of a file of scores."""

    rows: int
    scored: int
    refused: list[Refused]


class Places:
    """Finds the response that a row of scores speaks of."""

    def __init__(self, samples: SourceReader) -> None:
        self._several = len(samples.files) > 1
        self._by_row: dict[tuple[str, int], tuple[str, ...]] = {}
        self._by_id: dict[str, tuple[str, ...]] = {}
        self._known: set[str] = set()
        for sample in samples:
            ids = _response_ids(sample)
            self._by_row[(sample.file if self._several else "", sample.row)] = ids
            self._by_id[sample.sample_id] = ids
            self._known.update(ids)

    def find(self, row: Mapping[str, object]) -> str:
        """Give the response id, or raise RowRefusedError saying what the row lacks or gets wrong."""
        known = row.get("response_id")
        if known not in NONE:
            if str(known) not in self._known:
                raise RowRefusedError(f"there is no response {known!r}")
            return str(known)
        ids = self._find_sample(row)
        index = read_index(row.get("response"))
        if index is None:
            raise RowRefusedError(f"response is {row.get('response')!r}, not an index from 0")
        if not 0 <= index < len(ids):
            raise RowRefusedError(f"response is {index}; the sample has responses 0 to {len(ids) - 1}")
        return ids[index]

    def _find_sample(self, row: Mapping[str, object]) -> tuple[str, ...]:
        if row.get("sample_id") not in NONE:
            return _look_up(self._by_id, str(row["sample_id"]), f"there is no sample {row['sample_id']!r}")
        number = read_index(row.get("row"))
        if number is None:
            raise RowRefusedError("it has none of row (a number from 1), sample_id and response_id")
        if not self._several:
            return _look_up(self._by_row, ("", number), f"no sample was imported from row {number}")
        if row.get("file") in NONE:
            raise RowRefusedError("several files were imported, so it needs file beside row")
        return _look_up(self._by_row, (str(row["file"]), number), f"no sample was imported from {row['file']}:{number}")


def _look_up(known: Mapping, key: object, problem: str) -> tuple[str, ...]:  # type: ignore[type-arg]
    ids: tuple[str, ...] | None = known.get(key)
    if ids is None:
        raise RowRefusedError(problem)
    return ids


def _response_ids(sample: Sample) -> tuple[str, ...]:
    return tuple(response.response_id for response in sample.responses)


def import_scores(project: Project, file: Path, *, name: str, lower_is_better: bool = False) -> ScoresImported:
    """Read a file of scores into the log of this name; a later value of a response replaces an earlier one."""
    _check_name(name)
    path = project.scores / f"{name}.jsonl"
    if path.exists() and not is_empty(path):
        _check_log(path, lower_is_better)
    places = Places(SourceReader(project))
    refused: list[Refused] = []
    rows = list(read_rows(file))
    lines = list(_lines(rows, places, lower_is_better, refused))
    if not lines:
        reason = f" Row {refused[0].row}: {refused[0].reason}." if refused else ""
        raise ScorerRefusedError(f"{file} holds no score that fits this project.{reason}")
    project.scores.mkdir(exist_ok=True)
    with Log(path) as log:
        if path.stat().st_size == 0:
            log.append(_header(name, lower_is_better))
        log.append(*lines)
    return ScoresImported(len(rows), len(lines), refused)


def _check_name(name: str) -> None:
    """Refuse a name that can name no file in the project, or that the map gives to something of its own."""
    if not NAME.fullmatch(name) or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise ScorerRefusedError(f"{name!r} cannot name scores. Take a short name without a slash or a dot in front.")
    if name == RESERVED:
        raise ScorerRefusedError(
            f"{name} is what the map calls the mean of several scorers. Give another --scorer name."
        )


def _check_log(path: Path, lower_is_better: bool) -> None:
    header = read_header(path)
    if header.get("type") != TYPE:
        raise ScorerRefusedError(
            f"{path.name} is the log of a scorer of prefmap. Give the scores another --scorer name."
        )
    if header.get("parameters") != {"lower_is_better": lower_is_better}:
        was = "without" if lower_is_better else "with"
        raise ScorerRefusedError(
            f"{path} was imported {was} --lower-is-better. Do the same again, give another --scorer name, or remove it."
        )


def _header(name: str, lower_is_better: bool) -> dict[str, object]:
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    parameters = {"lower_is_better": lower_is_better}
    return {"kind": "header", "scorer": name, "type": TYPE, "identity": name, "fingerprint": "",
            "parameters": parameters, "started": started, "versions": {}}  # fmt: skip


def _lines(
    rows: list[Row], places: Places, lower_is_better: bool, refused: list[Refused]
) -> Iterator[dict[str, object]]:
    for row in rows:
        try:
            if row.values is None:
                raise RowRefusedError(row.problem)
            if "value" not in row.values:
                raise RowRefusedError("it has no value; null says that there is no score")
            response, value = places.find(row.values), read_number(row.values.get("value"), "value")
        except RowRefusedError as error:
            refused.append(Refused(row.number, str(error)))
            continue
        if value is None:
            yield {"response": response, "value": None, "reason": "null in the imported file", "final": True}
        else:
            yield {"response": response, "value": -value if lower_is_better else value}
