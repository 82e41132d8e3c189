"""How pieces of raw text become one text whose every character keeps its place."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.types import RawPage

_HYPHENS = "-\u2010"
_LOOKED_AT = 8


class Text:
    """A growing text over the characters of a raw page."""

    def __init__(self, raw: RawPage) -> None:
        self._raw = raw
        self._pieces: list[str] = []
        self._tail = ""  # the last characters: what joining looks at
        self._places: list[int] = []  # first character of each piece on the page, -1 for none
        self._sizes: list[int] = []
        self._length = 0
        self._value = ""

    def __len__(self) -> int:
        return self._length

    @property
    def value(self) -> str:
        """The text so far."""
        if len(self._pieces) > 1 or len(self._value) != self._length:
            self._value = "".join(self._pieces)
            self._pieces = [self._value]
        return self._value

    def add(self, start: int, end: int) -> None:
        """Append characters of the raw page."""
        piece = self._raw.text[start:end]
        if not piece:
            return
        if self._length and unicodedata.combining(piece[0]):
            self.literal(" ")  # else it would compose with what stands before it
        self._pieces.append(piece)
        self._tail = (self._tail + piece[-_LOOKED_AT:])[-_LOOKED_AT:]
        self._places.append(start)
        self._sizes.append(len(piece))
        self._length += len(piece)

    def literal(self, separator: str) -> None:
        """Append characters that stand nowhere on the page."""
        if separator:
            self._pieces.append(separator)
            self._tail = (self._tail + separator)[-_LOOKED_AT:]
            self._places.append(-1)
            self._sizes.append(len(separator))
            self._length += len(separator)

    def separate(self, separator: str) -> None:
        """Append a separator, unless nothing stands before it."""
        if self._length:
            self.literal(separator)

    def join(self, following: str) -> None:
        """Append what belongs between a line and the one that follows in its paragraph.

        A hyphen that only marks the break of a word is taken away with the break.
        """
        before = self._tail
        if is_broken_word(before, following):
            self._pieces[-1] = self._pieces[-1][:-1]
            self._tail = self._tail[:-1]
            self._length -= 1
            self._sizes[-1] -= 1
            return
        self.literal(separator(before, following))

    def boxes(self) -> NDArray[np.float32]:
        """Return the place of every character, shape ``(len(text), 4)``; NaN for separators."""
        if not self._places:
            return np.zeros((0, 4), np.float32)
        places, sizes = np.array(self._places), np.array(self._sizes)
        at = np.arange(self._length) + np.repeat(places - np.cumsum(sizes) + sizes, sizes)
        boxes: NDArray[np.float32] = self._raw.char_boxes.take(at, axis=0)
        limits = np.array([self._raw.width, self._raw.height] * 2, np.float32)
        np.minimum(boxes, limits, out=boxes)
        np.maximum(boxes, 0, out=boxes)
        boxes[np.repeat(places < 0, sizes)] = np.nan
        return boxes


def separator(before: str, following: str) -> str:
    """Return what stands between two lines of one paragraph: nothing in Chinese, else a blank."""
    if not before or not following or before[-1].isspace() or following[0].isspace():
        return ""
    last, first = before[-1], following[0]
    if is_wide(last) or is_wide(first):
        return ""
    if last == "/" or (last in _HYPHENS and first.isalnum()):
        return ""
    return " "


def is_broken_word(before: str, following: str) -> bool:
    """Tell whether a line ends in the middle of a word: ``exam-`` and ``ple``."""
    return (
        len(before) > 2
        and before[-1] in _HYPHENS
        and before[-2].isalpha()
        and before[-2].islower()
        and before[-3].isalpha()
        and not is_wide(before[-2])
        and following[:1].islower()
        and following[1:2].isalpha()
    )


def is_wide(char: str) -> bool:
    """Tell whether words are written without blanks in this character's script (not Hangul)."""
    if "\uac00" <= char <= "\ud7a3":
        return False
    return unicodedata.east_asian_width(char) in "WF"


def normalize(raw: RawPage) -> RawPage:
    """Bring the raw text into NFC; a composed character stands where its parts stood."""
    if unicodedata.is_normalized("NFC", raw.text):
        return raw
    text: list[str] = []
    boxes: list[NDArray[np.float32]] = []
    at = np.zeros(len(raw.text) + 1, np.intp)
    starts = {line.start for line in raw.lines}
    starts |= {start for t in raw.tables for cell in t.cells for start, _ in cell.ranges}
    count = 0
    borders = [
        index
        for index, char in enumerate(raw.text)
        if index == 0 or index in starts or not _leans(char)
    ]
    for begin, end in itertools.pairwise([*borders, len(raw.text)]):
        piece = unicodedata.normalize("NFC", raw.text[begin:end])
        box = raw.char_boxes[begin:end]
        if len(piece) != end - begin:
            whole = np.concatenate([box[:, :2].min(axis=0), box[:, 2:].max(axis=0)])
            box = np.repeat(whole[None], len(piece), axis=0)
        boxes.append(box)
        text.append(piece)
        at[begin:end] = count
        count += len(piece)
    at[len(raw.text)] = count
    lines = tuple(
        line._replace(start=int(at[line.start]), end=int(at[line.end])) for line in raw.lines
    )
    tables = tuple(
        replace(
            table,
            cells=tuple(
                replace(cell, ranges=tuple((int(at[a]), int(at[b])) for a, b in cell.ranges))
                for cell in table.cells
            ),
        )
        for table in raw.tables
    )
    joined = "".join(text)
    return replace(
        raw,
        text=joined,
        char_boxes=np.concatenate(boxes).astype(np.float32),
        lines=lines,
        tables=tables,
    )


def _leans(char: str) -> bool:
    """Tell whether the character may compose with the one before it."""
    return unicodedata.combining(char) != 0 or "\u1160" <= char <= "\u11ff"
