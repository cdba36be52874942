"""The columns of a map that samples are found by: numbers, texts, and the pair of the label."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.connection import Connection
from engine.errors import FilterError
from engine.records import Labelled
from engine.schema import (
    CODES,
    CONTAINING,
    FROM_SAMPLES,
    LABELLED,
    LABELS,
    NAMED,
    NAMES,
    NUMBERS,
    SOURCES,
    TEXTS,
    WORDS,
    make_pattern,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

VALUES_KNOWN = 100
WORDS_LENGTH = 500
"""Characters of a text by which samples are compared."""

LONGEST_SEARCH = 1000
"""Characters of a text that can be searched for."""


class Columns(Connection):
    """A map, asked about all of its samples at once."""

    @property
    def map_scorer(self) -> str:
        return str(self.meta["map_scorer"])

    def count(self, what: str) -> int:
        """Count the rows of a table: sample or response."""
        return int(self._ask(f'SELECT count(*) FROM "{what}"')[0][0])

    def numbers(self, name: str, scorer: str | None = None) -> Floats:
        """Give a column of numbers in source order; NaN where there is no value. Default: the map scorer's."""
        found = self._columns(NUMBERS[name], self._of(NUMBERS[name], scorer))
        numbers = np.full(self.count("sample"), np.nan)
        numbers[found["ordinal"]] = with_nan(found["value"])
        return numbers

    def names(self, name: str, scorer: str | None = None) -> npt.NDArray[np.object_]:
        """Give the source or region of each sample in source order, each name once in memory; None: it has none."""
        named = NAMED[name]
        of = self._of(named, scorer)
        names = [one for (one,) in self._ask(NAMES.format(named=named), of)]
        found = self._columns(CODES.format(named=named), of)
        codes = np.full(self.count("sample"), -1, dtype=np.int32)
        codes[found["ordinal"]] = found["code"]
        return np.array([*names, None], dtype=object)[codes]

    def fitting(self, name: str, word: str, *, exactly: bool = False) -> Ints:
        """Find the samples whose source, file, ... holds a word, or is it; without a word, those that have any."""
        contains, equals, any_ = TEXTS[name]
        question = f"SELECT sample.ordinal {FROM_SAMPLES} WHERE {equals if exactly else contains if word else any_}"
        rows = self._ask(question, self._mapped | ({"word": word} if word or exactly else {}))
        return np.array([row[0] for row in rows], dtype=np.int64)

    def values(self, name: str) -> list[str]:
        """List what stands in a source, file, ... column, the commonest first; of an id nothing is listed."""
        if name == "id":
            return []
        value = {"region": "point.region", "flag": "unnest(string_split(flags, ','))"}.get(name, f"sample.{name}")
        question = (
            f"SELECT value FROM (SELECT {value} AS value {FROM_SAMPLES}) WHERE value <> '' "
            "GROUP BY value ORDER BY count(*) DESC, value LIMIT $limit"
        )
        return [row[0] for row in self._ask(question, self._mapped | {"limit": VALUES_KNOWN})]

    def containing(self, word: str, where: str = "text") -> Ints:
        """Find the samples whose prompt, response or either (`text`) contains a text, in whatever case."""
        if len(word) > LONGEST_SEARCH:
            raise FilterError(f"A text of {len(word):,} characters is too long to search for: {LONGEST_SEARCH:,} do.")
        escaped = json.dumps(word, ensure_ascii=False)[1:-1]
        values = {"pattern": make_pattern(word), "escaped": make_pattern(escaped)}
        rows = self._columns(CONTAINING[where], values)["ordinal"]
        return np.asarray(rows, dtype=np.int64)

    def search(self, word: str, order: Ints) -> Ints:
        """List those of some samples whose prompt or a response contains a text, in their order."""
        return order[np.isin(order, self.containing(word))]

    def labels(self) -> tuple[npt.NDArray[np.uint64], Ints, Floats]:
        """Give each content whose label has a direction, as a number, and ordinal and suspicion of its first sample."""
        found = self._columns(LABELS)
        contents = np.asarray(found["content"], dtype=np.uint64)
        first = np.sort(np.unique(contents, return_index=True)[1])
        return contents[first], found["ordinal"].astype(np.int64)[first], with_nan(found["suspicion"])[first]

    def words(self, ordinals: Ints) -> list[str]:
        """Read the beginnings of the last turn of the prompt and of all responses, in source order."""
        wanted = {"wanted": ordinals.tolist(), "length": WORDS_LENGTH}
        return [row[1] for row in self._ask(WORDS, wanted)]

    def source_numbers(self, fewest: int) -> Ints:
        """Number the source of each sample, in source order; those of fewer samples are taken together."""
        return self._columns(SOURCES, {"fewest": fewest})["number"].astype(np.int64)

    def labelled(self, ordinals: Sequence[int] | Ints) -> list[Labelled]:
        """Read the pairs of the labels, in the order asked for."""
        wanted = np.asarray(ordinals, dtype=np.int64)
        found = self._columns_of(LABELLED, wanted)
        place = np.empty(self.count("sample"), dtype=np.int64)
        place[found["ordinal"]] = np.arange(len(found["ordinal"]))
        columns = (found[name][place[wanted]].tolist() for name in Labelled._fields)
        return list(map(Labelled, *columns))

    def _of(self, question: str, scorer: str | None) -> dict[str, object]:
        return {"map_scorer": scorer or self.map_scorer} if "$map_scorer" in question else {}

    @property
    def _mapped(self) -> dict[str, object]:
        return {"map_scorer": self.map_scorer}


def with_nan(column: npt.NDArray) -> Floats:  # type: ignore[type-arg]
    return np.ma.filled(column.astype(np.float64), np.nan)
