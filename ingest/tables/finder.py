"""Which tables a page holds: ruled grids first, then columns that stand by white alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.tables.aligned import aligned_tables, framed_table
from ingest.tables.charts import is_chart
from ingest.tables.headers import with_headings
from ingest.tables.rows import kept_rows, with_labels, within
from ingest.tables.ruled import ruled_tables
from ingest.tables.segments import rows_of, segments_of
from ingest.tables.signs import with_loose_signs, with_signs
from ragqa.types import BBox, unite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.ports import Ink
    from ingest.tables.segments import Segment
    from ingest.types import Cell, RawTable

_DENSE = 0.55
_SPARSE = 0.25
_KEPT = 0.85
"""Of the lines with several numbers; grids that keep fewer in one row are doubted."""
_BETTER = 0.15
_NEAR = 24.0
_GROUND = 0.8
_GROUND_LINES = 4


class GridFinder:
    """The default ``TableFinder``."""

    def find(self, page: Ink) -> list[RawTable]:
        """Return the tables, top to bottom."""
        grids = ruled_tables(page)
        ruled: list[RawTable] = []
        segments: list[Segment] = []
        if grids:
            segments = segments_of(page)
            for group in _beside(page, grids):
                best = _best(page, group, segments)
                drawn = [table for table in best if not is_chart(table, page.text)]
                signed = [with_signs(table, page.text) for table in drawn]
                headed = [with_headings(table, segments) for table in signed]
                ruled += [with_loose_signs(table, segments) for table in headed]
        bare = aligned_tables(page, [table.bbox for table in ruled], segments)
        aligned = [table for table in bare if not is_chart(table, page.text)]
        return sorted([*ruled, *aligned], key=lambda table: table.bbox.top)


def _beside(page: Ink, grids: Sequence[RawTable]) -> list[list[RawTable]]:
    """Gather grids that lie over each other, and what stands close beside them without labels."""
    groups: list[list[RawTable]] = []
    for grid in sorted(grids, key=lambda table: table.bbox.x0):
        box = grid.bbox
        reach = 0.0 if _has_labels(page, grid) else _NEAR
        near = [
            group
            for group in groups
            if any(
                _shared(box, other.bbox) > 0.5 and box.x0 - other.bbox.x1 < reach for other in group
            )
        ]
        groups = [group for group in groups if not any(group is one for one in near)]
        groups.append([*(table for group in near for table in group), grid])
    return groups


def _has_labels(page: Ink, grid: RawTable) -> bool:
    """Tell whether most rows of a grid begin with words."""
    first: dict[int, str] = {}
    for cell in sorted(grid.cells, key=lambda cell: (cell.row, cell.column)):
        if cell.ranges:
            start, end = cell.ranges[0]
            first.setdefault(cell.row, page.text[start:end])
    return sum(any(map(str.isalpha, text)) for text in first.values()) > 0.5 * len(first)


def _shared(one: BBox, other: BBox) -> float:
    """Return the height two boxes share, as a share of the lower one's."""
    height = min(one.bottom - one.top, other.bottom - other.top)
    return (min(one.bottom, other.bottom) - max(one.top, other.top)) / max(height, 1.0)


def _best(page: Ink, group: Sequence[RawTable], segments: Sequence[Segment]) -> list[RawTable]:
    """Return the grids of a group, or what its white tells when the grids tear rows apart."""
    found = [checked for table in group if (checked := _checked(page, table, segments))]
    area = unite([table.bbox for table in group])
    area = with_labels(area, segments)
    inside = within(segments, area)
    kept, lines = kept_rows(page, found, inside)
    if kept >= _KEPT * lines:
        return found
    other = framed_table(page, area, segments)
    if other is None or kept_rows(page, [other], inside)[0] < kept + _BETTER * lines:
        return found
    return [other]


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
    other = framed_table(page, table.bbox, segments)
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
