"""Tables as people take them away: CSV and Markdown, with the head where a page goes on."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

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


def carried_head(page: Page, before: Callable[[int], Page | None]) -> tuple[str, ...] | None:
    """Return the head of the table that the first table of a page goes on with, or None.

    Args:
        page: The page.
        before: Gives the page of a number; None where there is none.
    """
    head = None
    for _ in range(_MOST_PAGES):
        previous = before(page.number - 1)
        if previous is None or not continues(previous, page):
            break
        last = tables_of(previous)[-1]
        head = last.rows[0]
        if _body(previous)[0] is not last:
            break
        page = previous
    return head


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


def with_head(rows: Sequence[Sequence[str]], head: Sequence[str] | None) -> Sequence[Sequence[str]]:
    """Return the rows with the head of the page before, unless they repeat it themselves."""
    if head is None or list(rows[0]) == list(head):
        return rows
    return [head, *rows]


def to_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown; its first row is the head."""
    lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
    if lines:
        lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _body(page: Page) -> list[Block]:
    return [block for block in page.blocks if block.span is not None]


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
