"""Pages that we make black and white ourselves, read beside the OCR engine alone.

The set of scans holds few such pages, one of them with a truth that no one could read. Here pages
of real born-digital documents are drawn at 200 dots an inch, tilted a little, made noisy and cut to
black and white; their text layer is the truth. Pages whose layer holds characters that are not on
the page (numbers of glyphs, private use), and pages with pictures, are not drawn. The pages of a
seed are always the same.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_fax [--language zh] [--each N] [--seed N]``
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pymupdf

from benchmarks.parsing_text import Alone, character_error, clean, whole
from ingest.reading import assembled_here
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DPI = 200
TILT = 0.6
"""Most degrees by which a page lies askew."""
NOISE = 25.0
"""Standard deviation of the noise before the cut, in steps of grey."""
CUT = 140
SPECKS = 0.0005
FEWEST, MOST = 500, 3500
"""Characters of a page."""
LAST_LETTER = "\u00ff"
"""Fonts without a map to Unicode give letters beyond it, for ligatures and logos."""
SETS = ("real-docs", "enterprise-rag", "financebench")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of a born-digital document, to be made a fax."""

    file: str
    number: int
    language: str
    truth: str


def is_plain(text: str) -> bool:
    """Tell whether a text layer may be what the page shows: letters, ideographs, usual signs."""
    for char in unicodedata.normalize("NFKC", text):
        script = unicodedata.name(char, "").split(" ")[0]
        if char.isalpha() and script not in ("CJK", "GREEK") and char > LAST_LETTER:
            return False
        if unicodedata.category(char) in ("Co", "Cn", "Mn", "Cc") and not char.isspace():
            return False
    return True


def sheets(data: Path, each: int, seed: int) -> list[Sheet]:
    """Draw ``each`` pages of every document, those that are in the set of scans left out."""
    rows = list(map(json.loads, (data / "documents.jsonl").read_text("utf-8").splitlines()))
    taken = " ".join(row["source"] for row in rows if row["set"] == "scan-real-docs")
    chosen: list[Sheet] = []
    for row in rows:
        if row["set"] not in SETS or row["kind"] != "born-digital":
            continue
        numbers = list(range(1, row["pages"] + 1))
        random.Random(f"{seed}{row['file']}").shuffle(numbers)
        found = 0
        with pymupdf.open(data / row["file"]) as document:
            for number in numbers:
                if found == each:
                    break
                if row["file"] in taken and number in _pages_of(taken, row["file"]):
                    continue
                page = document[number - 1]
                truth = page.get_text()
                if page.get_images():  # what is written in a picture is not in the truth
                    continue
                if FEWEST <= len(clean(truth)) <= MOST and is_plain(truth):
                    chosen.append(Sheet(row["file"], number, row["language"][:2], truth))
                    found += 1
    return chosen


def _pages_of(taken: str, file: str) -> list[int]:
    """Return which pages of a file the set of scans says it took: "pages [14, 16] of FILE"."""
    before = taken.split(f" of {file}")[0]
    listed: list[int] = json.loads(before[before.rindex("[") :])
    return listed


def faxed(page: pymupdf.Page, seed: int) -> NDArray[np.bool_]:
    """Return where the page is black, (height, width), as a fax machine would send it."""
    noise = np.random.default_rng(seed)
    tilt = noise.uniform(-TILT, TILT)
    turned = pymupdf.Matrix(DPI / 72, DPI / 72).prerotate(tilt)
    pixmap = page.get_pixmap(matrix=turned, colorspace=pymupdf.csGRAY, alpha=False)
    grey = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width)
    black = grey + noise.normal(0, NOISE, grey.shape) < CUT
    return np.asarray(black | (noise.random(grey.shape) < SPECKS))


def write_fax(black: NDArray[np.bool_], path: Path) -> None:
    """Write a file of one page that is this picture."""
    height, width = black.shape
    head = f"P4 {width} {height}\n".encode()
    with pymupdf.open() as document:
        page = document.new_page(width=width * 72 / DPI, height=height * 72 / DPI)
        page.insert_image(page.rect, stream=head + np.packbits(black, axis=1).tobytes())
        document.save(path)


def written(data: Path, chosen: list[Sheet], folder: Path) -> Iterator[tuple[Sheet, Path]]:
    """Write every sheet as a fax."""
    for index, sheet in enumerate(chosen):
        path = folder / f"{Path(sheet.file).stem}-{sheet.number}.pdf"
        with pymupdf.open(data / sheet.file) as document:
            write_fax(faxed(document[sheet.number - 1], index), path)
        yield sheet, path


def main() -> None:
    """Print a line of JSON a page, then the means by language."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=2, help="pages of a document")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", default="", help="zh or en alone")
    parser.add_argument("--no-engine", action="store_true")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    engine = None if arguments.no_engine else Alone()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        chosen = sheets(data, arguments.each, arguments.seed)
        chosen = [sheet for sheet in chosen if sheet.language.startswith(arguments.language)]
        for sheet, path in written(data, chosen, Path(folder)):
            begun = time.process_time()
            (page,) = assembled_here(path, ReadOptions())
            row: dict[str, object] = {"file": sheet.file, "page": sheet.number}
            row["language"] = sheet.language
            row["ours"] = round(character_error(sheet.truth, whole(page)), 4)
            row["seconds"] = round(time.process_time() - begun, 2)
            if engine is not None:
                begun = time.process_time()
                row["alone"] = round(character_error(sheet.truth, engine.text(path, 1)), 4)
                row["alone_seconds"] = round(time.process_time() - begun, 2)
            print(json.dumps(row), flush=True)
            rows.append(row)
    for language in sorted({str(row["language"]) for row in rows}):
        of = [row for row in rows if row["language"] == language]
        names = [name for name in ("ours", "alone", "seconds", "alone_seconds") if name in of[0]]
        means = {
            name: round(statistics.mean(float(str(row[name])) for row in of), 5) for name in names
        }
        print(json.dumps({"group": language, "pages": len(of), **means}))


if __name__ == "__main__":
    main()
