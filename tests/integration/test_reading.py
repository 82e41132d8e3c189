"""Files through the sandbox to pages, and pages checked by another reader."""

from __future__ import annotations

import math
import random
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pymupdf
import pypdfium2
import pytest

from ingest.readers.stext import read_glyphs
from ingest.reading import assembled_here, inspect, parse, read_pages
from ingest.types import ReadOptions
from ragqa.errors import Cancelled, PasswordRequired, TooLarge
from ragqa.store.rendering import render_png

if TYPE_CHECKING:
    from ragqa.types import Page

DATA = Path(__file__).parents[1] / "data"
SAMPLES = Path(__file__).parents[2] / "samples"
PLAIN = ReadOptions(ocr_engine="none")


def solid(text: str) -> str:
    """Drop white space and what marks the break of a word, which readers spell differently."""
    folded = unicodedata.normalize("NFC", text)
    return "".join(c for c in folded if not c.isspace() and c not in "-\u00ad\u0002\ufffe")


def inside(document: pypdfium2.PdfDocument, page: Page, start: int, end: int) -> str:
    """Let PDFium read what stands in the boxes of a quote, line by line."""
    shown = document[page.number - 1]
    text_page = shown.get_textpage()
    boxes = [box for box in page.char_boxes[start:end] if not np.isnan(box).any()]
    found: list[str] = []
    line: list[float] = []
    for box in [*boxes, None]:
        same = box is not None and line and abs(box[1] - line[1]) < 3 and box[0] >= line[0] - 1
        if line and not same:
            height = shown.get_height()
            found.append(
                text_page.get_text_bounded(
                    line[0] - 0.5, height - line[3] - 0.5, line[2] + 0.5, height - line[1] + 0.5
                )
            )
            line = []
        if box is not None:
            x0, top, x1, bottom = (float(value) for value in box)
            line = (
                [line[0], min(line[1], top), x1, max(line[3], bottom)]
                if line
                else [x0, top, x1, bottom]
            )
    return "".join(found)


@pytest.mark.parametrize(
    "path",
    [
        DATA / "manual_zh.pdf",
        DATA / "policy_en.pdf",
        SAMPLES / "Travel-and-Expenses-Policy.pdf",
        SAMPLES / "LX-260使用与维护手册.pdf",
    ],
    ids=lambda path: path.stem,
)
def test_another_reader_finds_every_quote_inside_its_boxes(path: Path) -> None:
    document = pypdfium2.PdfDocument(path)
    draw = random.Random(7)
    for page in assembled_here(path, PLAIN):
        for _ in range(25):
            blocks = [block for block in page.blocks if block.span is not None]
            block = draw.choice(blocks)
            assert block.span is not None
            start = draw.randrange(block.span.start, block.span.end)
            end = min(block.span.end, start + draw.randrange(1, 80))
            quote = page.text[start:end]
            if "...." in quote:
                continue  # PDFium orders leaders as it likes
            assert solid(quote) in solid(inside(document, page, start, end)), (page.number, quote)


@pytest.mark.parametrize("name", ["manual_zh", "policy_en", "form_en", "hidden_en"])
def test_text_in_any_order_is_what_the_reader_itself_gives(name: str) -> None:
    document = pymupdf.open(DATA / f"{name}.pdf")
    for page, shown in zip(assembled_here(DATA / f"{name}.pdf", PLAIN), document, strict=True):
        margins = "".join(block.text for block in page.blocks if block.span is None)
        notes = "".join(note.info["content"] for note in shown.annots())
        unseen = "" if name != "hidden_en" else "Nobody sees this one."
        assert sorted(solid(page.text + margins + unseen)) == sorted(
            solid(shown.get_text() + notes)
        )


def long_lines() -> pymupdf.Document:
    """Lines of 1, 100 and 6,000 characters: the last lies in more pieces of memory than most."""
    document = pymupdf.open()
    page = document.new_page(width=9000, height=300)
    for number, count in enumerate((1, 100, 6000)):
        text = "".join(chr(97 + index % 26) for index in range(count))
        page.insert_text((20, 60 + 60 * number), text, fontsize=2)
    return document


@pytest.mark.parametrize("name", ["Travel-and-Expenses-Policy.pdf", ""])
def test_memory_and_dictionary_give_the_same_characters(name: str) -> None:
    for shown in pymupdf.open(SAMPLES / name) if name else long_lines():
        glyphs = read_glyphs(shown)
        assert len(glyphs.chars) == sum(end - start for start, end, *_ in glyphs.lines) > 0
        expected = [
            (char["c"], tuple(round(v, 2) for v in char["origin"]))
            for block in shown.get_text("rawdict", flags=2)["blocks"]
            for line in block["lines"]
            for span in line["spans"]
            for char in span["chars"]
        ]
        got = [
            (chr(char["code"]), tuple(round(float(v), 2) for v in char["origin"]))
            for char in glyphs.chars
        ]
        assert got == expected


def test_a_page_reads_the_same_alone_and_with_others_once_and_twice() -> None:
    path = DATA / "manual_zh.pdf"
    together = [raw.to_bytes() for raw in read_pages(path, [1, 2, 3], PLAIN)]
    alone = [next(read_pages(path, [number], PLAIN)).to_bytes() for number in (3, 1, 2)]
    assert together == [alone[1], alone[2], alone[0]]


def test_pages_come_in_the_order_asked_for() -> None:
    raws = list(read_pages(DATA / "manual_zh.pdf", [3, 1, 2, 1], PLAIN))
    assert [raw.number for raw in raws] == [3, 1, 2, 1]


def test_an_unchanged_page_keeps_its_key_when_pages_come_before_it(tmp_path: Path) -> None:
    edited = pymupdf.open(DATA / "manual_zh.pdf")
    edited.new_page(0, width=300, height=300).insert_text((20, 50), "A new first page")
    edited[2].insert_text((300, 700), "one word more")
    edited.save(tmp_path / "edited.pdf", garbage=3)
    before = inspect(DATA / "manual_zh.pdf", PLAIN).page_keys
    after = inspect(tmp_path / "edited.pdf", PLAIN).page_keys
    assert (after[1], after[3]) == (before[0], before[2])
    assert after[2] != before[1]
    assert len({*before, *after}) == 5


def test_a_locked_file_opens_with_its_password_only() -> None:
    path = DATA / "locked_zh.pdf"
    with pytest.raises(PasswordRequired, match="give its password"):
        inspect(path, PLAIN)
    with pytest.raises(PasswordRequired, match="give the right password"):
        inspect(path, ReadOptions(ocr_engine="none", password="falsch"))
    opened = parse(path, ReadOptions(ocr_engine="none", password="开门"))
    assert opened.pages[0].text == assembled_here(DATA / "manual_zh.pdf", PLAIN)[0].text


def test_files_inside_a_file_are_named_and_not_read(tmp_path: Path) -> None:
    with pymupdf.open(DATA / "policy_en.pdf") as document:
        document.embfile_add("rates.xlsx", b"per diem 45")
        document.save(tmp_path / "with_files.pdf")
    read = parse(tmp_path / "with_files.pdf", PLAIN)
    assert [notice.code for notice in read.notices] == ["attachments"]
    assert "rates.xlsx" in read.notices[0].message
    assert not any("per diem 45" in page.text for page in read.pages)


def xfa_form(folder: Path, *, needs_rendering: bool) -> Path:
    """A form of XFA beside a page that says to wait, or beside a page that shows its fields."""
    document = pymupdf.open()
    for text in ("Please wait...", "Page two of the form"):
        document.new_page().insert_text((72, 72), text)
    field = pymupdf.Widget()
    field.field_name, field.field_type = "city", pymupdf.PDF_WIDGET_TYPE_TEXT
    field.rect, field.field_value = pymupdf.Rect(72, 100, 300, 120), "Tallinn"
    document[0].add_widget(field)
    document.xref_set_key(document.pdf_catalog(), "AcroForm/XFA", "(<xdp/>)")
    if needs_rendering:
        document.xref_set_key(document.pdf_catalog(), "NeedsRendering", "true")
    document.save(folder / "form.pdf")
    return folder / "form.pdf"


@pytest.mark.parametrize(("needs", "codes"), [(True, ["xfa_form"]), (False, [])])
def test_a_form_that_only_adobe_reader_shows_is_told(
    needs: bool, codes: list[str], tmp_path: Path
) -> None:
    read = parse(xfa_form(tmp_path, needs_rendering=needs), PLAIN)
    assert [notice.code for notice in read.notices] == codes
    assert "Tallinn" in read.pages[0].text


def test_too_many_pages_are_refused() -> None:
    with pytest.raises(TooLarge, match="has 3 pages, more than the 2"):
        inspect(DATA / "manual_zh.pdf", ReadOptions(ocr_engine="none", max_pages=2))


def test_a_stop_ends_the_reading() -> None:
    with pytest.raises(Cancelled):
        list(read_pages(DATA / "manual_zh.pdf", [1, 2, 3] * 200, PLAIN, stop=lambda: True))


def test_hidden_text_is_left_out_and_reported_and_fields_are_read() -> None:
    hidden = parse(DATA / "hidden_en.pdf", PLAIN)
    assert hidden.pages[0].text == "Everybody sees this sentence.\nWhite on blue is read."
    assert [notice.code for notice in hidden.notices] == ["hidden_text"]
    assert "Ada Lovelace" in parse(DATA / "form_en.pdf", PLAIN).pages[0].text


def test_text_files_are_paged_placed_and_drawn(tmp_path: Path) -> None:
    file = tmp_path / "说明.txt"
    file.write_bytes(("第一段。\n" + "水泵维护。" * 900 + "\n最后一段。").encode("gb18030"))
    parsed = parse(file, PLAIN)
    assert len(parsed.pages) == 2
    assert solid("".join(page.text for page in parsed.pages)) == solid(file.read_text("gb18030"))
    page = parsed.pages[0]
    assert not np.isnan(page.char_boxes[0]).any()
    assert render_png(file, 1, 72).startswith(b"\x89PNG")


def test_a_text_file_is_read_whatever_it_says(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    words = ["xqzvk", "jwqpt", "zzkfh", "vqxjm", "qkwzp"]
    file.write_text("\n".join(" ".join(words) for _ in range(40)), "utf-8")

    (page,) = parse(file, PLAIN).pages

    assert page.source == "text"
    assert page.text.count("xqzvk") == 40


def test_a_marked_box_is_yellow_where_the_text_stands_on_a_turned_page() -> None:
    path = DATA / "turned_zh.pdf"
    page = assembled_here(path, PLAIN)[0]
    heading = next(block for block in page.blocks if block.kind == "heading")
    picture = pymupdf.Pixmap(render_png(path, 1, 72, boxes=[heading.bbox]))
    x, y = heading.bbox.x0 + 1, (heading.bbox.top + heading.bbox.bottom) / 2
    red, _, blue = picture.pixel(math.floor(x), math.floor(y))[:3]
    assert red > blue + 40
    assert (picture.width, picture.height) == (842, 595)
