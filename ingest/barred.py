"""Tables written with bars, as Markdown has them: ``| a | b |``, one line a row.

A text file has no rules to see: the bars are the grid. They stay in the text.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from ingest.types import Cell, RawTable
from ragqa.types import BBox, unite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.types import Line, RawPage

    Range = tuple[int, int]

_BAR = re.compile(r"(?<!\\)\|")
_ROWS, _COLUMNS = 2, 2
"""Less of either is no table."""


def barred_tables(raw: RawPage) -> list[RawTable]:
    """Return the tables of a page of a text file; their cells hold their left bar, too."""
    if "|" not in raw.text:
        return []
    paragraphs = [list(lines) for _, lines in groupby(raw.lines, key=lambda line: line.block)]
    return [
        _table(raw, run)
        for barred, rows in groupby(paragraphs, key=lambda lines: _is_row(raw, lines))
        if barred and len(run := list(rows)) >= _ROWS
    ]


def words_of(cell: str) -> str:
    """Return what a cell says: without its bars, and without the blanks beside them."""
    return cell.strip(" |").replace("\\|", "|")


def is_ruled_off(row: Sequence[str]) -> bool:
    """Tell whether a row only parts the heads from the rest, as ``| --- | :-: |`` does."""
    return any(row) and all(set(cell) <= set(":- ") for cell in row)


def _is_row(raw: RawPage, lines: Sequence[Line]) -> bool:
    first, last = lines[0], lines[-1]
    bars = sum(len(_BAR.findall(raw.text, line.start, line.end)) for line in lines)
    return raw.text[first.start] == "|" and raw.text[last.end - 1] == "|" and bars > _COLUMNS


def _table(raw: RawPage, rows: Sequence[Sequence[Line]]) -> RawTable:
    cells: list[Cell] = []
    for number, lines in enumerate(rows):
        box = unite([line.bbox for line in lines])
        for column, ranges in enumerate(_cells(raw, lines)):
            cells.append(Cell(number, column, _place(raw, ranges, box), tuple(ranges)))
    columns = 1 + max(cell.column for cell in cells)
    box = unite([line.bbox for lines in rows for line in lines])
    return RawTable(box, len(rows), columns, tuple(cells), barred=True)


def _cells(raw: RawPage, lines: Sequence[Line]) -> Iterator[list[Range]]:
    """Yield the ranges of each cell of a row; a cell that the line's end breaks has several."""
    ranges: list[Range] = []
    last = lines[-1]
    for line in lines:
        start = line.start
        for bar in _BAR.finditer(raw.text, line.start, line.end):
            if bar.start() > start:
                ranges.append((start, bar.start()))
            start = bar.start()
            if bar.end() == last.end:
                break
            if ranges:
                yield ranges
            ranges = []
        ranges.append((start, line.end))
    # The last bar closes the last cell: it is part of it.
    yield _joined(ranges)


def _joined(ranges: Sequence[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, end in ranges:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _place(raw: RawPage, ranges: Sequence[Range], row: BBox) -> BBox:
    boxes = [raw.char_boxes[start:end] for start, end in ranges]
    left = min(float(box[:, 0].min()) for box in boxes)
    right = max(float(box[:, 2].max()) for box in boxes)
    return BBox(left, row.top, right, row.bottom)
