"""Questions and searches limited on the page, by what documents are and were given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf


def give(page: Page, scope: str, name: str, value: str) -> None:
    fields = page.locator(f"{scope} .pair input")
    fields.nth(0).fill(name)
    fields.nth(1).fill(value)


def hits(page: Page) -> list[str]:
    page.locator(".results > .quiet, .results .empty p").first.wait_for()
    return page.locator(".hit .source-name").all_inner_texts()


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(
    ("locale", "width", "words"),
    [
        ("en", 1280, ("Filter", "Apply", "Add details", "Use for new files", "Clear")),
        ("zh-CN", 390, ("筛选", "应用", "附加信息", "用于新文件", "清除")),
    ],
)
def test_details_given_with_files_limit_searches_and_questions(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    locale: str,
    width: int,
    words: tuple[str, ...],
) -> None:
    filters, apply, details, use, clear = words
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection, "/documents"), locale=locale, width=width)
    for year in ("2023", "2024"):
        page.locator(".side").get_by_role("button", name=details).click()
        give(page, "dialog", "year", year)
        choose(page, use)
        page.locator(".side .drop-details", has_text=f"year = {year}").wait_for()
        name = f"policy {year}.pdf"
        looking.choose(page, name, make_pdf(f"The limit of {year} is {year[2:]} dollars.", "Last."))
        looking.row(page, "ready").filter(has_text=name).wait_for(timeout=30_000)

    page.locator(".tab-search").click()
    page.fill("#query", "limit dollars")
    page.keyboard.press("Enter")
    assert set(hits(page)) == {"policy 2023.pdf", "policy 2024.pdf"}
    choose(page, filters)
    give(page, "dialog", "year", "2023")
    choose(page, apply)
    page.locator(".chip", has_text="year = 2023").wait_for()
    expect(page.locator(".hit", has_text="2024.pdf")).to_have_count(0)
    assert set(hits(page)) == {"policy 2023.pdf"}

    page.locator(".tab-ask").click()
    with page.expect_request("**/v1/ask") as sent:
        looking.ask(page, "What is the limit?")
    assert (sent.value.post_data_json or {})["filter"] == {"metadata": {"year": "2023"}}
    assert page.locator(".turn .only").inner_text() == "year = 2023"
    assert "23 dollars" in page.locator(".answer-text").inner_text()

    page.locator(".tab-search").click()
    choose(page, filters)
    page.locator("#filter-from").fill("3")
    choose(page, apply)
    page.locator(".results .empty").get_by_role("button", name=clear).click()
    page.locator(".hit", has_text="2024.pdf").first.wait_for()
    assert page.locator(".chip").count() == 0


def test_documents_pages_and_days_are_sent_as_the_service_wants_them(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en", timezone_id="Asia/Shanghai")
    for name in ("a.pdf", "b.pdf"):
        looking.upload(page, name, make_pdf("The limit is 23 dollars.", "Last page."))
    page.locator(".tab-search").click()
    choose(page, "Filter")
    page.get_by_role("checkbox", name="b.pdf").check()
    page.locator("#filter-from").fill("2")
    page.locator("#filter-to").fill("1")
    choose(page, "Apply")
    assert "must not be after" in page.locator(".field-problem").inner_text()
    page.locator("#filter-to").fill("7")
    page.locator("#filter-kind").select_option("text")
    page.locator("#filter-since").fill("2020-01-02")
    page.locator("#filter-until").fill("2090-03-04")
    choose(page, "Apply")
    page.fill("#query", "limit")
    with page.expect_request("**/v1/search") as sent:
        page.keyboard.press("Enter")
    given = (sent.value.post_data_json or {})["filter"]
    assert given.pop("documents")
    # Both days whole, as they are where the reader is.
    assert given == {
        "pages": [2, 7],
        "kind": "text",
        "since": "2020-01-01T16:00:00.000Z",
        "until": "2090-03-04T16:00:00.000Z",
    }
    assert set(hits(page)) <= {"b.pdf"}
    page.get_by_role("button", name=re.compile("not only Only b.pdf")).click()
    assert page.locator(".chip").count() == 4


def test_several_collections_are_searched_as_one(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    other = f"{collection} other"
    for name in (other, collection):
        looking.make_collection(site.url, name)
    page = look(looking.address(site.url, other), locale="en")
    looking.upload(page, "far.pdf", make_pdf("The limit of far is 23 dollars."))
    page.goto(looking.address(site.url, collection))
    page.locator(".drop.large").wait_for()
    looking.upload(page, "near.pdf", make_pdf("The limit of near is 23 dollars."))
    page.locator(".tab-search").click()
    page.fill("#query", "limit dollars")
    page.keyboard.press("Enter")
    assert hits(page) == ["near.pdf"]
    choose(page, "Filter")
    page.get_by_role("checkbox", name=other).check()
    choose(page, "Apply")
    page.locator(".hit", has_text="far.pdf").wait_for()
    assert set(hits(page)) == {"near.pdf", "far.pdf"}
    page.locator(".hit", has_text="far.pdf").click()
    assert looking.yellow(looking.picture(looking.wait_for_picture(page))).any()


@pytest.mark.parametrize(
    ("locale", "details", "save"), [("en", "Details", "Save"), ("zh-CN", "附加信息", "保存")]
)
def test_the_details_of_a_document_are_changed_where_it_is_read(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    locale: str,
    details: str,
    save: str,
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale=locale)
    looking.upload(page, "policy.pdf", make_pdf("The limit is 23 dollars.", "Last."))
    page.locator(".row .name").click()
    tools = page.locator(".reader-details")
    tools.get_by_role("button", name=details).click()
    give(page, "dialog", "year", "2023")
    choose(page, save)
    tools.locator(".tag", has_text="year = 2023").wait_for()
    found = page.request.post(
        f"{site.url}/v1/search",
        data={
            "query": "limit",
            "collection": collection,
            "filter": {"metadata": {"year": 2023}},
        },
    )
    assert [hit["filename"] for hit in found.json()["hits"]]
    # A name without its value is no detail; the tag goes with the next saving.
    tools.get_by_role("button", name=details).click()
    give(page, "dialog", "year", "")
    choose(page, save)
    expect(tools.locator(".tag")).to_have_count(0)
