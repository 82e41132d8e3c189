"""Pages that are black-and-white pictures are softened before OCR reads them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pymupdf
import pytest

from ingest.ocr.fax import fax_dpi
from ingest.ocr.rapid import RapidOcr
from ingest.readers.source import open_source
from ingest.reading import parse
from ingest.types import ReadOptions
from ragqa.types import BBox

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [
    "The pump is checked after five hundred hours.",
    "https://example.org/manuals/seal-and-filter",
    "A worn seal is replaced before the filter.",
    "https://example.org/orders/2021-10-29/page.htm",
]


def fax(path: Path, *, dpi: int = 200, bits: int = 1) -> str:
    """Write a page of thin type, scanned in black and white so that its strokes break."""
    page = pymupdf.open().new_page(width=400, height=160)
    for row, sentence in enumerate(SENTENCES):
        page.insert_text(
            (40, 40 + 26 * row), sentence, fontname="cour", fontsize=10, color=(0.35,) * 3
        )
    pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    grey = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width)
    noise = np.random.default_rng(5)
    black = grey + noise.normal(0, 25, grey.shape) < 110
    black |= noise.random(grey.shape) < 0.001
    scan = pymupdf.open()
    sheet = scan.new_page(width=400, height=160)
    if bits == 1:
        packed = np.packbits(~black, axis=1)
        head = f"P4 {pixmap.width} {pixmap.height}\n".encode()
        sheet.insert_image(sheet.rect, stream=head + np.invert(packed).tobytes())
    else:
        head = f"P5 {pixmap.width} {pixmap.height} 255\n".encode()
        sheet.insert_image(sheet.rect, stream=head + (30 + 220 * ~black).astype(np.uint8).tobytes())
    scan.save(path)
    return "".join("".join(SENTENCES).split())


def missing(expected: str, got: str) -> float:
    return (Counter(expected) - Counter("".join(got.split()))).total() / len(expected)


def test_broken_strokes_of_a_fax_are_read(tmp_path: Path) -> None:
    truth = fax(tmp_path / "fax.pdf")
    (page,) = parse(tmp_path / "fax.pdf", ReadOptions(ocr_engine="rapidocr")).pages
    source = open_source(tmp_path / "fax.pdf")
    alone = "".join(line.text for line in RapidOcr().recognize(source.image(1, 200)))
    assert missing(truth, page.text) < 0.06
    assert missing(truth, alone) > 0.3


def test_only_pages_of_black_and_white_pictures_are_softened(tmp_path: Path) -> None:
    fax(tmp_path / "fax.pdf")
    fax(tmp_path / "grey.pdf", bits=8)
    assert open_source(tmp_path / "fax.pdf").black_and_white(1) == pytest.approx(
        1111 * 444, rel=0.01
    )
    assert open_source(tmp_path / "grey.pdf").black_and_white(1) == 0
    sheet = [BBox(0, 0, 400, 160)]
    assert fax_dpi(0, sheet, 150) is None
    assert fax_dpi(1111 * 444, sheet, 150) == pytest.approx(200, rel=0.01)
    assert fax_dpi(833 * 333, sheet, 150) is None, "it has no pixels to spare"
    assert fax_dpi(3333 * 1333, sheet, 150) == 300, "no finer than is of use"
    strips = [BBox(0, y, 400, y + 40) for y in (0, 40, 80, 120)]
    assert fax_dpi(4 * 1111 * 111, strips, 150) == pytest.approx(200, rel=0.01)
