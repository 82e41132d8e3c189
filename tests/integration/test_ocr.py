"""Both engines read a scanned page; what they find stands where the text is."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pymupdf
import pytest

from ingest.lost import Limits
from ingest.ocr.paddle import FOLDER, PaddleOcr
from ingest.ocr.rapid import RapidOcr
from ingest.ocr.scan import read_scan
from ingest.readers.opening import open_document
from ingest.readers.pymupdf import render
from ingest.reading import assembled_here, parse
from ingest.report import to_json
from ingest.sandbox import Sandbox
from ingest.types import ReadOptions
from ragqa.errors import ModelMissing
from ragqa.settings import load_settings
from ragqa.store.recognition import words_of
from ragqa.types import BBox

if TYPE_CHECKING:
    from ingest.ports import OcrEngine

DATA = Path(__file__).parents[1] / "data"
MODELS = load_settings(folder=None).models_folder
ENGINES = ["rapidocr", "paddleocr"]


@pytest.fixture(scope="module")
def truth() -> str:
    """The text of the page that was scanned."""
    (page, *_) = assembled_here(DATA / "manual_zh.pdf", ReadOptions(ocr_engine="none"))
    return "".join(page.text.split())


def missing(expected: str, got: str) -> float:
    """Share of the characters that were not read, in any order."""
    return (Counter(expected) - Counter("".join(got.split()))).total() / len(expected)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    return RapidOcr() if request.param == "rapidocr" else PaddleOcr(MODELS)


def test_an_engine_reads_a_scan_and_places_every_character(engine: OcrEngine, truth: str) -> None:
    document, _ = open_document(DATA / "scan_zh.pdf")
    area = BBox(0, 0, 595, 842)
    scan = read_scan(engine, render(document, 1, 150), area)
    assert missing(truth, scan.text) < 0.02
    assert scan.confidence is not None
    assert scan.confidence > 0.9
    original = pymupdf.open(DATA / "manual_zh.pdf")[0]
    for word in ("密封圈", "保养周期", "滤芯"):
        at = scan.text.index(word)
        boxes = scan.char_boxes[at : at + len(word)]
        places = original.search_for(word)
        middle = boxes[:, [0, 2]].mean(), boxes[:, [1, 3]].mean()
        nearest = min(
            abs((r.x0 + r.x1) / 2 - middle[0]) + abs((r.y0 + r.y1) / 2 - middle[1]) for r in places
        )
        assert nearest < 6, (word, middle, places)


def test_every_engine_says_how_sure_it_is_of_every_character(engine: OcrEngine) -> None:
    document, _ = open_document(DATA / "scan_zh.pdf")
    lines = engine.recognize(render(document, 1, 150))
    assert len(lines) > 10
    for line in lines:
        assert len(line.sure) == len(line.edges) == len(line.text)
        assert np.mean(line.sure) == pytest.approx(line.confidence, abs=0.002)


def test_no_engine_ties_itself_to_a_core_where_other_processes_read_too(engine: OcrEngine) -> None:
    document, _ = open_document(DATA / "scan_zh.pdf")
    image = render(document, 1, 100)
    engine.recognize(image[:200])
    every = os.sched_getaffinity(0)
    seen = [every]
    read = threading.Event()

    def look() -> None:
        while not read.wait(0.005):
            for thread in Path("/proc/self/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    seen.append(os.sched_getaffinity(int(thread.name)))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        assert engine.recognize(image)
    finally:
        read.set()
        watch.join()
    assert len(seen) > 10
    assert all(cores == every for cores in seen)


def test_a_scan_becomes_paragraphs_columns_and_headings(truth: str) -> None:
    parsed = parse(DATA / "scan_zh.pdf", ReadOptions(ocr_engine="rapidocr"))
    (page,) = parsed.pages
    assert page.source == "ocr"
    assert page.ocr_confidence is not None
    assert missing(truth, page.text) < 0.02
    left, right = page.text.index("把管路中的余水"), page.text.index("滤芯的寿命")
    assert left < right < page.text.index("保养周期")
    assert not np.isnan(page.char_boxes[left]).any()


@pytest.mark.parametrize("engine_name", ENGINES)
def test_every_word_of_a_scan_says_how_sure_it_is(engine_name: str) -> None:
    file = DATA / "scan_zh.pdf"
    options = ReadOptions(ocr_engine=engine_name, models_folder=MODELS)
    (page,) = to_json(file, parse(file, options))["pages"]
    lines = page["recognition"]["lines"]
    assert page["recognition"]["ocr_reason"] == "image_only"
    assert len(lines) > 10
    for line in lines:
        assert "".join(word["text"] for word in line["words"]) == "".join(line["text"].split())
        sure = [word["confidence"] for word in line["words"]]
        # The line's own is the mean of its characters, blanks between words among them.
        assert 0 < min(sure) <= line["confidence"] + 0.001 or " " in line["text"]
    assert any(min(w["confidence"] for w in line["words"]) < line["confidence"] for line in lines)
    text = DATA / "policy_en.pdf"
    assert all(
        "recognition" not in page
        for page in to_json(text, parse(text, ReadOptions(ocr_engine="none")))["pages"]
    )


def test_a_word_is_as_sure_as_its_least_sure_character() -> None:
    sure = (0.9, 0.8, 0.7, 0.99, 0.5, 0.95, 0.94)
    assert words_of("ab 水泵，c", sure) == (("ab", 0.8), ("水", 0.99), ("泵", 0.5), ("，", 0.95),
                                         ("c", 0.94))  # fmt: skip
    assert words_of("ab", ()) == ()


def _scan_of(page: pymupdf.Page, path: Path) -> Path:
    """Write what a page shows as a picture on a page of its size."""
    scan = pymupdf.open()
    scan.new_page(width=page.rect.width, height=page.rect.height).insert_image(
        page.rect, stream=page.get_pixmap(dpi=200).tobytes("jpg", jpg_quality=60)
    )
    scan.save(path)
    return path


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_digit_that_stands_alone_is_read(engine_name: str, tmp_path: Path) -> None:
    sheet = pymupdf.open()
    page = sheet.new_page(width=500, height=300)
    page.insert_text((40, 50), "Inspection of the pump and its seals")
    page.insert_text((40, 90), "Replacement of the filter")
    for size, place in ((8, (430, 50)), (9, (430, 90)), (10, (250, 150)), (11, (330, 240))):
        page.insert_text(place, "1", fontsize=size, fontname="tiro")
    page.draw_circle((150, 200), 4, fill=0)
    file = _scan_of(page, tmp_path / "scan.pdf")
    (read,) = parse(file, ReadOptions(ocr_engine=engine_name, models_folder=MODELS)).pages
    assert Counter("".join(read.text.split())) == Counter(
        "InspectionofthepumpanditssealsReplacementofthefilter1111"
    )


def test_the_marks_of_an_axis_are_no_digits(tmp_path: Path) -> None:
    sheet = pymupdf.open()
    page = sheet.new_page(width=500, height=300)
    page.insert_text((40, 50), "Inspection of the pump and its seals")
    for x in range(40, 300, 20):
        page.draw_line((x, 150), (x, 157), width=1)
    file = _scan_of(page, tmp_path / "scan.pdf")
    (read,) = parse(file, ReadOptions(ocr_engine="rapidocr")).pages
    assert read.text == "Inspection of the pump and its seals"


def test_a_broken_font_is_read_from_the_picture_instead() -> None:
    (page,) = parse(DATA / "broken_font_zh.pdf", ReadOptions(ocr_engine="rapidocr")).pages
    assert page.source == "ocr"
    assert "水泵每运行五百小时应检查一次密封圈" in page.text


@pytest.mark.parametrize("degrees", [180, 270])
def test_a_scan_lying_on_its_side_is_turned_before_it_is_read(degrees: int, truth: str) -> None:
    document, _ = open_document(DATA / "scan_zh.pdf")
    top = render(document, 1, 150, BBox(0, 0, 595, 220))
    image = np.ascontiguousarray(np.rot90(top, -degrees // 90))
    sideways = degrees != 180
    area = BBox(0, 0, 220, 595) if sideways else BBox(0, 0, 595, 220)
    scan = read_scan(RapidOcr(), image, area)
    assert missing(truth[:140], scan.text) < 0.03
    at = scan.text.index("第一章")
    x, y = scan.char_boxes[at][[0, 2]].mean(), scan.char_boxes[at][[1, 3]].mean()
    expected = {180: (595 - 70, 220 - 85), 270: (85, 595 - 70)}[degrees]
    assert abs(x - expected[0]) + abs(y - expected[1]) < 16


def test_a_tilted_scan_keeps_its_lines_whole(truth: str) -> None:
    (page,) = parse(DATA / "scan_tilted_zh.pdf", ReadOptions(ocr_engine="rapidocr")).pages
    assert missing(truth, page.text) < 0.02
    assert page.text.index("把管路中的余水") < page.text.index("滤芯的寿命")
    (foot,) = (block for block in page.blocks if block.kind == "footer")
    assert 287 < foot.bbox.x0 < 297, "where it stands on the page, not where it would untilted"


def test_without_an_engine_a_scan_is_empty_with_a_warning(tmp_path: Path) -> None:
    parsed = parse(DATA / "scan_zh.pdf", ReadOptions(ocr_engine="none"))
    assert [page.source for page in parsed.pages] == ["empty"]
    assert [notice.code for notice in parsed.notices] == ["ocr_missing", "no_text"]
    with pytest.raises(ModelMissing, match=f"models pull {FOLDER}"):
        PaddleOcr(tmp_path)


def _data_grows_by(widths: list[int]) -> int:
    """Let the network read lines of many widths; return by how many MB this process grew."""
    engine = RapidOcr()._load()
    sizes = []
    for width in widths:
        engine.text_rec.session(np.zeros((1, 3, 48, width), np.float32))
        with Path("/proc/self/status").open() as status:
            sizes += [int(row.split()[1]) >> 10 for row in status if row.startswith("VmData")]
    return sizes[-1] - sizes[0]


def test_a_process_that_reads_lines_of_many_lengths_stays_small() -> None:
    with Sandbox(Limits(200, 1500)) as box:
        grown = box.wait(box.start(_data_grows_by, list(range(64, 704, 8))))
    assert grown < 400, "a gigabyte where every length is kept"


def test_compiled_networks_are_kept_for_the_next_process_and_made_anew_when_damaged(
    tmp_path: Path,
) -> None:
    image = np.full((200, 600, 3), 255, np.uint8)
    cv2.putText(image, "Valve 42", (40, 110), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 3)

    def read(folder: Path | None) -> list[str]:
        return [line.text for line in RapidOcr(kept=folder).recognize(image)]

    plain = read(None)
    assert plain == ["Valve", "42"]
    assert read(tmp_path / "missing" / "compiled") == plain
    kept = tmp_path / "compiled"
    assert read(kept) == plain
    blobs = {path: path.stat().st_mtime_ns for path in kept.glob("*.blob")}
    assert len(blobs) == 2
    assert read(kept) == plain
    assert {path: path.stat().st_mtime_ns for path in kept.glob("*.blob")} == blobs
    for path in blobs:
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read(kept) == plain
