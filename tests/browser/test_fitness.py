"""Languages, small screens, keyboards, screen readers, weight, what the browser is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi.testclient import TestClient
    from playwright.sync_api import Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

PAGES = ("保修条款\n整机保修期为三年，自验收之日起计算。\n耗材不在保修范围之内。",)


def _visit(page: Page) -> Iterator[str]:
    """Go through the views of a collection with one document; yield the name of each."""
    looking.ask(page, "整机保修期为几年？")
    yield "ask"
    page.locator("button.marker").first.click()
    looking.wait_for_picture(page)
    yield "panel"
    page.keyboard.press("Escape")
    page.locator(".tab-search").click()
    page.fill("#query", "保修")
    page.keyboard.press("Enter")
    page.locator(".hit").first.wait_for()
    page.locator(".filter-open").click()
    page.locator("dialog #filter-from").wait_for()
    yield "filter"
    page.keyboard.press("Escape")
    page.locator(".explained summary").click()
    assert page.locator(".explained td").first.inner_text() in "保修期"
    yield "search"
    page.goto(re.sub(r"/search$", "/documents", page.url))
    page.locator(".row a.name").wait_for()
    yield "documents"
    page.locator(".row a.name").click()
    page.locator(".reader .sheet:not(.loading)").wait_for()
    yield "reader"
    page.locator(".block .pen").first.focus()
    page.keyboard.press("Enter")
    page.locator(".correct .cut-out img").first.wait_for()
    yield "correct"
    for section in ("runs", "keys", "settings", "audit"):
        page.goto(re.sub(r"/document/.*$|/manage/.*$", f"/manage/{section}", page.url))
        page.locator(
            ".manage-body > :not(.quiet):not(.hint), .manage-body > .quiet"
        ).first.wait_for()
        yield section


def test_the_language_follows_the_browser_until_one_is_chosen(
    site: Served, look: Callable[..., Page]
) -> None:
    page = look(site.url, locale="en-GB")
    page.get_by_role("button", name="切换到中文").click()
    page.get_by_role("button", name="Switch to English").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.reload()
    page.get_by_role("button", name="Switch to English").wait_for()
    assert look(site.url, locale="zh-TW").locator("html").get_attribute("lang") == "zh-CN"
    assert look(site.url, locale="fr-FR").locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("width", [320, 390, 768, 1920])
def test_no_width_scrolls_sideways(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str, width: int
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), width=width, height=800)
    looking.upload(page, "a-very-long-name-without-any-spaces-" * 4 + ".pdf", make_pdf(*PAGES))
    for name in _visit(page):
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide on a screen of {width}"
        beyond = page.evaluate(
            """(width) => [...document.querySelectorAll('button, a, input, select, textarea')]
                .filter((one) => one.checkVisibility() && !one.closest('.page-view'))
                .filter((one) => !one.closest('.skip, .visually-hidden'))
                .filter((one) => one.getBoundingClientRect().right > width + 1)
                .map((one) => one.outerHTML.slice(0, 120))""",
            width,
        )
        assert not beyond, f"{name}: beyond the right edge: {beyond}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    scheme: str,
    width: int,
) -> None:
    looking.make_collection(site.url, collection)
    page = look(
        looking.address(site.url, collection),
        width=width,
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,  # axe is put in as a script of its own
    )
    looking.upload(page, "手册.pdf", make_pdf(*PAGES))
    looking.choose(page, "broken.pdf", b"no PDF at all, but bytes \x00\x01")
    looking.row(page, "failed").or_(looking.row(page, "ready").nth(1)).first.wait_for(
        state="attached", timeout=30_000
    )
    for name in _visit(page):
        found = Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["any"][:1])
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert not serious, f"{name}: {serious}"


def test_everything_works_by_keyboard(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    looking.upload(page, "手册.pdf", make_pdf(*PAGES))
    looking.ask(page, "整机保修期为几年？")
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('button.marker')"):
            break
    page.keyboard.press("Enter")
    looking.wait_for_picture(page)
    assert page.evaluate("document.querySelector('.panel').contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('button.marker')")


def test_the_first_load_is_light_and_stays_on_this_machine(
    site: Served, look: Callable[..., Page]
) -> None:
    paints = []
    for _ in range(3):  # the best counts: other tests' servers may be busy stopping
        page = look("about:blank")
        page.goto(site.url, wait_until="networkidle")
        loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        weight = page.evaluate(
            """performance.getEntriesByType('resource')
                .concat(performance.getEntriesByType('navigation'))
                .reduce((sum, one) => sum + one.transferSize, 0)"""
        )
        assert 10_000 < weight < 300_000
        assert loaded
        assert all(url.startswith(site.url) for url in loaded)
        paints.append(
            page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        )
    assert min(paints) < 3_000  # the figure itself is measured by hand; a test only guards it


def test_the_page_forbids_foreign_and_inline_scripts(client: TestClient) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", page.text)


def test_files_of_the_page_are_kept_for_ever_and_the_page_is_asked_for_again(
    client: TestClient,
) -> None:
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    script = re.search(r'src="(static/\w+/js/app\.js)"', page.text)
    assert script is not None
    file = client.get(f"/{script[1]}")
    assert file.headers["content-type"].startswith("text/javascript")
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["content-encoding"] == "gzip"
    assert client.get("/static/js/app.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["nothing.js", "../page.py", "..%2Fpage.py", "index.html", ""])
def test_nothing_but_the_page_s_files_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404
