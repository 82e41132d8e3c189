"""Rows of a table chunk told with the heads of their columns, so that a cell can be understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.terms import language_of, question_terms, terms
from ragqa.types import Span

if TYPE_CHECKING:
    from ragqa.types import Hit

_CELLS = re.compile(r"\t| \| ")
_FIGURE = re.compile(r"\d")


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
    several = len(_split(first)) > 1
    if not several or _FIGURE.search(_split(first)[0]) or figures < len(rows) / 2:
        return None
    # Years make heads too: "| 2019 | 2018 |" over amounts.
    bare = [cell for cell in _split(first) if cell and not re.fullmatch(r"(?:19|20)\d\d年?", cell)]
    if any(_FIGURE.search(cell) for cell in bare):
        return None
    return Span(0, len(first))


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
    asked = set(question_terms(question))
    columns = [n for n in range(1, len(row.cells)) if row.cells[n]]
    shared = {n: len(asked & set(terms(row.heads[n]))) for n in columns}
    most = max(shared.values(), default=0)
    chosen = [n for n in columns if shared[n] == most] if most else columns
    told = (f"{row.heads[n]} {row.cells[n]}".strip() for n in chosen)
    if chinese:
        return f"{row.cells[0]}：{'；'.join(told)}"
    return f"{row.cells[0]}: {'; '.join(told)}"


def _split(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in _CELLS.split(line.strip("\n").strip("|")))
