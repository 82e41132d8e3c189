"""The nouns of reading: what one page's reading gives before it becomes a ``ragqa.types.Page``.

Coordinates are PDF points, origin top-left, on the page as displayed (rotation applied).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
import orjson
from isal import isal_zlib as zlib

from ragqa.types import BBox, Notice, PageSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PARSER_VERSION = "19"
"""Part of every page key: raise it when reading the same bytes would give something else."""

_UNREAD = frozenset({"unreadable_page", "ocr_missing"})
"""Notices of pages that were given up."""

MANY_PAGES = 200
"""Reading so many takes far longer than loading the model again, and readers need its memory;
their passages are embedded by one call at a time: with two at once memory grows towards the end."""

OcrMode = Literal["auto", "always", "never"]
FileKind = Literal["pdf", "plain", "docx", "image"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the caller wants of a reading, and what a page may cost."""

    ocr: OcrMode = "auto"
    ocr_engine: str = ""
    """``rapidocr``, ``paddleocr``, ``none``; empty: the best one installed."""
    ocr_dpi: int = 150
    password: str | None = None
    page_seconds: float = 60.0
    page_memory_mb: int = 1500
    max_pages: int = 2000
    models_folder: Path = field(default_factory=Path)


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file that opened: how many pages, what to know, and the content key of each page."""

    pages: int
    notices: tuple[Notice, ...]
    page_keys: tuple[str, ...]
    kind: FileKind
    pictured: int = 0
    """About how many pages OCR may have to read, in whole or in part."""


class Line(NamedTuple):
    """Characters ``[start, end)`` of the raw text that share a baseline."""

    start: int
    end: int
    bbox: BBox
    size: float
    """Font size, or the height of the line for OCR, in points."""
    bold: bool = False
    block: int = 0
    """Which of the reader's paragraphs it belongs to."""
    vertical: bool = False
    confidence: float | None = None
    """The OCR engine's, in [0, 1]; None for a text layer."""
    mono: bool = False
    marked: str = ""
    """Not page text proper: ``field`` (a form's value) or ``note`` (an annotation)."""
    sure: tuple[float, ...] = ()
    """The OCR engine's confidence of each character as it was read; empty: it does not say."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; ``ranges`` are its characters in the raw text, in reading order."""

    row: int
    column: int
    bbox: BBox
    ranges: tuple[tuple[int, int], ...] = ()
    row_span: int = 1
    column_span: int = 1


@dataclass(frozen=True, slots=True)
class RawTable:
    """A grid found on a page."""

    bbox: BBox
    rows: int
    columns: int
    cells: tuple[Cell, ...]
    header_rows: int = 1
    barred: bool = False
    """Its cells stand between bars, which are in the text and belong to them."""


@dataclass(frozen=True, slots=True, eq=False)
class RawPage:
    """All that one reading of a page found; plain data, so that it can be kept and sent."""

    number: int
    width: float
    height: float
    source: PageSource
    text: str = ""
    char_boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """Shape ``(len(text), 4)``."""
    lines: tuple[Line, ...] = ()
    tables: tuple[RawTable, ...] = ()
    figures: tuple[BBox, ...] = ()
    outline: tuple[tuple[int, str], ...] = ()
    """Entries of the file's outline that point to this page: (level from 1, title)."""
    notices: tuple[Notice, ...] = ()
    ocr_confidence: float | None = None
    ocr_reason: str = ""
    """Why the page was given to OCR; empty when it was not."""
    turned: int = 0
    """Degrees clockwise by which most of the text stands: 0, 90, 180, 270."""
    flowing: bool = False
    """Set on virtual pages by ourselves: there are no running heads."""
    rules: tuple[BBox, ...] = ()
    """Wide level rules and shaded strips, which part what stands above from what stands below."""
    digest: bytes = b""
    """Told by what the page was unpacked from, and by its corrections; empty: not known."""

    @property
    def given_up(self) -> bool:
        """Whether it was not read; a blank page was, and holds nothing."""
        return any(notice.code in _UNREAD for notice in self.notices)

    def to_bytes(self) -> bytes:
        """Write the page as zlib over a JSON head and the boxes; ``from_bytes`` reads it back.

        Its number is left out: the same page may stand elsewhere in another version.
        """
        head: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "source": self.source,
            "text": self.text,
            "lines": [tuple(line) for line in self.lines],
            "tables": self.tables,
            "figures": self.figures,
            "rules": self.rules,
            "outline": self.outline,
            "notices": self.notices,
            "ocr_confidence": self.ocr_confidence,
            "ocr_reason": self.ocr_reason,
            "turned": self.turned,
            "flowing": self.flowing,
        }
        packed = orjson.dumps(head, default=tuple)
        boxes = np.ascontiguousarray(self.char_boxes, np.float32).tobytes()
        return zlib.compress(struct.pack("<I", len(packed)) + packed + boxes, 1)

    @classmethod
    def from_bytes(cls, data: bytes, number: int) -> Self:
        """Read what ``to_bytes`` wrote, as page ``number``."""
        plain = zlib.decompress(data)
        (size,) = struct.unpack_from("<I", plain)
        head = orjson.loads(plain[4 : 4 + size])
        boxes = np.frombuffer(plain[4 + size :], np.float32)
        head["number"] = number
        head["digest"] = hashlib.blake2b(data, digest_size=16).digest()
        head["char_boxes"] = boxes.reshape(-1, 4).copy()
        head["lines"] = tuple(_line(row) for row in head["lines"])
        head["tables"] = tuple(_table(table) for table in head["tables"])
        head["figures"] = tuple(BBox(*box) for box in head["figures"])
        head["rules"] = tuple(BBox(*box) for box in head["rules"])
        head["outline"] = tuple((level, title) for level, title in head["outline"])
        head["notices"] = tuple(Notice(**notice) for notice in head["notices"])
        return cls(**head)


class PackedPage(NamedTuple):
    """A ``RawPage`` as it travels and is kept."""

    number: int
    given_up: bool
    data: bytes
    """What ``to_bytes`` wrote."""

    @classmethod
    def of(cls, raw: RawPage) -> Self:
        """Pack a page."""
        return cls(raw.number, raw.given_up, raw.to_bytes())


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What a page's text layer says and what else is drawn, before any judgement.

    Attributes of characters are arrays with one row for each character of ``text``.
    """

    number: int
    width: float
    height: float
    text: str
    char_boxes: NDArray[np.float32]
    lines: tuple[Line, ...]
    rules: NDArray[np.float32]
    """Shape (n, 4): drawn paths and filled rectangles."""
    images: tuple[BBox, ...]
    invisible: int = 0
    """Characters of ``text`` in render mode 3, as an OCR layer has them."""
    hidden: int = 0
    """Characters left out because nobody sees them: off the page, or white on white."""
    turned: int = 0
    """Degrees clockwise by which most of the text stands rotated: 0, 90, 180, 270."""
    notices: tuple[Notice, ...] = ()


class HeadPlace(NamedTuple):
    """Where a running head stands, and how large it is set, in points.

    ``nearest`` and ``farthest`` are distances of its middle from the edge of the page.
    """

    nearest: float
    farthest: float
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True)
class RunningHeads:
    """Lines that repeat at the edges of a document's pages, at one height and in one size.

    ``lines`` tells for (edge, shape of the text), digits folded to ``#``, the places where such a
    line is a running head; the same words elsewhere, or larger, are text.
    """

    lines: Mapping[tuple[Literal["top", "bottom"], str], tuple[HeadPlace, ...]] = field(
        default_factory=dict
    )
    body_size: float = 0.0
    """The font size most of the document is set in, in points."""
    heading_sizes: tuple[float, ...] = ()
    """Sizes well above it, largest first."""
    all_bold: bool = False
    """Bold marks nothing here: much of the text is."""


def digest_of(*told: object) -> bytes:
    """Return a hash of plain values, by which what is made of them is told apart."""
    text = repr(told).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _line(row: list[Any]) -> Line:
    row[2], row[10:] = BBox(*row[2]), (tuple(*row[10:]),)
    return Line(*row)


def _table(table: dict[str, Any]) -> RawTable:
    cells = tuple(
        Cell(
            **{
                **cell,
                "bbox": BBox(*cell["bbox"]),
                "ranges": tuple((start, end) for start, end in cell["ranges"]),
            }
        )
        for cell in table["cells"]
    )
    return RawTable(**{**table, "bbox": BBox(*table["bbox"]), "cells": cells})
