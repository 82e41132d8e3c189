"""Upload, progress, question, citation: the whole way, in both languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

DPI = 110
ZH_PAGES = (
    "设备概述\n本设备用于实验室的样品存放。\n外形尺寸为六百毫米。",
    "保修条款\n整机保修期为三年，自验收之日起计算。\n耗材不在保修范围之内。\n运输损坏由承运方负责赔偿。",
)
EN_PAGES = (
    "Travel policy\nEmployees book trains in time.",
    "Expenses\nReceipts must be handed in by May.\nTaxis need approval.",
)


@pytest.mark.parametrize(
    ("locale", "pages", "question", "quoted", "words"),
    [
        ("zh-CN", ZH_PAGES, "整机保修期为几年？", "整机保修期为三年", "0 份文档"),
        ("en-US", EN_PAGES, "When must receipts be handed in?", "Receipts must be", "0 documents"),
    ],
)
def test_a_dropped_file_is_asked_and_its_quote_is_marked_where_it_stands(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    locale: str,
    pages: tuple[str, ...],
    question: str,
    quoted: str,
    words: str,
) -> None:
    data = make_pdf(*pages)
    page = look(site.url, locale=locale)
    page.get_by_role("button", name=re.compile("新建文档集|New collection")).first.click()
    page.fill("#prompt-value", collection)
    page.keyboard.press("Enter")
    page.locator(".drop.large").wait_for()
    assert words in page.locator("body").inner_text()

    looking.drop(page, "手册 manual.pdf", data)
    page.locator(".row").wait_for()
    looking.row(page, "ready").wait_for(timeout=30_000)
    assert re.search("2 (页|pages)", looking.row(page, "ready").inner_text())

    looking.ask(page, question)
    marker = page.locator(".answer-text button.marker").first
    marker.click()
    image = looking.wait_for_picture(page)
    quote = page.locator(".panel-quote").inner_text()
    assert quoted in quote
    assert re.search(r"2 ?/ ?2|2 of 2", page.locator(".panel-tools").inner_text())

    marked = looking.yellow(looking.picture(image))
    scale = DPI / 72
    wanted = looking.places_of(data, 2, quote)
    for x0, top, x1, bottom in wanted:
        spot = marked[
            round(top * scale) - 2 : round(bottom * scale) + 3,
            round(x0 * scale) - 2 : round(x1 * scale) + 3,
        ]
        assert spot.mean() > 0.1, f"the character at {x0:.0f}, {top:.0f} is not marked"
    beside = marked.copy()
    for x0, top, x1, bottom in looking.lines_of(wanted):
        # Ink ends up to half a character before the cell of a full stop does.
        beside[
            int((top - 6) * scale) : int((bottom + 6) * scale),
            int((x0 - 6) * scale) : int((x1 + 14) * scale),
        ] = False
    assert not beside.any(), "something beside the quote is marked"

    page.locator(".glow").wait_for(state="detached")
    box = page.locator(".page-view").bounding_box()
    assert box is not None
    shown = image.evaluate("(image) => [image.x, image.y, image.clientWidth / image.naturalWidth]")
    x = shown[0] + (wanted[0][0] + wanted[0][2]) / 2 * scale * shown[2]
    y = shown[1] + (wanted[0][1] + wanted[0][3]) / 2 * scale * shown[2]
    assert box["x"] < x < box["x"] + box["width"]
    assert box["y"] < y < box["y"] + box["height"], "the quote is not scrolled into view"

    page.keyboard.press("PageUp")
    page.locator(".panel .page-image[src*='/pages/1/']").wait_for(state="attached")
    image = looking.wait_for_picture(page)
    assert not looking.yellow(looking.picture(image)).any(), "page 1 has no quote on it"
    page.keyboard.press("Escape")
    page.locator(".panel").wait_for(state="hidden")
    assert marker.evaluate("(one) => one === document.activeElement"), "the focus goes back"


def test_a_follow_up_feedback_history_and_copying_work(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(
        looking.address(site.url, collection),
        locale="en",
        permissions=["clipboard-read", "clipboard-write"],
    )
    looking.upload(page, "policy.pdf", make_pdf(*EN_PAGES))
    looking.ask(page, "When must receipts be handed in?")
    page.get_by_role("button", name="Good answer").click()
    page.get_by_role("textbox", name="Comment").fill("right place")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    page.get_by_role("button", name="Copy with sources").click()
    page.locator("#toasts", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("**When must receipts be handed in?**")
    source = copied.splitlines()[-1]
    assert source.startswith("- [1] *policy.pdf*, p. 2: “")
    assert "Receipts must be handed in by May." in source

    with page.expect_request("**/v1/ask") as second:
        looking.ask(page, "Do taxis need approval?")
    assert (second.value.post_data_json or {})["conversation_id"]
    assert page.locator(".turn").count() == 2
    page.reload()
    page.locator(".turn").nth(1).wait_for()
    page.get_by_role("button", name="New conversation").click()
    page.locator(".empty").wait_for()
    page.get_by_role("button", name="History").click()
    page.get_by_role("dialog").get_by_text("When must receipts be handed in?").click()
    assert page.locator(".turn").count() == 2


def test_search_lists_passages_that_open_their_page(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection))
    looking.upload(page, "手册.pdf", make_pdf(*ZH_PAGES))
    page.locator(".tab-search").click()
    page.fill("#query", "运输损坏")
    page.keyboard.press("Enter")
    page.locator(".hit").first.click()
    assert "运输损坏" in page.locator(".panel-quote").inner_text()
    marked = looking.yellow(looking.picture(looking.wait_for_picture(page)))
    assert marked.any()


def test_what_is_not_in_the_documents_is_shown_as_refused(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection))
    looking.upload(page, "手册.pdf", make_pdf(*ZH_PAGES))
    looking.ask(page, "火星上有多少座火山？")
    assert "文档中没有答案" in page.locator(".refusal").inner_text()
    assert page.locator(".answer-text").count() == 0


def test_the_document_view_lays_the_blocks_over_the_page(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection))
    looking.upload(page, "手册.pdf", make_pdf(*ZH_PAGES))
    page.locator(".row a.name").click()
    page.locator(".reader .sheet:not(.loading)").wait_for()
    page.get_by_role("button", name="下一页").click()
    page.wait_for_url("**/2")
    page.locator(".reader .sheet:not(.loading) .block-box").first.wait_for()
    assert "整机保修期为三年" in page.locator(".reader-text").inner_text()
    image = page.locator(".reader .page-image").bounding_box()
    block = page.locator(".block-box").first.bounding_box()
    assert image is not None
    assert block is not None
    scale = image["width"] / 595
    # The first line was written with its baseline at 72, 90 in twelve point.
    assert block["x"] - image["x"] == pytest.approx(72 * scale, abs=4)
    assert 76 * scale < block["y"] - image["y"] < 90 * scale


def test_a_deleted_document_and_a_deleted_collection_are_gone(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    looking.upload(page, "policy.pdf", make_pdf(*EN_PAGES))
    page.get_by_role("button", name="Delete policy.pdf").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.locator(".row").wait_for(state="detached")
    page.get_by_role("button", name="Delete this collection").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.locator("#toasts", has_text="is deleted").wait_for()
    assert collection not in page.locator(".picker select").inner_text()
