"""The samples that files hold: read at import, and ever after from the project's own copies."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

from engine.errors import FormatUnknownError, ProjectDamagedError, RowRefusedError
from engine.formats.catalog import Format, GroupedFormat, detect_format, is_grouped, load_format
from engine.project import Project, SourceFile
from engine.records import NulError, Sample, content_hash
from engine.rows import Block, Row, Tell, read_blocks, read_rows

Given = TypeVar("Given")

DETECT_ROWS = 100
"""How many rows a format is recognised by."""


class Original(NamedTuple):
    """A sample with the row it was read from, and how."""

    sample: Sample
    row: Mapping[str, object]
    layout: Format


class Piece(NamedTuple):
    """Some rows of a project that follow each other, so that their samples can be read elsewhere."""

    layout: Format
    block: Block
    place: slice
    """Which samples of the project its own are, from 0."""

    def read(self) -> Iterator[Sample]:
        """Read the samples; their place in the project is not in them."""
        return (one.sample for one in parse_block(self.block, self.layout) if one.sample is not None)


class Parsed(NamedTuple):
    """What became of a row."""

    number: int
    sample: Sample | None
    """None: the row was refused, or belongs to the sample of another row."""

    problem: str = ""
    """Why it was refused; empty for others."""


def read_samples(path: Path, layout: Format, tell: Tell = lambda _: None) -> Iterator[Parsed]:
    """Read the samples of a file: one a row, or one of all rows with the same key."""
    if is_grouped(layout):
        yield from _read_groups(path, cast(GroupedFormat, layout), tell)
        return
    for block in read_blocks(path, tell):
        yield from parse_block(block, layout)


def parse_block(block: Block, layout: Format) -> Iterator[Parsed]:
    """Read the sample of each row of a block."""
    for row in block:
        try:
            yield Parsed(row.number, parse(row, layout))
        except RowRefusedError as error:
            yield Parsed(row.number, None, str(error))


def parse(row: Row, layout: Format) -> Sample:
    """Read the sample of a row, or raise RowRefusedError."""
    if row.values is None:
        raise RowRefusedError(row.problem)
    return _make(layout.to_sample, row.values)


def _read_groups(path: Path, layout: GroupedFormat, tell: Tell) -> Iterator[Parsed]:
    """Gather the rows of each key, and read those of each together."""
    groups: dict[str, list[Row]] = {}
    for row in read_rows(path, tell):
        try:
            if row.values is None:
                raise RowRefusedError(row.problem)
            groups.setdefault(layout.key_of(row.values), []).append(row)
        except RowRefusedError as error:
            yield Parsed(row.number, None, str(error))
    for rows in groups.values():
        yield from _join(rows, layout)


def _join(rows: list[Row], layout: GroupedFormat) -> Iterator[Parsed]:
    """Read the rows of one key; a row that no sample can hold is refused, and the others are read without it."""
    whole = _read_together(rows, layout)
    if whole.sample is not None:
        yield whole
        yield from (Parsed(row.number, None) for row in rows[1:])
        return
    own = {row.number: _read_together([row, row], layout).problem for row in rows}
    good = [row for row in rows if not own[row.number]]
    if len(good) == len(rows):
        yield from (Parsed(row.number, None, whole.problem) for row in rows)
        return
    yield from (Parsed(number, None, problem) for number, problem in own.items() if problem)
    if good:
        yield from _join(good, layout)


def _read_together(rows: list[Row], layout: GroupedFormat) -> Parsed:
    try:
        return Parsed(rows[0].number, _make(layout.join, [row.values or {} for row in rows]))
    except RowRefusedError as error:
        return Parsed(rows[0].number, None, str(error))


_check_words = lru_cache(content_hash)
"""Looks once at words that most rows repeat."""


def _make(read: Callable[[Given], Sample], given: Given) -> Sample:
    """Read a sample, and refuse characters that no terminal, log or trainer can hold: hashing a text finds them."""
    try:
        sample = read(given)
        others = [name for one in sample.responses for name in one.columns]
        if sample.source or sample.tools or others:
            _check_words(sample.source, sample.tools, *others)
    except UnicodeEncodeError:
        raise RowRefusedError("it holds half of a surrogate pair, which is no character") from None
    except NulError:
        raise RowRefusedError("it holds a NUL character") from None
    return sample


def detect_file(path: Path) -> str:
    """Name the format of a file, by its first rows."""
    rows: list[Mapping[str, object]] = []
    problem = ""
    for row in read_rows(path):
        if row.values is None:
            problem = problem or f" Row {row.number}: {row.problem}."
        else:
            rows.append(row.values)
        if len(rows) == DETECT_ROWS:
            break
    if not rows:
        raise FormatUnknownError(f"{path} holds no row that could be read.{problem}")
    return detect_format(rows, path.name)


class SourceReader:
    """The samples of a project, read from its own copies of the files each time they are asked for."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.files = project.source_files()

    def __len__(self) -> int:
        return sum(file.samples for file in self.files)

    def __iter__(self) -> Iterator[Sample]:
        """Yield all samples in source order; exact duplicates get -2, -3 behind their id."""
        seen: Counter[str] = Counter()
        for file in self.files:
            layout = load_format(file.format, file.dimension, file.columns)
            for number, sample, _ in read_samples(self._stored(file), layout):
                if sample is not None:
                    content_id = sample.sample_id
                    seen[content_id] += 1
                    again = seen[content_id]
                    yield sample.placed(file.name, number, content_id if again == 1 else f"{content_id}-{again}")

    def pieces(self) -> Iterator[Piece]:
        """Yield all rows in source order, block by block; only for formats of one row a sample."""
        first = 0
        for file in self.files:
            layout = load_format(file.format, file.dimension, file.columns)
            refused, passed = sorted(one.row for one in file.refused), 0
            for block in read_blocks(self._stored(file)):
                before, passed = passed, bisect_right(refused, block.last)
                last = first + len(block) - (passed - before)
                yield Piece(layout, block, slice(first, last))
                first = last

    @property
    def size(self) -> int:
        """Bytes of the copies of the files; 0 where several rows make a sample."""
        if any(is_grouped(load_format(file.format, file.dimension, file.columns)) for file in self.files):
            return 0
        return sum(self._stored(file).stat().st_size for file in self.files)

    def with_rows(self) -> Iterator[Original]:
        """Yield all samples in the same order, each beside its original row; only for formats of one row a sample."""
        samples = iter(self)
        for file in self.files:
            layout = load_format(file.format, file.dimension, file.columns)
            refused = {one.row for one in file.refused}
            for row in read_rows(self._stored(file)):
                if row.number not in refused:
                    yield Original(next(samples), row.values or {}, layout)

    def _stored(self, file: SourceFile) -> Path:
        stored = self.project.sources / file.stored
        if not stored.exists():
            raise ProjectDamagedError(f"{stored} is missing. Import {file.path} again.")
        return stored


class Fingerprint:
    """A hash of all samples with labels and columns, whatever their order: what some scorers depend on."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, sample: Sample) -> None:
        labels = sorted(f"{r.response_id}={r.label} {sorted(r.columns.items())}" for r in sample.responses)
        digest = hashlib.sha256(" ".join((sample.sample_id, *labels)).encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest[:16], "big")) % (1 << 128)

    def __str__(self) -> str:
        return f"{self._sum:032x}"


def fingerprint(samples: Iterable[Sample]) -> str:
    """Hash a whole dataset."""
    whole = Fingerprint()
    for sample in samples:
        whole.add(sample)
    return str(whole)
