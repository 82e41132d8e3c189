"""Rows and columns become cells: spans, cells of several lines, signs put to their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ingest.tables.signs import SIGNS_AFTER, SIGNS_BEFORE
from ingest.types import Cell, RawTable
from ragqa.types import BBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.tables.segments import Row, Segment


@dataclass(frozen=True, slots=True)
class Column:
    """A strip of the page."""

    x0: float
    x1: float


@dataclass(slots=True)
class _Record:
    """A row of the table under construction: segments by (first column, last column)."""

    cells: dict[tuple[int, int], list[Segment]]
    top: float
    bottom: float

    @property
    def columns(self) -> set[int]:
        return {column for first, last in self.cells for column in range(first, last + 1)}

    @property
    def spans(self) -> bool:
        return any(last > first for first, last in self.cells)

    @property
    def numbers(self) -> int:
        return sum(s.is_number for held in self.cells.values() for s in held)

    def text(self, column: int) -> str:
        """What stands in a column, by the first cell that begins there."""
        return " ".join(
            s.text for (first, _), held in self.cells.items() if first == column for s in held
        )


def build(
    rows: Sequence[Row], columns: Sequence[Column], rules: Sequence[float], em: float
) -> RawTable | None:
    """Put segments into cells and lines into rows; None when too little is left."""
    columns = _without_signs(rows, columns)
    if len(columns) < 2:
        return None
    records = [_record(row, columns) for row in rows]
    records = _merged(records, rules, em)
    if len(records) < 2:
        return None
    return _table(records, columns)


def _without_signs(rows: Sequence[Row], columns: Sequence[Column]) -> list[Column]:
    """Put strips that hold nothing but currency or percent signs to the strip they belong to."""
    texts: list[set[str]] = [set() for _ in columns]
    for row in rows:
        for segment in row.segments:
            first, last = _place(segment, columns)
            if first == last:
                texts[first].add(segment.text)
    kept: list[Column] = []
    before: Column | None = None
    for index, column in enumerate(columns):
        signs = {char for text in texts[index] for char in text}
        if before is not None:
            column = Column(before.x0, column.x1)
            before = None
        if signs and signs <= SIGNS_BEFORE and index + 1 < len(columns):
            before = column
        elif signs and signs <= SIGNS_AFTER and kept:
            kept[-1] = Column(kept[-1].x0, column.x1)
        else:
            kept.append(column)
    return kept


def _place(segment: Segment, columns: Sequence[Column]) -> tuple[int, int]:
    """Return the first and last column that a segment stands in."""
    over = [
        index
        for index, column in enumerate(columns)
        if min(segment.x1, column.x1) - max(segment.x0, column.x0)
        > min(0.3 * (column.x1 - column.x0), 0.5 * (segment.x1 - segment.x0))
    ]
    if over:
        return over[0], over[-1]
    middle = (segment.x0 + segment.x1) / 2
    nearest = min(
        range(len(columns)), key=lambda i: abs((columns[i].x0 + columns[i].x1) / 2 - middle)
    )
    return nearest, nearest


def _record(row: Row, columns: Sequence[Column]) -> _Record:
    cells: dict[tuple[int, int], list[Segment]] = {}
    for segment in row.segments:
        place = _place(segment, columns)
        clash = next((key for key in cells if key[0] <= place[1] and place[0] <= key[1]), None)
        if clash is not None:
            held = cells.pop(clash)
            place = (min(clash[0], place[0]), max(clash[1], place[1]))
            cells[place] = [*held, segment]
        else:
            cells[place] = [segment]
    return _Record(cells, row.top, row.bottom)


def _merged(records: list[_Record], rules: Sequence[float], em: float) -> list[_Record]:
    """Join lines that belong to one row of cells."""
    between = [
        any(first.bottom - em <= rule <= second.top + em for rule in rules)
        for first, second in pairwise(records)
    ]
    ruled = len(records) > 3 and sum(between) >= 0.4 * len(records) and len(rules) > 3
    body = _first_body(records)
    steps = [second.bottom - first.bottom for first, second in pairwise(records)]
    usual = float(np.median(steps)) if steps else 0.0
    joined = [records[0]]
    for index, record in enumerate(records[1:], start=1):
        last = joined[-1]
        tight = steps[index - 1] <= min(1.12 * usual, 1.6 * em)
        if ruled:
            same = not between[index - 1]
        elif index < body:
            same = tight and _is_heading_line(last, record)
        else:
            same = tight and index > body and _goes_on(last, record)
        if same:
            joined[-1] = _joined(last, record)
        else:
            joined.append(record)
    return joined


def _first_body(records: Sequence[_Record]) -> int:
    """Return the index of the first row with numbers, after the heading."""
    for index, record in enumerate(records):
        others = sum(len(held) for key, held in record.cells.items() if key[0] > 0)
        years = all(
            s.text.strip().isdigit() and 1900 <= int(s.text) <= 2100
            for key, held in record.cells.items()
            if key[0] > 0
            for s in held
        )
        if others and record.numbers >= 0.5 * others and not years:
            return index
    return 0


def _is_heading_line(last: _Record, record: _Record) -> bool:
    """Tell whether a line of the heading goes on with the cells of the line above it."""
    if last.spans or record.spans:
        return False
    return record.columns <= last.columns or last.columns <= record.columns


def _goes_on(last: _Record, record: _Record) -> bool:
    """Tell whether a line holds the rest of the cells above it."""
    if record.numbers or record.spans:
        return False
    if 0 not in record.columns:
        return record.columns <= last.columns
    if record.columns != {0}:
        return False
    text = record.text(0)
    return text[:1].islower() or text[:1] in "(&"


def _joined(first: _Record, second: _Record) -> _Record:
    cells = {key: list(held) for key, held in first.cells.items()}
    for place, held in second.cells.items():
        clash = next((key for key in cells if key[0] <= place[1] and place[0] <= key[1]), None)
        if clash is None:
            cells[place] = list(held)
        else:
            cells[clash] = [*cells[clash], *held]
    return _Record(cells, first.top, second.bottom)


def _table(records: Sequence[_Record], columns: Sequence[Column]) -> RawTable:
    cells = []
    for row, record in enumerate(records):
        for (first, last), held in sorted(record.cells.items()):
            cells.append(
                Cell(
                    row=row,
                    column=first,
                    bbox=BBox(
                        min(s.x0 for s in held),
                        min(s.top for s in held),
                        max(s.x1 for s in held),
                        max(s.bottom for s in held),
                    ),
                    ranges=tuple((s.start, s.end) for s in held),
                    column_span=last - first + 1,
                )
            )
    box = BBox(
        min(cell.bbox.x0 for cell in cells),
        min(cell.bbox.top for cell in cells),
        max(cell.bbox.x1 for cell in cells),
        max(cell.bbox.bottom for cell in cells),
    )
    return RawTable(box, len(records), len(columns), tuple(cells), max(1, _first_body(records)))
