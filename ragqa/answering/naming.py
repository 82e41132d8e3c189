"""Which rows and columns of a table a question names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.grids import Grid, Head, years_of
from ragqa.answering.operations import CHANGE_COLUMN
from ragqa.answering.terms import question_terms, terms
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 0.6
"""Share of a row's name that a question must have for the row to be meant, and vice versa."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row that a question names, how clearly (about 0 to 1), and by which words."""

    row: int
    score: float
    at: int
    """Where the question begins to name it, in its folded form."""
    terms: frozenset[str]
    verbatim: bool


def find_items(question: str, wanted: frozenset[str], grid: Grid) -> list[Match]:
    """Return the rows that the question names, the clearest first, each by words of its own."""
    folded = fold(question)
    found: list[Match] = []
    left = wanted
    while left:
        scored = [
            match
            for number, head in enumerate(grid.rows)
            if any(row == number for row, _ in grid.cells)
            and all(match.row != number for match in found)
            and (match := _match(folded, left, wanted, number, head)) is not None
        ]
        if not scored:
            break
        best = max(scored, key=lambda match: match.score)
        rivals = [m for m in scored if m.score > best.score - 0.03 and m.row != best.row]
        if rivals and not found:
            return []
        if rivals:
            break
        found.append(best)
        left = left - best.terms
        if len(found) == 2:
            break
    return found


def _match(
    folded: str, left: frozenset[str], wanted: frozenset[str], number: int, head: Head
) -> Match | None:
    own = frozenset(term for term in question_terms(head.text) if not term.isdigit())
    shared = own & left
    if not own or not shared:
        return None
    asked = frozenset(terms(folded)) - (wanted - left)
    precision = len(own & asked) / len(own)
    recall = len(shared) / len(left)
    if precision < NAMED:
        return None
    above = frozenset(terms(head.above)) & (wanted - own)
    name = fold(head.text).strip(" :：")
    verbatim = name in folded
    score = 2 * precision * recall / (precision + recall) + 0.1 * len(above) / max(1, len(wanted))
    at = (
        folded.find(name)
        if verbatim
        else min(
            (place for term in shared if (place := folded.find(term)) >= 0), default=len(folded)
        )
    )
    return Match(number, min(1.0, score + 0.1 * verbatim), at, shared, verbatim)


def period_columns(
    years: Sequence[int], rest: frozenset[str], grid: Grid, row: int, *, rate: bool = False
) -> list[int] | None:
    """Return the columns of the asked years, oldest first; of all years when none is asked."""
    by_year: dict[int, list[int]] = {}
    for number, head in enumerate(grid.columns):
        named = years_of(head.whole)
        told = len(named) == 1 and not CHANGE_COLUMN.search(fold(head.text))
        if told and (row, number) in grid.cells:
            by_year.setdefault(named[0], []).append(number)
    wanted = list(years) or sorted(by_year)
    columns: list[int] = []
    for year in wanted:
        choices = by_year.get(year, [])
        column = _clearest(choices, rest, grid)
        if column is None:
            column = _clearest(
                [n for n in choices if grid.cells[row, n].percent == rate], rest, grid
            )
        if column is None:
            return None
        columns.append(column)
    return columns


def one_column(
    years: Sequence[int], rest: frozenset[str], grid: Grid, rows: Sequence[int]
) -> int | None:
    """Return the column that has values of all ``rows`` and that the question names, if any."""
    choices = [
        number
        for number in range(len(grid.columns))
        if all((row, number) in grid.cells for row in rows)
    ]
    if years:
        choices = [n for n in choices if set(years_of(grid.columns[n].whole)) & set(years)]
    return _clearest(choices, rest, grid)


def _clearest(choices: Sequence[int], rest: frozenset[str], grid: Grid) -> int | None:
    """Return the only choice, or the one whose head the rest of the question names best."""
    if len(choices) < 2:
        return choices[0] if choices else None
    scored = sorted(
        ((len(rest & set(terms(grid.columns[n].whole))), n) for n in choices), reverse=True
    )
    return scored[0][1] if scored[0][0] > scored[1][0] else None
