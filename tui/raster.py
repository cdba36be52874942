"""Draw clouds of points as text: counts, means and glyphs for a grid of terminal cells; row 0 is the top."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer]
"""Numbers of things of which there are few kinds, or at most two thousand million: in as few bytes as they take."""

Mask = npt.NDArray[np.bool_]

COLUMN_BITS, ROW_BITS = 1, 2
DOT_COLUMNS, DOT_ROWS = 1 << COLUMN_BITS, 1 << ROW_BITS
"""Of a cell. Numbers of dots are taken apart by their bits: dividing a million of them takes ten times as long."""

DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each dot in a braille code point, by dot row and dot column."""

BRAILLE_BLANK = 0x2800
RAMP = np.array(list(" .:-=+*#%@"))
"""Nothing, then few to many."""

CHUNK = 1 << 15
"""Points that are placed at a time: what is worked out of them on the way stays in the processor's cache."""

PADDING = 0.02
"""Free space around a cloud, as a share of its span."""

FLAT_PADDING = 0.5
"""Least space on each side of points that are all the same."""

FINEST = 1e-9
"""Narrowest span that is drawn, as a share of the numbers on its axis."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The part of the plane that is in view, in the units of the data; its edges belong to it."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @classmethod
    def around(cls, x: Floats, y: Floats, *, trim: float = 0.0) -> Self:
        """Enclose the finite points, but for `trim` percent of them at each end of each axis."""
        finite = np.isfinite(x) & np.isfinite(y)
        return cls(*_span(x[finite], trim), *_span(y[finite], trim))

    @property
    def width(self) -> float:
        return self.x_high - self.x_low

    @property
    def height(self) -> float:
        return self.y_high - self.y_low

    def zoomed(self, factor: float, at: tuple[float, float]) -> "Bounds":
        """Show `factor` times less of each axis, with the point `at` staying in its place on screen."""
        x, y = at
        closer = Bounds(
            x + (self.x_low - x) / factor,
            x + (self.x_high - x) / factor,
            y + (self.y_low - y) / factor,
            y + (self.y_high - y) / factor,
        )
        return self if factor > 1 and closer._is_too_fine() else closer

    def moved(self, dx: float, dy: float) -> "Bounds":
        """Look further right and up, in the units of the data."""
        return Bounds(self.x_low + dx, self.x_high + dx, self.y_low + dy, self.y_high + dy)

    def holds(self, x: Floats, y: Floats) -> Mask:
        """Tell which points are in view; NaN is not."""
        return (x >= self.x_low) & (x <= self.x_high) & (y >= self.y_low) & (y <= self.y_high)

    def cell_of(self, x: float, y: float, columns: int, rows: int) -> tuple[int, int] | None:
        """Find the column and row of a point; None when it is not in view."""
        if not (self.x_low <= x <= self.x_high and self.y_low <= y <= self.y_high):
            return None
        column = min(int((x - self.x_low) / self.width * columns), columns - 1)
        above = min(int((y - self.y_low) / self.height * rows), rows - 1)
        return column, rows - 1 - above

    def box(self, column: int, row: int, column2: int, row2: int, columns: int, rows: int) -> "Bounds":
        """Enclose the cells from one corner to the other, in any order, both included."""
        left, right = sorted((column, column2))
        top, bottom = sorted((row, row2))
        return Bounds(
            _between(self.x_low, self.x_high, left / columns),
            _between(self.x_low, self.x_high, (right + 1) / columns),
            _between(self.y_low, self.y_high, (rows - 1 - bottom) / rows),
            _between(self.y_low, self.y_high, (rows - top) / rows),
        )

    def _is_too_fine(self) -> bool:
        return _is_flat(self.x_low, self.x_high) or _is_flat(self.y_low, self.y_high)


class Placed(NamedTuple):
    """Points on a grid of cells, each of them 4 x 2 dots."""

    inside: Codes
    """The points in view."""

    cells: Codes
    """Of each of these the number of its cell, row by row from the top left."""

    dots: Counts
    """How many points are on each dot, as rows x columns x 4 x 2."""

    @property
    def counts(self) -> Counts:
        """How many points are in each cell, as rows x columns."""
        counts: Counts = self.dots.sum(axis=(2, 3))
        return counts

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.dots.shape[0], self.dots.shape[1]

    def in_cell(self, column: int, row: int) -> Codes:
        """List the points in one cell."""
        found: Codes = self.inside[self.cells == row * self.shape[1] + column]
        return found


def place(x: Floats, y: Floats, *, columns: int, rows: int, bounds: Bounds) -> Placed:
    """Find the place of each point in view; a point with a NaN is nowhere."""
    dots = np.zeros(rows * columns * DOT_ROWS * DOT_COLUMNS, dtype=np.int64)
    inside, cells = [], []
    for start in range(0, max(len(x), 1), CHUNK):
        xs, ys = x[start : start + CHUNK], y[start : start + CHUNK]
        here = np.flatnonzero(bounds.holds(xs, ys))
        if len(here) < len(xs):
            xs, ys = xs[here], ys[here]
        column = _count_off(xs, bounds.x_low, bounds.width, columns * DOT_COLUMNS)
        row = rows * DOT_ROWS - 1 - _count_off(ys, bounds.y_low, bounds.height, rows * DOT_ROWS)
        cell = (row >> ROW_BITS) * columns + (column >> COLUMN_BITS)
        dot = ((cell << ROW_BITS | row & DOT_ROWS - 1) << COLUMN_BITS) | column & DOT_COLUMNS - 1
        dots += np.bincount(dot, minlength=len(dots))
        inside.append((here + start).astype(np.int32))
        cells.append(cell)
    return Placed(np.concatenate(inside), np.concatenate(cells), dots.reshape(rows, columns, DOT_ROWS, DOT_COLUMNS))


def _count_off(values: Floats, low: float, span: float, parts: int) -> Codes:
    """Number the parts of a span in which values lie; its upper end belongs to the last one."""
    shares = values - low
    shares /= span
    shares *= parts
    return np.minimum(shares, parts - 1, out=shares).astype(np.int32)


def braille(dots: Counts) -> list[str]:
    """Draw rows x columns x 4 x 2 counts with one glyph a cell, a dot for any point."""
    codes = BRAILLE_BLANK + ((dots > 0) * DOT_BITS).sum(axis=(2, 3))
    return ["".join(map(chr, row)) for row in codes.tolist()]


def ascii_ramp(counts: Counts) -> list[str]:
    """Draw rows x columns counts from `.` for one point to `@` for the fullest cell, by the logarithm."""
    steps = len(RAMP) - 2
    full = math.log(max(counts.max(initial=0), 2))
    levels = 1 + np.rint(np.log(np.maximum(counts, 1)) / full * steps).astype(np.int64)
    return ["".join(row) for row in RAMP[np.where(counts > 0, levels, 0)]]


def cell_means(placed: Placed, values: Floats) -> Floats:
    """Average the values of the points in each cell, as rows x columns; NaN is skipped, NaN where there is none."""
    size = placed.shape[0] * placed.shape[1]
    known = values[placed.inside]
    missing = np.isnan(known)
    known[missing] = 0.0
    sums = np.bincount(placed.cells, weights=known, minlength=size)
    counts = placed.counts.ravel() - np.bincount(placed.cells[missing], minlength=size)
    means: Floats = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means.reshape(placed.shape)


def cell_modes(placed: Placed, codes: Codes) -> Counts:
    """Find the commonest code in each cell, as rows x columns; codes below 0 are skipped, -1 where there is none."""
    kinds = int(codes.max(initial=0)) + 2
    numbers = placed.cells * kinds + 1 + codes[placed.inside]
    counts = np.bincount(numbers, minlength=placed.shape[0] * placed.shape[1] * kinds)
    by_cell = counts.reshape(*placed.shape, kinds)[:, :, 1:]
    return np.where(by_cell.any(axis=2), by_cell.argmax(axis=2), -1)


def _span(values: Floats, trim: float) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.percentile(values, [trim, 100 - trim]))
    padding = (high - low) * PADDING
    if _is_flat(low, high):
        padding = max(FLAT_PADDING, abs(low) * PADDING)
    return low - padding, high + padding


def _between(low: float, high: float, share: float) -> float:
    """Interpolate so that the shares 0 and 1 give the two ends to the last bit."""
    return low * (1 - share) + high * share


def _is_flat(low: float, high: float) -> bool:
    return high - low <= FINEST * max(abs(low), abs(high), FINEST)
