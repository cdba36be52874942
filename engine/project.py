"""The project folder: where things lie in it, and the record of what was imported."""

import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Self

from engine.access import check_folders, make_folder, protect, share
from engine.errors import FileUnwritableError, ProjectDamagedError, ProjectMissingError

SUFFIX = ".prefmap"
SOURCE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that could not be read."""

    row: int
    """From 1; in JSON Lines the line."""

    reason: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One imported file: where it came from, and how it was read."""

    name: str
    """Its file name; another one of that name gets as many of its parent folders as tell them apart."""

    path: str
    """Where it was when it was imported, as text. Nothing is read from there again."""

    stored: str
    """The copy in `sources/`."""

    sha256: str
    """Of the bytes as they were at `path`."""

    format: str
    dimension: str | None
    """The rating that was taken as label, where the format has several."""

    columns: dict[str, str] | None
    """Which columns were named, where the format is a general one."""

    rows: int
    samples: int
    refused: tuple[Refused, ...] = ()
    flags: dict[str, int] = field(default_factory=dict)
    """How many samples have each flag."""

    prefmap: str = field(default_factory=lambda: version("prefmap"))


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a project; never creates one. Raises ProjectUnsafeError where everybody may write in it."""
        project = cls(path)
        if project.source_file.is_file():
            check_folders(*project.folders)
            return project
        if os.path.isfile(path):
            raise ProjectMissingError(f"{path} is a file, not a project. To make one of it: prefmap build {path}")
        what = f"{path} is no prefmap project: it has no source.json" if os.path.exists(path) else f"There is no {path}"
        raise ProjectMissingError(f"{what}. To make one: prefmap import FILE -o {path}")

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def source_file(self) -> Path:
        return self.path / "source.json"

    @property
    def sources(self) -> Path:
        return self.path / "sources"

    @property
    def scores(self) -> Path:
        return self.path / "scores"

    @property
    def reviews(self) -> Path:
        return self.path / "reviews"

    @property
    def map(self) -> Path:
        return self.path / "map.duckdb"

    @property
    def assignment(self) -> Path:
        """Who reads what, where that was shared out."""
        return self.path / "assignment.json"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The project itself, and the folders in it."""
        return self.path, self.sources, self.scores, self.reviews

    def create(self) -> None:
        """Make the folders, for their owner alone. Raises ProjectUnsafeError."""
        if self.path.exists() and not self.path.is_dir():
            raise ProjectMissingError(f"{self.path} is a file, and a project is a folder. Give another with -o.")
        check_folders(*self.folders)
        for folder in self.folders:
            make_folder(folder)

    def share(self, group: str) -> None:
        """Give the project to a group of this machine, whose members may all review. Raises ProjectUnsafeError."""
        for folder in self.folders:
            share(folder, group)

    def source_files(self) -> list[SourceFile]:
        """List what was imported, in order; empty in a new project."""
        if not self.source_file.is_file():
            return []
        try:
            said = json.loads(self.source_file.read_text(encoding="utf-8"))
            if said["version"] > SOURCE_VERSION:
                raise ProjectDamagedError(
                    f"{self.path} was made by a newer prefmap than this one ({version('prefmap')}). Update prefmap."
                )
            return [_read_source(entry) for entry in said["files"]]
        except OSError as error:
            raise ProjectDamagedError(f"{self.source_file} cannot be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProjectDamagedError(
                f"{self.source_file} is damaged ({error}). Move it away, and import the files again."
            ) from error

    def add_source(self, file: SourceFile) -> SourceFile:
        """Record an imported file; an earlier one from the same path steps back."""
        others = [other for other in self.source_files() if other.path != file.path]
        file = replace(file, name=_name_apart(file, {other.name for other in others}))
        content = {"version": SOURCE_VERSION, "files": [asdict(each) for each in (*others, file)]}
        with replacing(self.source_file, private=True) as beside:
            beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return file

    def score_logs(self) -> list[Path]:
        return sorted(self.scores.glob("*.jsonl"))

    def review_logs(self) -> list[Path]:
        return sorted(self.reviews.glob("*.jsonl"))


def _name_apart(file: SourceFile, taken: Collection[str]) -> str:
    folders = Path(file.path).parent.parts
    names = ("/".join((*folders[len(folders) - depth :], file.name)) for depth in range(len(folders) + 1))
    return next((name for name in names if name not in taken), file.path)


def as_text(name: str) -> str:
    """Write a file name as text that can be stored anywhere: bytes that are not UTF-8 become backslash escapes."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _read_source(entry: dict[str, object]) -> SourceFile:
    refused = entry.pop("refused")
    if not isinstance(refused, list):
        raise TypeError("refused is not a list")
    return SourceFile(**entry, refused=tuple(Refused(**one) for one in refused))  # type: ignore[arg-type]


def write_atomically(path: Path, text: str) -> None:
    """Write a text file beside its place and rename it there, so that no reader sees half of it."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Write beside a file, then take its place; on failure the old file stays as it was.

    `private`: it is a file of a project, for those alone who may write there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.unlink(missing_ok=True)
        yield beside
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        if private:
            protect(beside)
        os.replace(beside, path)
    except OSError as error:
        if error.filename not in (None, str(beside), beside):
            raise
        raise FileUnwritableError(
            f"{path} cannot be written ({error.strerror}). What was there before stays."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
            beside.with_name(f"{beside.name}.wal").unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
