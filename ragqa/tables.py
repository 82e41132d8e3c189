"""Tables as people take them away: CSV and Markdown, with the head where a page goes on."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.heads import count_heads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.types import Block, Page

CELL_ENDS = re.compile(r"\t|(?<!\\)\|")
"""What stands between the cells of a table's line: a tab, or a bar where the file has bars."""
_MOST_PAGES = 50
_CONTINUED = re.compile(r"continued|cont['’]?d|续|續", re.IGNORECASE)
_LOWEST, _HIGHEST = 0.6, 0.4
"""Shares of the page: where a table ends that goes on, and where it may begin again."""


def cells_of(line: str) -> list[str]:
    """Return the cells of a table's line, as the text of a page has it; empty ones are left out."""
    return [cell for piece in CELL_ENDS.split(line) if (cell := piece.strip())]


def tables_of(page: Page) -> list[Block]:
    """Return the tables of a page in reading order."""
    return [block for block in page.blocks if block.kind == "table"]


def carried_heads(page: Page, before: Callable[[int], Page | None]) -> Block | None:
    """Return the head rows of the table that the first table of a page goes on with, or None.

    They come as that table cut to them.

    Args:
        page: The page.
        before: Gives the page of a number; None where there is none.
    """
    heads = None
    for _ in range(_MOST_PAGES):
        previous = before(page.number - 1)
        if previous is None or not continues(previous, page):
            break
        last = tables_of(previous)[-1]
        heads = _cut_to(last, max(1, count_heads(last.rows)))
        if _body(previous)[0] is not last:
            break
        page = previous
    return heads


def continues(previous: Page, page: Page) -> bool:
    """Tell whether the table at the end of a page goes on at the beginning of the next.

    Nothing stands between the two but running heads or a line that says so, they have the same
    columns, and they stand one below the other.
    """
    above, below = _body(previous), _body(page)
    if below and below[0].kind != "table" and len(below[0].text) < 80:
        below = below[1:] if _CONTINUED.search(below[0].text) else below
    if not above or not below or above[-1].kind != "table" or below[0].kind != "table":
        return False
    first, second = above[-1], below[0]
    if len(first.rows[0]) != len(second.rows[0]):
        return False
    overlap = min(first.bbox.x1, second.bbox.x1) - max(first.bbox.x0, second.bbox.x0)
    widest = max(first.bbox.x1 - first.bbox.x0, second.bbox.x1 - second.bbox.x0)
    return (
        overlap > 0.8 * widest
        and first.bbox.bottom > _LOWEST * previous.height
        and second.bbox.top < _HIGHEST * page.height
    )


def with_heads(table: Block, heads: Block | None) -> Block:
    """Return a table with the head rows of the page before, unless it repeats them itself."""
    if heads is None or table.rows[0] == heads.rows[0]:
        return table
    moved = [span._replace(row=span.row + len(heads.rows)) for span in table.spans]
    return replace(table, rows=(*heads.rows, *table.rows), spans=(*heads.spans, *moved))


def _cut_to(table: Block, rows: int) -> Block:
    spans = (s._replace(rows=min(s.rows, rows - s.row)) for s in table.spans if s.row < rows)
    return replace(table, rows=table.rows[:rows], spans=tuple(spans))


def to_markdown(table: Block) -> str:
    """Write a table as Markdown, which has one row of heads: several become one, top to bottom."""
    heads = max(1, count_heads(table.rows))
    rows = [_joined(table, heads), *table.rows[heads:]]
    lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _joined(table: Block, heads: int) -> list[str]:
    """Join the heads of each column; one that covers several columns is a head of each."""
    if heads == 1:
        return list(table.rows[0])
    over = [list(row) for row in table.rows[:heads]]
    for row, column, _, wide in table.spans:
        if row < heads:
            over[row][column : column + wide] = [over[row][column]] * wide
    columns = [
        dict.fromkeys(filter(None, map(str.strip, cells))) for cells in zip(*over, strict=True)
    ]
    return [" / ".join(cells) for cells in columns]


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _body(page: Page) -> list[Block]:
    return [block for block in page.blocks if block.span is not None]


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
