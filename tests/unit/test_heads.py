"""What repeats at the edge of pages is a running head only where it stands apart from the text."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.assemble import assemble
from ingest.heads import running_heads
from ingest.types import Line, RawPage
from ragqa.types import BBox


def page_of(number: int, lines: list[tuple[float, float, str, float]]) -> RawPage:
    """Lines (x, top, text, font size) of a page of A4; they are as high as their font is large."""
    text, boxes, found = "", [], []
    for block, (x, top, value, size) in enumerate(lines):
        places = [(x + size * i, top, x + size * (i + 1), top + size) for i in range(len(value))]
        box = BBox(x, top, x + size * len(value), top + size)
        found.append(Line(len(text), len(text) + len(value), box, size, block=block))
        text += value
        boxes += places
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return RawPage(number, 595, 842, "text", text, array, tuple(found))


def texts_of(pages: list[RawPage]) -> list[str]:
    heads = running_heads(pages)
    return [assemble(page, heads).text for page in pages]


BODY = "水泵每运行五百小时应检查一次密封圈并记录。"


def pages_with(first: list[tuple[float, float, str, float]], below: float) -> list[RawPage]:
    return [
        page_of(number, [*first, (50, below, f"{'甲乙丙丁'[number - 1]}{BODY}", 10.0)])
        for number in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("size", "below"),
    [
        (13.0, 65.0),  # a title of 13 points, one em above the text
        (10.0, 56.0),  # in the size of the text and as close as its lines
        (18.0, 120.0),  # far above, but far larger
    ],
)
def test_a_title_that_every_page_begins_with_stays_in_the_text(size: float, below: float) -> None:
    texts = texts_of(pages_with([(50, 40, "水泵手册", size)], below))
    assert all("水泵手册" in text for text in texts)


@pytest.mark.parametrize("size", [9.0, 10.0, 11.0])
def test_a_line_that_repeats_apart_from_the_text_is_left_out(size: float) -> None:
    texts = texts_of(pages_with([(50, 40, "水泵手册", size)], 70.0))
    assert texts == [f"{x}{BODY}" for x in "甲乙丙丁"]


def test_two_running_heads_one_below_the_other_are_both_left_out() -> None:
    heads = [(50.0, 30.0, "水泵手册", 10.0), (50.0, 42.0, "年度报告", 10.0)]
    assert texts_of(pages_with(heads, 80.0)) == [f"{x}{BODY}" for x in "甲乙丙丁"]


def test_a_mark_of_a_list_at_the_top_of_pages_takes_no_item_away() -> None:
    pages = [
        page_of(n, [(50, 40, "•", 10.0), (70, 40, f"第{'甲乙丙丁'[n - 1]}项", 10.0),
                    (50, 200, BODY, 10.0)])
        for n in range(1, 5)
    ]  # fmt: skip
    assert all(f"第{x}项" in text for x, text in zip("甲乙丙丁", texts_of(pages), strict=True))


def test_captions_of_tables_at_the_top_of_pages_stay() -> None:
    pages = [
        page_of(n, [(50, 40, f"表{n}", 10.0), (90, 40, f"{'甲乙丙丁'[n - 1]}型水泵", 10.0),
                    (50, 200, f"{n}{BODY}", 10.0)])
        for n in range(1, 5)
    ]  # fmt: skip
    assert [text[:2] for text in texts_of(pages)] == ["表1", "表2", "表3", "表4"]


def test_sections_that_begin_at_the_top_of_pages_keep_their_numbers_and_titles() -> None:
    pages = [
        page_of(n, [(50, 40, f"{n}.{n + 1}", 10.0), (80, 40, f"检查{'甲乙丙丁'[n // 4 - 1]}", 10.0),
                    (50, 200, f"{n}{BODY}", 10.0)] if n % 4 == 0
                else [(50, 200, f"{n}{BODY}", 10.0)])
        for n in range(1, 17)
    ]  # fmt: skip
    texts = texts_of(pages)
    assert [texts[n - 1].startswith(f"{n}.{n + 1}") for n in (4, 8, 12, 16)] == [True] * 4
