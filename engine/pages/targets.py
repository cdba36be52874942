"""Where a picture or a page may be written. No file of a project ends so."""

from collections.abc import Sequence
from pathlib import Path

from engine.errors import ExportRefusedError


def check_target(path: Path, suffixes: Sequence[str], what: str) -> None:
    """Raise ExportRefusedError where a file cannot be written, before anything is worked out."""
    if path.suffix.lower() not in suffixes:
        raise ExportRefusedError(f"{path} names no {what}: let it end in {', '.join(suffixes)}.")
    if not path.parent.is_dir():
        raise ExportRefusedError(f"There is no folder {path.parent} to write {path.name} into.")
    if path.is_dir():
        raise ExportRefusedError(f"{path} is a folder.")
