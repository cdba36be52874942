"""Reference answers: what each response is compared with, read from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.errors import RowRefusedError, ScorerRefusedError
from engine.records import Sample, content_hash
from engine.rows import read_index, read_rows

Key = tuple[str, str]
"""The column that says whose reference it is, and what stands in it; of a row, `file:row`."""

KEYS = "sample_id, prompt_id or row"


@dataclass(frozen=True)
class References:
    """The references of one file."""

    texts: Mapping[Key, str]

    def find(self, sample: Sample) -> str | None:
        """Give the reference of a sample, else that of its prompt; None where there is none."""
        keys = (
            ("sample_id", sample.sample_id),
            ("sample_id", sample.content_id),
            ("row", f"{sample.file}:{sample.row}"),
            ("row", f":{sample.row}"),
            ("prompt_id", sample.prompt_id),
        )
        return next((self.texts[key] for key in keys if key in self.texts), None)

    @property
    def needs_one_file(self) -> bool:
        """Whether some are known by a row without a file."""
        return any(column == "row" and place.startswith(":") for column, place in self.texts)

    @cached_property
    def digest(self) -> str:
        """A hash of all of them, whatever their order."""
        return content_hash(*(part for key in sorted(self.texts) for part in (*key, self.texts[key])))


def read_references(path: Path) -> References:
    """Read a file of references; a row that cannot be read, or says something else than another, refuses it."""
    texts: dict[Key, str] = {}
    for row in read_rows(path):
        try:
            if row.values is None:
                raise RowRefusedError(row.problem)
            key, text = _read_key(row.values), _read_text(row.values)
            if text and texts.setdefault(key, text) != text:
                raise RowRefusedError(f"{key[0]} {key[1].removeprefix(':')} has another reference above")
        except RowRefusedError as error:
            raise ScorerRefusedError(f"{path}, row {row.number}: {error}. Mend the row or remove it.") from error
    if not texts:
        raise ScorerRefusedError(f"{path} holds no reference. Each row needs {KEYS}, and reference.")
    return References(texts)


def _read_key(row: Mapping[str, object]) -> Key:
    for column in ("sample_id", "prompt_id"):
        if row.get(column) not in (None, ""):
            return column, str(row[column])
    number = read_index(row.get("row"))
    if number is None:
        raise RowRefusedError(f"it has none of {KEYS} (a number from 1)")
    return "row", f"{row.get('file') or ''}:{number}"


def _read_text(row: Mapping[str, object]) -> str:
    """Read the reference; null and blanks say that there is none."""
    text = row.get("reference", row)
    if text is row:
        raise RowRefusedError("it has no column reference; null says that there is none")
    if text is not None and not isinstance(text, str):
        raise RowRefusedError(f"reference is {type(text).__name__}, not text")
    return (text or "").strip()
