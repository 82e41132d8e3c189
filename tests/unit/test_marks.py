"""Marks of lists and leading dots are found in the pixels beside what OCR read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pymupdf
import pytest

from ingest.ocr.marks import with_marks
from ingest.ocr.rapid import spread
from ingest.ports import Recognized

SCALE = 150 / 72


class Sheet:
    """A page on which words and marks are drawn; it knows where an engine would have read lines."""

    def __init__(self, tilt: float = 0.0) -> None:
        self.page = pymupdf.open().new_page(width=400, height=200)
        self.tilt = tilt
        self.lines: list[tuple[float, float, str]] = []

    def write(self, x: float, baseline: float, text: str) -> None:
        self.page.insert_text((x, baseline), text, fontsize=11)
        self.lines.append((x, baseline, text))

    def disc(self, x: float, y: float, radius: float, *, filled: bool = True) -> None:
        self.page.draw_circle((x, y), radius, color=0, fill=0 if filled else None, width=0.7)

    def read(self) -> list[str]:
        pixmap = self.page.get_pixmap(matrix=pymupdf.Matrix(SCALE, SCALE).prerotate(self.tilt))
        place = pymupdf.Matrix(SCALE, SCALE).prerotate(self.tilt)
        samples = np.frombuffer(pixmap.samples, np.uint8)
        image = samples.reshape(pixmap.height, pixmap.width, 3)
        found = []
        for x, baseline, text in self.lines:
            end = x + pymupdf.get_text_length(text, fontsize=11)
            box = [
                (x, baseline - 9.5),
                (end, baseline - 9.5),
                (end, baseline + 3),
                (x, baseline + 3),
            ]
            corners = [tuple(pymupdf.Point(*p) * place - (pixmap.x, pixmap.y)) for p in box]
            found.append(
                Recognized(text, np.array(corners, np.float32), 0.9, spread(len(text)),
                           (0.9,) * len(text))
            )  # fmt: skip
        lines = with_marks(image, found)
        for before, line in zip(found, lines, strict=True):
            assert len(line.edges) == len(line.text) == len(line.sure)
            assert all(a[0] <= b[0] + 1e-4 for a, b in pairwise(line.edges))
            first = line.text.index(before.text.lstrip("·")[0])
            shift = before.edges[before.text.index(line.text[first]), 0]
            start = line.corners[0] + (line.corners[1] - line.corners[0]) * line.edges[first, 0]
            was = before.corners[0] + (before.corners[1] - before.corners[0]) * shift
            assert np.linalg.norm(start - was) < 2, "the words stay where they were"
        return [line.text for line in lines]


@pytest.mark.parametrize("tilt", [0, 1.5, -2])
def test_a_disc_before_a_line_is_the_mark_of_an_item(tilt: float) -> None:
    sheet = Sheet(tilt)
    for baseline in (40, 60):
        sheet.disc(52, baseline - 3.5, 1.9)
        sheet.write(60, baseline, "check the seal")
    sheet.write(60, 80, "after five hundred hours")
    assert sheet.read() == ["• check the seal", "• check the seal", "after five hundred hours"]


def test_other_things_before_a_line_are_no_marks() -> None:
    sheet = Sheet()
    for baseline, x, below, radius, filled in (
        (30, 50, 0.0, 0.4, True),  # a speck
        (50, 45, 0.0, 6.0, True),  # as large as a letter
        (70, 50, 0.0, 2.4, False),  # hollow
        (90, 50, 4.0, 1.9, True),  # too low
        (110, 20, 0.0, 1.9, True),  # too far away
    ):
        sheet.disc(x, baseline - 3.5 + below, radius, filled=filled)
        sheet.write(60, baseline, "check the seal")
    for x in (42, 48, 54):  # the end of a row of dots
        sheet.disc(x, 126.5, 1.5)
    sheet.write(60, 130, "check the seal")
    assert sheet.read() == ["check the seal"] * 6


def test_a_letter_that_stands_alone_is_no_mark() -> None:
    sheet = Sheet()
    sheet.write(60, 40, "a seal is checked")
    sheet.write(60, 60, "o ring")
    assert sheet.read() == ["a seal is checked", "o ring"]


def test_a_mark_read_as_a_point_in_the_middle_is_one_of_a_list_only_where_it_is_large() -> None:
    sheet = Sheet()
    sheet.disc(62.5, 36.5, 1.9)
    sheet.page.insert_text((70, 40), "check", fontsize=11)
    sheet.lines.append((60, 40, "·check"))
    sheet.disc(62.5, 56.5, 0.35)
    sheet.page.insert_text((70, 60), "check", fontsize=11)
    sheet.lines.append((60, 60, "·check"))
    assert sheet.read() == ["•check", "·check"]


@pytest.mark.parametrize("tilt", [0, 1])
def test_dots_that_lead_from_a_title_to_its_page_are_counted(tilt: float) -> None:
    sheet = Sheet(tilt)
    sheet.write(40, 40, "Installation")
    sheet.write(340, 40, "12")
    for number in range(30):
        sheet.disc(110 + 7 * number, 39.4, 0.65)
    sheet.write(40, 60, "Contents")
    sheet.write(340, 60, "13")
    first, page, second, other = sheet.read()
    assert (page, second, other) == ("12", "Contents", "13")
    assert first == f"Installation {'.' * 30}"


def test_the_dots_of_an_ellipsis_lead_nowhere() -> None:
    sheet = Sheet()
    sheet.write(40, 40, "Installation")
    sheet.write(340, 40, "12")
    for number in range(6):
        sheet.disc(102 + 4 * number, 39.4, 0.65)
    assert sheet.read() == ["Installation", "12"]


def test_a_rule_or_uneven_specks_between_two_lines_lead_nowhere() -> None:
    sheet = Sheet()
    sheet.write(40, 40, "Installation")
    sheet.write(340, 40, "12")
    sheet.page.draw_line((110, 39), (330, 39), width=0.8)
    sheet.write(40, 80, "Contents")
    sheet.write(340, 80, "13")
    for x in (110, 118, 140, 171, 175, 222, 300):
        sheet.disc(x, 79, 0.65)
    assert sheet.read() == ["Installation", "12", "Contents", "13"]
