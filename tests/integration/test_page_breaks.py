"""A paragraph that a page breaks says so, wherever its pages are shown."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ingest.reading import parse
from ingest.report import page_json
from ingest.types import ReadOptions
from ingest.worker import run_worker
from ragqa.store.documents import find_document
from ragqa.store.intake import take_in
from ragqa.store.pages import read_page

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.wiring import Services

PLAIN = ReadOptions(ocr_engine="none")


def test_a_paragraph_broken_by_a_page_says_so_in_the_json(tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    file.write_text("水泵维护和轴承检查，" * 500 + "完。\n另一段。", encoding="utf-8")
    first, *middle, last = [page_json(page)["blocks"] for page in parse(file, PLAIN).pages]
    assert first[-1]["goes_on"]
    assert "continues" not in first[-1]
    assert all(blocks[0]["continues"] and blocks[-1]["goes_on"] for blocks in middle)
    assert [block.get("continues") for block in last] == [True, None]


def test_a_paragraph_that_a_page_breaks_is_stored_with_its_ties(services: Services) -> None:
    text = "水泵维护和轴承检查，" * 500 + "完。"
    collection = services.create_collection("books")
    added = take_in(
        services.database, services.files, collection, "book.txt", io.BytesIO(text.encode())
    )
    run_worker(services, until_idle=True)
    with services.database.transaction() as conn:
        last = find_document(conn, added.document.id).pages
        pages = [read_page(conn, added.document.id, n) for n in range(1, last + 1)]
    assert len(pages) > 1
    assert [page.blocks[-1].goes_on for page in pages] == [True] * (last - 1) + [False]
    assert [page.blocks[0].continues for page in pages] == [False] + [True] * (last - 1)
