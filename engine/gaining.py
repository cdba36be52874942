"""Gain: whether what the map says of samples goes with what training made better."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.errors import GainRefusedError, RowRefusedError
from engine.exports.manifests import manifest_of
from engine.formats.catalog import load_format
from engine.linking import FEWEST_ROWS, Link, link_all
from engine.project import Project, Refused
from engine.rows import Row, read_rows
from engine.store import Store
from engine.turns import read_number

STATISTICS = ("quality", "variability", "correlation", "margin", "suspicion")


class Gains(NamedTuple):
    """What was read, and what goes with it."""

    kind: str
    """`pairs`, of which each sample counts once, or `subsets`."""

    rows: int
    mean: float
    """Of the gains, or of the results."""

    links: list[Link]
    refused: list[Refused]

    @property
    def verdict(self) -> str:
        """Say in a sentence what goes with the gain, or that nothing does."""
        found = [f"{link.name} ({link.rho:+.2f})" for link in self.links if not link.is_null]
        null = [link for link in self.links if link.is_null]
        if not self.links:
            return "Nothing to compare the gain with: no statistic varies over these rows."
        widest = max(max(-link.low, link.high) for link in self.links)
        if not found:
            return (
                f"Null: no link between the gain and {_list(link.name for link in null)} was found over {self.rows:,} "
                f"{self.kind}; by the intervals a true one may be as strong as {widest:.2f}."
            )
        rest = f"; no link was found with {_list(link.name for link in null)}" if null else ""
        return f"The gain goes with {_list(found)} over {self.rows:,} {self.kind}{rest}."


def _list(names: Iterator[str] | Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def measure_gain(results: Path, project: Project | None = None) -> Gains:
    """Read results: rows with `before` and `after` of one pair each, or with the `result` of a subset each."""
    rows = list(read_rows(results))
    names = {name for row in rows for name in row.values or ()}
    if {"before", "after"} <= names:
        if project is None:
            raise GainRefusedError(f"{results} has a row for each pair, so it takes the project, too: --project P")
        return _measure_pairs(results, rows, project)
    if "result" in names:
        return _measure_subsets(results, rows)
    raise GainRefusedError(f"{results} has neither the columns before and after, nor the column result.")


def _measure_pairs(results: Path, rows: Sequence[Row], project: Project) -> Gains:
    gains: dict[int, list[float]] = defaultdict(list)
    refused = []
    with closing(Store.open(project.map)) as store:
        find = _Finder(store)
        for row in rows:
            try:
                before, after = (_read(row, name) for name in ("before", "after"))
                gains[find(row)].append(after - before)
            except RowRefusedError as error:
                refused.append(Refused(row.number, str(error)))
        _check(results, len(gains), refused)
        ordinals = np.array(sorted(gains))
        points, prompts = store.points(), find.prompts
    mean = np.array([np.mean(gains[ordinal]) for ordinal in ordinals.tolist()])
    columns = {name: getattr(points, name)[ordinals] for name in STATISTICS}
    return Gains("pairs", len(mean), float(mean.mean()), link_all(columns, mean, prompts[ordinals]), refused)


class _Finder:
    """Finds the sample of a row: by `sample_id`, or by prompt, chosen and rejected as export writes them."""

    def __init__(self, store: Store) -> None:
        answers = store.answers()
        self._by_id = {one: ordinal for ordinal, one in enumerate(store.sample_ids().tolist())}
        pairs = zip(answers["response_id"].tolist(), answers["ordinal"].tolist(), strict=True)
        self._by_response = dict(reversed(list(pairs)))
        self.prompts = np.unique(answers["prompt_id"].astype(str), return_inverse=True)[1][
            np.searchsorted(answers["ordinal"], np.arange(len(self._by_id)))
        ]
        self._layout = load_format("trl")

    def __call__(self, row: Row) -> int:
        values = row.values or {}
        if values.get("sample_id"):
            known = self._by_id.get(str(values["sample_id"]))
            return _known(known, f"there is no sample {values['sample_id']!r}")
        if "chosen" not in values:
            raise RowRefusedError("it has neither sample_id nor prompt, chosen and rejected")
        sample = self._layout.to_sample(values)
        one, other = (self._by_response.get(side.response_id) for side in sample.responses)
        known = self._by_id.get(sample.sample_id, one if one == other else None)
        return _known(known, "the map has no sample with these two responses")


def _known(ordinal: int | None, problem: str) -> int:
    if ordinal is None:
        raise RowRefusedError(problem)
    return ordinal


def _measure_subsets(results: Path, rows: Sequence[Row]) -> Gains:
    """Compare subsets; the rows of one subset, of several seeds say, count once."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    refused = []
    for row in rows:
        try:
            numbers = {**_describe(row, results.parent), "result": _read(row, "result")}
        except RowRefusedError as error:
            refused.append(Refused(row.number, str(error)))
            continue
        values = row.values or {}
        found[str(values.get("subset") or values.get("export") or row.number)].append(numbers)
    _check(results, len(found), refused)
    names = dict.fromkeys(name for numbers in found.values() for one in numbers for name in one)
    columns = {
        name: np.array([np.mean([one.get(name, np.nan) for one in numbers]) for numbers in found.values()])
        for name in names
    }
    result = columns.pop("result")
    links = link_all(columns, result, np.arange(len(result)))
    return Gains("subsets", len(result), float(result.mean()), links, refused)


def _describe(row: Row, folder: Path) -> dict[str, float]:
    """Give all numbers of a row and, where it names an export, the means that its manifest has."""
    values = dict(row.values or {})
    export = values.pop("export", None)
    if export:
        values |= _read_means(folder / str(export))
    numbers: dict[str, float] = {}
    for name, value in values.items():
        try:
            number = read_number(value, name)
        except RowRefusedError:
            continue
        if name != "result" and number is not None:
            numbers[name] = number
    return numbers


def _read_means(export: Path) -> Mapping[str, object]:
    path = manifest_of(export)
    try:
        means = json.loads(path.read_text(encoding="utf-8"))["selection"]["means"]
    except FileNotFoundError:
        raise RowRefusedError(f"there is no {path}") from None
    except (ValueError, KeyError, TypeError):
        raise RowRefusedError(f"{path} has no means of what was selected") from None
    return means if isinstance(means, dict) else {}


def _read(row: Row, name: str) -> float:
    if row.values is None:
        raise RowRefusedError(row.problem)
    number = read_number(row.values.get(name), name)
    if number is None:
        raise RowRefusedError(f"it has no {name}")
    return number


def _check(results: Path, count: int, refused: Sequence[Refused]) -> None:
    if count < FEWEST_ROWS:
        reason = f" Row {refused[0].row}: {refused[0].reason}." if refused else ""
        raise GainRefusedError(
            f"{results} has {count} of the {FEWEST_ROWS} rows that it takes to tell a link from chance.{reason}"
        )
