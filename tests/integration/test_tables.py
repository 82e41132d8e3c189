"""Tables of real pages as rows of cells."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf
import pytest

from ingest.reading import assembled_here, parse
from ingest.report import to_json, write_html, write_tables
from ingest.types import ReadOptions
from ragqa.heads import count_head_columns, count_heads
from ragqa.tables import continues, to_csv, to_markdown

if TYPE_CHECKING:
    from ragqa.types import Block

DATA = Path(__file__).parents[1] / "data"
SAMPLES = Path(__file__).parents[2] / "samples"


def tables(path: Path, number: int) -> list[Block]:
    pages = assembled_here(path, ReadOptions(ocr_engine="none"))
    return [block for block in pages[number - 1].blocks if block.kind == "table"]


def test_a_ruled_and_a_bare_table_are_read_alike() -> None:
    (ruled,) = tables(DATA / "manual_zh.pdf", 2)
    assert ruled.rows == (
        ("名称", "型号", "数量"), ("密封圈", "MF-20", "4"),
        ("滤芯", "LX-7", "2"), ("轴承", "ZC-6204", "1")
    )  # fmt: skip
    (bare,) = tables(DATA / "manual_zh.pdf", 3)
    assert bare.rows[0] == ("项目", "2024", "2025")
    assert bare.rows[-1] == ("合计", "1,526", "1,814")


def test_two_columns_of_prose_and_a_contents_page_are_no_tables() -> None:
    assert tables(DATA / "manual_zh.pdf", 1) == []
    assert tables(SAMPLES / "LX-260使用与维护手册.pdf", 2) == []


def test_a_table_is_written_as_csv_and_markdown() -> None:
    (table,) = tables(DATA / "manual_zh.pdf", 3)
    assert list(csv.reader(io.StringIO(to_csv(table.rows)))) == [list(row) for row in table.rows]
    assert to_markdown(table).splitlines()[:3] == [
        "| 项目 | 2024 | 2025 |",
        "| --- | --- | --- |",
        "| 销量 | 1,204 | 1,530 |",
    ]


def drawn(path: Path, columns: list[tuple[float, float, list[str]]]) -> Path:
    """Lines of ten points, each column (x, y of its first line, lines) twelve points apart."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    for x, y, lines in columns:
        for number, line in enumerate(lines):
            page.insert_text((x, y + 14 * number), line, fontsize=10)
    document.save(path)
    return path


def test_words_beside_their_numbers_stay_a_table(tmp_path: Path) -> None:
    words = ["Item", *(f"Sales of region {n}" for n in range(8))]
    numbers = ["2025", *(f"{n},{n}04" for n in range(1, 9))]
    path = drawn(tmp_path / "sales.pdf", [(72, 100, words), (320, 100, numbers)])
    (table,) = tables(path, 1)
    assert len(table.rows) == 9
    assert table.rows[8] == ("Sales of region 7", "8,804")


def test_rows_parted_by_rules_and_one_upright_rule_are_a_table(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    entries = [
        ("apt update", "Read the lists of packages again, which"),
        ("apt show", "is to be done after each change of them"),
        ("dpkg -l", "and before any package is put in place."),
    ]
    for number, (name, meaning) in enumerate(entries):
        y = 100 + 20 * number
        page.insert_text((52, y + 14), name, fontsize=10)
        page.insert_text((152, y + 14), meaning, fontsize=10)
        page.draw_line((50, y), (360, y))
        page.draw_line((150, y), (150, y + 20))  # no rule below the last row, none at the sides
    document.save(tmp_path / "card.pdf")
    (table,) = tables(tmp_path / "card.pdf", 1)
    assert table.rows == tuple(entries)


def test_headings_above_a_shaded_table_are_its_first_row(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    rows = [("Name", "Age", "Since"), ("Ada Byron", "36", "1843"), ("Alan Turing", "41", "1936")]
    for number, row in enumerate(rows):
        y = 100 + 20 * number
        for x, width, text in zip((50, 200, 300), (150, 100, 100), row, strict=True):
            if number:
                page.draw_rect((x, y, x + width, y + 20), color=None, fill=(0.8, 0.9, 1))
            page.insert_text((x + 2, y + 14), text, fontsize=10)
    document.save(tmp_path / "shaded.pdf")
    (table,) = tables(tmp_path / "shaded.pdf", 1)
    assert table.rows == tuple(rows)


def test_the_axis_of_a_chart_and_an_address_beside_prose_are_no_tables(tmp_path: Path) -> None:
    axis = [f"{number}.0" for number in range(70, 20, -10)]
    other = ["", "first curve", "", "", "second curve"]
    legend = ["a", "", "b", "", ""]
    path = drawn(tmp_path / "c.pdf", [(72, 100, axis), (200, 100, other), (320, 100, legend)])
    assert tables(path, 1) == []
    prose = ["evidence as required.", "There are limits in the steps", "described above. We are"]
    address = ["Statutory Auditor", "6th Floor", "9 Appold Street"]
    path = drawn(tmp_path / "a.pdf", [(72, 100, prose), (320, 100, address)])
    assert tables(path, 1) == []


def test_the_ground_of_a_slide_is_no_table(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=720, height=540)
    for rectangle in ((0, 0, 690, 70), (690, 0, 720, 70), (0, 70, 690, 540), (690, 70, 720, 540)):
        page.draw_rect(rectangle, color=None, fill=(0.9, 0.9, 0.9))
    for number in range(8):
        page.insert_text((80, 120 + 40 * number), f"What is told in line {number}", fontsize=18)
    page.insert_text((695, 530), "1", fontsize=10)
    page.insert_text((20, 40), "A slide", fontsize=18)
    document.save(tmp_path / "slide.pdf")
    assert tables(tmp_path / "slide.pdf", 1) == []


def test_a_sign_in_a_cell_too_narrow_to_be_one_stands_with_its_number(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    rows = [("Net sales", "34,229", "35,355"), ("Cost", "19,232", "18,795"), ("Other", "9", "7")]
    rows.append(("Net income", "5,777", "5,921"))
    for number, (label, *amounts) in enumerate(rows):
        y = 100 + 14 * number
        shade = (0.8, 0.9, 1) if number % 2 == 0 else (1, 1, 1)
        page.draw_rect((50, y, 250, y + 14), color=None, fill=shade)
        page.insert_text((52, y + 10), label, fontsize=9)
        for x, amount in zip((254, 330), amounts, strict=True):
            signed = number in (0, 3)
            borders = (x, x + 5, x + 72) if signed else (x, x + 72)
            for left, right in itertools.pairwise(borders):
                page.draw_rect((left, y, right, y + 14), color=None, fill=shade)
            if signed:
                page.insert_text((x + 0.5, y + 10), "$", fontsize=8)
            page.insert_text((x + 40, y + 10), amount, fontsize=9)
    document.save(tmp_path / "signs.pdf")
    (table,) = tables(tmp_path / "signs.pdf", 1)
    assert table.rows[0] == ("Net sales", "$ 34,229", "$ 35,355")
    assert table.rows[1] == ("Cost", "19,232", "18,795")
    assert table.rows[3] == ("Net income", "$ 5,777", "$ 5,921")


def test_shading_with_white_between_its_columns_is_one_table(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    rows = [("Revenue", "1,204", "1,530"), ("Cost", "(804)", "(911)"), ("Profit", "400", "619")]
    for number, (label, *amounts) in enumerate(rows):
        y = 100 + 18 * number
        page.draw_rect((50, y, 250, y + 18), color=None, fill=(0.8, 0.9, 1))
        page.insert_text((52, y + 13), label, fontsize=10)
        for x, amount in zip((256, 346), amounts, strict=True):
            for left, right in ((x, x + 12), (x + 12, x + 84)):
                page.draw_rect((left, y, right, y + 18), color=None, fill=(0.8, 0.9, 1))
            page.insert_text((x + 2, y + 13), "$", fontsize=10)
            page.insert_text((x + 50, y + 13), amount, fontsize=10)
    document.save(tmp_path / "slivers.pdf")
    (table,) = tables(tmp_path / "slivers.pdf", 1)
    assert table.rows == tuple((label, f"$ {a}", f"$ {b}") for label, a, b in rows)


def test_one_shaded_column_does_not_tear_the_rows_of_its_table(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    rows = [("Intangible assets", "6,270", "6,265"), ("Equipment", "372", "672")]
    rows += [("Deferred tax", "48", "135"), ("Cash and deposits", "6,485", "5,906")]
    page.draw_rect((300, 100, 360, 172), color=None, fill=(0.8, 0.9, 1))
    for y in (100, 136, 172):
        page.draw_line((50, y), (430, y))
    for number, row in enumerate(rows):
        for x, text in zip((52, 310, 390), row, strict=True):
            page.insert_text((x, 113 + 18 * number), text, fontsize=10)
    document.save(tmp_path / "shaded.pdf")
    (table,) = tables(tmp_path / "shaded.pdf", 1)
    assert table.rows == tuple(rows)


HEAD = ("Part", "Stock", "Price")


def two_pages(path: Path, *, repeat: bool, between: str = "") -> Path:
    """Draw a ruled table that fills the lower half of a page and goes on at the next one's top."""
    document = pymupdf.open()
    rows = [HEAD, *((f"P-{n}", str(3 * n), f"{n}.50") for n in range(1, 21))]
    for number, (top, part) in enumerate(((430.0, rows[:13]), (90.0, rows[13:]))):
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 60), "Parts kept at the Tartu store", fontsize=9)
        page.insert_text((72, 82), between if number else "All prices are in euro.", fontsize=9)
        shown = [HEAD, *part] if number and repeat else part
        for row, cells in enumerate(shown):
            for column, cell in enumerate(cells):
                x, y = 72 + 130 * column, top + 24 * row
                page.draw_rect((x, y, x + 130, y + 24))
                page.insert_text((x + 6, y + 16), cell, fontsize=10)
    document.save(path)
    return path


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("between", ["", "Table 1 (continued)"])
def test_a_table_that_goes_on_over_the_page_gets_its_head_once(
    repeat: bool, between: str, tmp_path: Path
) -> None:
    path = two_pages(tmp_path / "parts.pdf", repeat=repeat, between=between)
    read = parse(path, ReadOptions(ocr_engine="none"))
    assert [len(block.rows) for page in read.pages for block in page.blocks if block.rows] == [
        13,
        9 if repeat else 8,
    ]
    files = write_tables(read, tmp_path / "out")
    with (tmp_path / "out" / "p2-1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert (rows[0], rows[1], len(rows)) == (list(HEAD), ["P-13", "39", "13.50"], 9)
    assert len(files) == 4


def test_a_table_below_another_text_is_not_the_rest_of_the_last_one(tmp_path: Path) -> None:
    path = two_pages(tmp_path / "parts.pdf", repeat=False, between="The second list of parts.")
    first, second = parse(path, ReadOptions(ocr_engine="none")).pages
    assert not continues(first, second)


def with_wide_heads(path: Path, *, pages: int = 1) -> Path:
    """Draw a ruled table whose years stand over two quarters each, its rows named at the left."""
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page(width=595, height=842)
        cells = [] if number else [(0, 0, 1, 2, "Pump")]
        if not number:
            cells += [(0, 1, 2, 1, "Sold in 2022"), (0, 3, 2, 1, "Sold in 2023")]
            cells += [(1, n, 1, 1, ("Autumn", "Spring")[n % 2]) for n in range(1, 5)]
        first = 0 if number else 2
        for row in range(first, first + 13):
            cells.append((row, 0, 1, 1, f"Model {chr(65 + row - first)}{number}"))
            cells += [(row, n, 1, 1, str(100 * number + 10 * row + n)) for n in range(1, 5)]
        for row, column, wide, high, text in cells:
            x, y = 72 + 90 * column, (90.0 if number else 420.0) + 24 * row
            page.draw_rect((x, y, x + 90 * wide, y + 24 * high))
            page.insert_text((x + 6, y + 16), text, fontsize=10)
    document.save(path)
    return path


def test_a_head_of_two_rows_says_what_it_covers(tmp_path: Path) -> None:
    path = with_wide_heads(tmp_path / "pumps.pdf")
    (page,) = to_json(path, parse(path, ReadOptions(ocr_engine="none")))["pages"]
    (table,) = [block for block in page["blocks"] if block["kind"] == "table"]
    assert (table["head_rows"], table["head_columns"]) == (2, 1)
    assert sorted(table["spans"]) == [[0, 0, 2, 1], [0, 1, 1, 2], [0, 3, 1, 2]]
    assert table["rows"][0] == ["Pump", "Sold in 2022", "", "Sold in 2023", ""]


def test_markdown_joins_the_heads_of_a_column_and_pages_repeat_them_all(tmp_path: Path) -> None:
    path = with_wide_heads(tmp_path / "pumps.pdf", pages=2)
    write_tables(parse(path, ReadOptions(ocr_engine="none")), tmp_path / "out")
    head = "| Pump | Sold in 2022 / Spring | Sold in 2022 / Autumn | Sold in 2023 / Spring |"
    for number in (1, 2):
        lines = (tmp_path / "out" / f"p{number}-1.md").read_text("utf-8").splitlines()
        assert lines[0].startswith(head), lines[:3]
        assert lines[1] == "| --- | --- | --- | --- | --- |"
        assert lines[2].startswith(f"| Model A{number - 1} |")
    with (tmp_path / "out" / "p2-1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[:3]] == ["Pump", "", "Model A1"]


def test_the_heads_of_tables_without_figures_and_without_heads_are_counted() -> None:
    assert count_heads([("名称", "型号"), ("水泵", "甲")]) == 1
    assert count_heads([("1", "2"), ("3", "4")]) == 0
    assert count_heads([("", "2022", "2023"), ("Assets",), ("Cash", "5", "6")]) == 1
    assert count_head_columns([("", "Model", "2022"), ("Pump", "A", "5")], 1) == 2
    assert count_head_columns([("名称", "型号"), ("水泵", "甲")], 1) == 0


def test_the_page_to_look_at_shows_wide_cells_wide(tmp_path: Path) -> None:
    path = with_wide_heads(tmp_path / "pumps.pdf")
    write_html(path, parse(path, ReadOptions(ocr_engine="none")), tmp_path / "out.html")
    shown = (tmp_path / "out.html").read_text("utf-8")
    assert "<th rowspan=1 colspan=2>Sold in 2022</th><th rowspan=1 colspan=2>" in shown
