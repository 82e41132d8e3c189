"""Charts that look like tables: what gives them away is the axis."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.types import RawTable

_AXIS = 4
"""So many numbers in even steps are an axis."""
_ALONE = 0.6


def is_axis(values: Sequence[float]) -> bool:
    """Tell whether numbers go up or down in even steps."""
    steps = {round(after - before, 6) for before, after in pairwise(values)}
    return len(values) >= _AXIS and len(steps) == 1 and steps.pop() != 0


def value_of(text: str) -> float:
    """Return the number that a text writes; not a number when it writes none."""
    try:
        value = float(re.sub(r"[^\d.]", "", text) or "nan")
    except ValueError:
        return float("nan")
    return -value if text.strip()[:1] in tuple("-−–(") else value


def is_chart(table: RawTable, text: str) -> bool:
    """Tell whether a grid is the lines of a chart: an axis, beside which hardly anything stands.

    Args:
        table: A grid.
        text: The page's, which the ranges of its cells point into.
    """
    rows: dict[int, dict[int, str]] = {}
    for cell in table.cells:
        said = " ".join(text[start:end] for start, end in cell.ranges)
        if said:
            rows.setdefault(cell.row, {})[cell.column] = said
    for column in range(table.columns):
        marked = [
            row
            for _, row in sorted(rows.items())
            if column in row and row[column].strip("-−%$€£ ").replace(",", "").isdigit()
        ]
        if not is_axis([value_of(row[column]) for row in marked]):
            continue
        bare = sum(set(row.values()) == {row[column]} for row in marked)
        if bare >= _ALONE * len(marked):
            return True
    return False
