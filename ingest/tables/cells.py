"""Which characters stand in which cell of a grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.ports import Ink
    from ingest.types import Cell, RawTable


def fill(page: Ink, table: RawTable) -> RawTable | None:
    """Give each cell its characters; None when what is in the grid is no table.

    A table has at least two rows and two columns with something in them.
    """
    boxes = page.char_boxes
    if not len(boxes):
        return None
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    cells = tuple(replace(cell, ranges=ranges_in(page, cell, x, y)) for cell in table.cells)
    rows = {cell.row for cell in cells if cell.ranges}
    columns = {cell.column for cell in cells if cell.ranges}
    if len(rows) < 2 or len(columns) < 2:
        return None
    return replace(table, cells=cells)


def ranges_in(
    page: Ink, cell: Cell, x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]
) -> tuple[tuple[int, int], ...]:
    """Return the runs of characters whose middle lies in the cell, line by line from the top."""
    box = cell.bbox
    inside = (x > box.x0) & (x <= box.x1) & (y > box.top) & (y <= box.bottom)
    if not inside.any():
        return ()
    found: list[tuple[float, float, int, int]] = []
    for start, end in page.lines:
        if not inside[start:end].any():
            continue
        members = np.flatnonzero(inside[start:end]) + start
        for run in np.split(members, np.flatnonzero(np.diff(members) > 1) + 1):
            first, last = _solid(page.text, int(run[0]), int(run[-1]) + 1)
            if first < last:
                found.append((float(y[first:last].mean()), float(x[first]), first, last))
    return tuple((first, last) for _, _, first, last in _in_rows(found))


def _solid(text: str, first: int, last: int) -> tuple[int, int]:
    while first < last and text[first].isspace():
        first += 1
    while last > first and text[last - 1].isspace():
        last -= 1
    return first, last


def _in_rows(
    runs: list[tuple[float, float, int, int]],
) -> list[tuple[float, float, int, int]]:
    """Sort runs by line, then from left to right."""
    runs = sorted(runs)
    rows: list[list[tuple[float, float, int, int]]] = []
    for run in runs:
        if rows and run[0] - rows[-1][0][0] < 3:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [run for row in rows for run in sorted(row, key=lambda item: item[1])]
