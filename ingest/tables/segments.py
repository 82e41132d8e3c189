"""Lines cut into segments where the white is wider than between words, and set in rows."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ragqa.types import BBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import Ink

_BLANK = 0x20
_WHITE = 0.85
"""In ems. Blanks between words are a quarter of an em, in justified lines up to two thirds."""
_NUMBER = re.compile(r"[^\w]*[-−–(]?[$€£¥]?\s*\d[\d\s.,:/%×x()−–-]*[%)a-zA-Z*†‡]{0,3}[^\w]*")
_AMOUNT = re.compile(r"[-−(]?[$€£¥]?\d[\d,.]*%?\)?")
_CONTENTS = re.compile(r"(?:[.·…]\s?){6,}\s*(?:\d{1,4}|[ivxlc]{1,6})?$")
_EMPTY = frozenset("-–—―…." + "−")


@dataclass(frozen=True, slots=True)
class Segment:
    """Characters ``[start, end)`` that stand close together on one line."""

    start: int
    end: int
    x0: float
    top: float
    x1: float
    bottom: float
    text: str

    @property
    def middle(self) -> float:
        """Half-way between its top and its bottom."""
        return (self.top + self.bottom) / 2

    @property
    def bbox(self) -> BBox:
        """Where it stands."""
        return BBox(self.x0, self.top, self.x1, self.bottom)

    @property
    def is_number(self) -> bool:
        """True for figures, percentages, amounts, and the dashes that stand for none."""
        return _is_number(self.text)


@dataclass(frozen=True, slots=True)
class Row:
    """Segments on one baseline, from left to right."""

    segments: tuple[Segment, ...]

    @property
    def top(self) -> float:
        """The highest point of its segments."""
        return min(segment.top for segment in self.segments)

    @property
    def bottom(self) -> float:
        """The lowest point of its segments."""
        return max(segment.bottom for segment in self.segments)

    @property
    def middle(self) -> float:
        """Where its letters stand."""
        return (self.segments[0].top + self.segments[0].bottom) / 2


@functools.lru_cache(maxsize=4096)
def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or set(text) <= _EMPTY or text in ("n/a", "N/A", "NA")


def segments_of(page: Ink) -> list[Segment]:
    """Return the segments of all lines of a page, line by line."""
    at, line = _solid(page)
    if not len(at):
        return []
    boxes = page.char_boxes[at]
    ems = _ems(boxes[:, 3] - boxes[:, 1], line)[line]
    gaps = boxes[1:, 0] - boxes[:-1, 2]
    parted = (line[1:] != line[:-1]) | (gaps > (_WHITE * ems[1:]).astype(np.float32))
    narrow = np.flatnonzero((gaps > (0.2 * ems[1:]).astype(np.float32)) & ~parted)
    for before in narrow[_may_end_amount(page.text, at[narrow])].tolist():
        start, end = page.lines[line[before]]
        text = page.text[start:end]
        parted[before] = _between_numbers(
            text, int(at[before]) + 1 - start, int(at[before + 1]) - start
        )
    firsts = np.concatenate([[0], np.flatnonzero(parted) + 1])
    lasts = np.concatenate([firsts[1:], [len(at)]]) - 1
    lows = np.minimum.reduceat(boxes[:, :2], firsts, axis=0).tolist()
    highs = np.maximum.reduceat(boxes[:, 2:], firsts, axis=0).tolist()
    return [
        Segment(start, last + 1, x0, top, x1, bottom, page.text[start : last + 1])
        for start, last, (x0, top), (x1, bottom) in zip(
            at[firsts].tolist(), at[lasts].tolist(), lows, highs, strict=True
        )
    ]


def _solid(page: Ink) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places in the text of all characters that show, and the line of each."""
    if not page.lines:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    codes = np.frombuffer(page.text.encode("utf-32-le", "replace"), np.uint32)
    solid = codes > _BLANK
    for start, end in page.lines:
        text = page.text[start:end]
        if "..." in text or ". ." in text:
            solid[start:end] &= ~_leaders(text)
    at = np.concatenate([np.arange(start, end) for start, end in page.lines])
    line = np.repeat(np.arange(len(page.lines)), [end - start for start, end in page.lines])
    shown = solid[at]
    return at[shown], line[shown]


def _ems(heights: NDArray[np.float32], line: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the em of each line, by the (upper) median of its characters' heights."""
    counts = np.bincount(line)
    firsts = np.cumsum(counts) - counts
    by_height = np.lexsort((heights, line))
    middles = np.minimum(firsts + counts // 2, len(line) - 1)
    return np.asarray(heights[by_height][middles].astype(np.float64) / 1.2)


def _may_end_amount(text: str, at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which characters may be the last of an amount; cheaper than looking at words."""
    return np.array([not text[i].isascii() or text[i] in "0123456789,.%)" for i in at], np.bool_)


def without_contents(page: Ink) -> Ink:
    """Leave out the lines of a table of contents: dots that lead to a page number."""
    if "..." not in page.text and ". . ." not in page.text and "…" not in page.text:
        return page
    beside: dict[int, list[tuple[float, tuple[int, int]]]] = {}
    for span in page.lines:
        box = page.char_boxes[span[0]]
        beside.setdefault(round(float(box[1] + box[3]) / 8), []).append((float(box[0]), span))
    entries: set[tuple[int, int]] = set()
    rows = 0
    for row in beside.values():
        spans = [span for _, span in sorted(row)]
        if _CONTENTS.search(" ".join(page.text[start:end].strip() for start, end in spans)):
            entries |= set(spans)
            rows += 1
    if rows < 3:
        return page
    return replace(page, lines=[span for span in page.lines if span not in entries])


def rows_of(segments: Sequence[Segment]) -> list[Row]:
    """Gather segments on one baseline, top to bottom."""
    gathered: list[list[Segment]] = []
    low = high = 0.0
    for segment in sorted(segments, key=lambda s: ((s.top + s.bottom) / 2, s.x0)):
        middle = (segment.top + segment.bottom) / 2
        height = segment.bottom - segment.top
        if (
            gathered
            and low <= middle <= high
            and min(high, segment.bottom) - max(low, segment.top) > 0.55 * min(height, high - low)
        ):
            gathered[-1].append(segment)
        else:
            gathered.append([segment])
            low, high = segment.top, segment.bottom
    return [Row(tuple(sorted(row, key=lambda s: s.x0))) for row in gathered]


def _between_numbers(text: str, end: int, start: int) -> bool:
    """Tell whether a blank parts two numbers rather than the thousands of one."""
    before = text[:end].split()[-1] if text[:end].split() else ""
    after = text[start:].split()[0] if text[start:].split() else ""
    if not (_AMOUNT.fullmatch(before) and _AMOUNT.fullmatch(after)):
        return False
    if before.endswith(",") and len(after) < 4:
        return False  # a list of pages goes on after its comma
    return not (after.isdigit() and len(after) == 3 and before.isdigit() and len(before) < 4)


def _leaders(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Mark the dots that lead from a label to its number."""
    marks = np.zeros(len(text), np.bool_)
    for match in re.finditer(r"(?:[.·…]\s?){4,}", text):
        marks[match.start() : match.end()] = True
    return marks
