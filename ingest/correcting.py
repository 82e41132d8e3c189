"""A raw page with what people read better than the machine did.

Done before anything looks at the page: reading order, headings, passages and what they are found by
follow from the corrected text by the ordinary way. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from ingest.joining import is_wide
from ingest.types import digest_of
from ragqa.store.corrections import match_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.types import Line, RawPage, RawTable
    from ragqa.types import Correction

CERTAIN = 1.0
"""How sure a line is that somebody looked at."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters ``[start, end)`` as they were read, and what stands there in their place."""

    start: int
    end: int
    text: str


def correct(raw: RawPage, corrections: Sequence[Correction]) -> RawPage:
    """Return the page with its corrected lines.

    Characters that stay keep their places; those that were changed are spread over the place of
    those they replace. A line that is no text is taken out.
    """
    if not corrections:
        return raw
    lines = [(line.bbox, raw.text[slice(*_inked(raw, line))]) for line in raw.lines]
    chosen = match_lines(corrections, lines)
    pieces = [
        piece
        for number in sorted(chosen, key=lambda number: raw.lines[number].start)
        for piece in _pieces(raw, raw.lines[number], chosen[number].text)
    ]
    text: list[str] = []
    boxes: list[NDArray[np.float32]] = []
    at = np.zeros(len(raw.text) + 1, np.intp)  # where each border between characters went
    done = length = 0
    for piece in [*pieces, _Piece(len(raw.text), len(raw.text), "")]:
        at[done : piece.start] = np.arange(piece.start - done) + length
        text.append(raw.text[done : piece.start])
        boxes.append(raw.char_boxes[done : piece.start])
        length += piece.start - done
        if piece.end > piece.start:
            old, new = piece.end - piece.start, len(piece.text)
            at[piece.start : piece.end] = np.arange(old) * new // old + length
            text.append(piece.text)
            boxes.append(_spread(raw, piece))
            length += new
        done = piece.end
    at[len(raw.text)] = length
    changed = {id(raw.lines[number]) for number in chosen}
    moved = [
        line._replace(
            start=int(at[line.start]),
            end=int(at[line.end]),
            confidence=CERTAIN
            if id(line) in changed and line.confidence is not None
            else line.confidence,
            sure=() if id(line) in changed else line.sure,
        )
        for line in raw.lines
    ]
    left = tuple(line for line in moved if line.end > line.start)
    told = [(one.place, one.read_as, one.text) for one in corrections]
    return replace(
        raw,
        text="".join(text),
        char_boxes=np.concatenate(boxes).astype(np.float32),
        lines=left,
        tables=tuple(_moved(table, at) for table in raw.tables),
        ocr_confidence=_confidence(raw, left),
        digest=raw.digest and digest_of(raw.digest, told),
    )


def _inked(raw: RawPage, line: Line) -> tuple[int, int]:
    """Return where a line's text begins and ends, white space left out."""
    text = raw.text[line.start : line.end]
    start = line.start + len(text) - len(text.lstrip())
    return start, max(start, line.start + len(text.rstrip()))


def _pieces(raw: RawPage, line: Line, wanted: str) -> list[_Piece]:
    """Return what to change in a line, every piece over at least one character that was read."""
    start, end = _inked(raw, line)
    old = raw.text[start:end]
    if not wanted:
        return [_Piece(line.start, line.end, "")]
    if old == wanted:
        return []
    pieces: list[_Piece] = []
    opcodes = SequenceMatcher(None, old, wanted, autojunk=False).get_opcodes()
    for kind, i1, i2, j1, j2 in opcodes:
        if kind == "equal":
            continue
        if kind != "insert":
            pieces.append(_Piece(start + i1, start + i2, wanted[j1:j2]))
        elif i1 > 0:  # what is put in shares the place of the character before it
            pieces.append(_Piece(start + i1 - 1, start + i1, wanted[j1 - 1 : j2]))
        else:
            pieces.append(_Piece(start, start + 1, wanted[j1 : j2 + 1]))
    return _merged(pieces)


def _merged(pieces: list[_Piece]) -> list[_Piece]:
    """Unite an insertion before the first character with one after it."""
    merged: list[_Piece] = []
    for piece in pieces:
        if merged and piece.start < merged[-1].end:
            merged[-1] = replace(merged[-1], text=merged[-1].text + piece.text[1:])
        else:
            merged.append(piece)
    return merged


def _spread(raw: RawPage, piece: _Piece) -> NDArray[np.float32]:
    """Place new characters side by side where the old ones stood; shape ``(len(text), 4)``."""
    if not piece.text:
        return np.zeros((0, 4), np.float32)
    line = next(one for one in raw.lines if one.start <= piece.start < one.end)
    old = raw.char_boxes[piece.start : piece.end]
    old = old[~np.isnan(old[:, 0])]
    if not len(old):
        old = np.array([line.bbox], np.float32)
    x0, top = map(float, old[:, :2].min(axis=0))
    x1, bottom = map(float, old[:, 2:].max(axis=0))
    widths = [2 if is_wide(char) else 1 for char in piece.text]
    ends = np.array([0, *accumulate(widths)], np.float64) / sum(widths)
    first, last = raw.char_boxes[line.start], raw.char_boxes[line.end - 1]
    axis = 1 if line.vertical else 0
    if first[axis] + first[axis + 2] > last[axis] + last[axis + 2]:
        ends = 1 - ends  # it runs upwards, or from right to left
    nearer, farther = np.minimum(ends[:-1], ends[1:]), np.maximum(ends[:-1], ends[1:])
    made = np.empty((len(piece.text), 4))
    made[:] = x0, top, x1, bottom
    begin, size = (top, bottom - top) if line.vertical else (x0, x1 - x0)
    made[:, axis], made[:, axis + 2] = begin + size * nearer, begin + size * farther
    return made.astype(np.float32)


def _moved(table: RawTable, at: NDArray[np.intp]) -> RawTable:
    """Return the table over the same characters where they are now; those taken out are gone."""
    cells = []
    for cell in table.cells:
        ranges = tuple((int(at[start]), int(at[end])) for start, end in cell.ranges)
        cells.append(replace(cell, ranges=tuple((s, e) for s, e in ranges if e > s)))
    return replace(table, cells=tuple(cells))


def _confidence(raw: RawPage, lines: Sequence[Line]) -> float | None:
    """Return how sure the page is: the mean over its characters, as the engine's own is."""
    sure = [
        (line.confidence, line.end - line.start) for line in lines if line.confidence is not None
    ]
    if raw.ocr_confidence is None or not sure:
        return raw.ocr_confidence
    return float(np.average([one for one, _ in sure], weights=[weight for _, weight in sure]))
