"""A document read page by page: what was recognised lies over the image, with how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.test_layers import scanned
from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

TEXT = "产品说明书\n本产品的保修期为三十六个月，自验收之日起计算。\n额定功率为一千五百瓦。"


def test_a_scan_shows_its_lines_how_sure_they_are_and_why_it_was_recognised(
    serve: Callable[..., Served], look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    site = serve(RAGQA_OCR_ENGINE="rapidocr")
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    looking.choose(page, "scan.pdf", scanned(make_pdf(TEXT)))
    looking.row(page, "ready").wait_for(timeout=60_000)
    page.locator(".row a.name").click()
    page.locator(".reader .sheet:not(.loading)").wait_for()

    page.get_by_text("The page is a picture: the file holds no text for it.").wait_for()
    line = page.locator(".layer.lines .over[title*='三十六']")
    assert not line.is_visible()
    page.get_by_role("button", name="How sure").click()
    assert "% sure" in (line.get_attribute("title") or "")
    sheet, place = page.locator(".sheet").bounding_box(), line.bounding_box()
    assert sheet
    assert place
    # The line was set with its baseline 112 points from the top of a page 842 high.
    assert 0.11 < (place["y"] + place["height"] / 2 - sheet["y"]) / sheet["height"] < 0.15

    page.get_by_role("button", name="Passages").click()
    assert page.locator(".layer.chunks .over").first.is_visible()
    page.get_by_role("button", name="Blocks").click()
    assert not page.locator(".layer.blocks .over").first.is_visible()
    chip = page.get_by_role("navigation", name="Look at these first").get_by_role("link")
    assert "sure" in (chip.first.get_attribute("aria-label") or "")
