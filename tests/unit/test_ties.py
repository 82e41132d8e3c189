"""Captions are tied to tables and figures, paragraphs to what the next page goes on with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.assemble import assemble
from ingest.heads import running_heads
from ingest.sheets import assemble_pages
from ingest.types import Cell, RawTable, RunningHeads
from ragqa.shapes import block_to_json
from ragqa.store.pages import block_from_json
from ragqa.types import BBox, Captioned, Page
from tests.unit.test_assemble import raw_page

FULL = "水泵每运行五百小时必须由受过培训的人员检查一次轴承和"
"""A line of 26 characters, 260 points wide."""


def carried(first: list[tuple[float, float, str]], second: list[tuple[float, float, str]]) -> bool:
    """Tell whether the first page's last text goes on; both pages must say the same."""
    pages = [page for _, page in assemble_pages(
        [raw_page(first), raw_page(second, number=2)], RunningHeads()
    )]  # fmt: skip
    gone = [block.text for block in pages[0].blocks if block.goes_on]
    come = [block.text for block in pages[1].blocks if block.continues]
    assert len(gone) == len(come)
    assert not any(block.continues for block in pages[0].blocks)
    assert not any(block.goes_on for block in pages[1].blocks)
    return bool(gone)


def test_a_paragraph_that_the_next_page_ends_says_so_on_both() -> None:
    above = [(50.0, 700.0, FULL), (50.0, 716.0, FULL)]
    below = [(50.0, 80.0, "密封，并且记录下来。"), (70.0, 120.0, "滤芯另行更换。")]
    assert carried(above, below)
    words = [(50.0, 716.0, "whoever looks after a pump, regu-")]
    assert carried(words, [(50.0, 80.0, "larly or not, writes it down.")])


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ([(50, 716, FULL[:-1] + "。")], [(50, 80, "密封，并且记录。")]),  # a sentence ends
        ([(50, 700, FULL), (50, 716, "检查轴承和")], [(50, 80, "密封。")]),  # white is left
        ([(50, 716, FULL)], [(70, 80, FULL), (50, 96, "密封。")]),  # an indent begins anew
        ([(50, 716, FULL)], [(50, 80, "1) 密封。")]),  # an item
        ([(50, 716, FULL)], [(50, 80, "Seals, too.")]),  # no word goes on in a capital
        ([(50, 200, FULL)], [(50, 80, "密封。")]),  # a page that ends half-way
        ([(50, 716, FULL)], [(50, 600, "密封。")]),  # a page that begins half-way
        ([(50, 700, FULL), (50, 716, FULL)], [(50, 80, FULL[:9]), (50, 96, FULL[:9])]),  # columns
    ],
)
def test_what_begins_anew_on_the_next_page_is_not_carried_over(
    above: list[tuple[float, float, str]], below: list[tuple[float, float, str]]
) -> None:
    assert not carried(above, below)


def test_footnotes_heads_captions_and_page_numbers_may_stand_between() -> None:
    raws = [
        raw_page([(50, 40, "水泵手册"), (50, 500, FULL), (50, 516, FULL), (50, 600, "图1 水泵"),
                  (50, 700, "①见附录"), (280, 800, "第1页")]),
        raw_page([(50, 40, "水泵手册"), (50, 80, "密封。"), (280, 800, "第2页")], number=2),
        raw_page([(50, 40, "水泵手册"), (50, 80, "附录。"), (280, 800, "第3页")], number=3),
    ]  # fmt: skip
    lines = raws[0].lines
    raws[0] = replace(raws[0], lines=(*lines[:4], lines[4]._replace(size=7.0), lines[5]))
    pages: list[Page] = [page for _, page in assemble_pages(raws, running_heads(raws))]
    assert [b.text for b in pages[0].blocks if b.goes_on] == [FULL + FULL]
    assert [b.text for b in pages[1].blocks if b.continues] == ["密封。"]
    assert not any(block.continues for block in pages[2].blocks)


def tied(
    captions: list[tuple[float, float, str]], *, tables: list[BBox], figures: list[BBox]
) -> dict[str, Captioned | None]:
    """Tables of one cell, whose text stands after the captions."""
    raw = raw_page([*captions, *((box.x0 + 5, box.top + 5, "滤芯") for box in tables)])
    grids = tuple(
        RawTable(box, 1, 1, (Cell(0, 0, box, ((line.start, line.end),)),))
        for box, line in zip(tables, raw.lines[len(captions) :], strict=True)
    )
    page = assemble(replace(raw, tables=grids, figures=tuple(figures)), RunningHeads())
    return {block.text: block.of for block in page.blocks if block.kind == "caption"}


def test_a_caption_belongs_to_the_nearest_thing_of_the_kind_it_names() -> None:
    upper, lower = BBox(50, 100, 300, 180), BBox(50, 220, 300, 300)
    pump, bearing = BBox(50, 320, 300, 400), BBox(50, 440, 300, 520)
    assert tied(
        [(60, 82, "表1 保养"), (60, 200, "表2 备件"), (60, 405, "图1 水泵"), (60, 525, "图2 轴承"),
         (60, 541, "Figure 2 Bearing")],
        tables=[upper, lower],
        figures=[pump, bearing],
    ) == {
        "表1 保养": Captioned("table", upper, 1),
        "表2 备件": Captioned("table", lower, 2),
        "图1 水泵": Captioned("figure", pump),
        "图2 轴承": Captioned("figure", bearing),
        "Figure 2 Bearing": Captioned("figure", bearing),
    }  # fmt: skip


def test_a_caption_without_its_thing_near_belongs_to_nothing() -> None:
    table, logo, strip = BBox(50, 300, 300, 380), BBox(60, 600, 75, 615), BBox(400, 690, 560, 780)
    found = tied(
        [(60, 100, "表1 保养"), (60, 285, "图1 水泵"), (60, 390, "表2 中的滤芯另行更换"),
         (60, 620, "图2 标志"), (60, 700, "图3 轴承")],
        tables=[table],
        figures=[logo, strip],
    )  # fmt: skip
    assert len(found) == 5
    assert set(found.values()) == {None}


def test_a_thing_has_one_caption_unless_several_have_its_number() -> None:
    pump = BBox(50, 320, 300, 400)
    found = tied([(60, 300, "图1 轴承"), (60, 405, "图2 水泵")], tables=[], figures=[pump])
    assert found == {"图1 轴承": None, "图2 水泵": Captioned("figure", pump)}


def test_pictures_that_adjoin_are_one_and_a_caption_turns_with_its_page() -> None:
    raw = raw_page([(60, 205, "图1 水泵")])
    pieces = (BBox(50, 100, 300, 150), BBox(50, 150, 300, 200))
    page = assemble(replace(raw, figures=pieces), RunningHeads())
    assert page.blocks[0].of == Captioned("figure", BBox(50, 100, 300, 200))
    upside_down = replace(
        raw,
        figures=(BBox(295, 642, 545, 742),),
        lines=(raw.lines[0]._replace(bbox=BBox(485, 625, 535, 637)),),
        turned=180,
    )
    page = assemble(upside_down, RunningHeads())
    assert page.blocks[0].of == Captioned("figure", BBox(295, 642, 545, 742))


def test_what_a_block_is_tied_to_survives_being_stored() -> None:
    raw = replace(raw_page([(60, 205, "图1 水泵")]), figures=(BBox(50, 100, 300, 200),))
    caption = assemble(raw, RunningHeads()).blocks[0]
    for block in (
        caption,
        replace(caption, of=None, goes_on=True),
        replace(caption, continues=True),
    ):
        assert block_from_json(block_to_json(block)) == block
    assert "of" not in block_to_json(replace(caption, of=None))
