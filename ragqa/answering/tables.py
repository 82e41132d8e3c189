"""Rows of a table chunk told with the heads of their columns, so that a cell can be understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.terms import language_of, question_terms, terms
from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.types import Hit

_CELLS = re.compile(r"\t| \| ")
_FIGURE = re.compile(r"\d")
_YEAR = re.compile(r"(?:19|20)\d\d年?")
_MODEL = re.compile(r"[A-Za-z]{1,6}-?\d")
_SERIAL = re.compile(r"(?:No\.?\s*)?\d{1,3}[.、]?")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table and the heads of its columns, which are empty when the table has none."""

    cells: tuple[str, ...]
    heads: tuple[str, ...]
    head: Span | None
    """Where the heads stand in the chunk's text."""


def head_of(hit: Hit) -> Span | None:
    """Return where the heads of a table chunk stand in its text; None when it has none.

    A first row without figures over rows with figures is one. A chunk from the middle of a long
    table begins with an ordinary row.
    """
    text = hit.chunk.text
    first, _, rest = text.partition("\n")
    if hit.chunk.kind != "table" or not first.strip() or not rest:
        return None
    rows = [line for line in rest.splitlines() if line.strip()]
    figures = sum(bool(_FIGURE.search(line)) for line in rows)
    cells = _split(first)
    if len(cells) < 2 or _FIGURE.search(cells[0]) or figures < len(rows) / 2:
        return None
    if any(_FIGURE.search(cell) and not _heads(cell, n, rows) for n, cell in enumerate(cells)):
        return None
    return Span(0, len(first))


def _heads(cell: str, column: int, rows: Sequence[str]) -> bool:
    """Say whether a figure is the name of a column: "| 2019 | LX-260 |" over amounts."""
    if _YEAR.fullmatch(cell):
        return True
    below = (_split(row) for row in rows)
    models = (_MODEL.match(row[column]) for row in below if column < len(row))
    return bool(_MODEL.match(cell)) and not any(models)


def read_row(hit: Hit, span: Span) -> Row:
    """Read the row that stands at ``span`` of a table chunk's text."""
    head = head_of(hit)
    cells = _split(span.of(hit.chunk.text))
    heads = _split(head.of(hit.chunk.text)) if head is not None else ()
    if head is None or head == span or len(heads) != len(cells):
        return Row(cells, (), None)
    return Row(cells, heads, head)


def tell(row: Row, question: str = "") -> str:
    """Return a row as text: its label, then each head with its cell.

    Where heads of columns occur in the question, only those columns are told.
    """
    chinese = language_of("".join((*row.cells, *row.heads))) == "zh"
    if not row.heads:
        return ("，" if chinese else ", ").join(cell for cell in row.cells if cell)
    told = (f"{row.heads[n]} {row.cells[n]}".strip() for n in _asked_columns(row, question))
    label = " ".join(cell for cell in row.cells[: _label_end(row)] if cell)
    if chinese:
        return f"{label}：{'；'.join(told)}"
    return f"{label}: {'; '.join(told)}"


def needs_row(row: Row, claim: str, question: str) -> bool:
    """Say whether a figure says too little without the rest of its row.

    The row has other figures no less asked for, or is about something that the question names only
    in part.
    """
    first = _label_end(row)
    figures = {n: cell for n, cell in enumerate(row.cells) if n >= first and _FIGURE.search(cell)}
    if all(_bare(claim) != _bare(cell) for cell in figures.values()):
        return False
    asked = _asked_columns(row, question) if row.heads else list(figures)
    others = {_bare(cell) for n, cell in figures.items() if n in asked} - {_bare(claim)}
    label = set(terms(row.cells[first - 1]))
    return bool(others) or not label <= set(terms(question))


def beside_number(row: Row) -> str:
    """Return a row's text without the number that it only has for its place in the table."""
    return " ".join(row.cells[1:] if _label_end(row) > 1 else row.cells)


def label_of(text: str) -> str:
    """Return what names a row that is given as text; empty when it is no row."""
    cells = _split(text)
    return _bare(" ".join(cells[: _label_end(Row(cells, (), None))])) if len(cells) > 1 else ""


def _asked_columns(row: Row, question: str) -> list[int]:
    """Return the columns whose heads share most with a question; all when none does."""
    asked = set(question_terms(question))
    columns = [n for n in range(_label_end(row), len(row.cells)) if row.cells[n]]
    shared = {n: len(asked & set(terms(row.heads[n]))) for n in columns}
    most = max(shared.values(), default=0)
    return [n for n in columns if shared[n] == most] if most else columns


def _label_end(row: Row) -> int:
    """Return how many cells name a row: two where the first is only its number."""
    numbered = len(row.cells) > 2 and _SERIAL.fullmatch(row.cells[0])
    return 2 if numbered and row.cells[1] and not _FIGURE.match(row.cells[1]) else 1


def _bare(text: str) -> str:
    return re.sub(r"[\s。.]+$|\s", "", text).casefold()


def _split(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in _CELLS.split(line.strip("\n").strip("|")))
