"""What those who run it see: batches, keys; and where a computed number stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pymupdf
from playwright.sync_api import expect

from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

COLUMNS, LINES = (72, 260, 360, 460), (110, 136, 162, 188)
ROWS = (("Item", "2022", "2023"), ("Revenue", "1,200", "1,500"), ("Net income", "210", "315"))


def _table() -> bytes:
    with pymupdf.open() as document:
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 80), "Annual report: results of the group, in million euro")
        for x in COLUMNS:
            page.draw_line((x, LINES[0]), (x, LINES[-1]))
        for top, row in zip(LINES, (*ROWS, ()), strict=True):
            page.draw_line((COLUMNS[0], top), (COLUMNS[-1], top))
            for x, text in zip(COLUMNS, row, strict=False):
                page.insert_text((x + 6, top + 17), text)
        made: bytes = document.tobytes()
    return made


def test_a_batch_shows_what_failed_and_why(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str, tmp_path: Path
) -> None:
    looking.make_collection(site.url, collection)
    (tmp_path / "good.pdf").write_bytes(make_pdf("保修期为三年。"))
    (tmp_path / "坏.pdf").write_bytes(b"%PDF-1.7 nothing at all")
    run = subprocess.run(
        [sys.executable, "-m", "ragqa", "ingest", str(tmp_path), "--collection", collection],
        env=os.environ
        | {
            "RAGQA_HOME": str(site.home),
            "RAGQA_DATABASE_URL": site.database_url,
            "RAGQA_EMBEDDING_MODEL": "hashing",
            "RAGQA_OCR_ENGINE": "none",
        },
        capture_output=True,
        check=False,
    )
    assert run.returncode == 3, run.stderr.decode()

    page = look(looking.address(site.url, collection), locale="en")
    page.get_by_role("link", name="Manage").click()
    batch = page.locator(".run")
    batch.get_by_text("2 added").wait_for()
    assert str(tmp_path) in batch.inner_text()
    failed = batch.locator(".run-failed li")
    assert failed.locator(".failed-file").inner_text() == "坏.pdf"
    assert "could not be read" in failed.inner_text()
    with page.expect_response("**/retry") as sent:
        failed.get_by_role("button", name="Try 坏.pdf again").click()
    assert sent.value.status == 202
    failed.get_by_role("status").wait_for()


def test_the_first_key_is_shown_once_signs_in_and_is_revoked(
    serve: Callable[..., Served], look: Callable[..., Page], collection: str
) -> None:
    site = serve()
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection, "/manage/keys"), locale="en")
    page.fill("#key-name", "boss")
    assert page.input_value("#key-role") == "administrator"
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".key-text").inner_text()
    page.locator("dialog").get_by_role("button", name="Close").last.click()
    page.locator("#prompt-value").wait_for()  # from now on everybody needs one
    page.fill("#prompt-value", key)
    page.keyboard.press("Enter")
    row = page.locator("tr", has_text="boss")
    row.get_by_text("Good", exact=True).wait_for()

    page.fill("#key-name", "desk")
    page.get_by_role("button", name="Make a key").click()
    page.locator("dialog").get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Revoke desk").click()
    page.locator("dialog").get_by_role("button", name="Revoke key").click()
    page.locator("tr", has_text="desk").get_by_text("Revoked").wait_for()
    assert key not in page.content()

    page.get_by_role("link", name="Who did what").click()
    assert "desk" in page.locator(".manage table").inner_text()
    page.get_by_role("link", name="Settings").click()
    page.get_by_text("RAGQA_HOME", exact=True).wait_for()


def test_a_reader_is_offered_nothing_that_a_reader_may_not_do(
    serve: Callable[..., Served], look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    site = serve()
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    looking.upload(page, "policy.pdf", make_pdf("Receipts must be handed in by May."))
    page.goto(looking.address(site.url, collection, "/manage/keys"))
    page.fill("#key-name", "guest")
    page.select_option("#key-role", "reader")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".key-text").inner_text()
    guest = look(looking.address(site.url, collection), locale="en")
    guest.fill("#prompt-value", key)
    guest.keyboard.press("Enter")
    guest.locator(".row a.name").wait_for()
    expect(guest.locator(".drop")).to_have_count(0)
    for name in (re.compile("^Delete"), "New collection", "Manage"):
        expect(guest.get_by_role("button", name=name)).to_have_count(0)
        expect(guest.get_by_role("link", name=name)).to_have_count(0)
    looking.ask(guest, "When must receipts be handed in?")
    assert "May" in guest.locator(".answer-text").inner_text()
    guest.locator(".row a.name").click()
    guest.locator(".reader .sheet:not(.loading) .block-box").first.click()
    expect(guest.locator(".pen, .correct")).to_have_count(0)


def test_the_cells_of_a_computed_number_are_framed_on_the_page(
    site: Served, look: Callable[..., Page], collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    looking.upload(page, "report.pdf", _table())
    looking.ask(page, "What is the change of revenue from 2022 to 2023?")
    page.get_by_text("Worked out from the cells cited").wait_for()
    page.locator(".source", has_text="1,500").click()
    looking.wait_for_picture(page)
    frame, image = page.locator(".cell-box").bounding_box(), page.locator(".page-image")
    sheet = image.bounding_box()
    assert frame
    assert sheet
    scale = sheet["width"] / 595
    left, top = (frame["x"] - sheet["x"]) / scale, (frame["y"] - sheet["y"]) / scale
    # Inside the cell of the third column and the second row, around its text.
    assert COLUMNS[2] < left < COLUMNS[2] + 6
    assert LINES[1] < top < top + frame["height"] / scale < LINES[2]
