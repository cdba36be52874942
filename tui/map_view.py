"""The part of the map that is in view, in cells, with the cursor."""

from dataclasses import dataclass, replace

from tui.cloud import middle
from tui.raster import Bounds

PAN_PARTS = 4
"""The view goes along by one of so many parts of itself, in whole cells, when the cursor leaves it."""


@dataclass(frozen=True, slots=True)
class MapView:
    """What part of the map is in view, in how many cells, and where the cursor is."""

    bounds: Bounds
    at: tuple[float, float]
    """The cursor, in the units of the cloud: it outlasts another size of the terminal."""

    columns: int
    rows: int

    @property
    def cell(self) -> tuple[int, int]:
        """Column and row of the cursor."""
        x, y, bounds = *self.at, self.bounds
        inside = min(max(x, bounds.x_low), bounds.x_high), min(max(y, bounds.y_low), bounds.y_high)
        return bounds.cell_of(*inside, self.columns, self.rows) or (0, 0)

    @property
    def cell_bounds(self) -> Bounds:
        """Enclose the cell under the cursor."""
        return self.bounds.box(*self.cell, *self.cell, self.columns, self.rows)

    @property
    def holds_cursor(self) -> bool:
        return self.bounds.cell_of(*self.at, self.columns, self.rows) is not None

    def column_of(self, x: float | None) -> int | None:
        """Find the column of a place on the x axis; None when it is not in view."""
        cell = None if x is None else self.bounds.cell_of(x, self.bounds.y_low, self.columns, self.rows)
        return cell[0] if cell else None

    def row_of(self, y: float | None) -> int | None:
        """Find the row of a place on the y axis; None when it is not in view."""
        cell = None if y is None else self.bounds.cell_of(self.bounds.x_low, y, self.columns, self.rows)
        return cell[1] if cell else None

    def moved(self, right: int, down: int, limits: Bounds) -> "MapView":
        """Take the cursor some cells further; past the edge the view goes along, as far as there are samples."""
        column, row = self.cell
        x, y = middle(self.cell_bounds)
        wide, tall = self.bounds.width / self.columns, self.bounds.height / self.rows
        aim = x + right * wide, y - down * tall
        pan_x = 0.0 if 0 <= column + right < self.columns else right * wide * (self.columns // PAN_PARTS + 1)
        pan_y = 0.0 if 0 <= row + down < self.rows else -down * tall * (self.rows // PAN_PARTS + 1)
        bounds = self.bounds.moved(
            min(max(pan_x, limits.x_low - self.bounds.x_low), limits.x_high - self.bounds.x_high),
            min(max(pan_y, limits.y_low - self.bounds.y_low), limits.y_high - self.bounds.y_high),
        )
        there = replace(self, bounds=bounds, at=aim)
        return replace(there, at=middle(there.cell_bounds))

    def zoomed(self, factor: float, limits: Bounds) -> "MapView":
        """Go closer, the cursor staying in its place, or further away, at most to where samples are."""
        closer = self.bounds.zoomed(factor, self.at)
        return replace(self, bounds=Bounds(
            max(closer.x_low, limits.x_low),
            min(closer.x_high, limits.x_high),
            max(closer.y_low, limits.y_low),
            min(closer.y_high, limits.y_high),
        ))  # fmt: skip
