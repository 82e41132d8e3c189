"""Raw pages become final text; every character keeps its place."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.assemble import assemble
from ingest.heads import running_heads
from ingest.types import Cell, Line, RawPage, RawTable, RunningHeads
from ragqa.types import BBox, Notice


def raw_page(
    lines: list[tuple[float, float, str]], *, number: int = 1, height: float = 842
) -> RawPage:
    """Lines of ten-point characters at (x, y)."""
    text, boxes, found = "", [], []
    for block, (x, y, value) in enumerate(lines):
        places = [(x + 10 * i, y, x + 10 * i + 10, y + 12) for i in range(len(value))]
        bbox = BBox(x, y, x + 10 * len(value), y + 12)
        found.append(Line(len(text), len(text) + len(value), bbox, 10.0, block=block))
        text += value
        boxes += places
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return RawPage(number, 595, height, "text", text, array, tuple(found))


def test_chinese_lines_are_joined_without_blanks_and_broken_words_are_mended() -> None:
    chinese = assemble(
        raw_page([(50, 100, "水泵每五百小时"), (50, 116, "检查一次。")]), RunningHeads()
    )
    assert chinese.text == "水泵每五百小时检查一次。"
    english = assemble(raw_page([(50, 100, "a pub-"), (50, 116, "lished limit")]), RunningHeads())
    assert english.text == "a published limit"
    spaced = assemble(raw_page([(50, 100, "two words"), (50, 116, "and more")]), RunningHeads())
    assert spaced.text == "two words and more"


def test_a_composed_character_stands_where_its_parts_stood() -> None:
    page = assemble(raw_page([(50, 100, "Orle\u0301ans")]), RunningHeads())
    assert page.text == "Orléans"
    assert page.char_boxes[3].tolist() == [80, 100, 100, 112]


def test_what_repeats_at_the_edges_is_kept_as_blocks_and_left_out_of_the_text() -> None:
    pages = [
        raw_page(
            [
                (50, 40, "水泵手册"),
                (50, 300 + n, f"正文{'甲乙丙丁'[n]}。"),
                (280, 800, f"第{n + 1}页"),
            ],
            number=n + 1,
        )
        for n in range(4)
    ]
    heads = running_heads(pages)
    first = assemble(pages[0], heads)
    assert first.text == "正文甲。"
    assert [(b.kind, b.text, b.span is None) for b in first.blocks] == [
        ("header", "水泵手册", True), ("text", "正文甲。", False), ("footer", "第1页", True)
    ]  # fmt: skip


@pytest.mark.parametrize(("title_at", "title_size"), [(40, 18.0), (90, 10.0)])
def test_a_title_in_the_words_of_the_running_head_stays_text(
    title_at: float, title_size: float
) -> None:
    """The title is larger than the running head, or stands lower; both are near the edge."""
    title = raw_page([(50, title_at, "水泵手册"), (50, 300, "正文甲。")])
    title = replace(title, lines=(title.lines[0]._replace(size=title_size), title.lines[1]))
    rest = [raw_page([(50, 40, "水泵手册"), (50, 300, f"正文{x}。")], number=n)
            for n, x in ((2, "乙"), (3, "丙"))]  # fmt: skip
    heads = running_heads([title, *rest])
    assert assemble(title, heads).text == "水泵手册\n正文甲。"
    assert [assemble(page, heads).text for page in rest] == ["正文乙。", "正文丙。"]


@pytest.mark.parametrize(("title_at", "title_size"), [(40, 18.0), (90, 10.0)])
def test_of_two_pages_with_a_title_and_the_same_words_neither_loses_text(
    title_at: float, title_size: float
) -> None:
    title = raw_page([(50, title_at, "水泵手册"), (50, 300, "正文甲。")])
    title = replace(title, lines=(title.lines[0]._replace(size=title_size), title.lines[1]))
    other = raw_page([(50, 40, "水泵手册"), (50, 300, "正文乙。")], number=2)
    heads = running_heads([title, other])
    assert [assemble(page, heads).text for page in (title, other)] == [
        "水泵手册\n正文甲。", "水泵手册\n正文乙。"
    ]  # fmt: skip


def test_running_heads_of_scans_may_lie_a_little_apart() -> None:
    def scanned(number: int, at: float, size: float) -> RawPage:
        page = raw_page([(50, at, "水泵手册"), (50, 300, f"正文{'甲乙丙'[number - 1]}。")])
        first, second = (line._replace(confidence=0.9) for line in page.lines)
        return replace(page, number=number, lines=(first._replace(size=size), second))

    pages = [scanned(1, 40, 10.0), scanned(2, 56, 11.5), scanned(3, 47, 10.5)]
    heads = running_heads(pages)
    assert [assemble(page, heads).text for page in pages] == ["正文甲。", "正文乙。", "正文丙。"]


def test_a_table_is_rows_of_cells_in_text_and_block() -> None:
    raw = raw_page([(50, 100, "名称"), (150, 100, "数量"), (50, 120, "滤芯"), (150, 120, "2")])
    ranges = [((0, 2),), ((2, 4),), ((4, 6),), ((6, 7),)]
    cells = tuple(Cell(i // 2, i % 2, BBox(0, 0, 1, 1), held) for i, held in enumerate(ranges))
    table = RawTable(BBox(50, 100, 200, 132), 2, 2, cells)
    page = assemble(
        RawPage(1, 595, 842, "text", raw.text, raw.char_boxes, raw.lines, (table,)), RunningHeads()
    )
    assert page.text == "名称\t数量\n滤芯\t2"
    assert page.blocks[0].rows == (("名称", "数量"), ("滤芯", "2"))


def test_an_item_of_a_list_holds_the_lines_that_hang_behind_its_mark() -> None:
    page = assemble(
        raw_page([
            (50, 100, "•"), (70, 100, "reward those who"), (70, 116, "did well; and"),
            (50, 132, "•"), (70, 132, "keep the others."),
            (50, 148, "The board meets"), (50, 164, "twice a year."),
        ]),
        RunningHeads(),
    )  # fmt: skip
    assert [(block.kind, block.text) for block in page.blocks] == [
        ("list", "• reward those who did well; and"),
        ("list", "• keep the others."),
        ("text", "The board meets twice a year."),
    ]


def test_a_footnote_is_read_after_all_columns() -> None:
    left = [(50.0, 400.0 + 16 * n, "left column line") for n in range(6)]
    right = [(310.0, 400.0 + 16 * n, "right column line") for n in range(14)]
    raw = raw_page([*left, (50, 520, "1See the annex."), *right])
    small = tuple(li._replace(size=7.0) if li.bbox.top == 520 else li for li in raw.lines)
    text = assemble(replace(raw, lines=small), RunningHeads()).text
    assert text.splitlines()[-1] == "1See the annex."


def test_a_raw_page_survives_being_written_and_read() -> None:
    raw = raw_page([(50, 100, "水泵"), (50, 120, "é")])
    raw = replace(raw, lines=(raw.lines[0]._replace(sure=(0.9, 0.875)), raw.lines[1]))
    raw = RawPage(
        7, 595, 842, "ocr", raw.text, raw.char_boxes, raw.lines,
        (RawTable(BBox(0, 0, 9, 9), 1, 2, (Cell(0, 1, BBox(1, 2, 3, 4), ((0, 2),)),)),),
        (BBox(1, 1, 2, 2),), ((1, "章"),), (Notice("a", "b", 7),), 0.9, "image_only", 90,
        rules=(BBox(0, 5, 595, 6),),
    )  # fmt: skip
    again = RawPage.from_bytes(raw.to_bytes(), 7)
    assert again.to_bytes() == raw.to_bytes()
    assert (again.lines, again.tables, again.outline, again.notices) == (
        raw.lines, raw.tables, raw.outline, raw.notices
    )  # fmt: skip
    assert (again.turned, again.ocr_reason, again.figures) == (90, "image_only", raw.figures)
    assert again.rules == raw.rules
    assert np.array_equal(again.char_boxes, raw.char_boxes)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500), st.integers(0, 800),
            st.text("水泵维护abc-e\u0301 。,12", min_size=1, max_size=12).filter(str.strip),
        ),
        max_size=25,
    ),
    st.sampled_from([0, 90, 180, 270]),
)  # fmt: skip
def test_spans_tile_the_text_and_every_character_has_a_place_on_the_page(
    lines: list[tuple[float, float, str]], turned: int
) -> None:
    raw = raw_page([(x, y, text.strip()) for x, y, text in lines])
    raw = RawPage(1, 595, 842, "text", raw.text, raw.char_boxes, raw.lines, turned=turned)
    page = assemble(raw, RunningHeads())
    assert unicodedata.is_normalized("NFC", page.text)
    assert page.char_boxes.shape == (len(page.text), 4)
    inked = np.asarray(~np.isnan(page.char_boxes).any(axis=1))
    assert all(inked[i] for i, char in enumerate(page.text) if not char.isspace())
    limits = np.array([page.width, page.height] * 2)
    assert ((page.char_boxes[inked] >= 0) & (page.char_boxes[inked] <= limits + 1e-3)).all()
    at = 0
    for block in (block for block in page.blocks if block.span is not None):
        assert block.span is not None
        assert page.text[at : block.span.start].strip() == ""
        assert block.text == block.span.of(page.text)
        at = block.span.end
    assert at == len(page.text)
