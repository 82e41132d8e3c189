"""Which characters stand in which cell of a grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import Ink
    from ingest.types import RawTable
    from ragqa.types import BBox


def fill(page: Ink, table: RawTable) -> RawTable | None:
    """Give each cell its characters; None when what is in the grid is no table.

    A table has at least two rows and two columns with something in them.
    """
    boxes = page.char_boxes
    if not len(boxes):
        return None
    inside = [span for span in page.lines if _touches(boxes, span, table.bbox)]
    if not inside:
        return None
    extents = np.array([_extent(boxes, span) for span in inside], np.float32)
    cells = tuple(
        replace(cell, ranges=ranges_in(page, cell.bbox, inside, extents)) for cell in table.cells
    )
    rows = {cell.row for cell in cells if cell.ranges}
    columns = {cell.column for cell in cells if cell.ranges}
    if len(rows) < 2 or len(columns) < 2:
        return None
    return replace(table, cells=cells)


def _touches(boxes: NDArray[np.float32], span: tuple[int, int], area: BBox) -> bool:
    first, last = boxes[span[0]], boxes[span[1] - 1]
    return bool(
        first[1] < area.bottom
        and first[3] > area.top
        and min(first[0], last[0]) < area.x1
        and max(first[2], last[2]) > area.x0
    )


def _extent(boxes: NDArray[np.float32], span: tuple[int, int]) -> NDArray[np.float32]:
    own = boxes[span[0] : span[1]]
    return np.concatenate([own[:, :2].min(axis=0), own[:, 2:].max(axis=0)])


def ranges_in(
    page: Ink,
    box: BBox,
    lines: Sequence[tuple[int, int]],
    extents: NDArray[np.float32],
) -> tuple[tuple[int, int], ...]:
    """Return the runs of characters whose middle lies in the box, line by line from the top.

    Args:
        page: The page.
        box: The cell.
        lines: Ranges of text to look at.
        extents: Shape (len(lines), 4): the box of each.
    """
    near = (extents[:, 0] < box.x1) & (extents[:, 2] > box.x0)
    near &= (extents[:, 1] < box.bottom) & (extents[:, 3] > box.top)
    found: list[tuple[float, float, int, int]] = []
    for index in np.flatnonzero(near).tolist():
        start, end = lines[index]
        own = page.char_boxes[start:end]
        x, y = (own[:, 0] + own[:, 2]) / 2, (own[:, 1] + own[:, 3]) / 2
        members = np.flatnonzero((x > box.x0) & (x <= box.x1) & (y > box.top) & (y <= box.bottom))
        if not len(members):
            continue
        for run in np.split(members, np.flatnonzero(np.diff(members) > 1) + 1):
            first, last = _solid(page.text, start + int(run[0]), start + int(run[-1]) + 1)
            if first < last:
                found.append((float(y[run].mean()), float(x[run[0]]), first, last))
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
