"""Which tables a page holds: ruled grids first, then columns that stand by white alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.tables.aligned import aligned_tables, framed_table
from ingest.tables.headers import with_headings
from ingest.tables.ruled import ruled_tables
from ingest.tables.segments import rows_of, segments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.ports import Ink
    from ingest.tables.segments import Segment
    from ingest.types import Cell, RawTable

_DENSE = 0.55
_SPARSE = 0.25
_GROUND = 0.8
_GROUND_LINES = 4


class GridFinder:
    """The default ``TableFinder``."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom."""
        grids = ruled_tables(page)
        ruled: list[RawTable] = []
        if grids:
            segments = segments_of(page)
            checked = [_checked(page, table, segments) for table in grids]
            ruled = [with_headings(table, segments) for table in checked if table is not None]
        aligned = aligned_tables(page, [table.bbox for table in ruled])
        return sorted([*ruled, *aligned], key=lambda table: table.bbox.top)


def _checked(page: Ink, table: RawTable, segments: Sequence[Segment]) -> RawTable | None:
    """Doubt a grid whose cells stand empty or hold whole columns of text.

    Such a grid is a frame, a map or a chart: what stands in it is read by its white instead, and
    kept as it was only when that finds less.
    """
    table = _without_blanks(table)
    filled = [cell for cell in table.cells if cell.ranges]
    density = len(filled) / (table.rows * table.columns)
    pieces = sum(len(cell.ranges) for cell in filled)
    spread = sum(cell.row_span * cell.column_span for cell in filled)
    parted = _parted(filled, segments) >= 0.5 * table.rows
    if spread >= _DENSE * table.rows * table.columns and pieces < 3 * len(filled) and not parted:
        return table
    if _is_ground(filled):
        return None
    other = framed_table(page, table.bbox)
    if other is not None and sum(bool(cell.ranges) for cell in other.cells) > 1.2 * len(filled):
        return other
    return table if density > _SPARSE and table.rows > 1 and table.columns > 1 else None


def _parted(filled: Sequence[Cell], segments: Sequence[Segment]) -> int:
    """Return how many cells hold pieces side by side, numbers among them, as columns are."""
    places = np.array([(s.x0, s.x1, s.middle) for s in segments], np.float64)
    found = 0
    for cell in filled:
        box = cell.bbox
        inside = (places[:, 0] >= box.x0 - 1) & (places[:, 1] <= box.x1 + 1)
        inside &= (places[:, 2] >= box.top) & (places[:, 2] <= box.bottom)
        own = [segments[index] for index in np.flatnonzero(inside).tolist()]
        if len(own) > 1:
            found += any(s.is_number for row in rows_of(own) for s in row.segments[1:])
    return found


def _is_ground(filled: Sequence[Cell]) -> bool:
    """Tell whether one cell holds nearly all, as the ground of a slide does."""
    sizes = [sum(end - start for start, end in cell.ranges) for cell in filled]
    largest = max(range(len(sizes)), key=lambda index: sizes[index], default=None)
    if largest is None:
        return True
    return sizes[largest] > _GROUND * sum(sizes) and len(filled[largest].ranges) > _GROUND_LINES


def _without_blanks(table: RawTable) -> RawTable:
    """Leave out rows and columns in which nothing begins."""
    rows = sorted({cell.row for cell in table.cells if cell.ranges})
    columns = sorted({cell.column for cell in table.cells if cell.ranges})
    cells = tuple(
        replace(
            cell,
            row=rows.index(cell.row),
            column=columns.index(cell.column),
            row_span=sum(cell.row <= row < cell.row + cell.row_span for row in rows),
            column_span=sum(cell.column <= c < cell.column + cell.column_span for c in columns),
        )
        for cell in table.cells
        if cell.row in rows and cell.column in columns
    )
    return replace(table, rows=len(rows), columns=len(columns), cells=cells)
