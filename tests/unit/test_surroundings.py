"""Broken sentences and tables are found from the other side of a page's end as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ingest.passages import Passages
from ingest.surroundings import heads_above, look_around
from ragqa.types import BBox, Block, Page, Span


class Letters:
    """An embedder's count of tokens: a token a letter."""

    name, dimension, max_tokens = "letters", 1, 512

    def count_tokens(self, text: str) -> int:
        """Return the number of letters."""
        return len(text)

    def embed_passages(self, texts: object) -> np.ndarray:
        """Not asked for."""
        raise NotImplementedError

    embed_query = embed_passages


def page(number: int, *blocks: Block) -> Page:
    text, placed = "", []
    for block in blocks:
        text += "\n" if text else ""
        placed.append(replace(block, span=Span(len(text), len(text) + len(block.text))))
        text += block.text
    boxes = np.zeros((len(text), 4), np.float32)
    return Page(number, 595, 842, "text", text, boxes, tuple(placed))


def paragraph(text: str, *, goes_on: bool = False, continues: bool = False) -> Block:
    return Block("text", BBox(0, 0, 10, 10), text, goes_on=goes_on, continues=continues)


def table(*lines: str, top: float, bottom: float) -> Block:
    rows = tuple(tuple(line.split("\t")) for line in lines)
    return Block("table", BBox(0, top, 500, bottom), "\n".join(lines), rows=rows)


@pytest.mark.parametrize(
    ("last", "first", "before", "after"),
    [
        (
            "Keep it dry. The pump is ser-",
            "viced once a year. After that it is not.",
            "The pump is serviced",
            "serviced once a year.",
        ),
        (
            "It works. The pump runs for",
            "9 hours and stops",
            "The pump runs for 9",
            "for 9 hours and stops",
        ),
        ("先断电。再打开水", "泵的盖子，等待。完", "再打开水泵的盖子", "再打开水泵的盖子，等待。"),
    ],
)
def test_a_sentence_over_a_page_break_is_found_from_either_side(
    last: str, first: str, before: str, after: str
) -> None:
    one, two = page(1, paragraph(last, goes_on=True)), page(2, paragraph(first, continues=True))
    assert look_around(one, None, two, "").after == after
    assert look_around(two, one, None, "").before == before
    cutter = Passages("a.pdf", Letters())
    [end] = cutter.of_page(one, two)
    [begin] = cutter.of_page(two)
    assert end.embedded == f"a\n{last}\n{after}"
    assert begin.embedded == f"a\n{before}\n{first}"
    assert (end.chunk.text, begin.chunk.text) == (last, first)


def test_paragraphs_that_end_with_their_page_stay_on_it() -> None:
    one, two = page(1, paragraph("One.")), page(2, paragraph("Two."))
    assert look_around(one, None, two, "").after == ""
    assert look_around(two, one, None, "").before == ""


def test_a_table_over_three_pages_keeps_its_heads() -> None:
    one = page(1, table("Part\t2018\t2019", "a\t1\t2", top=600, bottom=800))
    two = page(2, table("b\t3\t4", "c\t5\t6", top=50, bottom=800))
    three = page(3, table("d\t7\t8", top=50, bottom=90), paragraph("End."))
    cutter = Passages("a.pdf", Letters())
    made = [cutter.of_page(one, two), cutter.of_page(two, three), cutter.of_page(three)]
    heads = [passages[0].chunk.before for passages in made]
    assert heads == ["", "Part | 2018 | 2019", "Part | 2018 | 2019"]


def test_heads_that_a_table_repeats_are_not_put_before_it() -> None:
    one = page(1, table("Part\t2018\t2019", "a\t1\t2", top=600, bottom=800))
    two = page(2, table("Part\t2018\t2019", "b\t3\t4", top=50, bottom=90))
    cutter = Passages("a.pdf", Letters())
    assert [cutter.of_page(p)[0].chunk.before for p in (one, two)] == ["", ""]


@pytest.mark.parametrize(
    ("lines", "row", "expected"),
    [
        (["| | Year Ended |", "| $ | 2019 | 2018 |", "| a | 1 | 2 |", "| b | 3 | 4 |"], 3,
         "Year Ended\n$ | 2019 | 2018"),
        (["名称\t数量", "泵\t很多", "阀\t很少"], 2, "名称 | 数量"),
        (["| a | b |", "|---|---|", "| Sold: | |", "| c | (4.5)% |", "| d | $5 |"], 4,
         "a | b\nSold:"),
        (["1\t2", "3\t4"], 1, ""),
    ],
)  # fmt: skip
def test_heads_are_the_rows_before_the_first_figures(
    lines: list[str], row: int, expected: str
) -> None:
    assert heads_above(lines, row) == expected
