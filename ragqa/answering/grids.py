"""A table chunk as a grid: which heads stand over a cell, which label beside it, what it is worth.

Stored rows have a tab between cells and lack their leading and trailing empty cells, so a row of
heads is laid to the right and a row with a label to the left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEPARATOR = re.compile(r"\t| \| ")
_FIGURE = re.compile(
    r"^[(（]?\s*[-−–]?\s*(?:US|HK|NT|A|C)?[$¥€£￥]?\s*[-−–]?\s*[(（]?\s*"
    r"(\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*"
    r"([%％]|pts?|bps|x|million|thousand|万元|亿元|元|万|亿)?\s*[)）]?\s*([%％])?(?:\s*[(（[]\w[)）\]])?\*?$",
    re.IGNORECASE,
)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_SHORT_YEAR = re.compile(r"\b(?:FY|F|CY|Q[1-4][ ']?)(\d{2})\b")
_NOTHING = re.compile(r"^[$¥€£]?\s*[-−–—]+$")
_NOTE = re.compile(
    r"^[(（]|[$€£¥]|\b(?:millions?|thousands?|except|shares?)\b|单位|人民币", re.IGNORECASE
)
_FOOTNOTE = re.compile(r"\s*(?:[(（]\w{1,2}[)）]|\*+)\s*$")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with a value, where it stands in the chunk's text, and what says what it is."""

    text: str
    span: Span
    value: Decimal
    percent: bool
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Head:
    """What names a row or a column: its own words, those above them, and where they stand."""

    text: str
    above: str = ""
    span: Span | None = None

    @property
    def whole(self) -> str:
        """The name with what stands above it."""
        return f"{self.above} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a table that have values, by row and column number."""

    rows: tuple[Head, ...]
    columns: tuple[Head, ...]
    cells: dict[tuple[int, int], Cell]

    def turned(self) -> Grid:
        """Return the same table with rows and columns exchanged."""
        return Grid(self.columns, self.rows, {(c, r): cell for (r, c), cell in self.cells.items()})


class Part(NamedTuple):
    """A cell of a line that has something in it."""

    word: str
    span: Span
    at: int
    """Which of the line's cells it is, empty ones counted."""


def read_grid(text: str) -> Grid | None:
    """Read the rows of a table chunk's text; None when it has no labelled values."""
    lines = list(_lines(text))
    width = max((len(line) for line in lines), default=0)
    if width < 2:
        return None
    dated = sum(len(line) == 1 and bool(YEAR.search(line[0].word)) for line in lines) > 1
    heads: list[list[Part | None]] = []
    columns = [Head("") for _ in range(width)]
    rows: list[Head] = []
    cells: dict[tuple[int, int], Cell] = {}
    section = ""
    fresh = True
    for line in lines:
        values = [parse_figure(part.word) for part in line]
        label = values[0] is None
        if len(line) == 1 and label and _parts(line[0].word, heads, dated=dated):
            section = line[0].word
            continue
        if _is_head(line, values, begun=bool(rows)):
            heads = [] if fresh is False else heads
            fresh = True
            heads.append(_lay(line, width, label=label and len(line) == width))
            columns = _join(heads, width)
            continue
        if len(line) == 1 and label:
            section = line[0].word
            continue
        if not label or len(line) < 2:
            continue
        fresh = False
        number = len(rows)
        rows.append(Head(line[0].word, section, line[0].span))
        for place, (part, value) in enumerate(zip(line, values, strict=True)):
            if place and value is not None:
                # Where a line has no more cells than the table, its empty ones keep the place.
                at = part.at if line[-1].at < width else place
                cells[number, at] = Cell(part.word, part.span, *value, number, at)
    return Grid(tuple(rows), tuple(columns), cells) if cells else None


def _parts(title: str, heads: list[list[Part | None]], *, dated: bool) -> bool:
    """Say whether a lone title begins a part of the table: below the heads, or one of its days."""
    return (dated and YEAR.search(title) is not None) or (
        _several(heads) and not _NOTE.search(title)
    )


def parse_figure(word: str) -> tuple[Decimal, bool] | None:
    """Return the value of a cell and whether it is in percent; None when it is no figure."""
    word = word.strip()
    if _NOTHING.match(word):
        return Decimal(0), False
    match = _FIGURE.match(word)
    if match is None:
        return None
    try:
        value = Decimal(re.sub(r"[,，]", "", match.group(1)))
    except InvalidOperation:
        return None
    before = word[: match.start(1)]
    negative = any(sign in before for sign in "-−–") or (
        any(bracket in before for bracket in "(（")
        and any(b in word[match.end(1) :] for b in ")）")
    )
    percent = (match.group(2) or "") in {"%", "％"} or bool(match.group(3))
    return (-value if negative else value), percent


def years_of(text: str) -> list[int]:
    """Return the years that a text names, FY19 as 2019 too, in order."""
    found = [(match.start(), int(match.group())) for match in YEAR.finditer(text)]
    found += [(m.start(), 2000 + int(m.group(1))) for m in _SHORT_YEAR.finditer(text)]
    return list(dict.fromkeys(year for _, year in sorted(found)))


def _lines(text: str) -> Iterator[list[Part]]:
    start = 0
    for line in text.splitlines(keepends=True):
        cells: list[Part] = []
        at = 0
        body = line.rstrip("\n")
        for number, piece in enumerate([*_SEPARATOR.finditer(body), None]):
            end = piece.start() if piece is not None else len(body)
            raw = body[at:end]
            word = raw.strip(" |")
            if word:
                left = start + at + raw.index(word)
                cells.append(Part(word, Span(left, left + len(word)), number))
            at = piece.end() if piece is not None else len(body)
        if cells:
            yield cells
        start += len(line)


def _is_head(line: list[Part], values: list[tuple[Decimal, bool] | None], *, begun: bool) -> bool:
    """Say whether a line names columns: years, dates or words where values would stand."""
    rest = list(zip(line, values, strict=True))[1:] if values and values[0] is None else None
    cells = rest if rest is not None else list(zip(line, values, strict=True))
    if not cells:
        return not begun  # a lone title over the heads
    names = [
        value is None or (YEAR.fullmatch(_FOOTNOTE.sub("", part.word).strip()) is not None)
        for part, value in cells
    ]
    if begun:
        return all(names) and any(YEAR.search(part.word) for part, _ in cells)
    return all(names)


def _lay(line: list[Part], width: int, *, label: bool) -> list[Part | None]:
    """Lay the cells of a row of heads over the columns; wide ones cover several."""
    laid: list[Part | None] = [None] * width
    named = line[1:] if label or (len(line) > 1 and len(line) == width) else line
    room = width - 1
    if len(named) > room:
        named = named[-room:]
    if len(named) and room % len(named) == 0:
        each = room // len(named)
        for at in range(room):
            laid[1 + at] = named[at // each]
        return laid
    for at, cell in enumerate(reversed(named)):
        laid[width - 1 - at] = cell
    return laid


def _join(heads: list[list[Part | None]], width: int) -> list[Head]:
    joined: list[Head] = []
    for column in range(width):
        stack = [row[column] for row in heads]
        named = [cell for cell in stack if cell is not None]
        if not named:
            joined.append(Head(""))
            continue
        last = named[-1]
        above = " ".join(part.word for part in named[:-1])
        joined.append(Head(last.word, above, last.span))
    return joined


def _several(heads: list[list[Part | None]]) -> bool:
    """Say whether the heads so far tell at least two columns apart."""
    return any(len({cell for cell in row if cell is not None}) > 1 for row in heads)
