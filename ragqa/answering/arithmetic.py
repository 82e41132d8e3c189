"""Simple questions over a table, computed from its cells: change, growth, sum, average, most, part.

The program computes, never a model; and only where the question names rows and columns so clearly
that nothing is left to guess. Else there is no formula, and the question is answered as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ragqa.answering.grids import Cell, Grid, years_of
from ragqa.answering.naming import NAMED, Match, find_items, one_column, period_columns
from ragqa.answering.operations import (
    PERCENT,
    WHICH,
    Operation,
    asked_years,
    item_terms,
    operation_of,
)
from ragqa.answering.terms import terms
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Formula:
    """A computed answer: how it was computed, from which cells, and what came out."""

    operation: Operation
    text: str
    """The formula with the cells as written, and its result."""
    result: str
    cells: tuple[Cell, ...]
    turned: bool
    """Whether the table's columns were read as its rows."""
    confidence: float
    """How clearly the question names the rows, 0 to 1."""


def compute(question: str, grid: Grid) -> Formula | None:
    """Compute the answer to ``question`` from a table; None where it is not clearly that."""
    operation = operation_of(question)
    if operation is None:
        return None
    wanted = item_terms(question)
    found = [
        formula
        for turned, view in ((False, grid), (True, grid.turned()))
        if (formula := _compute(question, operation, wanted, view, turned)) is not None
    ]
    return max(found, key=lambda formula: formula.confidence, default=None)


def _compute(
    question: str, operation: Operation, wanted: frozenset[str], grid: Grid, turned: bool
) -> Formula | None:
    years = asked_years(question)
    items = find_items(question, wanted, grid)
    if not items:
        return None
    if operation in ("most", "least"):
        return _extreme(question, operation, years, items, grid, turned)
    one = items[0]
    if operation == "read":
        return _read(years, wanted, one, grid, turned)
    if operation != "part":
        rate = operation != "growth" and PERCENT.search(fold(question)) is not None
        columns = period_columns(years, wanted - one.terms, grid, one.row, rate=rate)
        several = 2 if operation in ("growth", "change") else 1
        if columns is not None and len(columns) > several - (operation in ("growth", "change")):
            cells = [grid.cells[one.row, column] for column in columns]
            return _over_time(operation, cells, grid, one, turned)
    if len(items) < 2 or operation == "growth":
        return None
    two = items[1]
    column = one_column(years, wanted - one.terms - two.terms, grid, (one.row, two.row))
    if column is None:
        return None
    first, second = sorted((one, two), key=lambda match: match.at)
    cells = [grid.cells[first.row, column], grid.cells[second.row, column]]
    percent = PERCENT.search(fold(question)) is not None
    if operation == "part" and not (one.verbatim and two.verbatim):
        return None  # which of two is the part of which is told by where they stand
    return _between(operation, cells, grid, min(one.score, two.score), turned, percent=percent)


def _over_time(
    operation: Operation, cells: list[Cell], grid: Grid, item: Match, turned: bool
) -> Formula | None:
    name = grid.rows[item.row].text.strip(" :：")
    if len({cell.percent for cell in cells if cell.value}) > 1:
        return None
    first, last = cells[0], cells[-1]
    if operation == "growth":
        if not first.value or first.percent:
            return None
        result = (last.value - first.value) / abs(first.value) * 100
        text = f"({_plain(last)} − {_plain(first)}) ÷ {_plain(first)}"
        return _formula(
            "growth", name, text, f"{_round(result)}%", [first, last], turned, item.score
        )
    if operation == "change":
        text = f"{_plain(last)} − {_plain(first)}"
        value = _write(last.value - first.value, cells)
        return _formula("change", name, text, value, [first, last], turned, item.score)
    return _gathered(operation, name, cells, turned, item.score)


def _gathered(
    operation: Operation, name: str, cells: list[Cell], turned: bool, score: float
) -> Formula | None:
    if operation not in ("average", "sum"):
        return None
    total = sum((cell.value for cell in cells), Decimal(0))
    text = " + ".join(_plain(cell) for cell in cells)
    if operation == "average":
        text, total = f"({text}) ÷ {len(cells)}", total / len(cells)
    return _formula(operation, name, text, _write(total, cells), cells, turned, score)


def _between(
    operation: Operation,
    cells: list[Cell],
    grid: Grid,
    score: float,
    turned: bool,
    *,
    percent: bool = True,
) -> Formula | None:
    first, second = cells
    if operation == "change" and first.value < second.value:
        first, second = second, first  # a difference of two things has no sign
    name = " / ".join(grid.rows[cell.column if turned else cell.row].text for cell in cells)
    if operation == "part":
        if not second.value:
            return None
        share = first.value / second.value
        text = f"{_plain(first)} ÷ {_plain(second)}"
        told = f"{_round(share * 100)}%" if percent else _round(share)
        return _formula("part", name, text, told, cells, turned, score)
    if operation == "change":
        text = f"{_plain(first)} − {_plain(second)}"
        value = _write(first.value - second.value, cells)
        return _formula("change", name, text, value, cells, turned, score)
    return _gathered(operation, name, cells, turned, score)


def _read(
    years: Sequence[int], wanted: frozenset[str], item: Match, grid: Grid, turned: bool
) -> Formula | None:
    """Read one cell: a row and a column that the question names both, nothing of it left over."""
    rest = wanted - item.terms
    column = one_column(years, rest, grid, (item.row,))
    if column is None:
        return None
    row, head = grid.rows[item.row], grid.columns[column]
    said = {*terms(row.whole), *terms(head.whole)}
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
    text = sign.join(_plain(cell) for cell in others)
    name = grid.rows[item.row].text.strip(" :：")
    year = str(years_of(head.whole)[-1])
    return Formula(operation, f"{name}: {text} → {year}", year, tuple(cells), turned, item.score)


def _formula(
    operation: Operation,
    name: str,
    text: str,
    result: str,
    cells: Sequence[Cell],
    turned: bool,
    score: float,
) -> Formula:
    return Formula(operation, f"{name}: {text} = {result}", result, tuple(cells), turned, score)


def _plain(cell: Cell) -> str:
    return f"({cell.text})" if cell.value < 0 and "(" not in cell.text else cell.text.strip()


def _round(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01')):,f}"


def _write(value: Decimal, cells: Sequence[Cell]) -> str:
    """Write a result with as many digits as its cells have, two more where it was divided."""
    digits = max(-min(int(cell.value.as_tuple().exponent), 0) for cell in cells)
    exact = value.quantize(Decimal(1).scaleb(-digits))
    shown = exact if exact == value else value.quantize(Decimal(1).scaleb(-max(2, digits)))
    sign = next((mark for mark in "$€£¥" if all(mark in cell.text for cell in cells)), "")
    end = "%" if all(cell.percent for cell in cells) else ""
    return f"{'-' if shown < 0 else ''}{sign}{abs(shown):,f}{end}"
