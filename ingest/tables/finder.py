"""Which tables a page holds: ruled grids first, then columns that stand by white alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.tables.aligned import aligned_tables, framed_table
from ingest.tables.ruled import ruled_tables

if TYPE_CHECKING:
    from ingest.ports import Ink
    from ingest.types import RawTable

_DENSE = 0.55
_SPARSE = 0.25


class GridFinder:
    """The default ``TableFinder``."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom."""
        ruled = [checked for table in ruled_tables(page) if (checked := _checked(page, table))]
        aligned = aligned_tables(page, [table.bbox for table in ruled])
        return sorted([*ruled, *aligned], key=lambda table: table.bbox.top)


def _checked(page: Ink, table: RawTable) -> RawTable | None:
    """Doubt a grid whose cells stand empty or hold whole columns of text.

    Such a grid is a frame, a map or a chart: what stands in it is read by its white instead, and
    kept as it was only when that finds less.
    """
    table = _without_blanks(table)
    filled = [cell for cell in table.cells if cell.ranges]
    density = len(filled) / (table.rows * table.columns)
    pieces = sum(len(cell.ranges) for cell in filled)
    spread = sum(cell.row_span * cell.column_span for cell in filled)
    if spread >= _DENSE * table.rows * table.columns and pieces < 3 * len(filled):
        return table
    other = framed_table(page, table.bbox)
    if other is not None and sum(bool(cell.ranges) for cell in other.cells) > 1.2 * len(filled):
        return other
    return table if density > _SPARSE and table.rows > 1 and table.columns > 1 else None


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
