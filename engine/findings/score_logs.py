"""Findings in score logs and in the map."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from engine.errors import PrefmapError
from engine.extents import Extent, begins
from engine.findings.finding import Finding
from engine.logs import is_empty, read_header
from engine.project import Project
from engine.scores.score_logs import HEADER, find_logs
from engine.sources import SourceReader, fingerprint
from engine.store import Store


def check_log(path: Path) -> Iterator[Finding]:
    """Look at every line of a score log; the first bad one is named."""
    if is_empty(path):
        yield Finding("empty log", f"{path} was never begun. The next prefmap score fills it.", is_wrong=False)
    elif read_header(path).get("kind") != HEADER:
        yield Finding("damaged line", f"{path} does not begin with the configuration of a scorer. Remove the file.")
    with path.open("rb") as file:
        for number, data in enumerate(file, start=1):
            if not data.endswith(b"\n"):
                text = f"{path} ends in half a line ({len(data):,} bytes): a write was cut short. It counts for nothing"
                yield Finding("torn line", f"{text}; the next prefmap score sets it aside.")
            elif not _is_score(data):
                yield Finding("damaged line", f"{path}, line {number} is no score. Mend or remove that line.")
                return


def _is_score(data: bytes) -> bool:
    try:
        line = orjson.loads(data)
    except ValueError:
        return False
    return isinstance(line, dict) and ("response" in line or line.get("kind") == HEADER)


def check_identities(project: Project) -> Iterator[Finding]:
    """Find logs that the map leaves out: of rows or labels that were others, or of a configuration that was changed."""
    for path in sorted(project.scores.glob("*.old")):
        text = f"{path} was put away: its scorer is configured otherwise now. It comes back with its configuration."
        yield Finding("put away", text, is_wrong=False)
    if not any(read_header(path).get("fingerprint") for path in project.score_logs() if not is_empty(path)):
        return
    for name in find_logs(project, fingerprint(SourceReader(project)))[1]:
        text = f"{project.scores / name} was made from other rows or labels, and the map leaves it out."
        yield Finding("stale scores", f"{text} Run: prefmap score {project.path}", is_wrong=False)


def check_map(project: Project) -> Iterator[Finding]:
    """Find a map that is missing, unreadable, of another version, or older than the sources."""
    if not project.map.exists():
        yield Finding("no map", f"{project.path} has no map. Run: prefmap map {project.path}", is_wrong=False)
        return
    try:
        with closing(Store.open(project.map)) as store:
            samples = store.count("sample")
    except PrefmapError as error:
        yield Finding("map", str(error))
        return
    if samples != len(SourceReader(project)):
        text = f"{project.map} is older than the imported files. Run: prefmap map {project.path}"
        yield Finding("old map", text, is_wrong=False)


def read_extents(project: Project) -> Mapping[str, Any]:
    """Read how far each log went when the map was built; empty where no map says so."""
    try:
        with closing(Store.open(project.map)) as store:
            said: Mapping[str, Any] = orjson.loads(store.meta.get("logs", "{}"))
            return said
    except (PrefmapError, OSError):
        return {}


def check_extents(project: Project, recorded: Mapping[str, Mapping[str, Any] | None]) -> Iterator[Finding]:
    """Find score logs that had more, or something else, when the map was built."""
    for name, said in recorded.items():
        path = project.scores / name
        if said and path.exists() and not begins(path, Extent(said["size"], said["head"])):
            text = f"{path} is not what the map was built from: it was cut off, or replaced."
            yield Finding("lost lines", f"{text} Bring it back from a copy, or run: prefmap score {project.path}")
        elif said and not path.exists() and not list(project.scores.glob(f"{path.stem}*.old")):
            yield Finding("lost log", f"{path} is gone, and the map was built from it. Bring it back from a copy.")
