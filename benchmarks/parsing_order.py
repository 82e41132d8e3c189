"""Reading order of pages with columns, against the order in which a person reads them.

``parsing_order.json`` holds the marks: for each page the regions (a column, a heading over both, a
footnote) in the order a person reads them, marked by eye on the page's picture; boxes in points,
no text. What is in no region (running heads, labels beside the text) is not judged. The lines are
those of MuPDF: within a region from top to bottom, on one baseline from left to right; where
``any_order`` is set (tables, charts) only whether the region is read in one piece counts. ``kind``
says what the page is: prose in columns, a reference card, an exam paper.

The order error of a page is the edit distance between the two sequences of lines (a line that
stands elsewhere costs two, a missing one costs one), as a share of the lines, at most 1.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_order``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.parsing_marks import marked_files
from ingest.reading import parse
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from ragqa.types import Page

HERE = Path(__file__).parent
_LEAST_CHARACTERS = 4
"""Shorter lines are parts of formulas and marks of lists, whose order nobody could tell."""


def lines_in_order(page: Any, regions: Sequence[dict[str, Any]]) -> list[tuple[Any, Hashable]]:
    """Return (box, name) of a page's lines as a person reads them; lines of one row are one."""
    found: list[tuple[Any, Hashable]] = []
    boxes = [
        line["bbox"]
        for block in page.get_text("dict")["blocks"]
        for line in block.get("lines", ())
        if abs(line["dir"][0]) > 0.9
        and len("".join("".join(s["text"] for s in line["spans"]).split())) >= _LEAST_CHARACTERS
    ]
    for number, region in enumerate(regions):
        x0, top, x1, bottom = region["box"]
        inside = [
            box
            for box in boxes
            if x0 <= (box[0] + box[2]) / 2 < x1 and top <= (box[1] + box[3]) / 2 < bottom
        ]
        for place, row in enumerate(_rows(inside)):
            name: Hashable = number if region.get("any_order") else (number, place)
            found += [(box, name) for box in row]
    return found


def _rows(boxes: Sequence[Any]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for box in sorted(boxes, key=lambda box: (box[1] + box[3]) / 2):
        first = rows[-1][0] if rows else None
        if first is not None and (box[1] + box[3]) / 2 < first[3] - 0.3 * (first[3] - first[1]):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda box: box[0]) for row in rows]


def read_order(page: Page, lines: Sequence[tuple[Any, Hashable]]) -> list[Hashable]:
    """Return the names of the lines in the order in which our text has them."""
    boxes = page.char_boxes
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    solid = boxes[:, 2] > boxes[:, 0]
    placed = []
    for (x0, top, x1, bottom), name in lines:
        inside = np.nonzero(
            solid
            & (middles[:, 0] >= x0)
            & (middles[:, 0] <= x1)
            & (middles[:, 1] >= top)
            & (middles[:, 1] <= bottom)
        )[0]
        if len(inside):
            placed.append((float(np.median(inside)), name))
    return [name for _, name in sorted(placed, key=lambda pair: pair[0])]


def edit_distance(left: Sequence[Hashable], right: Sequence[Hashable]) -> int:
    """Return how many insertions and deletions turn one sequence into the other."""
    row = list(range(len(right) + 1))
    for number, one in enumerate(left, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(right, 1):
            kept = before if one == other else min(row[place], row[place - 1]) + 1
            before, row[place] = row[place], kept
    return row[-1]


def main() -> None:
    """Print the error of each page and the mean, and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--marks", type=Path, default=HERE / "parsing_order.json")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "parsing_order.json")
    arguments = parser.parse_args()
    import pymupdf

    data = Path(os.environ["RAGQA_EVAL_DATA"])
    rows = []
    for file, ours in marked_files(arguments.marks, data):
        pages = parse(file, ReadOptions(ocr="never")).pages
        with pymupdf.open(file) as document:
            for mark in ours:
                lines = lines_in_order(document[mark["page"] - 1], mark["regions"])
                want = [name for _, name in lines]
                got = read_order(pages[mark["page"] - 1], lines)
                error = min(1.0, edit_distance(want, got) / len(want))
                row = {"file": file.name, "page": mark["page"], "kind": mark["kind"]}
                rows.append(row | {"error": round(error, 4)})
                print(f"{file.stem:24} {mark['page']:4} {len(want):4} lines {error:.4f}")
    mean = statistics.mean(row["error"] for row in rows)
    print(f"{len(rows)} pages, mean order error {mean:.4f}")
    kinds = {}
    for kind in sorted({row["kind"] for row in rows}):
        errors = [row["error"] for row in rows if row["kind"] == kind]
        kinds[kind] = {"pages": len(errors), "mean": round(statistics.mean(errors), 4)}
        print(f"{len(errors):4} of {kind}: {statistics.mean(errors):.4f}")
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(
        json.dumps(
            {"pages": len(rows), "mean": round(mean, 4), "kinds": kinds, "each": rows}, indent=1
        )
        + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
