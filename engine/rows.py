"""Rows in files: the one way from bytes to rows, whatever the kind of file and however it is packed."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson
import zstandard

from engine.errors import SourceUnreadableError
from engine.nesting import DEEPEST, is_too_deep

PACKABLE = (".jsonl", ".json", ".csv", ".tsv")
PACKED = (".gz", ".zst")
PACKED_BYTES = 1 << 16
"""How much of a packed file is read at a time."""

UNPACKED_BYTES = 1 << 18

CSV_CELL_LIMIT = 1 << 28
"""Largest cell of a CSV file in characters; Python's own limit, 131,072, is less than one long conversation."""

DIGITS_AS_ZERO = bytes(ord("0") if chr(byte).isdecimal() else byte for byte in range(256))
LONG_NUMBER = b"0" * 19
"""Once its digits are zeros: a number that 64 bits may not hold, which orjson would round to a float."""

Stream = io.BufferedReader | gzip.GzipFile

Tell = Callable[[int], None]
"""Told how many bytes of the file, as it lies on disk, have been read so far."""


BLOCK_BYTES = 1 << 20
BLOCK_ROWS = 512
"""How much of a file is handed on at a time: lines as they stand, or rows where the file must be read whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its values, or why it has none."""

    number: int
    """From 1; in JSON Lines the line, so that an editor finds it."""

    values: Mapping[str, object] | None
    problem: str = ""


def read_index(value: object) -> int | None:
    """Read a whole number that counts, or its text, as a table may hold it; None where it is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def kind_of(path: Path) -> str:
    """Name the kind of file by its ending, that of the packing left aside."""
    name = path.name.lower()
    for kind in PACKABLE:
        if name.endswith((kind, *(kind + packing for packing in PACKED))):
            return kind
    if name.endswith(".parquet"):
        return ".parquet"
    known = ", ".join(PACKABLE)
    raise SourceUnreadableError(
        f"{path} has no ending that prefmap knows ({known}, each also with .gz or .zst; .parquet)."
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file that follow each other, so that they can be read elsewhere."""

    rows: Sequence[Row] = ()
    lines: Sequence[bytes] = ()
    """Lines of JSON, still to be read."""

    first: int = 1
    """Number of the first line."""

    def __len__(self) -> int:
        return len(self.rows) + len(self.lines) - sum(map(bytes.isspace, self.lines))

    @property
    def last(self) -> int:
        """Number of the last row or line; 0 where there is none."""
        return self.rows[-1].number if self.rows else self.first + len(self.lines) - 1

    def __iter__(self) -> Iterator[Row]:
        yield from self.rows
        for number, line in enumerate(self.lines, start=self.first):
            if not line.isspace():
                yield _read_line(number, line)


def read_rows(path: Path, tell: Tell = lambda _: None) -> Iterator[Row]:
    """Read a file row by row; a row that cannot be read says why, and the next one follows."""
    return chain.from_iterable(read_blocks(path, tell))


def read_blocks(path: Path, tell: Tell = lambda _: None) -> Iterator[Block]:
    """Read a file block by block."""
    kind = kind_of(path)
    try:
        if kind == ".parquet":
            rows = (Row(number, values) for number, values in enumerate(_read_parquet(path), start=1))
            yield from _gather(rows)
            return
        with path.open("rb") as file:
            for block in _read_text_blocks(kind, _unpack(file), file.name):
                tell(path.stat().st_size if file.closed else file.tell())
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise SourceUnreadableError(f"{path} is cut short or damaged inside ({error}). Fetch it again.") from error
    except OSError as error:
        raise SourceUnreadableError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_parquet(path: Path) -> Iterator[Mapping[str, object]]:
    from engine.map_writer import read_parquet_rows

    return read_parquet_rows(path)


def _gather(rows: Iterator[Row]) -> Iterator[Block]:
    while some := list(islice(rows, BLOCK_ROWS)):
        yield Block(some)


def _unpack(file: io.BufferedReader) -> Stream:
    name = str(file.name).lower()
    if name.endswith(".gz"):
        return gzip.GzipFile(fileobj=file)
    return io.BufferedReader(_ZstdReader(file), UNPACKED_BYTES) if name.endswith(".zst") else file


class _ZstdReader(io.RawIOBase):
    """Unpacks zstd frames, and knows when the last one was cut short (zstandard's own reader does not tell)."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._waiting = b""
        self._began = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and (packed := self._next()):
            self._began = True
            self._waiting = self._frame.decompress(packed)
        taken = self._waiting[: len(buffer)]
        self._waiting = self._waiting[len(taken) :]
        buffer[: len(taken)] = taken
        if not taken and self._began and not self._frame.eof:
            raise EOFError("the last zstd frame has no end")
        return len(taken)

    def _next(self) -> bytes:
        """Give more packed bytes; where a frame ended, those behind it begin the next one."""
        if not self._frame.eof:
            return self._file.read(PACKED_BYTES)
        rest = self._frame.unused_data or self._file.read(PACKED_BYTES)
        if rest:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        return rest


def _read_text_blocks(kind: str, stream: Stream, name: str) -> Iterator[Block]:
    if kind in (".csv", ".tsv"):
        return _gather(_read_csv(stream, name, "\t" if kind == ".tsv" else ","))
    if kind == ".json" and _opens_array(stream):
        return _gather(_read_array(stream, name))
    return _read_lines(stream)


def _opens_array(stream: Stream) -> bool:
    return stream.peek(PACKED_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _read_lines(stream: Stream) -> Iterator[Block]:
    first = 1
    while lines := stream.readlines(BLOCK_BYTES):
        if first == 1:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        yield Block(lines=lines, first=first)
        first += len(lines)


def _read_line(number: int, line: bytes) -> Row:
    try:
        return _check_row(number, _load(line))
    except UnicodeDecodeError as error:
        return Row(number, None, f"byte {error.start + 1} of the line is not UTF-8")
    except json.JSONDecodeError as error:
        return Row(number, None, f"not JSON: {error.msg} at column {error.colno}")
    except (RecursionError, ValueError) as error:
        return Row(number, None, f"not JSON that can be read: {error}")


def _load(line: bytes) -> object:
    """Read JSON fast; what the fast reader refuses (NaN, say) or rounds the patient one takes, or says why not."""
    if LONG_NUMBER not in line.translate(DIGITS_AS_ZERO):
        try:
            return orjson.loads(line)
        except orjson.JSONDecodeError:
            pass
    return json.loads(line.rstrip().decode())


def _check_row(number: int, value: object) -> Row:
    if not isinstance(value, dict):
        return Row(number, None, f"the row is {type(value).__name__}, not an object with columns")
    if is_too_deep(value):
        return Row(number, None, f"lists and objects stand in one another more than {DEEPEST} deep")
    return Row(number, value)


def _read_array(stream: Stream, name: str) -> Iterator[Row]:
    try:
        values = json.loads(stream.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceUnreadableError(f"{name}: byte {error.start + 1} is not UTF-8. Save it as UTF-8.") from error
    except (RecursionError, ValueError) as error:
        raise SourceUnreadableError(f"{name} is one JSON array, and it is broken: {error}.") from error
    for number, value in enumerate(values, start=1):
        yield _check_row(number, value)


def _read_csv(stream: Stream, name: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(CSV_CELL_LIMIT)
    number = 0
    try:
        with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            for number, values in enumerate(csv.DictReader(text, strict=True, delimiter=delimiter), start=1):
                ragged = None in values or None in values.values()
                yield Row(number, None, "it has more or fewer cells than the header") if ragged else Row(number, values)
    except UnicodeDecodeError as error:
        raise SourceUnreadableError(f"{name}: after row {number} it is not UTF-8. Save it as UTF-8.") from error
    except csv.Error as error:
        raise SourceUnreadableError(f"{name}: after row {number} it is not CSV: {error}.") from error
