"""Signs that stand in columns of their own, and charts that look like tables; by hand."""

from __future__ import annotations

from ingest.tables.charts import is_chart
from ingest.tables.signs import with_signs
from ingest.types import Cell, RawTable
from ragqa.types import BBox


def table(*rows: list[tuple[str, int]]) -> tuple[RawTable, str]:
    """Rows of (text, how many columns it covers)."""
    text, cells = "", []
    for number, row in enumerate(rows):
        column = 0
        for said, span in row:
            box = BBox(10.0 * column, 10.0 * number, 10.0 * (column + span), 10.0 * number + 10)
            ranges = ((len(text), len(text) + len(said)),) if said else ()
            cells.append(Cell(number, column, box, ranges, column_span=span))
            text += said
            column += span
    columns = sum(span for _, span in rows[0])
    box = BBox(0, 0, 10.0 * columns, 10.0 * len(rows))
    return RawTable(box, len(rows), columns, tuple(cells)), text


def read(grid: RawTable, text: str) -> list[list[str]]:
    rows = [[""] * grid.columns for _ in range(grid.rows)]
    for cell in grid.cells:
        rows[cell.row][cell.column] = " ".join(text[start:end] for start, end in cell.ranges)
    return rows


def test_signs_are_put_to_their_numbers() -> None:
    grid, text = table(
        [("Sales", 1), ("$", 1), ("12", 1), ("5", 1), ("%", 1)],
        [("Cost", 1), ("7", 2), ("3", 2)],
    )
    assert read(with_signs(grid, text), text) == [["Sales", "$ 12", "5 %"], ["Cost", "7", "3"]]


def test_a_number_that_begins_in_the_column_of_a_lost_sign_is_under_the_others() -> None:
    grid, text = table(
        [("Sales", 1), ("", 1), ("12", 1), ("", 1), ("15", 1)],
        [("Cost", 1), ("7", 2), ("8", 2)],
    )
    assert read(with_signs(grid, text), text) == [["Sales", "12", "15"], ["Cost", "7", "8"]]


def test_columns_that_are_filled_by_turns_stay_two() -> None:
    grid, text = table(
        [("Rent", 1), ("12", 1), ("", 1)],
        [("Refund", 1), ("", 1), ("7", 1)],
        [("Wages", 1), ("9", 1), ("", 1)],
    )
    assert with_signs(grid, text) is grid


def test_an_axis_that_stands_alone_in_its_rows_is_a_chart() -> None:
    legend = [[("", 1), ("Greece", 1), ("Spain", 1)]]
    axis = [[(value, 1), ("", 1), ("", 1)] for value in ("1,000", "500", "0", "-500")]
    days = [[("Jan", 1), ("Apr", 1), ("Oct", 1)]]
    assert is_chart(*table(*legend, *axis, *days))


def test_years_with_amounts_beside_them_are_no_chart() -> None:
    rows = [[(str(year), 1), (f"{year % 7},104", 1)] for year in range(2018, 2023)]
    assert not is_chart(*table([("Year", 1), ("Sales", 1)], *rows))
