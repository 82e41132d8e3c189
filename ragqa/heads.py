"""Which rows and columns of a table name the others: told by where its figures are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.types import Block

_HEAD_LINES = 4
"""Most rows of a head."""
_VALUE = re.compile(r"[^\w\s]*\s?\(?[-−–]?[$€£¥]?\s?\d[\d,.]*\s?[%)]*[^\w\s]*", re.ASCII)
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s?[-–/]\s?\d{2,4})?")


def count_heads(rows: Sequence[Sequence[str]]) -> int:
    """Count the first rows that name the columns: they hold no figures, years aside.

    A lone label ends them once columns have names: it heads a section. A table without figures
    has one. Cells without text may be left out or empty.
    """
    said = [[cell for cell in row if cell.strip("-: ")] for row in rows]
    named = False
    for number, row in enumerate(said[:_HEAD_LINES]):
        if any(map(is_value, row)) or (named and len(row) < 2):
            return number
        named = named or len(row) > 1
    values = any(is_value(cell) for row in said for cell in row)
    return min(len(said), _HEAD_LINES) if values else min(len(said), 1)


def count_head_columns(rows: Sequence[Sequence[str]], heads: int) -> int:
    """Count the first columns that name the rows: words before the first column of figures.

    Args:
        rows: Of the table, equally long.
        heads: How many of the first name the columns.
    """
    body = rows[heads:]
    columns = [[cell for row in body if (cell := row[n].strip())] for n in range(len(rows[0]))]
    shares = [sum(map(is_value, cells)) / len(cells) if cells else 0.0 for cells in columns]
    for number, share in enumerate(shares):
        if share > 0.5:
            return number
    return 0


def is_value(cell: str) -> bool:
    """Tell whether a cell holds a figure and nothing else; a year is none."""
    return bool(_VALUE.fullmatch(cell)) and not _YEAR.fullmatch(cell)


def heads_to_json(block: Block) -> dict[str, Any]:
    """Return what a table's first rows and columns are, and which of its cells cover others."""
    if block.kind != "table":
        return {}
    heads = count_heads(block.rows)
    return {
        "head_rows": heads,
        "head_columns": count_head_columns(block.rows, heads),
        "spans": [list(span) for span in block.spans],
    }
