"""Headings of columns that stand above the rules or the shading of their table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.tables.segments import rows_of
from ingest.types import Cell
from ragqa.types import unite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.tables.segments import Row, Segment
    from ingest.types import RawTable

_MOST_LINES = 4
_LEAST_SHARE = 0.6
"""Of the columns, the first aside, have a heading."""
_LONGEST = 60
_OVERHANG = 8.0
"""Points by which headings may reach over the sides of their table."""


def with_headings(table: RawTable, segments: Sequence[Segment]) -> RawTable:
    """Give a table the headings of its columns when they stand right above it.

    They do when the nearest line above has a piece over most of its columns, each over one of
    them; lines above that line which keep to the columns belong to it.
    """
    columns = _columns(table)
    if columns is None or len(columns) < 2:
        return table
    left, right = table.bbox.x0 - _OVERHANG, table.bbox.x1 + _OVERHANG
    above = [
        s for s in segments if s.bottom <= table.bbox.top + 3 and s.x0 >= left and s.x1 <= right
    ]
    over = [s for s in segments if s.bottom <= table.bbox.top + 3 and s not in above]
    held: dict[int, list[Segment]] = {}
    top = table.bbox.top
    for row in list(reversed(rows_of(above)))[:_MOST_LINES]:
        height = row.bottom - row.top
        if top - row.bottom > (0.5 if held else 0.9) * height:
            break
        placed = _over(row, columns)
        beside = any(min(s.bottom, row.bottom) - max(s.top, row.top) > 1 for s in over)
        if placed is None or beside or (held and not set(placed) - {0} <= held.keys()):
            break
        if held and set(placed) == {0}:
            break  # a title
        for column, segment in placed.items():
            held.setdefault(column, []).insert(0, segment)
        if not _enough(held, columns):
            break
        top = row.top
    if not held or not _enough(held, columns):
        return table
    return _put(table, held)


def _enough(held: dict[int, list[Segment]], columns: Sequence[tuple[float, float]]) -> bool:
    others = sum(column > 0 for column in held)
    return others >= max(1, _LEAST_SHARE * (len(columns) - 1)) and len(held) > 1


def _columns(table: RawTable) -> list[tuple[float, float]] | None:
    """Return where each column begins and ends, by the cells that stand in it alone."""
    found: list[tuple[float, float]] = []
    for column in range(table.columns):
        own = [c.bbox for c in table.cells if c.column == column and c.column_span == 1]
        if not own:
            return None
        found.append((min(box.x0 for box in own), max(box.x1 for box in own)))
    return found


def _over(row: Row, columns: Sequence[tuple[float, float]]) -> dict[int, Segment] | None:
    """Return the pieces of a line by the column each stands over; None when one stands over two."""
    placed: dict[int, Segment] = {}
    for segment in row.segments:
        shared = [min(segment.x1, x1) - max(segment.x0, x0) for x0, x1 in columns]
        over = [number for number, width in enumerate(shared) if width > 1]
        if len(over) > 1:
            least = 0.2 * (segment.x1 - segment.x0)
            over = [number for number in over if shared[number] > least]
        elif not over:
            over = [max(range(len(columns)), key=lambda number: shared[number])]
        if len(over) != 1 or over[0] in placed or len(segment.text) > _LONGEST:
            return None
        placed[over[0]] = segment
    return placed


def _put(table: RawTable, held: dict[int, list[Segment]]) -> RawTable:
    head = tuple(
        Cell(
            row=0,
            column=column,
            bbox=unite([s.bbox for s in lines]),
            ranges=tuple((s.start, s.end) for s in lines),
        )
        for column, lines in sorted(held.items())
    )
    body = tuple(replace(cell, row=cell.row + 1) for cell in table.cells)
    box = unite([table.bbox, *(cell.bbox for cell in head)])
    return replace(table, bbox=box, rows=table.rows + 1, cells=(*head, *body))
