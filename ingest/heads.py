"""Running heads, feet and page numbers: what repeats at the edges of a document's pages."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

from ingest.turning import upright
from ingest.types import RunningHeads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.types import Line, RawPage

Edge = Literal["top", "bottom"]

_LINES_AT_EDGE = 4
_BAND = 0.14
"""Share of the page's height, at the top and at the bottom, where running heads stand."""
_NUMBER = re.compile(
    r"[\s\-–—·.•|/()（）]*(?:第\s*)?(?:page\s*)?(?:#+|[ivxlc]{1,7})"
    r"(?:\s*(?:页|頁|of|/|共)\s*#*\s*(?:页|頁)?)*[\s\-–—·.•|/()（）]*",
    re.IGNORECASE,
)


def running_heads(raws: Iterable[RawPage]) -> RunningHeads:
    """Find the lines that repeat over pages, in one pass that keeps only the edges of pages."""
    seen: Counter[tuple[Edge, str]] = Counter()
    sizes: Counter[float] = Counter()
    heads: Counter[float] = Counter()
    pages = bold = 0
    for displayed in raws:
        raw = upright(displayed)
        pages += 1
        seen.update(
            {
                (edge, shape(raw.text[line.start : line.end]))
                for line in raw.lines
                if (edge := edge_of(raw, line)) is not None
            }
        )
        for line in raw.lines:
            sizes[round(line.size * 2) / 2] += line.end - line.start
            heads[round(line.size * 2) / 2] += 1
            bold += (line.end - line.start) * line.bold
    least = 3 if pages > 3 else 2
    found = {
        (edge, text)
        for (edge, text), count in seen.items()
        if pages > 1 and count >= max(least, min(4, 0.06 * pages))
    }
    body = max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0.0
    larger = sorted((size for size in heads if size >= 1.12 * body), reverse=True)
    return RunningHeads(
        frozenset(found), body, tuple(larger), all_bold=bold > 0.4 * max(1, sum(sizes.values()))
    )


def edge_of(raw: RawPage, line: Line) -> Edge | None:
    """Return the edge of the page a line stands at, or None."""
    if line.vertical or raw.flowing:
        return None
    if line.bbox.bottom <= _BAND * raw.height:
        above = sum(other.bbox.bottom < line.bbox.top for other in raw.lines)
        return "top" if above < _LINES_AT_EDGE else None
    if line.bbox.top >= (1 - _BAND) * raw.height:
        below = sum(other.bbox.top > line.bbox.bottom for other in raw.lines)
        return "bottom" if below < _LINES_AT_EDGE else None
    return None


def is_running_head(raw: RawPage, line: Line, heads: RunningHeads) -> bool:
    """Tell whether a line repeats over pages, or is a page number at the edge of a page."""
    edge = edge_of(raw, line)
    if edge is None:
        return False
    folded = shape(raw.text[line.start : line.end])
    if (edge, folded) in heads.lines or _beside_head(raw, line, edge, heads):
        return True
    return bool(_NUMBER.fullmatch(folded)) and _is_outermost(raw, line, edge)


def _beside_head(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    """Tell whether a line shares its baseline with a running head: a chapter's name, a date."""
    return any(
        abs(other.bbox.bottom - line.bbox.bottom) < 0.3 * line.size
        and (edge, shape(raw.text[other.start : other.end])) in heads.lines
        for other in raw.lines
        if other is not line
    )


def shape(text: str) -> str:
    """Fold what changes from page to page: numbers become ``#``, white space goes."""
    return re.sub(r"\d+", "#", "".join(text.split())).casefold()


def _is_outermost(raw: RawPage, line: Line, edge: Edge) -> bool:
    if edge == "top":
        return all(other.bbox.bottom >= line.bbox.top for other in raw.lines)
    return all(other.bbox.top <= line.bbox.bottom for other in raw.lines)
