"""Paragraphs carried over a page break: which may end on the next page, which begin on the last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ingest.joining import is_broken_word
from ingest.paragraphs import Paragraph, reads_on

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ingest.types import Line, RawPage, RawTable
    from ragqa.types import BBox, Block, BlockKind

_LEADERS = re.compile(r"(?:[.…·．]\s?){3,}\s*\d*$")
_LOWEST, _HIGHEST = 0.5, 0.4
"""Shares of the page: where a paragraph ends that goes on, and where it may begin again."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The first or the last paragraph of a page; pictures, captions and footnotes aside."""

    block: int
    """Its place among the page's blocks."""
    kind: BlockKind
    text: str
    line: Line
    """Its first line, if it is the first, else its last."""
    left: float
    right: float
    """How far its lines reach, or those of its column where it has only one."""
    rows: int
    near: bool
    """It stands at its end of the page."""


class Edges(NamedTuple):
    """Where a page begins and ends; None: not with a paragraph."""

    first: Edge | None = None
    last: Edge | None = None


def find_edges(
    raw: RawPage,
    placed: Sequence[tuple[Paragraph | RawTable, Block]],
    footnotes: Collection[int],
    *,
    first: int = 0,
) -> Edges:
    """Return the edges of an upright page.

    Args:
        raw: The page.
        placed: Its paragraphs and tables in reading order, with their blocks.
        footnotes: ``id`` of lines that are footnotes.
        first: So many blocks stand before them.
    """
    body = [
        (number, group, block)
        for number, (group, block) in enumerate(placed, start=first)
        if not isinstance(group, Paragraph)
        or not (
            block.kind == "caption"
            or id(group.lines[0]) in footnotes
            or group.lines[0].marked
            or group.lines[0].vertical
            or _is_number(block.text)
        )
    ]
    if not body:
        return Edges()
    groups = [group for _, group, _ in body if isinstance(group, Paragraph)]
    begin, end = (
        _edge(raw, number, group, block, groups, last=last)
        if isinstance(group, Paragraph)
        else None
        for last, (number, group, block) in ((False, body[0]), (True, body[-1]))
    )
    return Edges(begin, end)


def is_carried(last: Edge | None, first: Edge | None) -> bool:
    """Tell whether the last paragraph of a page goes on in the first one of the next.

    Its last line is full and ends no sentence, the next is not indented and goes on with a word,
    and both are set alike, in columns of one width.
    """
    if last is None or first is None or last.kind not in ("text", "list") or first.kind != "text":
        return False
    if not (last.near and first.near and _set_alike(last, first)):
        return False
    width, em = last.right - last.left, last.line.size
    if last.right - last.line.bbox.x1 > max(3 * em, 0.15 * width):
        return False
    if first.line.bbox.x0 - first.left > 1.2 * em:
        return False
    if _LEADERS.search(last.text):
        return False
    return is_broken_word(last.text, first.text) or reads_on(last.text, first.text, comma=True)


def _set_alike(last: Edge, first: Edge) -> bool:
    one, other = last.line, first.line
    scanned = one.confidence is not None or other.confidence is not None
    tolerance = (0.25 if scanned else 0.12) * max(one.size, other.size)
    narrow, wide = sorted((last.right - last.left, first.right - first.left))
    if (one.bold, one.mono) != (other.bold, other.mono):
        return False
    same_width = narrow > 0.85 * wide or (first.rows == 1 and wide == last.right - last.left)
    return abs(one.size - other.size) <= tolerance and same_width


def _edge(
    raw: RawPage,
    number: int,
    group: Paragraph,
    block: Block,
    groups: Sequence[Paragraph],
    *,
    last: bool,
) -> Edge:
    line = group.lines[-1 if last else 0]
    rows = len({round(other.bbox.bottom) for other in group.lines})
    column = group.lines
    if rows == 1:
        column = tuple(
            other for one in groups for other in one.lines if _share_a_column(other.bbox, line.bbox)
        )
    reach = [line.bbox, *(box for box in raw.figures if _share_a_column(box, line.bbox))]
    near = (
        max(box.bottom for box in reach) > _LOWEST * raw.height
        if last
        else min(box.top for box in reach) < _HIGHEST * raw.height
    )
    return Edge(
        number,
        block.kind,
        block.text,
        line,
        min(other.bbox.x0 for other in column),
        max(other.bbox.x1 for other in column),
        rows,
        near,
    )


def _is_number(text: str) -> bool:
    """Tell whether a line can be a page's number that stands too far inside to be known as one."""
    return len(text) < 8 and not any(char.isalpha() for char in text)


def _share_a_column(one: BBox, other: BBox) -> bool:
    return min(one.x1, other.x1) > max(one.x0, other.x0)
