"""How many of the relations between table cells are found: ICDAR 2013, whole files.

A relation is a pair of cells that are neighbours to the right or below, blanks skipped; a found
one is right when both texts and the direction are. Source: Göbel, Hassan, Oro, Orsi: A Methodology
for Evaluating Algorithms for Table Understanding in PDF Documents, DocEng 2012.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_tables [--files NAME...]``
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.reading import assembled_here
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Relations = Counter[tuple[str, str, str]]
    Grid = Sequence[Sequence[str]]


def clean(text: str) -> str:
    """Fold what readers may differ in: white space, width, kinds of dashes."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(char for char in folded if not char.isspace()).replace("–", "-").casefold()


def relations(grid: Grid) -> Relations:
    """Return the relations of a grid of cell texts."""
    found: Relations = Counter()
    columns = list(zip(*grid, strict=True)) if grid else []
    for direction, lines in (("right", grid), ("below", columns)):
        for line in lines:
            solid = [clean(cell) for cell in line if clean(cell)]
            found.update((direction, a, b) for a, b in pairwise(solid))
    return found


def expected(file: Path) -> Relations:
    """Return the relations of a ground truth file; a spanning cell stands at all its places."""
    total: Relations = Counter()
    for table in json.loads(file.read_text("utf-8"))["tables"]:
        for region in table["regions"]:
            total += _region(region["cells"])
    return total


def _region(cells: list[dict[str, object]]) -> Relations:
    place: dict[tuple[int, int], int] = {}
    for index, cell in enumerate(cells):
        for row in range(int(str(cell["r0"])), int(str(cell["r1"])) + 1):
            for column in range(int(str(cell["c0"])), int(str(cell["c1"])) + 1):
                if clean(str(cell["text"])):
                    place[row, column] = index
    rows = sorted({row for row, _ in place})
    columns = sorted({column for _, column in place})
    pairs: set[tuple[str, int, int]] = set()
    for row in rows:
        line = [place[row, column] for column in columns if (row, column) in place]
        pairs |= {("right", a, b) for a, b in pairwise(line) if a != b}
    for column in columns:
        line = [place[row, column] for row in rows if (row, column) in place]
        pairs |= {("below", a, b) for a, b in pairwise(line) if a != b}
    return Counter(
        (way, clean(str(cells[a]["text"])), clean(str(cells[b]["text"]))) for way, a, b in pairs
    )


def ours(path: Path) -> list[Grid]:
    """Return the tables that ragqa finds."""
    pages = assembled_here(path, ReadOptions(ocr="never", ocr_engine="none"))
    return [block.rows for page in pages for block in page.blocks if block.kind == "table"]


def by_pdfplumber(path: Path) -> list[Grid]:
    """Return the tables that pdfplumber finds with its default settings."""
    import pdfplumber

    with pdfplumber.open(path) as pdf:
        return [
            [[cell or "" for cell in row] for row in table]
            for page in pdf.pages
            for table in page.extract_tables()
        ]


def by_pymupdf(path: Path) -> list[Grid]:
    """Return the tables that PyMuPDF's own finder finds."""
    import pymupdf

    return [
        [[cell or "" for cell in row] for row in table.extract()]
        for page in pymupdf.open(path)
        for table in page.find_tables().tables
    ]


def measure(
    find: Callable[[Path], list[Grid]], files: Iterable[tuple[Path, Path]], *, verbose: bool = False
) -> dict[str, float]:
    """Return precision, recall, F1 over all relations, and seconds."""
    right = found = wanted = 0
    begun = time.process_time()
    for pdf, truth in files:
        got = sum((relations(grid) for grid in find(pdf)), Counter())
        want = expected(truth)
        hits = sum((got & want).values())
        right, found, wanted = right + hits, found + got.total(), wanted + want.total()
        if verbose:
            print(
                f"{pdf.stem:12} P {hits / max(1, got.total()):.2f} "
                f"R {hits / max(1, want.total()):.2f} found {got.total():5} of {want.total():5}",
                file=sys.stderr,
            )
    precision, recall = right / max(1, found), right / max(1, wanted)
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
        "seconds": round(time.process_time() - begun, 2),
    }


def main() -> None:
    """Print a line of JSON for each finder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--others", action="store_true")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    pairs = [
        (pdf, data / "gt/tables" / f"{pdf.stem}.json")
        for pdf in sorted((data / "table/icdar2013").glob("*.pdf"))
        if not arguments.files or pdf.stem in arguments.files
    ]
    print(json.dumps({"finder": "ragqa", **measure(ours, pairs, verbose=True)}))
    if arguments.others:
        print(json.dumps({"finder": "pdfplumber", **measure(by_pdfplumber, pairs)}))
        print(json.dumps({"finder": "pymupdf", **measure(by_pymupdf, pairs)}))


if __name__ == "__main__":
    main()
