"""Columns of a grid that hold nothing but signs are put to the numbers they belong to."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.types import meet, unite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.tables.segments import Segment
    from ingest.types import Cell, RawTable

SIGNS_BEFORE = frozenset("$€£¥(")
SIGNS_AFTER = frozenset("%)*†‡")
_SIGNS = SIGNS_BEFORE | SIGNS_AFTER
_FAR, _NEAR = 6.0, 1.0
"""Heights of a sign by which it may stand left of its number, and right of it."""


def with_signs(table: RawTable, text: str) -> RawTable:
    """Put ``$`` before and ``%`` behind their numbers, where each has a column of its own.

    Args:
        table: A grid.
        text: The page's, which the ranges of its cells point into.
    """
    begins: list[dict[int, tuple[int, str]]] = [{} for _ in range(table.columns)]
    for cell in table.cells:
        said = "".join("".join(text[start:end].split()) for start, end in cell.ranges)
        if said:
            begins[cell.column][cell.row] = (cell.column_span, said)
    place: list[int] = []
    held: dict[int, tuple[int, str]] = {}  # what the columns joined so far hold, row by row
    for column, found in enumerate(begins):
        after = _signs(found, SIGNS_AFTER) or _signs(held, SIGNS_BEFORE) or _shares(held, found)
        joins = column > 0 and after
        place.append(place[-1] if joins else (place[-1] + 1 if place else 0))
        held = _together(held, found) if joins else found
    if place[-1] + 1 in (1, table.columns):
        return table
    cells: dict[tuple[int, int], Cell] = {}
    for cell in sorted(table.cells, key=lambda cell: (cell.row, cell.column)):
        first, last = place[cell.column], place[cell.column + cell.column_span - 1]
        moved = replace(cell, column=first, column_span=last - first + 1)
        before = cells.get((cell.row, first))
        cells[cell.row, first] = moved if before is None else _joined(before, moved)
    return replace(table, columns=place[-1] + 1, cells=tuple(cells.values()))


def with_loose_signs(table: RawTable, segments: Sequence[Segment]) -> RawTable:
    """Put signs that stand in a table but in none of its cells to the number beside them.

    A sign may stand in a cell too narrow to be taken for one, or at the left of its column.

    Args:
        table: A grid.
        segments: The page's.
    """
    inside = [segment for segment in segments if meet(segment.bbox, table.bbox)]
    signs = [segment for segment in inside if set(segment.text) <= _SIGNS]
    if not signs:
        return table
    cells = list(table.cells)
    owner = {start: number for number, cell in enumerate(cells) for start, _ in cell.ranges}
    numbers = [s for s in inside if s.start in owner and s.is_number]
    for sign in signs:
        if any(start <= sign.start < end for cell in cells for start, end in cell.ranges):
            continue
        before, high = set(sign.text) <= SIGNS_BEFORE, sign.bottom - sign.top
        gaps = [
            (one.x0 - sign.x1 if before else sign.x0 - one.x1, one.start)
            for one in numbers
            if min(one.bottom, sign.bottom) - max(one.top, sign.top) > 0.5 * high
        ]
        gap, start = min((pair for pair in gaps if pair[0] > -1), default=(math.inf, 0))
        if gap <= (_FAR if before else _NEAR) * high:
            cells[owner[start]] = _with_sign(cells[owner[start]], sign, start, before=before)
    return replace(table, cells=tuple(cells))


def _with_sign(cell: Cell, sign: Segment, number: int, *, before: bool) -> Cell:
    ranges = list(cell.ranges)
    at = [start for start, _ in ranges].index(number)
    ranges.insert(at if before else at + 1, (sign.start, sign.end))
    return replace(cell, bbox=unite([cell.bbox, sign.bbox]), ranges=tuple(ranges))


def _together(
    held: Mapping[int, tuple[int, str]], found: Mapping[int, tuple[int, str]]
) -> dict[int, tuple[int, str]]:
    """Return what two columns hold as one, spans counted from the second."""
    joined = {row: (max(1, span - 1), said) for row, (span, said) in held.items()}
    for row, (span, said) in found.items():
        joined[row] = (span, joined[row][1] + said if row in joined else said)
    return joined


def _signs(found: Mapping[int, tuple[int, str]], signs: frozenset[str]) -> bool:
    """Tell whether what stands in a column alone is signs."""
    single = {char for span, said in found.values() if span == 1 for char in said}
    return bool(single) and single <= signs


def _shares(found: Mapping[int, tuple[int, str]], after: Mapping[int, tuple[int, str]]) -> bool:
    """Tell whether two columns are one: what begins in the first reaches over the second.

    In other rows the second holds a number, and its sign was drawn in the first, or the sign
    that follows a number of the first.
    """
    wide = over = 0
    for row, (span, said) in found.items():
        beside = after.get(row)
        if beside is None:
            wide += span > 1
            over += 1
        elif not (set(said) <= SIGNS_BEFORE or set(beside[1]) <= SIGNS_AFTER):
            return False
    return over > 0 and wide >= 0.5 * over


def _joined(held: Cell, cell: Cell) -> Cell:
    return replace(
        held,
        bbox=unite([held.bbox, cell.bbox]),
        ranges=(*held.ranges, *cell.ranges),
        row_span=max(held.row_span, cell.row_span),
        column_span=max(held.column_span, cell.column_span),
    )
