"""Running heads, feet and page numbers: what repeats at the edges of a document's pages."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ingest.margins import Near, Seen, apart_from_text, is_at
from ingest.turning import upright
from ingest.types import HeadPlace, RunningHeads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingest.types import Line, RawPage

Edge = Literal["top", "bottom"]

_LINES_AT_EDGE = 4
_LOOKED_AT = 16
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
_CAPTION = re.compile(r"(?:表|图|圖|table|figure|fig\.?)#.*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_SECTION = re.compile(r"#(?:\.#)+\.?")


def running_heads(raws: Iterable[RawPage]) -> RunningHeads:
    """Find the lines that repeat over pages, in one pass that keeps only the edges of pages.

    They repeat at about the same height and in about the same size: a title in the words of the
    running head is none. They stand apart from the text and are hardly larger: titles, heads of
    tables and marks of lists may return at the edges of pages too.
    """
    seen: dict[Edge, defaultdict[str, list[Seen]]] = {
        "top": defaultdict(list),
        "bottom": defaultdict(list),
    }
    near: dict[Edge, dict[int, list[Near]]] = {"top": {}, "bottom": {}}
    sizes: Counter[float] = Counter()
    heads: Counter[float] = Counter()
    pages = bold = 0
    for displayed in raws:
        raw = upright(displayed)
        pages += 1
        for line, edge in _at_edges(raw):
            seen[edge][shape(raw.text[line.start : line.end])].append(_seen(raw, line, edge, pages))
        for side in near:
            near[side][pages] = _near(raw, side)
        for line in raw.lines:
            size, length = round(line.size * 2) / 2, line.end - line.start
            sizes[size] += length
            heads[size] += 1
            bold += length * line.bold
    body = max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0.0
    found: dict[tuple[Edge, str], tuple[HeadPlace, ...]] = {}
    for edge, lines in seen.items():
        repeated = {
            words: places
            for words, group in lines.items()
            if pages > 1 and (places := _places(group, _least(words, pages)))
        }
        apart = apart_from_text(repeated, lines, near[edge], body)
        found |= {(edge, words): places for words, places in apart.items()}
    larger = sorted((size for size in heads if size >= 1.12 * body), reverse=True)
    return RunningHeads(
        found, body, tuple(larger), all_bold=bold > 0.4 * max(1, sum(sizes.values()))
    )


def _least(words: str, pages: int) -> float:
    """Return on how many pages a line must stand to be a running head.

    A mark without letters is one of a list, whose item goes with it; captions are text. Sections
    may begin at the top of several pages: their numbers are those of pages only on many of them.
    """
    mark = not any(char.isalnum() or char == "#" for char in words)
    if mark or _CAPTION.match(words):
        return float("inf")
    least = max(3 if pages > 3 else 2, min(4, 0.06 * pages))
    return max(least, pages / 3) if _SECTION.fullmatch(words) else least


def _seen(raw: RawPage, line: Line, edge: Edge, page: int) -> Seen:
    reach = line.bbox.bottom if edge == "top" else raw.height - line.bbox.top
    return Seen(page, _offset(raw, line, edge), line.size, line.confidence is not None, reach)


def _near(raw: RawPage, edge: Edge) -> list[Near]:
    """Return the lines nearest to an edge of a page, nearest first: more than may be heads."""
    lines = sorted(
        (line.bbox.top if edge == "top" else raw.height - line.bbox.bottom, line.start, line.end)
        for line in raw.lines
        if not line.vertical
    )
    return [Near(at, shape(raw.text[start:end])) for at, start, end in lines[:_LOOKED_AT]]


def _places(lines: Sequence[Seen], least: float) -> tuple[HeadPlace, ...]:
    """Return where lines of one shape stand on enough pages, each place with its sizes."""
    found = []
    for level in _runs(lines, lambda line: line.offset, _same_height):
        for group in _runs(level, lambda line: line.size, _same_size):
            if len({line.page for line in group}) >= least:
                offsets, sizes = [line.offset for line in group], [line.size for line in group]
                found.append(HeadPlace(min(offsets), max(offsets), min(sizes), max(sizes)))
    return tuple(found)


def _runs(
    lines: Sequence[Seen],
    value: Callable[[Seen], float],
    together: Callable[[Seen, Seen], bool],
) -> list[list[Seen]]:
    """Part lines, sorted by a value, wherever two neighbours are not together."""
    ordered = sorted(lines, key=value)
    runs = [[ordered[0]]]
    for before, line in pairwise(ordered):
        if together(before, line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _same_height(one: Seen, other: Seen) -> bool:
    shift = _SCAN_SHIFT if one.scanned or other.scanned else _SHIFT
    return abs(one.offset - other.offset) <= shift * min(one.size, other.size)


def _same_size(one: Seen, other: Seen) -> bool:
    growth = _SCAN_GROWTH if one.scanned or other.scanned else _GROWTH
    return max(one.size, other.size) <= growth * min(one.size, other.size)


def _offset(raw: RawPage, line: Line, edge: Edge) -> float:
    """Return how far the middle of a line is from its edge of the page."""
    middle = (line.bbox.top + line.bbox.bottom) / 2
    return middle if edge == "top" else raw.height - middle


def _at_edges(raw: RawPage) -> list[tuple[Line, Edge]]:
    """Return the lines that stand at an edge of the page, each with its edge."""
    if raw.flowing:
        return []
    found: list[tuple[Line, Edge]] = []
    high, low = _BAND * raw.height, (1 - _BAND) * raw.height
    tops = bottoms = None
    for line in raw.lines:
        box = line.bbox
        if line.vertical or (box.bottom > high and box.top < low):
            continue
        if box.bottom <= high:
            bottoms = bottoms or sorted(other.bbox.bottom for other in raw.lines)
            if bisect_left(bottoms, box.top) < _LINES_AT_EDGE:
                found.append((line, "top"))
        else:
            tops = tops or sorted(other.bbox.top for other in raw.lines)
            if len(tops) - bisect_right(tops, box.bottom) < _LINES_AT_EDGE:
                found.append((line, "bottom"))
    return found


def running_lines(raw: RawPage, heads: RunningHeads) -> list[Line]:
    """Return the lines that repeat over pages, or are page numbers at the edge of the page."""
    return [line for line, edge in _at_edges(raw) if _is_running(raw, line, edge, heads)]


def _is_running(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    if _repeats(raw, line, edge, heads) or _beside_head(raw, line, edge, heads):
        return True
    folded = shape(raw.text[line.start : line.end])
    return bool(_NUMBER.fullmatch(folded)) and _is_outermost(raw, line, edge)


def _repeats(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    """Tell whether a line stands where its words are a running head, in that head's size."""
    offset = _offset(raw, line, edge)
    return any(
        is_at(place, offset, line.size)
        for place in heads.lines.get((edge, shape(raw.text[line.start : line.end])), ())
    )


def _beside_head(raw: RawPage, line: Line, edge: Edge, heads: RunningHeads) -> bool:
    """Tell whether a line shares its baseline with a running head: a chapter's name, a date."""
    bottom, most = line.bbox.bottom, 0.3 * line.size
    return any(
        abs(other.bbox.bottom - bottom) < most and _repeats(raw, other, edge, heads)
        for other in raw.lines
        if other is not line
    )


@lru_cache(maxsize=1 << 10)
def shape(text: str) -> str:
    """Fold what changes from page to page: numbers become ``#``, white space goes."""
    return _DIGITS.sub("#", "".join(text.split())).casefold()


def _is_outermost(raw: RawPage, line: Line, edge: Edge) -> bool:
    if edge == "top":
        return all(other.bbox.bottom >= line.bbox.top for other in raw.lines)
    return all(other.bbox.top <= line.bbox.bottom for other in raw.lines)
