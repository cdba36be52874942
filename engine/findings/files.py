"""Findings about files and folders: sources that are not what they were, leftovers, and who may read and write."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import zstandard

from engine.access import find_open_door
from engine.config import NAME, read_config
from engine.errors import PrefmapError
from engine.exports.manifests import hash_file
from engine.findings.finding import Finding
from engine.project import Project, SourceFile
from engine.verdicts.assigning import Assignment

PART = re.compile(r"\..+\.(\d+)\.part.*")
"""What is written beside its place, with the process that writes it."""


def check_sources(project: Project) -> Iterator[Finding]:
    """Look at source.json, and whether each copy still has the bytes that were imported."""
    try:
        files = project.source_files()
    except PrefmapError as error:
        yield Finding("source.json", str(error))
        return
    for file in files:
        stored = project.sources / file.stored
        if not stored.is_file():
            yield Finding("missing source", f"{stored} is missing. Import {file.path} again.")
        elif not _has_bytes(stored, file):
            yield Finding(
                "changed source",
                f"{stored} is not what was imported from {file.path}. Bring it back from a copy, or import that again.",
            )


def _has_bytes(stored: Path, file: SourceFile) -> bool:
    if hash_file(stored) == file.sha256:
        return True
    digest = hashlib.sha256()
    try:
        with stored.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as whole:
            while block := whole.read(1 << 20):
                digest.update(block)
    except zstandard.ZstdError:
        return False
    return digest.hexdigest() == file.sha256


def check_settings(project: Project) -> Iterator[Finding]:
    """Read the project's own prefmap.toml."""
    try:
        if (project.path / NAME).is_file():
            read_config(project.path / NAME)
    except PrefmapError as error:
        yield Finding("settings", str(error))


def check_assignment(project: Project) -> Iterator[Finding]:
    """Read who is to read what."""
    try:
        Assignment.read(project)
    except PrefmapError as error:
        yield Finding("assignment", f"{error} Or end it: prefmap assign {project.path} --clear")


def check_leftovers(project: Project) -> Iterator[Finding]:
    """Find what killed processes left behind."""
    for path in sorted(project.path.rglob("*")):
        part = PART.fullmatch(path.name)
        if part and not _is_running(int(part[1])):
            yield Finding("leftover", f"{path} is left of a process that was killed ({part[1]}). Remove it.")
        elif part:
            yield Finding("at work", f"{path} is being written by process {part[1]}.", is_wrong=False)
        elif path == project.path / "map.duckdb.wal":
            yield Finding("leftover", f"{path} is of another program that wrote to the map. Remove it, and map again.")
        elif ".torn-" in path.name:
            what = f"holds half a line that was cut off a log ({path.stat().st_size:,} bytes); it counts for nothing"
            yield Finding("set aside", f"{path} {what}. Look at it, then remove it.", is_wrong=False)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def check_access(project: Project) -> Iterator[Finding]:
    """Find files that cannot be read, and doors that stand open to others."""
    door = find_open_door(*project.folders)
    if door:
        yield Finding("open to all", f"Everybody on this machine may write in {door}. Run: chmod -R o-w {project.path}")
    for path in (project.path, *sorted(project.path.rglob("*"))):
        needed = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
        if not os.access(path, needed):
            yield Finding("unreadable", f"{path} cannot be read by you. Ask its owner for a chmod or chgrp.")
        elif path.is_file() and path.stat().st_mode & stat.S_IWOTH:
            yield Finding("open to all", f"Everybody on this machine may write to {path}. Run: chmod o-w {path}")
    if project.path.stat().st_mode & stat.S_IROTH:
        text = f"Everybody on this machine may read {project.path}. If that is not meant: chmod -R o-rwx {project.path}"
        yield Finding("readable by all", text, is_wrong=False)
