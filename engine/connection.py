"""A map.duckdb, opened to be read, and asked from any thread."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Self, cast

import duckdb
import numpy.typing as npt

from engine.errors import MapMissingError, MapUnreadableError
from engine.map_writer import SEALED
from engine.schema import VERSION

LEAN_SHARE, LEAN_BYTES = 5, 64_000_000
SORTING_SHARE, SORTING_BYTES = 3, 160_000_000
"""A lean connection keeps a fifth of the size of the map, a third where it sorts, and at least so many bytes."""

MOST_THREADS = 2
"""Of a lean connection: each takes memory of its own."""


class Connection:
    """A map, open to be read. Each question has a cursor of its own: threads that share one get each other's rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._lock = Lock()
        self.path = path
        self.meta = dict(self._ask("SELECT key, value FROM meta"))

    @classmethod
    def open(cls, path: Path, *, is_lean: bool = False, sorts: bool = False) -> Self:
        """Open a map to read it. Never waits, never creates a file.

        is_lean: it takes little memory, for a program that stays open for hours. sorts: enough to sort by any column.
        """
        if not path.exists():
            raise MapMissingError(f"There is no {path}. Run: prefmap map {path.parent}")
        lean = _be_lean(path, sorts=sorts) if is_lean else {}
        try:
            connection = duckdb.connect(str(path), read_only=True, config=SEALED | lean)
            version = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        except duckdb.Error as error:
            again = f"Run: prefmap map {path.parent}"
            raise MapUnreadableError(f"DuckDB cannot open {path} ({str(error).splitlines()[0]}). {again}") from error
        if version is None or version[0] != str(VERSION):
            connection.close()
            which = "a newer" if version and version[0].isdigit() and int(version[0]) > VERSION else "an older"
            raise MapUnreadableError(f"{path} is of {which} version of prefmap. Run: prefmap map {path.parent}")
        return cls(connection, path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor. Threads ask for one in turn, or close: DuckDB refuses the second one instead of waiting."""
        with self._lock:
            cursor = self._connection.cursor()
        try:
            yield cursor
        except duckdb.OutOfMemoryException as error:
            raise MapUnreadableError(
                "The map needs more memory for this than the review keeps for it. No verdict is lost. "
                "Narrow the queue by a filter, or ask without the app: prefmap queue --where"
            ) from error
        except duckdb.IOException as error:
            raise MapUnreadableError(
                f"DuckDB cannot read the map any more ({str(error).splitlines()[0]}). "
                f"No verdict is lost. Start prefmap again; if that does not help: prefmap map {self.path.parent}"
            ) from error
        finally:
            cursor.close()

    def _ask(self, question: str, values: Mapping[str, object] | None = None) -> list[tuple]:  # type: ignore[type-arg]
        with self._cursor() as cursor:
            return cursor.execute(question, values).fetchall()

    def _columns(self, question: str, values: Mapping[str, object] | None = None) -> dict[str, npt.NDArray]:  # type: ignore[type-arg]
        with self._cursor() as cursor:
            return cast(dict[str, npt.NDArray], cursor.execute(question, values).fetchnumpy())  # type: ignore[type-arg]

    def _columns_of(self, question: str, wanted: npt.NDArray) -> dict[str, npt.NDArray]:  # type: ignore[type-arg]
        """Ask about many things: `wanted` stands in the question as a table with the column `value`."""
        with self._cursor() as cursor:
            cursor.register("wanted", {"value": wanted})
            return cast(dict[str, npt.NDArray], cursor.execute(question).fetchnumpy())  # type: ignore[type-arg]


def _be_lean(path: Path, *, sorts: bool) -> dict[str, str]:
    """Say what a connection may take."""
    share, least = (SORTING_SHARE, SORTING_BYTES) if sorts else (LEAN_SHARE, LEAN_BYTES)
    memory = max(path.stat().st_size // share, least)
    return {"memory_limit": f"{memory}B", "threads": str(min(os.cpu_count() or 1, MOST_THREADS))}
