"""What a person does on the page, and what the tests measure in its pictures."""

from __future__ import annotations

import base64
import json
import urllib.request
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pypdfium2
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

DROP = """
async ({name, data}) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    const event = new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true});
    document.querySelector('main').dispatchEvent(event);
  }
}
"""
PIXELS_OF_IMAGE = """
(image) => {
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/png').split(',')[1];
}
"""


def make_collection(url: str, name: str) -> None:
    """Make a collection by the API."""
    body = json.dumps({"name": name}).encode()
    request = urllib.request.Request(
        f"{url}/v1/collections", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 201


def address(url: str, collection: str, rest: str = "") -> str:
    """Return the page's address of a collection."""
    return f"{url}/#/{quote(collection)}{rest}"


def choose(page: Page, name: str, data: bytes) -> None:
    """Choose a file by the file chooser."""
    files = page.locator("input[type=file]:not([webkitdirectory])").first
    files.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})


def drop(page: Page, name: str, data: bytes) -> None:
    """Drop a file on the middle of the page."""
    page.evaluate(DROP, {"name": name, "data": base64.b64encode(data).decode()})


def row(page: Page, state: str) -> Any:
    """Return the rows of the list that are in ``state``."""
    return page.locator(f".row[data-state={state}]")


def upload(page: Page, name: str, data: bytes) -> None:
    """Choose a file and wait until it can be asked."""
    choose(page, name, data)
    # On a phone the list is a view of its own, so it need not be seen.
    ready = row(page, "ready").filter(has_text=name[:20])
    ready.wait_for(state="attached", timeout=30_000)


def ask(page: Page, question: str, *, timeout: float = 30_000) -> None:
    """Ask and wait for the end."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.locator(".turn").last.and_(page.locator("[data-state=done]")).wait_for(timeout=timeout)


def wait_for_picture(page: Page) -> Any:
    """Wait until the side panel shows its page; return the image."""
    page.locator(".panel .sheet:not(.loading) img").wait_for()
    return page.locator(".panel .page-image")


def picture(image: Any) -> NDArray[np.uint8]:
    """Return the pixels of an image element at its natural size. Shape: ``(height, width, 3)``."""
    data = base64.b64decode(image.evaluate(PIXELS_OF_IMAGE))
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def yellow(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the marking colour lies on white paper."""
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    marked: NDArray[np.bool_] = (red > 190) & (green > 140) & (red - blue > 50)
    return marked


Place = tuple[float, float, float, float]


def lines_of(places: list[Place]) -> list[Place]:
    """Unite characters that stand on one line: points, origin top-left."""
    lines: list[Place] = []
    for x0, top, x1, bottom in places:
        if lines and abs(lines[-1][3] - bottom) < 8:
            one = lines[-1]
            lines[-1] = min(one[0], x0), min(one[1], top), max(one[2], x1), max(one[3], bottom)
        else:
            lines.append((x0, top, x1, bottom))
    return lines


def places_of(data: bytes, page: int, quoted: str) -> list[Place]:
    """Return PDFium's own boxes of the characters of ``quoted``: points, origin top-left."""
    with pypdfium2.PdfDocument(data) as document:
        sheet = document[page - 1]
        height = sheet.get_height()
        text = sheet.get_textpage()
        characters = [text.get_text_range(index, 1) for index in range(text.count_chars())]
        inked = [index for index, one in enumerate(characters) if one.strip()]
        wanted = "".join(quoted.split())
        start = "".join(characters[index] for index in inked).index(wanted)
        boxes = [text.get_charbox(index) for index in inked[start : start + len(wanted)]]
    return [(left, height - top, right, height - bottom) for left, bottom, right, top in boxes]
