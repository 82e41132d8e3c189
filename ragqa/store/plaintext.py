"""Plain text on virtual A4 pages: where each character would stand if somebody printed it.

The same pages are read, cited and drawn, so a citation of a ``.txt`` opens a page with a box too.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WIDTH, HEIGHT = 595.0, 842.0
MARGIN = 57.0
SIZE = 9.0
LEADING = 12.4
LINES = int((HEIGHT - 2 * MARGIN) / LEADING)
CHARACTERS = 3000
"""A page ends at the next paragraph's end after this many characters."""
_ENCODINGS = ("utf-8-sig", "gb18030", "big5")


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line of a virtual page: its text and where each character begins and ends, in points."""

    text: str
    top: float
    edges: tuple[float, ...]
    """``len(text) + 1`` numbers."""
    paragraph: int
    """Which paragraph of the page it belongs to."""
    heading: int = 0
    """Level of a Markdown heading; 0 for everything else."""

    @property
    def bottom(self) -> float:
        """Where the line ends, in points from the top."""
        return self.top + LEADING


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, UTF-16, GB 18030 or Big5.

    Raises:
        UnreadableFile: If it holds bytes that no text has.
    """
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _checked(path, data.decode("utf-16", "replace"))
    if data[:4096].count(0) > len(data[:4096]) / 5:
        even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
        text = data.decode("utf-16-be" if even > odd else "utf-16-le", "replace")
        return _checked(path, text)
    for encoding in _ENCODINGS:
        try:
            return _checked(path, data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return _checked(path, data.decode("utf-8", "replace"))


def lay_out(text: str) -> list[list[PlacedLine]]:
    """Set a text on pages; a page ends with a paragraph where it can."""
    pages: list[list[PlacedLine]] = []
    page: list[PlacedLine] = []
    characters = 0
    for number, paragraph in enumerate(_paragraphs(text)):
        level = _heading(paragraph)
        lines = list(_wrap(paragraph))
        full = len(page) + len(lines) > LINES or characters + len(paragraph) > CHARACTERS
        if page and full and (len(page) > LINES / 2 or characters > CHARACTERS / 2):
            pages.append(page)
            page, characters = [], 0
        for line in lines:
            if len(page) == LINES:
                pages.append(page)
                page, characters = [], 0
            top = MARGIN + len(page) * LEADING
            page.append(PlacedLine(line, top, tuple(_edges(line)), number, level))
            characters += len(line)
    if page or not pages:
        pages.append(page)
    return pages


def _checked(path: Path, text: str) -> str:
    sample = text[:20_000]
    bad = sum(char == "\ufffd" or (char < " " and char not in "\t\n\r\f") for char in sample)
    if bad > 0.02 * len(sample) + 2:
        raise UnreadableFile(
            f"{path.name} is not text: expected UTF-8, UTF-16, GB 18030 or Big5, got other bytes"
        )
    return unicodedata.normalize("NFC", text)


def _paragraphs(text: str) -> Iterator[str]:
    for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").split("\n"):
        clean = "".join(char if char >= " " else " " for char in line.expandtabs(4)).rstrip()
        if clean.strip():
            yield clean


def _heading(paragraph: str) -> int:
    marks = len(paragraph) - len(paragraph.lstrip("#"))
    return marks if 0 < marks <= 6 and paragraph[marks : marks + 1] == " " else 0


def _advance(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    return SIZE if unicodedata.east_asian_width(char) in "WF" else SIZE * 0.56


def _edges(line: Sequence[str]) -> Iterator[float]:
    at = MARGIN
    yield at
    for char in line:
        at += _advance(char)
        yield at


def _wrap(paragraph: str) -> Iterator[str]:
    """Break where the line is full: after a blank when there is one, else anywhere."""
    room = WIDTH - 2 * MARGIN
    start = 0
    while start < len(paragraph):
        used = 0.0
        end = start
        while end < len(paragraph) and used + _advance(paragraph[end]) <= room:
            used += _advance(paragraph[end])
            end += 1
        if end < len(paragraph):
            blank = paragraph.rfind(" ", start + 1, end + 1)
            inside = paragraph[end - 1].isascii() and paragraph[end].isascii()
            if blank > start and inside:
                end = blank + 1
        yield paragraph[start:end].rstrip()
        start = max(end, start + 1)
        while start < len(paragraph) and paragraph[start] == " ":
            start += 1
