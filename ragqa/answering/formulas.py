"""What is computed from the cells of a table, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.grids import Cell, Grid
    from ragqa.answering.naming import Match
    from ragqa.answering.operations import Operation


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
    """How clearly the question names the rows, about 0 to 1."""
    named: int = 1
    """Words of the question that name its rows."""


def over_time(
    operation: Operation, cells: list[Cell], grid: Grid, item: Match, turned: bool
) -> Formula | None:
    """Return what is computed from one row's cells of several periods, the oldest first."""
    name = grid.rows[item.row].text.strip(" :：")
    if len({cell.percent for cell in cells if cell.value}) > 1:
        return None
    first, last = cells[0], cells[-1]
    if operation == "growth":
        if not first.value or first.percent:
            return None
        # What is written in brackets, and was before, is an amount that is taken off.
        base = first.value if last.value < 0 else abs(first.value)
        result = (last.value - first.value) / base * 100
        text = f"({plain(last)} − {plain(first)}) ÷ {plain(first)}"
        return _formula(
            "growth", name, text, f"{_round(result)}%", [first, last], turned, item.score
        )
    if operation == "change":
        text = f"{plain(last)} − {plain(first)}"
        value = _write(last.value - first.value, cells)
        return _formula("change", name, text, value, [first, last], turned, item.score)
    return _gathered(operation, name, cells, turned, item.score)


def _gathered(
    operation: Operation, name: str, cells: list[Cell], turned: bool, score: float
) -> Formula | None:
    if operation not in ("average", "sum"):
        return None
    total = sum((cell.value for cell in cells), Decimal(0))
    text = " + ".join(plain(cell) for cell in cells)
    if operation == "average":
        text, total = f"({text}) ÷ {len(cells)}", total / len(cells)
    return _formula(operation, name, text, _write(total, cells), cells, turned, score)


def between(
    operation: Operation,
    cells: list[Cell],
    grid: Grid,
    score: float,
    turned: bool,
    *,
    percent: bool = True,
) -> Formula | None:
    """Return what is computed from the cells of two rows; a share of the first in the second."""
    first, second = cells
    if operation == "change" and first.value < second.value:
        first, second = second, first  # a difference of two things has no sign
    name = " / ".join(grid.rows[cell.column if turned else cell.row].text for cell in cells)
    if operation == "part":
        if not second.value:
            return None
        share = first.value / second.value
        text = f"{plain(first)} ÷ {plain(second)}"
        told = f"{_round(share * 100)}%" if percent else _round(share)
        return _formula("part", name, text, told, cells, turned, score)
    if operation == "change":
        text = f"{plain(first)} − {plain(second)}"
        value = _write(first.value - second.value, cells)
        return _formula("change", name, text, value, cells, turned, score)
    return _gathered(operation, name, cells, turned, score)


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


def plain(cell: Cell) -> str:
    """Return a cell as it is written, a negative one in brackets."""
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
