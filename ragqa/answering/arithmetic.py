"""Simple questions over a table, computed from its cells: change, growth, sum, average, most, part.

The program computes, never a model; and only where the question names rows and columns so clearly
that nothing is left to guess. Else there is no formula, and the question is answered as any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.formulas import Formula, between, over_time, plain
from ragqa.answering.grids import Grid, years_of
from ragqa.answering.naming import NAMED, Match, find_items, one_column, period_columns
from ragqa.answering.operations import (
    MONTHS,
    PERCENT,
    TOTAL,
    WHICH,
    Operation,
    asked_years,
    bare,
    halves_of,
    item_terms,
    operation_of,
    words,
)
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence


MORE = 0.08
"""How much clearer each word makes it that rows are meant which a question names by it."""


def compute(question: str, grid: Grid, *, around: frozenset[str] = frozenset()) -> Formula | None:
    """Compute the answer to ``question`` from a table; None where it is not clearly that.

    Args:
        question: As asked.
        grid: The table.
        around: Words of the text around it.
    """
    operation = operation_of(question, (head.text for head in (*grid.rows, *grid.columns)))
    if operation is None:
        return None
    wanted = item_terms(question)
    found = [
        formula
        for turned, view in ((False, grid), (True, grid.turned()))
        if (formula := _compute(question, operation, wanted, view, around, turned)) is not None
        and not _left_over(wanted, grid, formula)
    ]
    # Of two ways to read the table, the one is meant whose names the question says more of.
    return max(found, key=lambda one: one.confidence + MORE * one.named, default=None)


def _compute(
    question: str,
    operation: Operation,
    wanted: frozenset[str],
    grid: Grid,
    around: frozenset[str],
    turned: bool,
) -> Formula | None:
    years = asked_years(question)
    items = find_items(question, wanted, grid, years=years, around=around)
    if operation == "part":
        parted = _parted(question, wanted, grid, years, around)
        items = parted or []
    if not items:
        return None
    if operation in ("most", "least"):
        return _named(_extreme(question, operation, years, items, grid, turned), items[:1])
    one = items[0]
    if operation == "read":
        return _named(_read(years, wanted, one, grid, around, turned), items[:1])
    if operation != "part":
        rate = operation != "growth" and PERCENT.search(fold(question)) is not None
        if len(years) == 1 and operation in ("growth", "change") and len(items) == 1:
            years = [years[0] - 1, years[0]]  # an increase in a year is one over the year before
        columns = period_columns(years, wanted - one.terms, grid, one.row, rate=rate)
        several = 2 if operation in ("growth", "change") else 1
        if columns is not None and len(columns) > several - (operation in ("growth", "change")):
            cells = [grid.cells[one.row, column] for column in columns]
            return _named(over_time(operation, cells, grid, one, turned), items[:1])
    if len(items) < 2 or operation == "growth":
        return None
    one, two = items[:2]
    column = one_column(years, wanted - one.terms - two.terms, grid, (one.row, two.row))
    if column is None:
        return None
    in_order = operation == "part"
    first, second = (one, two) if in_order else sorted((one, two), key=lambda match: match.at)
    cells = [grid.cells[first.row, column], grid.cells[second.row, column]]
    percent = PERCENT.search(fold(question)) is not None
    score = min(one.score, two.score)
    formula = between(operation, cells, grid, score, turned, percent=percent)
    return _named(formula, [one, two])


def _left_over(wanted: frozenset[str], grid: Grid, formula: Formula) -> bool:
    """Say whether a question names another row or column than the formula has."""
    used = {
        word
        for cell in formula.cells
        for head in (grid.rows[cell.row], grid.columns[cell.column])
        for word in words(head.whole)
    }
    heads = (set(words(bare(head.text))) for head in (*grid.rows, *grid.columns))
    return any(head and head <= wanted - {TOTAL} and not head & used for head in heads)


def _named(formula: Formula | None, items: Sequence[Match]) -> Formula | None:
    if formula is None:
        return None
    return replace(formula, named=len({term for item in items for term in item.terms}))


def _parted(
    question: str,
    wanted: frozenset[str],
    grid: Grid,
    years: Sequence[int],
    around: frozenset[str],
) -> list[Match] | None:
    """Return the rows of a part and of what it is a part of; None where that is not clear."""
    found: list[list[Match]] = []
    for part, whole in halves_of(question):
        told = [
            find_items(half, wanted & frozenset(words(half)), grid, years=years, around=around)
            for half in (part, whole)
        ]
        if all(told) and told[0][0].row != told[1][0].row:
            found.append([told[0][0], told[1][0]])
    return max(found, key=lambda pair: min(pair[0].score, pair[1].score), default=None)


def _read(
    years: Sequence[int],
    wanted: frozenset[str],
    item: Match,
    grid: Grid,
    around: frozenset[str],
    turned: bool,
) -> Formula | None:
    """Read one cell: a row and a column that the question names both, nothing of it left over."""
    rest = wanted - item.terms
    column = one_column(years, rest, grid, (item.row,))
    if column is None:
        return None
    row, head = grid.rows[item.row], grid.columns[column]
    said = {*words(row.whole), *words(head.whole), *MONTHS, TOTAL, *around}
    if rest and len(rest & said) / len(rest) < NAMED:
        return None
    if years and not set(years) <= {*years_of(row.whole), *years_of(head.whole)}:
        return None
    cell = grid.cells[item.row, column]
    name = " ".join(word for word in (row.text.strip(" :："), head.text) if word)
    return Formula("read", f"{name}: {cell.text}", cell.text, (cell,), turned, item.score)


def _extreme(
    question: str,
    operation: Operation,
    years: Sequence[int],
    items: Sequence[Match],
    grid: Grid,
    turned: bool,
) -> Formula | None:
    """Answer which of the years had the most or the least of one thing."""
    item = items[0]
    columns = period_columns(years, frozenset(), grid, item.row)
    if not WHICH.search(fold(question)) or columns is None or len(columns) < 2:
        return None
    cells = [grid.cells[item.row, column] for column in columns]
    choose = max if operation == "most" else min
    best = choose(cells, key=lambda cell: cell.value)
    if sum(cell.value == best.value for cell in cells) > 1:
        return None
    head = grid.columns[columns[cells.index(best)]]
    sign = " > " if operation == "most" else " < "
    others = sorted(cells, key=lambda cell: cell.value, reverse=operation == "most")
    text = sign.join(plain(cell) for cell in others)
    name = grid.rows[item.row].text.strip(" :：")
    year = str(years_of(head.whole)[-1])
    return Formula(operation, f"{name}: {text} → {year}", year, tuple(cells), turned, item.score)
