"""Take the README's pictures of a running service that has the samples in ``demo``.

Run: ``python -m tests.browser.take_pictures http://127.0.0.1:8000 docs``
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import looking
from tests.browser.conftest import ARGUMENTS, CHROMIUM

LOOKS = (
    ("page-zh.png", "投影机光源的质保是几年？", {"locale": "zh-CN"}),
    (
        "page-en.png",
        "How long must a flight be before I may book business class?",
        {"locale": "en", "color_scheme": "dark"},
    ),
    (
        "page-phone.png",
        "多长时间没人取水，机器会自己进入节能模式？",
        {"locale": "zh-CN", "phone": True},
    ),
)


def main(url: str, folder: Path) -> None:
    """Ask a sample question on each screen, open its first citation, take the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, question, options in LOOKS:
            phone = options.pop("phone", False)
            viewport = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
            context = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(300_000)
            page.goto(looking.address(url, "demo"))
            page.locator(".promises").wait_for()
            looking.ask(page, question, timeout=300_000)
            page.locator("button.marker, .hit").first.click()
            looking.wait_for_picture(page)
            page.locator(".glow").wait_for(state="detached")
            page.screenshot(path=folder / name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
