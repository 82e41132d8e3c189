"""Does a grid keep rows together? What numbers on one baseline tell of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.tables.segments import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.ports import Ink
    from ingest.tables.segments import Segment
    from ingest.types import RawTable
    from ragqa.types import BBox


def kept_rows(
    page: Ink, tables: Sequence[RawTable], segments: Sequence[Segment]
) -> tuple[int, int]:
    """Return how many of the lines with several numbers stand in one row of cells, and of how many.

    They do when each number has a cell of its own in one row of one table, and these cells hold
    no number of another line.
    """
    owner = np.full(len(page.text) + 1, -1, np.int32)
    rows: list[tuple[int, int]] = []
    for number, table in enumerate(tables):
        for cell in table.cells:
            for start, end in cell.ranges:
                owner[start:end] = len(rows)
            rows.append((number, cell.row))
    lines = [
        numbers
        for row in rows_of(segments)
        if len(numbers := [s for s in row.segments if s.is_number and s.text.strip("-–—")]) > 1
    ]
    cells = [[int(owner[s.start]) for s in line] for line in lines]
    held = np.bincount([one for line in cells for one in set(line) if one >= 0], minlength=1)
    kept = 0
    for line in cells:
        own = set(line)
        kept += (
            min(line) >= 0
            and len(own) == len(line)
            and len({rows[one] for one in own}) == 1
            and all(held[one] == 1 for one in own)
        )
    return kept, len(lines)


def within(segments: Sequence[Segment], area: BBox) -> list[Segment]:
    """Return the segments whose middle lies in an area."""
    return [
        s
        for s in segments
        if area.x0 - 1 <= (s.x0 + s.x1) / 2 <= area.x1 + 1
        and area.top - 1 <= s.middle <= area.bottom + 1
    ]


def with_labels(area: BBox, segments: Sequence[Segment]) -> BBox:
    """Widen an area to the left over what stands on its lines, when it begins with numbers."""
    rows = rows_of(within(segments, area))
    numbers = sum(row.segments[0].is_number for row in rows)
    if not rows or numbers < 0.6 * len(rows):
        return area
    beside = [
        s.x0
        for s in segments
        if s.x1 < area.x0 + 1 and area.top <= s.middle <= area.bottom and not s.is_number
    ]
    lines = sum(
        any(s.x1 < area.x0 + 1 and row.top <= s.middle <= row.bottom for s in segments)
        for row in rows
    )
    if lines < 0.6 * len(rows):
        return area
    return area._replace(x0=min(beside, default=area.x0))
