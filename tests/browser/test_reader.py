"""A document read page by page: what was recognised lies over the image, with how sure it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.test_layers import scanned
from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

DPI = 110
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


MISREAD = "产品说明书\n本产品的保修其为三十六个月，自验收之日起计算。\n额定功率为一千五百瓦。"
READ = "本产品的保修其为三十六个月，自验收之日起计算。"
TRUE = "本产品的保修期为三十八个月，自验收之日起计算。"


@pytest.mark.parametrize(
    ("locale", "width", "save", "undo"),
    [("zh-CN", 1280, "保存", "撤销"), ("en", 390, "Save", "Undo")],
)
def test_a_misread_line_is_corrected_found_cited_in_its_place_and_put_back(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    locale: str,
    width: int,
    save: str,
    undo: str,
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale=locale, width=width, has_touch=True)
    data = make_pdf("首页", MISREAD)
    looking.upload(page, "manual.pdf", data)
    page.goto(re.sub(r"/#/([^/]+).*$", r"/#/\1/documents", page.url))
    page.locator(".row a.name").click()
    page.get_by_role("button", name=re.compile("下一页|Next page")).click()
    page.locator(".reader .sheet:not(.loading) .block-box").first.wait_for()

    # The line itself is clicked on the image; its picture stands over what was read.
    image = page.locator(".reader .page-image").bounding_box()
    assert image is not None
    scale = image["width"] / 595
    page.mouse.click(image["x"] + 200 * scale, image["y"] + 108 * scale)
    line = page.locator(f".correct input[value='{READ}'], .correct input").filter(visible=True)
    inputs = [line.nth(n).input_value() for n in range(line.count())]
    assert READ in inputs
    wanted = line.nth(inputs.index(READ))
    wanted.focus()
    assert page.locator(".line-spot").count() == 1
    wanted.fill(TRUE)
    assert READ in page.locator(".correct li").nth(inputs.index(READ)).inner_text()
    page.locator(".correct").get_by_role("button", name=save).click()
    note = page.locator(".was")
    note.wait_for(timeout=30_000)
    assert READ in note.inner_text()
    assert TRUE in page.locator(".reader-text").inner_text()

    page.goto(re.sub(r"/document/.*$", "", page.url))
    looking.ask(page, "保修期为几个月？")
    page.locator(".answer-text button.marker").first.click()
    quote = page.locator(".panel-quote").inner_text()
    assert "三十八" in quote
    marked = looking.yellow(looking.picture(looking.wait_for_picture(page)))
    # PDFium knows where what was misread stands; the quote may begin a line before.
    for where in looking.lines_of(looking.places_of(data, 2, quote.replace(TRUE, READ))):
        x0, top, x1, bottom = (round(edge * DPI / 72) for edge in where)
        assert marked[top - 2 : bottom + 3, x0 - 2 : x1 + 3].mean() > 0.5
        marked[top - 9 : bottom + 9, x0 - 9 : x1 + 22] = False
    assert not marked.any(), "something beside the corrected line is marked"

    page.goto(looking.address(site.url, collection, "/documents"))
    page.locator(".row a.name").click()
    page.get_by_role("button", name=re.compile("1 (处更正|correction)")).click()
    listed = page.locator(".corrections")
    assert READ in listed.inner_text()
    listed.get_by_role("button", name=re.compile(undo)).click()
    listed.locator("li").wait_for(state="detached")
    page.keyboard.press("Escape")
    looking.row(page, "ready").wait_for(state="attached", timeout=30_000)
    page.goto(re.sub(r"/1$", "/2", page.url))
    page.get_by_text(READ).first.wait_for()
    assert page.locator(".was").count() == 0
