"""Running heads, feet and page numbers: what repeats at the edges of a document's pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from ingest.turning import upright
from ingest.types import HeadPlace, RunningHeads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingest.types import Line, RawPage

Edge = Literal["top", "bottom"]

_LINES_AT_EDGE = 4
_BAND = 0.14
"""Share of the page's height, at the top and at the bottom, where running heads stand."""
_SHIFT = 0.7
"""Ems by which a running head may stand higher or lower than on the next page."""
_SCAN_SHIFT = 2.0
"""The same for scans, which are laid on the glass by hand."""
_GROWTH = 1.12
"""Larger by more is not the same running head but a title in the same words."""
_SCAN_GROWTH = 1.3
"""The same for lines read by OCR, whose size is the height of what was seen."""
_NUMBER = re.compile(
    r"[\s\-–—·.•|/()（）]*(?:第\s*)?(?:page\s*)?(?:#+|[ivxlc]{1,7})"
    r"(?:\s*(?:页|頁|of|/|共)\s*#*\s*(?:页|頁)?)*[\s\-–—·.•|/()（）]*",
    re.IGNORECASE,
)


class _Seen(NamedTuple):
    """One line at the edge of a page."""

    page: int
    offset: float
    size: float
    scanned: bool


def running_heads(raws: Iterable[RawPage]) -> RunningHeads:
    """Find the lines that repeat over pages, in one pass that keeps only the edges of pages.

    They repeat at about the same height and in about the same size: a title in the words of the
    running head is none.
    """
    seen: defaultdict[tuple[Edge, str], list[_Seen]] = defaultdict(list)
    sizes: Counter[float] = Counter()
    heads: Counter[float] = Counter()
    pages = bold = 0
    for displayed in raws:
        raw = upright(displayed)
        pages += 1
        for line in raw.lines:
            if (edge := edge_of(raw, line)) is not None:
                offset, scanned = _offset(raw, line, edge), line.confidence is not None
                seen[edge, shape(raw.text[line.start : line.end])].append(
                    _Seen(pages, offset, line.size, scanned)
                )
        for line in raw.lines:
            sizes[round(line.size * 2) / 2] += line.end - line.start
            heads[round(line.size * 2) / 2] += 1
            bold += (line.end - line.start) * line.bold
    least = max(3 if pages > 3 else 2, min(4, 0.06 * pages))
    found = {
        key: places
        for key, lines in seen.items()
        if pages > 1 and len(lines) >= least and (places := _places(lines, least))
    }
    body = max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0.0
    larger = sorted((size for size in heads if size >= 1.12 * body), reverse=True)
    return RunningHeads(
        found, body, tuple(larger), all_bold=bold > 0.4 * max(1, sum(sizes.values()))
    )


def _places(lines: Sequence[_Seen], least: float) -> tuple[HeadPlace, ...]:
    """Return where lines of one shape stand on enough pages, each place with its sizes."""
    found = []
    for level in _runs(lines, lambda line: line.offset, _same_height):
        for group in _runs(level, lambda line: line.size, _same_size):
            if len({line.page for line in group}) >= least:
                offsets, sizes = [line.offset for line in group], [line.size for line in group]
                found.append(HeadPlace(min(offsets), max(offsets), min(sizes), max(sizes)))
    return tuple(found)


def _runs(
    lines: Sequence[_Seen],
    value: Callable[[_Seen], float],
    together: Callable[[_Seen, _Seen], bool],
) -> list[list[_Seen]]:
    """Part lines, sorted by a value, wherever two neighbours are not together."""
    ordered = sorted(lines, key=value)
    runs = [[ordered[0]]]
    for before, line in pairwise(ordered):
        if together(before, line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _same_height(one: _Seen, other: _Seen) -> bool:
    shift = _SCAN_SHIFT if one.scanned or other.scanned else _SHIFT
    return abs(one.offset - other.offset) <= shift * min(one.size, other.size)


def _same_size(one: _Seen, other: _Seen) -> bool:
    growth = _SCAN_GROWTH if one.scanned or other.scanned else _GROWTH
    return max(one.size, other.size) <= growth * min(one.size, other.size)


def _offset(raw: RawPage, line: Line, edge: Edge) -> float:
    """Return how far the middle of a line is from its edge of the page."""
    middle = (line.bbox.top + line.bbox.bottom) / 2
    return middle if edge == "top" else raw.height - middle


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
    if _repeats(raw, line, edge, heads) or _beside_head(raw, line, edge, heads):
        return True
    folded = shape(raw.text[line.start : line.end])
    return bool(_NUMBER.fullmatch(folded)) and _is_outermost(raw, line, edge)


def _repeats(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    """Tell whether a line stands where its words are a running head, in that head's size."""
    offset = _offset(raw, line, edge)
    return any(
        place.nearest - 0.01 <= offset <= place.farthest + 0.01
        and place.smallest - 0.01 <= line.size <= place.largest + 0.01
        for place in heads.lines.get((edge, shape(raw.text[line.start : line.end])), ())
    )


def _beside_head(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    """Tell whether a line shares its baseline with a running head: a chapter's name, a date."""
    return any(
        abs(other.bbox.bottom - line.bbox.bottom) < 0.3 * line.size
        and _repeats(raw, other, edge, heads)
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
