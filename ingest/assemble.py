"""A raw page becomes its final text, once and for all: ordered, joined, normalised, in blocks.

Pure: the same raw page and running heads give the same page, byte for byte.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.barred import barred_tables, is_ruled_off, words_of
from ingest.breaks import Edges, find_edges
from ingest.captions import tie_captions
from ingest.footnotes import find_footnotes
from ingest.heads import running_lines
from ingest.joining import Text, normalize, separator
from ingest.layout import order
from ingest.paragraphs import Paragraph, classify, paragraphs
from ingest.turning import turned_back, upright
from ingest.types import Cell, Line, RawPage, RawTable, RunningHeads
from ragqa.types import BBox, Block, CellSpan, Page, Span, unite

if TYPE_CHECKING:
    from collections.abc import Sequence


def assemble(raw: RawPage, heads: RunningHeads) -> Page:
    """Fix the text of a page that is looked at alone.

    Blocks stand in reading order and their spans tile the text, one line break between two of
    them (a blank or nothing where a paragraph runs on into the next column). Running heads and
    feet are blocks without a span and not part of the text.
    """
    laid = lay(raw)
    return assemble_laid(laid, margins_of(laid, heads), heads, raw.turned)[0]


def lay(raw: RawPage) -> RawPage:
    """Return a page as it is assembled: upright, its text normalised."""
    return upright(normalize(raw))


def margins_of(laid: RawPage, heads: RunningHeads) -> list[Line]:
    """Return the running heads and feet of a page; none where it has nothing else to say."""
    margins = running_lines(laid, heads)
    return margins if len(margins) < len(laid.lines) else []


def assemble_laid(
    raw: RawPage, margins: Sequence[Line], heads: RunningHeads, turned: int
) -> tuple[Page, Edges]:
    """Assemble a page that ``lay`` gave, and say where it begins and ends.

    Of ``heads`` only the sizes of the document's text are asked for.

    Args:
        raw: The page.
        margins: Those of its lines that are running heads and feet.
        heads: What is known of the document.
        turned: Degrees clockwise by which the page stood before.
    """
    if raw.flowing:
        raw = replace(raw, tables=(*barred_tables(raw), *raw.tables))
    edge = {id(line) for line in margins}
    body = [line for line in raw.lines if id(line) not in edge]
    tables, body = _take_tables(raw, body)
    notes = find_footnotes(raw, body, tables)
    foot = [line for index, line in enumerate(body) if index in notes]
    rest = [line for index, line in enumerate(body) if index not in notes]
    ordered = [*_in_order(raw, [*rest, *tables]), *_in_order(raw, foot)]
    text = Text(raw)
    placed: list[tuple[Paragraph | RawTable, Block]] = []
    for group in paragraphs(raw, ordered):
        if isinstance(group, RawTable):
            block = _table_block(raw, text, group)
        else:
            block = _text_block(raw, text, group, heads)
        if block is not None:
            placed.append((group, block))
    above = _margin_blocks(raw, margins, top=True)
    edges = find_edges(raw, placed, {id(line) for line in foot}, first=len(above))
    page = Page(
        number=raw.number,
        width=raw.width,
        height=raw.height,
        source=raw.source if text.value else "empty",
        text=text.value,
        char_boxes=text.boxes(),
        blocks=(
            *above,
            *tie_captions(raw, [block for _, block in placed]),
            *_margin_blocks(raw, margins, top=False),
        ),
        ocr_confidence=raw.ocr_confidence,
    )
    return turned_back(page, turned), edges


def _in_order(raw: RawPage, items: Sequence[Line | RawTable]) -> list[Line | RawTable]:
    lines = [item if isinstance(item, Line) else None for item in items]
    found = order(
        [item.bbox for item in items],
        [line is not None and line.vertical for line in lines],
        strong=[line is not None and line.bold for line in lines],
        rules=np.array(raw.rules, np.float32).reshape(-1, 4),
    )
    return [items[index] for index in found]


def _text_block(raw: RawPage, text: Text, group: Paragraph, heads: RunningHeads) -> Block | None:
    text.separate("\n" if not group.runs_on else separator(text.value, _head(raw, group)))
    start = len(text)
    for line in group.lines:
        if len(text) > start:
            text.join(raw.text[line.start : line.end])
        text.add(line.start, line.end)
    if len(text) == start:
        return None
    value = text.value[start:]
    kind, level = classify(raw, group, value, heads)
    return Block(
        kind,
        _on_page(raw, unite([_place(raw, line) for line in group.lines])),
        value,
        Span(start, len(text)),
        level=level,
    )


def _table_block(raw: RawPage, text: Text, table: RawTable) -> Block | None:
    """Write a table row by row, a tab between cells; a cell's own lines are joined.

    Where bars stand between the cells they are the text's own, and no tab is put in.
    """
    grid: list[list[Cell | None]] = [[None] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        grid[cell.row][cell.column] = cell
    text.separate("\n")
    start = len(text)
    rows: list[tuple[str, ...]] = []
    for row in grid:
        texts: list[str] = []
        row_start = len(text)
        pending = ""
        last = -1
        for number, placed in enumerate(row):
            pending += "\t" if number and not table.barred else ""
            cell_start = -1
            for first, end in placed.ranges if placed is not None else ():
                if cell_start < 0:
                    if len(text) == row_start and len(text) > start:
                        text.literal("\n")
                    text.literal(pending if len(text) > row_start else "")
                    if table.barred and last not in {-1, first}:
                        text.literal(" ")  # the line was full
                    pending, cell_start = "", len(text)
                else:
                    text.join(raw.text[first:end])
                text.add(first, end)
                last = end
            said = text.value[cell_start:] if cell_start >= 0 else ""
            texts.append(words_of(said) if table.barred else said)
        if not (rows and table.barred and is_ruled_off(texts)):
            rows.append(tuple(texts))
    if len(text) == start:
        return None
    return Block(
        "table",
        _on_page(raw, table.bbox),
        text.value[start:],
        Span(start, len(text)),
        rows=tuple(rows),
        spans=() if table.barred else _spans(table),
    )


def _spans(table: RawTable) -> tuple[CellSpan, ...]:
    """Return the cells that cover several places and have something to say."""
    return tuple(
        CellSpan(cell.row, cell.column, cell.row_span, cell.column_span)
        for cell in table.cells
        if cell.ranges and (cell.row_span > 1 or cell.column_span > 1)
    )


def _take_tables(raw: RawPage, lines: list[Line]) -> tuple[list[RawTable], list[Line]]:
    """Give tables their characters, and cut what they took out of the lines.

    The ranges of cells are taken as they are; a character belongs to one cell or to one line.
    """
    taken = bytearray(len(raw.text))  # 1: a cell has the character
    tables: list[RawTable] = []
    for table in raw.tables:
        cells = []
        for cell in table.cells:
            ranges = tuple(r for r in cell.ranges if not any(taken[r[0] : r[1]]))
            for start, end in ranges:
                taken[start:end] = b"\1" * len(taken[start:end])
            cells.append(cell if ranges == cell.ranges else replace(cell, ranges=ranges))
        tables.append(replace(table, cells=tuple(cells)))
    left: list[Line] = []
    for line in lines:
        inside = taken[line.start : line.end]
        if not any(inside):
            left.append(line)
        elif not all(inside):
            left += _remaining(raw, line, inside)
    return tables, left


def _remaining(raw: RawPage, line: Line, inside: Sequence[int]) -> list[Line]:
    pieces: list[Line] = []
    start = line.start
    for at in range(line.start, line.end + 1):
        if at < line.end and not inside[at - line.start]:
            continue
        if raw.text[start:at].strip():
            first, end = start, at
            while raw.text[first].isspace():
                first += 1
            while raw.text[end - 1].isspace():
                end -= 1
            boxes = raw.char_boxes[first:end]
            bbox = BBox(*map(float, (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))))
            pieces.append(line._replace(start=first, end=end, bbox=bbox))
        start = at + 1
    return pieces


def _margin_blocks(raw: RawPage, lines: Sequence[Line], *, top: bool) -> list[Block]:
    middle = raw.height / 2
    return [
        Block(
            "header" if top else "footer",
            _on_page(raw, _place(raw, line)),
            raw.text[line.start : line.end].strip(),
        )
        for line in lines
        if ((line.bbox.top + line.bbox.bottom) / 2 < middle) == top
    ]


def _head(raw: RawPage, group: Paragraph) -> str:
    first = group.lines[0]
    return raw.text[first.start : first.end]


def _place(raw: RawPage, line: Line) -> BBox:
    """Where the line's characters stand; the line's own box may have been levelled."""
    if line.confidence is None:
        return line.bbox
    boxes = raw.char_boxes[line.start : line.end]
    return BBox(*map(float, (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))))


def _on_page(raw: RawPage, box: BBox) -> BBox:
    return BBox(
        min(max(box.x0, 0.0), raw.width),
        min(max(box.top, 0.0), raw.height),
        max(min(box.x1, raw.width), 0.0),
        max(min(box.bottom, raw.height), 0.0),
    )
