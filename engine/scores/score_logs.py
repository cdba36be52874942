"""Score logs: which there are, whose they are, and what they have."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.errors import ConfigError
from engine.logs import Line, is_empty, read_header, stream_log
from engine.project import Project
from engine.records import Score
from engine.scores.wanted import Ledger

HEADER = "header"

ENSEMBLE = "ensemble"
"""What the map calls the mean of several scorers; no single one may be called so."""

FITTED_TYPES = ("crossfit",)
"""Scorers fitted on the labels: they find mislabels, and are no second opinion on quality."""


class ScoreLog(NamedTuple):
    """What one scorer logged, known by its header; shards and other machines have logs of their own."""

    paths: tuple[Path, ...]
    identity: str
    name: str
    """What the map calls the scorer."""

    type: str
    fingerprint: str
    """Of the dataset the scores depend on; empty where they do not."""


def find_logs(project: Project, fingerprint: str) -> tuple[list[ScoreLog], list[str]]:
    """List the logs that speak of this dataset, and name those that speak of an earlier state of it."""
    logs = _join([_read_log(path) for path in project.score_logs() if not is_empty(path)])
    fresh = [log for log in logs if log.fingerprint in ("", fingerprint)]
    names = [log.name for log in fresh]
    unique = [log if names.count(log.name) == 1 else log._replace(name=log.paths[0].stem) for log in fresh]
    for log in unique:
        if log.name == ENSEMBLE:
            raise ConfigError(
                f"{log.paths[0]} calls its scorer {ENSEMBLE}: that is the mean of all. Change line 1 of it."
            )
    return unique, [log.paths[0].name for log in logs if log not in fresh and log.name not in names]


def name_fitted(project: Project) -> set[str]:
    """Name the scorers that were fitted on the labels, as the map may call them."""
    logs = [_read_log(path) for path in project.score_logs() if not is_empty(path)]
    return {name for log in logs if log.type in FITTED_TYPES for name in (log.name, log.paths[0].stem)}


def _read_log(path: Path) -> ScoreLog:
    header = read_header(path)
    identity, name, kind, data = (str(header.get(key) or "") for key in ("identity", "scorer", "type", "fingerprint"))
    return ScoreLog((path,), identity or path.stem, name or path.stem, kind, data)


def _join(logs: Sequence[ScoreLog]) -> list[ScoreLog]:
    """Make one of the logs of each scorer."""
    joined: dict[tuple[str, str], ScoreLog] = {}
    for log in logs:
        first = joined.get((log.identity, log.name))
        joined[(log.identity, log.name)] = log._replace(paths=first.paths + log.paths) if first else log
    return list(joined.values())


def read_ledger(project: Project, identity: str) -> Ledger:
    """Read what all logs of a scorer have, those of other machines and shards included."""
    ledger = Ledger()
    for path in project.score_logs():
        if is_empty(path) or read_header(path).get("identity") != identity:
            continue
        for line in stream_log(path):
            if line.get("kind") != HEADER:
                ledger.add(read_line(line))
    return ledger


def read_line(line: Line) -> Score:
    """Read a line of a score log, details left aside."""
    value, parts, number, of = (line.get(key) for key in ("value", "parts", "number", "of"))
    return Score(
        str(line.get("response")),
        float(value) if isinstance(value, int | float) else None,
        final=bool(line.get("final")),
        part=str(line.get("part") or ""),
        parts=parts if isinstance(parts, int) else 1,
        number=number if isinstance(number, int) else 0,
        of=of if isinstance(of, int) else 1,
    )


def write_line(one: Score) -> Line:
    """Write a score as a line of a log; what is as usual is left out."""
    line: dict[str, object] = {"response": one.response_id, "value": one.value}
    if one.value is None:
        line |= {"reason": one.reason, "final": one.final}
    if (one.part, one.parts, one.number, one.of) != ("", 1, 0, 1):
        line |= {"part": one.part, "parts": one.parts, "number": one.number, "of": one.of}
    return {**one.details, **line}
