"""Tables that a text file writes with bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.reading import parse
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.types import Page

PLAIN = ReadOptions(ocr_engine="none")


def read(tmp_path: Path, text: str) -> Page:
    file = tmp_path / "table.md"
    file.write_text(text, "utf-8")
    [page] = parse(file, PLAIN).pages
    return page


def test_rows_between_bars_are_a_table_whose_text_keeps_them(tmp_path: Path) -> None:
    lines = ["| Part | 2018 | 2019 |", "|---|--:|--:|", "| Pump | 1,234 | |", r"| a \| b |  | 7 |"]
    page = read(tmp_path, "\n".join(["Parts.", "", *lines, "", "End."]))
    assert page.text == "\n".join(["Parts.", *lines, "End."])
    assert [block.kind for block in page.blocks] == ["text", "table", "text"]
    table = page.blocks[1]
    assert table.rows == (("Part", "2018", "2019"), ("Pump", "1,234", ""), ("a | b", "", "7"))
    assert table.span is not None
    assert table.text == table.span.of(page.text)


def test_a_row_longer_than_a_line_of_the_page_is_one_row(tmp_path: Path) -> None:
    words = "a very long name of a row that does not fit into one line of the page at all, not even"
    row = f"| {words} | {words} | 5 |"
    page = read(tmp_path, f"| Name | Other | 2019 |\n{row}\n")
    assert page.blocks[0].rows[1] == (words, words, "5")
    assert page.text.split("\n")[1] == row


def test_a_line_with_bars_is_no_table(tmp_path: Path) -> None:
    page = read(tmp_path, "| just one line | of it |\n\nCall |x| the absolute value.\n|y| too.\n")
    assert {block.kind for block in page.blocks} == {"text"}
