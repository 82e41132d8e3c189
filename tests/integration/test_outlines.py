"""Words that are drawn as outlines on a page of text are read, where they stand; charts are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymupdf
import pytest

from ingest.outlines import outlined_regions
from ingest.readers.source import open_source
from ingest.reading import parse
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ABOVE = "The pump is checked after five hundred hours of work, by two people."
BELOW = "A worn seal is replaced before the filter, which is cleaned twice a year."
DRAWN = "Cooling water circuit"


def outlined(page: pymupdf.Page, place: tuple[float, float], text: str, size: float) -> None:
    """Draw the outlines of a line of text."""
    sheet = pymupdf.open().new_page(width=page.rect.width, height=page.rect.height)
    sheet.insert_text(place, text, fontsize=size)
    picture = pymupdf.open("svg", sheet.get_svg_image(text_as_path=True).encode())
    page.show_pdf_page(page.rect, pymupdf.open("pdf", picture.convert_to_pdf()), 0)


def page_of(path: Path, draw: Callable[[pymupdf.Page], None]) -> Path:
    document = pymupdf.open()
    page = document.new_page(width=500, height=300)
    page.insert_text((50, 60), ABOVE, fontsize=11)
    draw(page)
    page.insert_text((50, 240), BELOW, fontsize=11)
    document.save(path)
    return path


@pytest.mark.parametrize("size", [8, 14, 24])
def test_a_drawn_heading_is_read_between_the_text_that_is_written(
    size: float, tmp_path: Path
) -> None:
    path = page_of(tmp_path / "a.pdf", lambda page: outlined(page, (50, 150), DRAWN, size))
    assert DRAWN not in pymupdf.open(path)[0].get_text(), "it is not written"
    (page,) = parse(path, ReadOptions(ocr_engine="rapidocr")).pages
    assert page.source == "text"
    places = [page.text.replace("\n", " ").find(text) for text in (ABOVE, DRAWN, BELOW)]
    assert places == sorted(places)
    assert places[0] == 0
    at = page.text.index(DRAWN)
    x0, top, _, bottom = page.char_boxes[at]
    assert abs(x0 - 50) < 6
    assert 150 - 1.4 * size - 3 < top < 150 < bottom + 3


def test_a_drawn_heading_is_read_where_a_stamp_up_the_edge_of_the_page_reaches_into_it(
    tmp_path: Path,
) -> None:
    def draw(page: pymupdf.Page) -> None:
        outlined(page, (50, 150), DRAWN, 14)
        page.insert_text((70, 290), "For personal use only", rotate=90, fontsize=25, color=0.8)

    (page,) = parse(page_of(tmp_path / "a.pdf", draw), ReadOptions(ocr_engine="rapidocr")).pages
    assert "water circuit" in page.text, "the first word is under the stamp"
    assert "For personal use only" in page.text


def bars(page: pymupdf.Page) -> None:
    for number in range(20):
        page.draw_rect((60 + 15 * number, 130 + number % 9, 70 + 15 * number, 160), fill=0)


def tiles(page: pymupdf.Page) -> None:
    x = 60.0
    for number in range(20):
        wide = 8 + 1.3 * (number % 6)
        page.draw_rect((x, 130, x + wide, 144), fill=(0.8, 0.9, 1), color=None)
        x += wide


def ticks(page: pymupdf.Page) -> None:
    for number in range(30):
        page.draw_line((60 + 8 * number, 150 - 4 * (number % 5 == 0)), (60 + 8 * number, 156))


def written_too(page: pymupdf.Page) -> None:
    outlined(page, (50, 150), DRAWN, 14)
    page.insert_text((50, 150), DRAWN, fontsize=14, render_mode=3)


@pytest.mark.parametrize("draw", [bars, tiles, ticks, written_too])
def test_charts_shading_and_what_is_written_as_well_are_left_alone(
    draw: Callable[[pymupdf.Page], None], tmp_path: Path
) -> None:
    path = page_of(tmp_path / "a.pdf", draw)
    assert outlined_regions(open_source(path).layer(1)) == ()
