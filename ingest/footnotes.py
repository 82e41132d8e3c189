"""Footnotes: small print at the foot of a column, read after all columns of its page."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.types import Line, RawPage, RawTable

_MARK = re.compile(
    r"\s*(?:(?:[*†‡§¶①-⑳]|[\[［(（]\d{1,2}[\]］)）])(?:\s*[^\W\d]|$)"
    r"|[\d⁰¹²³⁴-⁹]{1,3}[.、]?\s*[^\W\d]|[a-z][A-Z]|注\s*[:：\d])"
)
_SMALL = 0.9
"""Of the size of the page's text."""
_HIGHEST = 0.4
"""Share of the page's height above which no footnote begins."""


def find_footnotes(
    raw: RawPage, lines: Sequence[Line], tables: Sequence[RawTable] = ()
) -> frozenset[int]:
    """Return the indexes of the lines that are footnotes, marks and all.

    A footnote begins with its mark, in small print, under the text of its column; nothing but
    small print stands below it. Lines read by OCR are none: their sizes are those of what was seen.
    """
    body = _body_size(lines)
    if not body or any(line.confidence is not None for line in lines):
        return frozenset()
    small = np.array([line.size <= _SMALL * body and not line.marked for line in lines], np.bool_)
    begins = [
        index
        for index in np.flatnonzero(small).tolist()
        if lines[index].bbox.top > _HIGHEST * raw.height
        and not lines[index].vertical
        and _MARK.match(raw.text[lines[index].start : lines[index].end])
    ]
    if not begins:
        return frozenset()
    boxes = np.array([line.bbox for line in lines], np.float32)
    grids = np.array([table.bbox for table in tables], np.float32).reshape(-1, 4)
    found: set[int] = set()
    for index in sorted(begins, key=lambda index: lines[index].bbox.top):
        if index in found:
            continue
        box = boxes[index]
        under = (boxes[:, 0] < box[2]) & (boxes[:, 2] > box[0])
        below = under & (boxes[:, 1] > (box[1] + box[3]) / 2)
        above = under & (boxes[:, 3] <= box[1] + 2)
        beside = (grids[:, 0] < box[2]) & (grids[:, 2] > box[0]) & (grids[:, 3] > box[1])
        if small[below].all() and (above & ~small).any() and not beside.any():
            found.add(index)
            found.update(np.flatnonzero(below).tolist())
    return frozenset(found)


def _body_size(lines: Sequence[Line]) -> float:
    """Return the size in which most characters of the page are set."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += line.end - line.start
    return max(sizes, key=lambda size: (sizes[size], size)) if sizes else 0.0
