"""The samples are what their README says, and hold the answers that their questions promise."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pypdfium2
import pytest

from ingest.ocr.rapid import RapidOcr

FOLDER = Path(__file__).parents[2] / "samples"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "questions.jsonl").read_text("utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]
MANUAL = "LX-260使用与维护手册.pdf"
POLICY = "Travel-and-Expenses-Policy.pdf"
SCAN = "设备采购合同-扫描件.pdf"
MOST_BYTES = 1_500_000


def squeeze(text: str) -> str:
    """Drop white space: readers disagree about it."""
    return "".join(text.split())


def text_of(filename: str, page: int) -> str:
    """Return what a reader that ragqa does not use finds on a page."""
    document = pypdfium2.PdfDocument(FOLDER / filename)
    try:
        return str(document[page - 1].get_textpage().get_text_range())
    finally:
        document.close()


def holds_an_answer(text: str, question: dict[str, Any]) -> bool:
    return any(squeeze(answer) in squeeze(text) for answer in question["answers"])


def test_the_samples_are_three_pdfs_and_stay_small() -> None:
    files = sorted(FOLDER.glob("*.pdf"))
    assert {file.name for file in files} == {MANUAL, POLICY, SCAN}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


def test_ten_questions_have_answers_and_four_have_none() -> None:
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) == 14
    assert len(ANSWERABLE) == 10
    keys = {"id", "question", "answers", "document", "page", "answerable"}
    assert all(question.keys() == keys for question in QUESTIONS)
    for question in QUESTIONS:
        assert bool(question["answers"]) is question["answerable"]
        assert isinstance(question["page"], int) is question["answerable"]


def test_every_sample_is_asked_about() -> None:
    asked = Counter(question["document"] for question in ANSWERABLE)
    assert asked == {MANUAL: 4, POLICY: 3, SCAN: 3}


@pytest.mark.parametrize(
    "question", [q for q in ANSWERABLE if q["document"] != SCAN], ids=lambda q: q["id"]
)
def test_the_answer_stands_on_the_page_that_the_question_names(question: dict[str, Any]) -> None:
    assert holds_an_answer(text_of(question["document"], question["page"]), question)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda q: q["id"])
def test_no_question_is_cut_out_of_its_document(question: dict[str, Any]) -> None:
    if question["document"] == SCAN:
        whole = (FOLDER / "source" / "contract-zh.html").read_text("utf-8")
    else:
        with pymupdf.open(FOLDER / question["document"]) as document:
            whole = "".join(page.get_text() for page in document)
    asked = squeeze(question["question"]).rstrip("？?")
    assert asked not in squeeze(whole)


def test_two_readers_find_the_same_characters_in_the_chinese_manual() -> None:
    with pymupdf.open(FOLDER / MANUAL) as document:
        for number, page in enumerate(document, start=1):
            found = Counter(squeeze(page.get_text()))
            assert found == Counter(squeeze(text_of(MANUAL, number))), f"page {number}"
            odd = [c for c in found if "\u2e80" <= c <= "\u2fdf" or c == "\ufffd"]
            assert not odd, f"page {number} has radicals or unmapped glyphs: {odd}"


def test_the_manual_has_an_outline_of_three_levels() -> None:
    with pymupdf.open(FOLDER / MANUAL) as document:
        outline = document.get_toc()
    assert {level for level, _, _ in outline} == {1, 2, 3}
    assert [1, "第五章 维护保养", 8] in [[a, " ".join(b.split()), c] for a, b, c in outline]


def test_the_safety_page_of_the_manual_has_two_columns() -> None:
    with pymupdf.open(FOLDER / MANUAL) as document:
        page = document[4]
        middle = page.rect.width / 2
        lines = [line for line in page.get_text("blocks") if 80 < line[1] < 700]
        left = [line for line in lines if line[2] < middle]
        right = [line for line in lines if line[0] > middle]
    assert len(left) >= 4
    assert len(right) >= 4


def test_the_scan_has_three_pictures_and_no_text() -> None:
    with pymupdf.open(FOLDER / SCAN) as document:
        assert document.page_count == 3
        for page in document:
            (image,) = page.get_images()
            assert not page.get_text().strip()
            assert image[2] / (page.rect.width / 72) == pytest.approx(150, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_ocr_reads_the_answers_off_the_scan(number: int) -> None:
    with pymupdf.open(FOLDER / SCAN) as document:
        pixels = document[number - 1].get_pixmap(dpi=150)
    image = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.width, 3)
    lines = RapidOcr().recognize(np.ascontiguousarray(image[:, :, ::-1]))
    text = "".join(line.text for line in lines)
    asked = [q for q in ANSWERABLE if q["document"] == SCAN and q["page"] == number]
    assert asked
    assert all(holds_an_answer(text, question) for question in asked)
