"""An answer computed from the cells of a table that was found, each cell cited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.arithmetic import compute
from ragqa.answering.citations import Citer
from ragqa.answering.drafting import compose
from ragqa.answering.grids import read_grid
from ragqa.answering.operations import item_terms, words
from ragqa.types import Sentence, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.formulas import Formula
    from ragqa.answering.grids import Grid
    from ragqa.ports import QuoteCutter
    from ragqa.types import Answer, Hit

READ = 5
"""Hits, best first, whose tables are read."""
CLEAR = 0.6
"""How clearly a question must name the rows of a table for the program to compute."""
FEWEST, MOST = 3, 12
"""Rows of a column that is told whole."""
RIGHT_OF_COMPUTED = 0.926
"""Share of the computed answers that are right: of 1,015 questions over financial tables."""
FURTHER = 0.1
"""What a table must be clearer by to be preferred to one that was found before it."""


def compute_answer(answer: Answer, question: str, quotes: QuoteCutter) -> Answer | None:
    """Return ``answer`` computed from the table that the question names; None where none is.

    The sentence is the formula with the cells as they are written. Every cell has a citation whose
    quote reaches from the row's label to the cell, so that it says what the number is.
    """
    found = _find(question, answer.hits[:READ])
    if found is None:
        return None
    at, grid, formula = found
    citer = Citer(answer.hits, quotes)
    markers: list[int] = []
    heads: list[int] = []
    for cell in formula.cells:
        row, column = grid.rows[cell.row], grid.columns[cell.column]
        start = min(cell.span.start, row.span.start) if row.span else cell.span.start
        quote = Span(start, cell.span.end)
        markers.append(citer.cite(at, quote, (cell.span, row.whole, column.whole)))
        if column.span is not None:
            heads.append(citer.cite(at, _line_of(answer.hits[at].chunk.text, column.span)))
    told = Sentence(formula.text, tuple(dict.fromkeys((*markers, *heads))), supported=True)
    return replace(
        answer, text=compose([told]), sentences=(told,), citations=tuple(citer.citations)
    )


def list_column(answer: Answer, question: str, quotes: QuoteCutter) -> Answer | None:
    """Return ``answer`` as a whole column of a table that was found; None where none is asked for.

    A question for a number that names a column and no row is answered by every row of it.
    """
    wanted = item_terms(question)
    for at, hit in enumerate(answer.hits[:READ]):
        grid = read_grid(hit.chunk.text) if hit.chunk.kind == "table" else None
        if grid is None or any(wanted & {*words(row.whole)} for row in grid.rows):
            continue
        for column, head in enumerate(grid.columns):
            cells = [cell for (_, place), cell in sorted(grid.cells.items()) if place == column]
            named = {*words(head.text)}
            if not named or not named <= wanted or not FEWEST <= len(cells) <= MOST:
                continue
            rows = "; ".join(f"{grid.rows[cell.row].text} {cell.text}" for cell in cells)
            citer = Citer(answer.hits, quotes)
            marker = citer.cite(at, Span(0, len(hit.chunk.text)))
            told = Sentence(f"{head.text}: {rows}", (marker,), supported=True)
            return replace(
                answer, text=compose([told]), sentences=(told,), citations=tuple(citer.citations)
            )
    return None


def _find(question: str, hits: Sequence[Hit]) -> tuple[int, Grid, Formula] | None:
    best: tuple[float, int, Grid, Formula] | None = None
    for at, hit in enumerate(hits):
        if hit.chunk.kind != "table":
            continue
        grid = read_grid(hit.chunk.text)
        formula = compute(question, grid, around=_around(hit, hits)) if grid is not None else None
        if grid is None or formula is None or formula.confidence < CLEAR:
            continue
        value = formula.confidence - FURTHER * at
        if best is None or value > best[0]:
            best = value, at, grid, formula
    return best[1:] if best is not None else None


def _around(hit: Hit, hits: Sequence[Hit]) -> frozenset[str]:
    """Return the words of the headings over a table, and of what else was found on its page."""
    beside = (
        other.chunk.text
        for other in hits
        if other is not hit
        and other.chunk.kind != "table"
        and (other.document_id, other.chunk.page_number) == (hit.document_id, hit.chunk.page_number)
    )
    return frozenset(words(" ".join((*hit.chunk.headings, *beside))))


def _line_of(text: str, span: Span) -> Span:
    """Return the whole line of a table in which ``span`` stands."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    return Span(start, len(text) if end < 0 else end)
