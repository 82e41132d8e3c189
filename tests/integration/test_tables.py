"""Tables of real pages as rows of cells."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.reading import assembled_here
from ingest.report import to_csv, to_markdown
from ingest.types import ReadOptions

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
    assert to_markdown(table.rows).splitlines()[:3] == [
        "| 项目 | 2024 | 2025 |",
        "| --- | --- | --- |",
        "| 销量 | 1,204 | 1,530 |",
    ]
