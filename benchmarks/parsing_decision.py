"""Is OCR asked for where it is needed, and only there: born-digital pages against broken twins.

Each page of text is judged as it is; as a picture of itself; with its fonts' maps to Unicode taken
away (counted where that changes most of the text); and with its letters shifted.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_decision [--pages N]``
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymupdf

from ingest.quality import judge
from ingest.readers.opening import open_document
from ingest.readers.pymupdf import read_layer


def rasterised(document: Any, number: int) -> Any:
    """Return a document of one page that is a picture of the page."""
    page = document[number - 1]
    twin = pymupdf.open()
    new = twin.new_page(width=page.rect.width, height=page.rect.height)
    new.insert_image(new.rect, pixmap=page.get_pixmap(dpi=72))
    return twin


def without_maps(path: Path) -> Any:
    """Return the document with its fonts' maps to Unicode taken away."""
    document = open_document(path)[0]
    for xref in range(1, document.xref_length()):
        if document.xref_get_key(xref, "ToUnicode")[0] == "xref":
            document.xref_set_key(xref, "ToUnicode", "null")
    return document


def shifted(text: str) -> str:
    """Shift letters and ideographs, as a font with a wrong table does."""
    return "".join(
        chr((ord(c) - 97 + 7) % 26 + 97)
        if "a" <= c <= "z"
        else chr(ord(c) + 0x611)
        if "\u4e00" <= c <= "\u9800"
        else c
        for c in text
    )


def main() -> None:
    """Print what was asked for, by kind of page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()

    def note(kind: str, wanted: bool, layer: Any, name: str) -> None:
        verdict = judge(layer)
        total[kind] += 1
        right[kind] += verdict.needs_ocr == wanted
        if arguments.verbose and verdict.needs_ocr != wanted:
            print(kind, name, layer.number, verdict.reason, repr(layer.text[:60]))

    for line in (data / "documents.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] != "born-digital" or not row["file"].endswith(".pdf"):
            continue
        path = data / row["file"]
        document, bare = open_document(path)[0], without_maps(path)
        step = max(1, document.page_count // arguments.pages)
        for number in range(1, document.page_count + 1, step):
            layer = read_layer(document, number)
            if len(layer.text) < 100:
                continue
            note("as it is", False, layer, row["file"])
            note("as a picture", True, read_layer(rasterised(document, number), 1), row["file"])
            stripped = read_layer(bare, number)
            kept = (Counter(layer.text) & Counter(stripped.text)).total()
            if kept < 0.4 * len(layer.text):
                note("without maps", True, stripped, row["file"])
            changed = replace(layer, text=shifted(layer.text))
            if sum(a != b for a, b in zip(layer.text, changed.text, strict=True)) > 200:
                note("shifted letters", True, changed, row["file"])
    for kind in total:
        print(json.dumps({"pages": kind, "right": right[kind], "of": total[kind]}))
    print(json.dumps({"share right": round(right.total() / total.total(), 4)}))


if __name__ == "__main__":
    main()
