"""Writing with DuckDB: a new map, and files of other kinds."""

import glob
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from engine.errors import FileUnwritableError, LogDamagedError, SourceUnreadableError
from engine.records import Message
from engine.schema import (
    ADD_LINES,
    ALIGNED_SCORES,
    BROKEN_LINE,
    COUNT_LINES,
    DROP_LAST_LINE,
    DROP_LINES,
    LOG_LINES,
    NEWEST_SCORES,
    SCORE_LINES,
    SORT_LINES,
    TABLES,
    VERSION,
)
from engine.spreading import count_processors

Floats = npt.NDArray[np.float64]

SLICE_LINES = 500_000
"""Lines of a log that are made into scores at a time, which bounds the memory that it takes."""

MEMORY = "1GB"
"""Most that DuckDB keeps in memory while a map is made; what is more, of logs of many lines, lies on the disk."""

MOST_THREADS = 8
"""Of DuckDB while a map is made: each takes a part of that memory."""

CHECKPOINT = "256MB"
"""How much is added to a map before DuckDB packs it; each time it packs again what stands at the end of a table."""

PARQUET_ROWS = 1024
"""Rows taken from a parquet file at a time."""

DEEPEST_LISTS = 16
"""DuckDB takes twice as long for each list in a list, and at 40 never ends."""

NO_EXTENSIONS: dict[str, bool | int | float | str | list[str]] = {
    "autoinstall_known_extensions": False, "autoload_known_extensions": False,
}  # fmt: skip
"""Nothing is downloaded, and no code is loaded, because a file asks for it."""

SEALED = NO_EXTENSIONS | {"enable_external_access": False, "lock_configuration": True}
"""Of a connection that reads a database: whatever stands in it, a view say, it reaches no other file."""

ENCODE = json.JSONEncoder(ensure_ascii=False).encode

QUOTED = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'")
TIMES = re.compile(r"(?<![^ (])(?:TIME|DATE)[A-Z_]*(?: WITH TIME ZONE)?(?=[,)\[]|$)")
"""The types of dates and times in DuckDB's words, at any depth of a column's type."""


@contextmanager
def saying_what_fails(target: Path) -> Iterator[None]:
    """Turn what a disk, or too little memory, does to a file being written into a FileUnwritableError."""
    try:
        yield
    except (duckdb.OperationalError, duckdb.FatalException) as error:
        said = str(error).splitlines()[0]
        raise FileUnwritableError(f"{target} cannot be written ({said}). What was there before stays.") from error


class MapWriter:
    """A map being built; nothing else may open the file until it is closed."""

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(str(path), config=NO_EXTENSIONS | {
            "preserve_insertion_order": True, "checkpoint_threshold": CHECKPOINT, "memory_limit": MEMORY,
            "threads": min(count_processors(), MOST_THREADS),
        })  # fmt: skip
        self._connection.execute(TABLES)
        self.note("version", str(VERSION))

    def note(self, key: str, value: str) -> None:
        """Write one line of meta."""
        self._connection.execute("INSERT INTO meta VALUES (?, ?)", [key, value])

    def add(self, table: str, columns: Mapping[str, object]) -> None:
        """Append rows to a table, given as columns in its order; NaN becomes null."""
        arrays = {name: _as_array(values) for name, values in columns.items()}
        self._connection.register("incoming", arrays)
        self._connection.execute(f'INSERT INTO "{table}" SELECT * FROM incoming')
        self._connection.unregister("incoming")

    def add_scores(self, scorer: str, logs: Sequence[Path], *, torn: Collection[Path]) -> None:
        """Load the logs of one scorer; the newest value counts. The last line of those `torn` may be half written."""
        self._connection.execute(LOG_LINES)
        for number, log in enumerate(logs):
            self._connection.execute(SCORE_LINES, {"path": glob.escape(str(log))})
            if log in torn:
                self._connection.execute(DROP_LAST_LINE)
            broken = self._connection.execute(BROKEN_LINE).fetchone()
            if broken:
                raise LogDamagedError(f"{log}, line {broken[0]} is no score. Mend or remove that line, then map again.")
            self._connection.execute(ADD_LINES, {"log": number})
            self._connection.execute(DROP_LINES)
        (lines,) = self._connection.execute(COUNT_LINES).fetchone() or (0,)
        slices = slice_ids(1 + lines // SLICE_LINES)
        if len(slices) > 1:
            self._connection.execute(SORT_LINES)
        for start, end in slices:
            self._connection.execute(NEWEST_SCORES, {"scorer": scorer, "start": start, "end": end})

    def aligned_scores(self, scorer: str) -> Floats:
        """Give the score of each response in the order of the table; NaN where there is none."""
        columns = self._connection.execute(ALIGNED_SCORES, {"scorer": scorer}).fetchnumpy()
        return _with_nan(np.ma.asarray(columns["value"]))

    def finish(self) -> None:
        """Write everything into the one file, and close it."""
        self._connection.execute("CHECKPOINT")
        self._connection.close()

    def close(self) -> None:
        self._connection.close()


def slice_ids(count: int) -> list[tuple[str, str]]:
    """Cut all ids, which are hexadecimal, into ranges of about the same size, in order."""
    bounds = ["", *(f"{n * 0x10000 // count:04x}" for n in range(1, count)), "g"]
    return list(pairwise(bounds))


def read_parquet_rows(path: Path) -> Iterator[dict[str, object]]:
    """Read one parquet file row by row, as dictionaries; times come as text."""
    source = "read_parquet($path, hive_partitioning = false)"
    exact = {"path": glob.escape(str(path))}
    try:
        with closing(duckdb.connect(config=NO_EXTENSIONS)) as connection:
            columns = connection.execute(f"DESCRIBE SELECT * FROM {source}", exact).fetchall()
            if any(_count_lists(column[1]) > DEEPEST_LISTS for column in columns):
                raise SourceUnreadableError(f"{path} holds lists in lists, more than {DEEPEST_LISTS} deep.")
            yield from _fetch(connection.execute(f"SELECT {', '.join(map(_select, columns))} FROM {source}", exact))
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise SourceUnreadableError(
            f"{path} is not parquet that DuckDB can read: {str(error).splitlines()[0]}"
        ) from error


def _count_lists(kind: str) -> int:
    """Count how deep lists stand in one another in a type in DuckDB's words, read from its end."""
    depth = deepest = 0
    around = [0]
    for token in reversed(re.findall(r"\[\d*\]|[(),]", QUOTED.sub("", kind))):
        if token == ")":
            around.append(depth)
        elif token == "(":
            around.pop()
        elif token == ",":
            depth = around[-1]
        else:
            depth += 1
        deepest = max(deepest, depth)
    return deepest


def _select(column: tuple[str, str]) -> str:
    name = '"' + column[0].replace('"', '""') + '"'
    kind = TIMES.sub("VARCHAR", column[1])
    return name if kind == column[1] else f"{name}::{kind} AS {name}"


def read_table_rows(path: Path, table: str) -> Iterator[dict[str, object]]:
    """Read a table of a DuckDB file row by row, as dictionaries."""
    try:
        with closing(duckdb.connect(str(path), read_only=True, config=SEALED)) as connection:
            yield from _fetch(connection.execute(f'SELECT * FROM "{table}"'))
    except duckdb.Error as error:
        raise SourceUnreadableError(
            f"{path} has no table {table} that DuckDB can read: {str(error).splitlines()[0]}"
        ) from error


def _fetch(cursor: duckdb.DuckDBPyConnection) -> Iterator[dict[str, object]]:
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(PARQUET_ROWS):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def convert_rows(rows: Path, target: Path, types: Mapping[str, str], *, ending: str, table: str) -> None:
    """Turn JSON Lines into parquet or, where the ending is `.duckdb`, into a table of a DuckDB file.

    On one thread, since how rows are grouped, and so the bytes, would follow from the number of threads.
    """
    read = f"SELECT * FROM read_json($rows, format = 'newline_delimited', columns = {_literal(types)})"
    with saying_what_fails(target), closing(duckdb.connect(config=NO_EXTENSIONS | {"threads": 1})) as connection:
        if ending == ".duckdb":
            connection.execute(f"ATTACH {_quote(target)} AS target")
            connection.execute(f'CREATE TABLE target."{table}" AS {read}', {"rows": str(rows)})
            connection.execute("DETACH target")
        else:
            connection.execute(
                f"COPY ({read}) TO {_quote(target)} (FORMAT parquet, COMPRESSION zstd)", {"rows": str(rows)}
            )


def _literal(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_quote(name)}: {_quote(kind)}" for name, kind in types.items()) + "}"


def _quote(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def write_turns(turns: Sequence[Message]) -> str:
    return ENCODE([turn.parts for turn in turns]) if turns else "[]"


def _as_array(values: object) -> npt.NDArray:  # type: ignore[type-arg]
    """Make an array of a column; texts stay what they are, since numpy would pad each to the longest."""
    if isinstance(values, list) and values and isinstance(values[0], str):
        return np.array(values, dtype=object)
    return np.asarray(values)


def _with_nan(column: npt.NDArray) -> Floats:  # type: ignore[type-arg]
    return np.ma.filled(column.astype(np.float64), np.nan)
