"""Words that are drawn, glyph by glyph, on a page whose other text is written: they need OCR.

Logos and headings that a designer turned into outlines, labels of drawings: no text layer has them.
A row of small filled shapes on one baseline, unlike in width and height and close together, is
taken for words; bars of charts, shading and ticks are alike, or touch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ragqa.types import BBox, meet, unite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingest.types import Layer

_FEWEST, _MOST = 8, 5000
"""Shapes of a row; those of a page, beyond which it is a map."""
_LOW, _HIGH = 2.0, 40.0
"""Height of a glyph, in points."""
_OFF = 0.6
"""Points by which round letters reach below the baseline."""
_APART = 1.5
"""Widest blank between words, in heights."""
_UNLIKE = 5, 2
"""Fewest widths and heights that differ, to a tenth of a point."""
_TOUCHING = 0.3
"""Share of shapes beyond which those that meet exactly are tiles, not letters."""
_REACH = 0.5
"""Share of a row's width that upended lines cover where the page is written that way."""
_MOST_REGIONS = 12
"""More of them are a drawing with marks like letters."""


def outlined_regions(layer: Layer) -> tuple[BBox, ...]:
    """Return where words are drawn as outlines and no text of the layer stands, from the top."""
    rules = layer.rules
    if len(rules) < _FEWEST:
        return ()
    wide, high = rules[:, 2] - rules[:, 0], rules[:, 3] - rules[:, 1]
    small = rules[(high > _LOW) & (high < _HIGH) & (wide > _LOW / 4) & (wide < _HIGH)]
    if not _FEWEST <= len(small) <= _MOST:
        return ()
    rows = [
        row for row in (_grown(row, small) for row in _rows(small)) if not _is_written(row, layer)
    ]
    regions = _united(rows)
    return tuple(regions) if len(regions) <= _MOST_REGIONS else ()


def _rows(shapes: NDArray[np.float32]) -> Iterator[BBox]:
    """Yield the boxes of rows of shapes that look like words, from the top."""
    shapes = shapes[np.argsort(shapes[:, 3], kind="stable")]
    begins = np.flatnonzero(np.diff(shapes[:, 3]) > _OFF) + 1
    for line in np.split(shapes, begins):
        if len(line) < _FEWEST:
            continue
        line = line[np.argsort(line[:, 0], kind="stable")]
        gaps = line[1:, 0] - line[:-1, 2]
        em = float(np.median(line[:, 3] - line[:, 1]))
        for row in np.split(line, np.flatnonzero(gaps > _APART * em) + 1):
            if _are_letters(row, em):
                low, high = row[:, :2].min(axis=0), row[:, 2:].max(axis=0)
                yield BBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _are_letters(row: NDArray[np.float32], em: float) -> bool:
    if len(row) < _FEWEST:
        return False
    sizes = np.round(row[:, 2:] - row[:, :2], 1)
    if any(len(np.unique(sizes[:, axis])) < least for axis, least in enumerate(_UNLIKE)):
        return False
    gaps = row[1:, 0] - row[:-1, 2]
    meeting = np.abs(gaps) < 0.02
    return bool(meeting.mean() < _TOUCHING and (gaps < -em / 2).mean() < 0.1)


def _grown(row: BBox, shapes: NDArray[np.float32]) -> BBox:
    """Return the row with the letters that hang below its line, and the words beyond these."""
    middles = (shapes[:, 1] + shapes[:, 3]) / 2
    high = row.bottom - row.top
    level = shapes[(middles > row.top - high / 4) & (middles < row.bottom + high / 4)]
    before = None
    while row != before:
        before = row
        near = (level[:, 0] < row.x1 + _APART * high) & (level[:, 2] > row.x0 - _APART * high)
        row = unite([row, *(BBox(*map(float, shape)) for shape in level[near])])
    return row


def _is_written(row: BBox, layer: Layer) -> bool:
    """Tell whether text stands there; what is printed up the edge of the page may reach in."""
    inner = row._replace(top=row.top + 1, bottom=row.bottom - 1)
    over = [line for line in layer.lines if meet(line.bbox, inner)]
    if not all(line.vertical for line in over):
        return True
    covered = sum(min(line.bbox.x1, row.x1) - max(line.bbox.x0, row.x0) for line in over)
    return covered > _REACH * (row.x1 - row.x0)


def _united(rows: Sequence[BBox]) -> list[BBox]:
    """Join rows that follow each other closely, and give each region air around it."""
    regions: list[tuple[BBox, float]] = []
    for row in rows:
        em = row.bottom - row.top
        for index, (region, last) in enumerate(regions):
            near = row.top - region.bottom < 1.5 * max(em, last)
            if near and row.x0 < region.x1 and row.x1 > region.x0:
                regions[index] = (unite([region, row]), em)
                break
        else:
            regions.append((row, em))
    return [
        BBox(box.x0 - em / 2, box.top - em / 2, box.x1 + em / 2, box.bottom + em / 2)
        for box, em in regions
    ]
