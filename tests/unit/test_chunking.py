"""Chunks are slices of their page, within budget, cut where a reader would cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chunking import chunk_page, headings_after
from ingest.clauses import is_item
from ragqa.types import BBox, Block, BlockKind, Page, Span

BOX = BBox(0, 0, 10, 10)


def page(*blocks: tuple[BlockKind, str, int | None]) -> Page:
    text, found = "", []
    for kind, value, level in blocks:
        text += "\n" if text else ""
        found.append(Block(kind, BOX, value, Span(len(text), len(text) + len(value)), level=level))
        text += value
    boxes = np.zeros((len(text), 4), np.float32)
    return Page(1, 595, 842, "text", text, boxes, tuple(found))


def characters(text: str) -> int:
    return len(text)


def test_sentences_are_never_cut_when_they_fit() -> None:
    sentences = ["第一句话在这里。", "第二句话比较长一些呢！", "第三句？", "最后一句话。"]
    chunks = list(chunk_page(page(("text", "".join(sentences), None)), characters, max_tokens=20))
    assert [chunk.text for chunk in chunks] == [
        "第一句话在这里。", "第二句话比较长一些呢！第三句？", "最后一句话。"
    ]  # fmt: skip


def test_a_heading_goes_with_what_follows_it_and_is_its_path() -> None:
    made = page(
        ("heading", "第一章 概述", 1), ("text", "甲" * 30 + "。", None),
        ("heading", "1.1 范围", 2), ("text", "乙" * 30 + "。", None),
        ("heading", "第二章 安全", 1), ("text", "丙" * 30 + "。", None),
    )  # fmt: skip
    chunks = list(chunk_page(made, characters, max_tokens=60, headings=("前言",)))
    assert [chunk.text.split("\n")[0] for chunk in chunks] == [
        "第一章 概述",
        "1.1 范围",
        "第二章 安全",
    ]
    assert [chunk.headings for chunk in chunks] == [
        ("第一章 概述",), ("第一章 概述", "1.1 范围"), ("第二章 安全",)
    ]  # fmt: skip
    assert headings_after(made, ("前言",)) == ("第二章 安全",)


def test_a_table_is_cut_between_rows() -> None:
    rows = [f"部件{number}\t{number * 10} 个" for number in range(12)]
    made = page(("text", "说明。", None), ("table", "\n".join(rows), None))
    chunks = list(chunk_page(made, characters, max_tokens=40))
    assert [chunk.kind for chunk in chunks] == ["text", *["table"] * (len(chunks) - 1)]
    assert "\n".join(chunk.text for chunk in chunks[1:]) == "\n".join(rows)


def test_rows_that_are_parted_from_their_heads_are_found_by_them() -> None:
    rows = [
        "项目\t2018\t2019",
        "资产：",
        *(f"部件{n}\t{n}0\t{n}1" for n in range(9)),
        "负债：",
        "a\t7\t8",
    ]
    made = page(("table", "\n".join(rows), None))
    chunks = list(chunk_page(made, characters, max_tokens=40))
    assert chunks[0].before == ""
    assert {chunk.before for chunk in chunks[1:-1]} == {"项目 | 2018 | 2019\n资产："}
    last = chunks[-1]
    section = "负债：" if last.text.startswith("a") else "资产："
    assert last.before == f"项目 | 2018 | 2019\n{section}"
    assert all(chunk.text == chunk.span.of(made.text) for chunk in chunks)


def test_a_clause_that_fits_is_not_torn_apart() -> None:
    first = "第一条 " + "甲" * 30 + "。"
    second = "第二条 供方应当：" + "乙" * 8
    items = ["（一）" + "丙" * 8 + "；", "（二）" + "丁" * 8 + "。"]
    made = page(
        ("text", first, None), ("text", second, None), *(("list", item, None) for item in items)
    )
    chunks = list(chunk_page(made, characters, max_tokens=60))
    assert [chunk.text for chunk in chunks] == [first, "\n".join([second, *items])]
    # Too long to be one chunk: its items stay whole, and are found by what leads to them.
    chunks = list(chunk_page(made, characters, max_tokens=38))
    assert [chunk.text for chunk in chunks] == [first, f"{second}\n{items[0]}", items[1]]
    assert [chunk.before for chunk in chunks] == ["", "", second]


def test_an_item_of_a_list_is_not_torn_apart() -> None:
    text = "甲" * 20 + "。"
    items = [f"{n}. Turn it off. Wait for {n} minutes." for n in range(1, 4)]
    made = page(("text", text, None), *(("list", item, None) for item in items))
    chunks = list(chunk_page(made, characters, max_tokens=40))
    assert [chunk.text for chunk in chunks] == [text, *items]


def test_a_numbered_figure_is_no_clause() -> None:
    blocks = page(
        ("text", "3.2.1 Scope of it", None),
        ("text", "3.25% of all", None),
        ("text", "0.84 for these", None),
    ).blocks
    assert [is_item(block) for block in blocks] == [True, False, False]


def test_a_budget_too_small_for_any_text_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        list(chunk_page(page(("text", "字", None)), characters, max_tokens=3))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heading", "text", "list", "table", "caption"]),
            st.text("水泵 abc。，.\n\t12！", min_size=1, max_size=150).filter(str.strip),
            st.integers(1, 4),
        ),
        max_size=8,
    ),
    st.integers(8, 80),
)
def test_chunks_are_slices_in_order_within_budget_and_lose_nothing(
    blocks: list[tuple[BlockKind, str, int]], most: int
) -> None:
    made = page(*blocks)
    chunks = list(chunk_page(made, characters, max_tokens=most))
    assert all(chunk.text == chunk.span.of(made.text) for chunk in chunks)
    assert all(len(chunk.text) <= most for chunk in chunks)
    ends = [0, *(chunk.span.end for chunk in chunks)]
    assert all(chunk.span.start >= end for chunk, end in zip(chunks, ends, strict=False))
    solid = "".join("".join(chunk.text.split()) for chunk in chunks)
    assert solid == "".join(made.text.split())
