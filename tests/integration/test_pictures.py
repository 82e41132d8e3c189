"""Pictures on written pages are read where they stand, and only as often as it pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymupdf
import pytest

from ingest.ocr.rapid import RapidOcr
from ingest.page import read_page
from ingest.readers.source import open_source
from ingest.reading import parse
from ingest.tables.finder import GridFinder
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ingest.ports import Recognized

TEXT = "The pump is checked after five hundred hours of work, by two people."
LINES = ["Cooling water circuit", "Pressure at the inlet", "Level of the main tank"]


class Counting:
    """An engine that notes how large the images are that it reads."""

    def __init__(self) -> None:
        self._engine = RapidOcr()
        self.shapes: list[tuple[int, ...]] = []

    @property
    def name(self) -> str:
        return self._engine.name

    def recognize(self, image: NDArray[np.uint8], *, enlarge: bool = True) -> list[Recognized]:
        assert not enlarge
        self.shapes.append(image.shape[:2])
        return self._engine.recognize(image, enlarge=enlarge)


def page_with(path: Path, lines: list[str], *, turned: int = 0, size: float = 11) -> Path:
    """Write a page with a line of text and, below it, lines in a picture that they fill."""
    height = 14 * len(lines) + 4
    drawn = pymupdf.open().new_page(width=170, height=max(60, height))
    for number, line in enumerate(lines):
        drawn.insert_text((2, 12 + 14 * number), line, fontsize=size)
    document = pymupdf.open()
    page = document.new_page(width=500, height=300)
    page.insert_text((50, 40), TEXT, fontsize=11)
    place = pymupdf.Rect(100, 80, 100 + drawn.rect.width, 80 + drawn.rect.height)
    page.insert_image(place, pixmap=drawn.get_pixmap(dpi=200), rotate=turned)
    document.save(path)
    return path


def test_text_that_fills_a_picture_is_read_where_it_stands(tmp_path: Path) -> None:
    path = page_with(tmp_path / "a.pdf", LINES)
    (page,) = parse(path, ReadOptions(ocr_engine="rapidocr")).pages
    assert page.source == "text"
    for number, line in enumerate(LINES):
        at = page.text.replace("\n", " ").index(line)
        x0, top, _, bottom = page.char_boxes[at]
        assert abs(x0 - 102) < 6
        assert top < 80 + 12 + 14 * number < bottom + 6


@pytest.mark.parametrize(("turned", "times"), [(0, 1), (180, 2)])
def test_much_that_is_read_badly_in_a_picture_is_read_again_turned(
    turned: int, times: int, tmp_path: Path
) -> None:
    engine = Counting()
    source = open_source(page_with(tmp_path / "a.pdf", LINES, turned=turned))
    raw = read_page(source, 1, ReadOptions(), engine=engine, tables=GridFinder())
    assert len(engine.shapes) == times
    assert all(line in raw.text for line in LINES)


def test_a_few_characters_in_a_picture_are_read_once(tmp_path: Path) -> None:
    engine = Counting()
    source = open_source(page_with(tmp_path / "a.pdf", LINES[:1], turned=180))
    read_page(source, 1, ReadOptions(), engine=engine, tables=GridFinder())
    assert len(engine.shapes) == 1


def test_a_picture_is_put_on_a_sheet_little_larger_than_it(tmp_path: Path) -> None:
    engine = Counting()
    source = open_source(page_with(tmp_path / "a.pdf", LINES))
    read_page(source, 1, ReadOptions(), engine=engine, tables=GridFinder())
    assert engine.shapes == [(384, 512)]  # 125 by 354 pixels at 150 dots an inch, and air
