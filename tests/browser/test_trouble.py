"""Broken files, hostile text, a service that goes away, a service that wants a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Dialog, FilePayload, Page

    from tests.browser.conftest import Served
    from tests.conftest import MakePdf

IMAGE = '<img src=x onerror="window.hacked=1">'
SCRIPT = "<script>window.hacked=1</script>"


@pytest.mark.parametrize(
    ("locale", "sentence"), [("zh-CN", "无法读取此文件"), ("en-US", "This file could not be read")]
)
def test_a_broken_file_says_what_to_do_and_the_next_upload_works(
    site: Served,
    look: Callable[..., Page],
    make_pdf: MakePdf,
    collection: str,
    locale: str,
    sentence: str,
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale=locale)
    looking.choose(page, "broken.pdf", b"%PDF-1.7\nthis is no PDF")
    failed = looking.row(page, "failed")
    failed.wait_for(timeout=30_000)
    assert sentence in failed.inner_text()
    looking.choose(page, "empty.pdf", b"")
    page.locator(".row", has_text="empty.pdf").locator(".row-problem p").first.wait_for()
    looking.upload(page, "good.pdf", make_pdf("正常的一页文字。"))


def test_markup_in_names_text_and_questions_stays_text(
    site: Served, look: Callable[..., Page], make_pdf: MakePdf, collection: str
) -> None:
    name = f"{collection} <b onclick=hacked()>"
    looking.make_collection(site.url, name)
    page = look(looking.address(site.url, name))
    dialogs: list[str] = []

    def close(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    file = "<img src=x onerror='window.hacked=1'>.pdf"
    looking.upload(
        page, file, make_pdf(f"警告代码为\n{IMAGE}\n{SCRIPT}\n[点我](javascript:alert(1))")
    )
    assert file in page.locator(".row .name").inner_text()
    looking.ask(page, f"警告代码是什么？{IMAGE}{SCRIPT}")
    assert IMAGE + SCRIPT in page.locator(".question").inner_text()
    page.locator(".tab-search").click()
    page.fill("#query", "警告代码 img onerror")
    page.keyboard.press("Enter")
    page.locator(".hit").first.click()
    assert "onerror" in page.locator(".panel-quote").inner_text()
    page.keyboard.press("Escape")
    page.locator(".row a.name").click()
    page.locator(".reader .sheet:not(.loading)").wait_for()
    shown = page.locator(".reader-text").inner_text()
    assert IMAGE in shown
    assert SCRIPT in shown
    assert page.evaluate("window.hacked") is None
    assert not dialogs
    made = "main img:not(.page-image), main script, aside script, main a[href^=javascript]"
    assert page.locator(made).count() == 0


def test_a_service_killed_in_mid_answer_is_said_so_and_found_again(
    serve: Callable[..., Served],
    look: Callable[..., Page],
    make_pdf: MakePdf,
    models_folder: object,
    collection: str,
) -> None:
    # The real model, because it takes long enough to be killed while it writes.
    served = serve(RAGQA_LLM_MODEL="qwen2.5-coder-0.5b-instruct-q4_k_m")
    looking.make_collection(served.url, collection)
    page = look(looking.address(served.url, collection))
    looking.upload(page, "手册.pdf", make_pdf("保修条款\n整机保修期为三年，自验收之日起计算。"))
    page.fill("#question", "整机保修期为几年？")
    page.press("#question", "Enter")
    page.locator(".turn[data-state=writing]").wait_for()
    served.kill()
    page.locator(".turn[data-state=failed]").wait_for()
    assert "连接就中断了" in page.locator(".turn .problem").inner_text()
    page.locator(".banner", has_text="服务没有响应").wait_for()

    served.settings["RAGQA_LLM_MODEL"] = "extractive"
    served.start()
    page.locator(".banner").wait_for(state="hidden", timeout=20_000)
    page.get_by_role("button", name="重新提问").click()
    page.locator(".turn[data-state=done]").wait_for()
    assert "三年" in page.locator(".answer-text").inner_text()


def test_one_signs_in_with_a_key_stays_so_in_a_cookie_and_signs_out(
    serve: Callable[..., Served], look: Callable[..., Page], make_pdf: MakePdf
) -> None:
    served = serve(RAGQA_API_KEY="a-long-enough-key-0123456789")
    page = look(served.url, locale="en")
    page.get_by_label("API key").fill("wrong key")
    page.keyboard.press("Enter")
    page.get_by_text("This key was not accepted").wait_for()
    page.get_by_label("API key").fill("a-long-enough-key-0123456789")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="New collection").first.click()
    page.fill("#prompt-value", "locked")
    page.keyboard.press("Enter")
    page.locator(".drop.large").wait_for()
    looking.upload(
        page, "policy.pdf", make_pdf("Expenses\nReceipts must be handed in within thirty days.")
    )
    looking.ask(page, "When must receipts be handed in?")
    page.locator(".answer-text button.marker").first.click()
    image = looking.wait_for_picture(page)
    assert looking.yellow(looking.picture(image)).any()
    page.reload()
    page.locator(".turn").wait_for()
    assert page.get_by_label("API key").count() == 0
    kept = page.evaluate("document.cookie + JSON.stringify({...sessionStorage, ...localStorage})")
    assert "a-long-enough-key" not in kept
    assert "ragqa_session" not in kept
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    page.get_by_role("button", name="Signed in as").click()
    page.get_by_label("API key").wait_for()
    assert page.context.cookies() == []


def test_hundreds_of_files_are_listed_briefly_and_given_up_at_once(
    site: Served, look: Callable[..., Page], collection: str
) -> None:
    looking.make_collection(site.url, collection)
    page = look(looking.address(site.url, collection), locale="en")
    page.locator(".drop.large").wait_for()
    slow = {"offline": False, "latency": 5, "downloadThroughput": 1e6, "uploadThroughput": 100_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    files: list[FilePayload] = [
        {
            "name": f"note {n}.txt",
            "mimeType": "text/plain",
            "buffer": b"words " * (200_000 if n < 2 else 50),
        }
        for n in range(200)
    ]
    page.locator("input[type=file]:not([webkitdirectory])").first.set_input_files(files)
    page.get_by_text("more files wait to be sent").wait_for()
    assert page.locator(".row").count() < 40
    sending = page.locator(".row[data-state=sending]").first
    sending.get_by_text(re.compile(r"\d KB/s")).wait_for()  # its own rate, and the time left
    assert "left" in sending.inner_text()
    assert "Sending" in page.locator(".sending").inner_text()
    page.get_by_role("button", name="Cancel all files that are not sent yet").click()
    expect(page.locator(".row[data-state=sending], .row[data-state=waiting]")).to_have_count(0)
    page.get_by_text("more files wait to be sent").wait_for(state="detached")
