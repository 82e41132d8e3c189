"""What the program computes from the cells of a table, checked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ragqa.answering.arithmetic import compute
from ragqa.answering.computing import compute_answer
from ragqa.answering.grids import parse_figure, read_grid
from ragqa.answering.operations import words
from ragqa.types import (
    Answer,
    BBox,
    Box,
    Chunk,
    ChunkId,
    CollectionId,
    DocumentId,
    Hit,
    Id,
    Models,
    Span,
    Timings,
    Usage,
)

SALES = (
    "Years ended September 30,\n2019\t2018\t2017\nFixed price\t$ 1,452.4\t$ 1,146.2\t$ 1,036.9\n"
    "Other\t44.1\t56.7\t70.8\nTotal sales\t$1,496.5\t$1,202.9\t$1,107.7"
)
PROFIT = "项目\t2022年\t2023年\n营业收入\t1,200\t1,500\n净利润\t(80)\t120"

COSTS = (
    "31 December\n2019\t2018\nNote\t£m\t£m\nInterest expense1\t3\t20.0\t16.0\n"
    "Average price paid per share\t\t2.5\t2.0\n"
    "Interim dividend for the half year to June\t\t14.0\t13.0\n"
    "Rent\t\t9.0\t8.0\nNet provisions (used)\t\t(30.0)\t(20.0)\nTotal costs(2)\t\t80.0\t64.0"
)
BONDS = (
    "As of December 31, 2019\nCost\tGains\nForeign bonds\t100\t5\nOwn bonds\t50\t10\n"
    "As of December 31, 2018\nForeign bonds\t90\t7\nOwn bonds\t60\t3"
)


@pytest.mark.parametrize(
    ("word", "value", "percent"),
    [
        ("$ 1,452.4", "1452.4", False),
        ("(1,074)", "-1074", False),
        ("-3", "-3", False),
        ("34%", "34", True),
        ("—", "0", False),
    ],
)
def test_a_cell_is_worth_what_it_says(word: str, value: str, percent: bool) -> None:
    assert parse_figure(word) == (Decimal(value), percent)


@pytest.mark.parametrize("word", ["Sales", "N/A", "2019-2020", "see note 3"])
def test_words_are_no_figures(word: str) -> None:
    assert parse_figure(word) is None


def test_heads_lie_over_their_columns_though_the_corner_is_not_stored() -> None:
    grid = read_grid(SALES)
    assert grid is not None
    assert [head.whole for head in grid.columns[1:]] == [
        f"Years ended September 30, {year}" for year in (2019, 2018, 2017)
    ]
    assert [head.text for head in grid.rows] == ["Fixed price", "Other", "Total sales"]
    assert grid.cells[1, 2].value == Decimal("56.7")
    assert grid.cells[1, 2].span.of(SALES) == "56.7"


@pytest.mark.parametrize(
    ("table", "question", "result"),
    [
        (SALES, "What was the change in total sales from 2018 to 2019?", "$293.6"),
        (SALES, "What was the percentage change in total sales from 2018 to 2019?", "24.41%"),
        (SALES, "What is the average other sales for 2017 to 2019?", "57.2"),
        (SALES, "What is the sum of fixed price sales in 2018 and 2019?", "$2,598.6"),
        (SALES, "In which year were total sales the lowest?", "2017"),
        (SALES, "What were the total sales in 2018?", "$1,202.9"),
        (SALES, "What is the difference between fixed price and other in 2019?", "1,408.3"),
        (PROFIT, "营业收入从2022年到2023年增长率是多少？", "25.00%"),
        (PROFIT, "营业收入2023年比2022年增长了百分之多少？", "25.00%"),
        (PROFIT, "By how many percent did 营业收入 grow from 2022年 to 2023年?", "25.00%"),
        (SALES, "By what percentage did total sales increase from 2018 to 2019?", "24.41%"),
        (PROFIT, "净利润2023年比2022年变化了多少？", "200"),
        (PROFIT, "哪一年的营业收入最高？", "2023"),
        (PROFIT, "2023年净利润是多少？", "120"),
        (COSTS, "What were the interest expenses in 2018?", "16.0"),
        (COSTS, "What was the average price paid per share in 2019?", "2.5"),
        (COSTS, "What was the increase in total costs in 2019?", "16.0"),
        (COSTS, "What was the % change in the interim dividend from 2018 to 2019?", "7.69%"),
        (COSTS, "What was the percentage change in net provisions from 2018 to 2019?", "50.00%"),
        (COSTS, "What is the ratio of interest expense to total costs in 2019?", "0.25"),
        (COSTS, "What were total costs as a percentage of interest expense in 2018?", "400.00%"),
        (BONDS, "What was the cost of foreign bonds in 2018?", "90"),
        (BONDS, "What were the gains of foreign bonds as of December 31, 2019?", "5"),
    ],
)
def test_a_question_is_computed_from_the_cells_it_names(
    table: str, question: str, result: str
) -> None:
    grid = read_grid(table)
    assert grid is not None
    formula = compute(question, grid)
    assert formula is not None
    assert formula.result == result
    assert formula.text.endswith(result)
    assert all(cell.text in table for cell in formula.cells)


@pytest.mark.parametrize(
    "question",
    [
        "Why did total sales increase from 2018 to 2019?",
        "What was the change in pension costs from 2018 to 2019?",
        "What was the change in total sales from 2009 to 2010?",
        "What were the total sales in 2018 and 2019 respectively?",
        "Who is the director?",
    ],
)
def test_where_anything_is_left_to_guess_nothing_is_computed(question: str) -> None:
    grid = read_grid(SALES)
    assert grid is not None
    assert compute(question, grid) is None


@pytest.mark.parametrize(
    "question",
    [
        "What is the growth rate of the interest expense for rent from 2018 to 2019?",
        "What is the ratio of total costs in 2019?",
        "What was the interest expense between 2018 and 2019?",
    ],
)
def test_a_question_that_names_more_than_one_cell_is_not_answered_by_one(question: str) -> None:
    grid = read_grid(COSTS)
    assert grid is not None
    assert compute(question, grid) is None


def test_an_empty_cell_keeps_its_place_in_the_row() -> None:
    grid = read_grid(COSTS)
    assert grid is not None
    assert grid.cells[5, 2].text == "80.0"
    assert grid.columns[2].whole == "31 December 2019 £m"


def test_words_of_the_text_around_a_table_make_a_row_clearer_that_has_the_rest() -> None:
    grid = read_grid(SALES)
    assert grid is not None
    question = "What was the change in other government contracts from 2018 to 2019?"
    alone = compute(question, grid)
    beside = compute(question, grid, around=frozenset(words("Government contracts")))
    assert alone is not None
    assert beside is not None
    assert alone.confidence < beside.confidence


class Cutter:
    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        text = span.of(hit.chunk.text)
        return text, (Box(1, BBox(span.start, 0, span.end, 10)),)


def test_every_cell_of_a_formula_is_cited_with_its_box_and_both_its_heads() -> None:
    number = Id(CollectionId(1), 1)
    chunk = Chunk(1, Span(0, len(SALES)), SALES, "table")
    hit = Hit(ChunkId(number), DocumentId(number), "report.pdf", chunk, "text", 1.0)
    question = "What was the change in total sales from 2018 to 2019?"
    asked = Answer(
        question, "c", "", None, (), (), (hit,), Timings(0, 0), Usage(), Models("e", None, "g")
    )

    answer = compute_answer(asked, question, Cutter())

    assert answer is not None
    assert answer.text.startswith("Total sales: $1,496.5 − $1,202.9 = $293.6[1]")
    cells = [citation.cell for citation in answer.citations if citation.cell is not None]
    assert [cell.text for cell in cells] == ["$1,202.9", "$1,496.5"]
    assert {cell.row for cell in cells} == {"Total sales"}
    assert [cell.column[-4:] for cell in cells] == ["2018", "2019"]
    assert [SALES[int(cell.boxes[0].bbox.x0) : int(cell.boxes[0].bbox.x1)] for cell in cells] == [
        "$1,202.9",
        "$1,496.5",
    ]
    assert all(
        "Total sales" in c.quote and c.cell.text in c.quote for c in answer.citations if c.cell
    )
    assert any("2019\t2018\t2017" in citation.quote for citation in answer.citations)
    assert {marker for one in answer.sentences for marker in one.markers} == {
        citation.marker for citation in answer.citations
    }
