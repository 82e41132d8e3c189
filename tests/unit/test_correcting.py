"""Corrected lines: the text is what somebody said, and every character still has its place."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.assemble import assemble
from ingest.correcting import correct
from ingest.types import Cell, Line, RawPage, RawTable, RunningHeads
from ragqa.errors import InvalidInput
from ragqa.store.corrections import line_of_text, match_lines
from ragqa.types import BBox, Correction

SIZE = 10.0
LEFT = 50.0


def page_of(*texts: str, vertical: bool = False, confidence: float | None = 0.5) -> RawPage:
    """A page of lines 20 points apart; every character is a square of 10 points."""
    lines, boxes, at = [], [], 0
    for row, text in enumerate(texts):
        start, end = LEFT, LEFT + SIZE * len(text)
        top = 100.0 + 20 * row
        box = BBox(top, start, top + SIZE, end) if vertical else BBox(start, top, end, top + SIZE)
        lines.append(
            Line(
                at,
                at + len(text),
                box,
                SIZE,
                block=row,
                vertical=vertical,
                confidence=confidence,
            )
        )
        for n in range(len(text)):
            x = LEFT + SIZE * n
            boxes.append(
                (top, x, top + SIZE, x + SIZE) if vertical else (x, top, x + SIZE, top + SIZE)
            )
        at += len(text)
    return RawPage(
        number=1,
        width=595,
        height=842,
        source="text" if confidence is None else "ocr",
        text="".join(texts),
        char_boxes=np.array(boxes, np.float32),
        lines=tuple(lines),
        ocr_confidence=confidence,
    )


def says(raw: RawPage, number: int, text: str) -> Correction:
    line = raw.lines[number]
    read = raw.text[line.start : line.end].strip()
    return Correction(line.bbox, read, text, "somebody", dt.datetime(2020, 1, 1, tzinfo=dt.UTC))


def texts(raw: RawPage) -> list[str]:
    return [raw.text[line.start : line.end] for line in raw.lines]


def test_a_misread_character_is_replaced_in_its_place() -> None:
    raw = page_of("第一行", "保修其为三年", "第三行")
    fixed = correct(raw, [says(raw, 1, "保修期为三年")])
    assert texts(fixed) == ["第一行", "保修期为三年", "第三行"]
    np.testing.assert_array_equal(fixed.char_boxes, raw.char_boxes)


def test_a_corrected_line_forgets_how_sure_its_characters_were() -> None:
    raw = page_of("第一行", "保修")
    raw = replace(raw, lines=tuple(one._replace(sure=(0.9,) * (one.end - one.start))
                                   for one in raw.lines))  # fmt: skip
    fixed = correct(raw, [says(raw, 1, "保修期")])
    assert [line.sure for line in fixed.lines] == [(0.9, 0.9, 0.9), ()]


def test_characters_that_were_missed_share_the_place_of_their_neighbour() -> None:
    raw = page_of("abd", "next")
    fixed = correct(raw, [says(raw, 0, "abcd")])
    assert texts(fixed) == ["abcd", "next"]
    # b stood from 60 to 70: b and c share that.
    assert fixed.char_boxes[:4, 0].tolist() == [50, 60, 65, 70]
    assert fixed.char_boxes[:4, 2].tolist() == [60, 65, 70, 80]
    np.testing.assert_array_equal(fixed.char_boxes[4:], raw.char_boxes[3:])


def test_a_wide_character_takes_twice_the_room_of_a_narrow_one() -> None:
    raw = page_of("xyz")
    fixed = correct(raw, [says(raw, 0, "中a")])
    assert fixed.char_boxes[:, 0].tolist() == [50, 70]
    assert fixed.char_boxes[:, 2].tolist() == [70, 80]


def test_characters_of_a_vertical_line_are_spread_downwards() -> None:
    raw = page_of("甲乙丙", vertical=True)
    fixed = correct(raw, [says(raw, 0, "甲乙丁戊")])
    assert fixed.char_boxes[:, 1].tolist() == [50, 60, 70, 75]
    assert fixed.char_boxes[:, 3].tolist() == [60, 70, 75, 80]
    assert set(fixed.char_boxes[:, 0].tolist()) == {100}


def test_a_line_that_is_no_text_is_taken_out() -> None:
    raw = page_of("eins", "~,;.", "drei")
    fixed = correct(raw, [says(raw, 1, "")])
    assert texts(fixed) == ["eins", "drei"]
    assert fixed.text == "einsdrei"


def test_what_somebody_looked_at_is_certain() -> None:
    raw = page_of("aaaa", "bbbb")
    fixed = correct(raw, [says(raw, 0, "aaab")])
    assert [line.confidence for line in fixed.lines] == [1.0, 0.5]
    assert fixed.ocr_confidence == 0.75
    typed = page_of("aaaa", confidence=None)
    assert correct(typed, [says(typed, 0, "aaab")]).lines[0].confidence is None


def test_a_reading_that_was_confirmed_keeps_its_text_and_places() -> None:
    raw = page_of("aaaa", "bbbb")
    fixed = correct(raw, [says(raw, 0, "aaaa")])
    assert fixed.text == raw.text
    np.testing.assert_array_equal(fixed.char_boxes, raw.char_boxes)


def test_another_engine_s_line_in_the_same_place_is_corrected_too() -> None:
    raw = page_of("saue words")
    told = says(raw, 0, "same words")
    again = page_of("sane vvords")
    assert texts(correct(again, [told])) == ["same words"]
    moved = replace(told, place=BBox(50, 300, 150, 310))
    assert correct(again, [moved]).text == again.text
    assert match_lines([moved], [(again.lines[0].bbox, "sane vvords")]) == {}


def test_the_cells_of_a_table_hold_the_corrected_characters() -> None:
    raw = page_of("名称10", "数量2o")
    cells = tuple(
        Cell(row, column, raw.lines[row].bbox, ((4 * row + 2 * column, 4 * row + 2 * column + 2),))
        for row in range(2)
        for column in range(2)
    )
    raw = replace(raw, tables=(RawTable(BBox(50, 100, 90, 130), 2, 2, cells),))
    fixed = correct(raw, [says(raw, 1, "数量200"), says(raw, 0, "名称l0")])
    found = [[fixed.text[s:e] for s, e in cell.ranges] for cell in fixed.tables[0].cells]
    assert found == [["名称"], ["l0"], ["数量"], ["200"]]
    page = assemble(fixed, RunningHeads())
    assert page.blocks[0].rows == (("名称", "l0"), ("数量", "200"))


LINE = st.text(st.sampled_from("保修期为三年 abc12.,"), min_size=1, max_size=12)


@given(st.lists(LINE.filter(str.strip), min_size=1, max_size=4), st.data())
def test_whatever_is_corrected_every_character_lies_in_its_line(
    read: list[str], data: st.DataObject
) -> None:
    raw = page_of(*read)
    wanted = {
        number: line_of_text(data.draw(LINE | st.just("")))
        for number in data.draw(st.sets(st.integers(0, len(read) - 1)))
    }
    fixed = correct(raw, [says(raw, number, text) for number, text in wanted.items()])
    expected = [
        old if number not in wanted else _within(old, wanted[number])
        for number, old in enumerate(read)
    ]
    assert texts(fixed) == [text for text in expected if text]
    assert fixed.char_boxes.shape == (len(fixed.text), 4)
    left = [n for n, text in enumerate(expected) if text]
    for number, line in zip(left, fixed.lines, strict=True):
        boxes = fixed.char_boxes[line.start : line.end]
        assert (boxes[:, :2] >= np.array(raw.lines[number].bbox[:2]) - 1e-3).all()
        assert (boxes[:, 2:] <= np.array(raw.lines[number].bbox[2:]) + 1e-3).all()
        assert (np.diff(boxes[:, 0]) >= 0).all(), "characters go back in their line"
    page = assemble(fixed, RunningHeads())
    for block in page.blocks:
        if block.span is not None:
            assert page.text[block.span.start : block.span.end] == block.text


def _within(old: str, new: str) -> str:
    """The new text with the white space around the old one, which no reader shows."""
    if not new:
        return ""
    head = len(old) - len(old.lstrip())
    return old[:head] + new + old[len(old.rstrip()) :]


def test_a_line_is_one_line_of_what_can_be_shown() -> None:
    assert line_of_text("  a\n\tb\u0000c\u200b\u00a0 e\u0301 ") == "a bc\u200b \u00e9"
    with pytest.raises(InvalidInput, match="at most 2000"):
        line_of_text("x" * 2001)
