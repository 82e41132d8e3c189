"""Rows of financial tables: are the numbers of a row found in one row of one table block?

``parsing_rows.json`` holds the marks: rows drawn at random from pages with tables of annual reports
and filings, each the numbers that stand on one baseline right of the row's label, taken from
MuPDF's words and looked at on the page's picture; digits and places only, no text.

A row is found when one row of one table block has all its numbers, and *alone* when that row has at
most four more (dates in the label, the number of a note), so that a table run together into one
row counts for nothing.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_rows``
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.parsing_marks import marked_files
from ingest.assemble import assemble
from ingest.reading import read_pages, running_heads
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from ragqa.types import Page

HERE = Path(__file__).parent
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_MORE = 4


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text, without signs, commas and units."""
    return Counter(match.replace(",", "") for match in _NUMBER.findall(text))


def judge(page: Page, wanted: Counter[str]) -> str:
    """Return ``alone``, ``together`` (in a row with more), or ``lost``."""
    verdict = "lost"
    for block in page.blocks:
        for row in block.rows or ():
            found = numbers(" ".join(row))
            if wanted <= found:
                if (found - wanted).total() <= _MORE:
                    return "alone"
                verdict = "together"
    return verdict


def main() -> None:
    """Print the rows that are not found and the shares, and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--marks", type=Path, default=HERE / "parsing_rows.json")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "parsing_rows.json")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    verdicts: Counter[str] = Counter()
    for file, ours in marked_files(arguments.marks, data):
        asked = sorted({mark["page"] for mark in ours})
        raws = tuple(read_pages(file, asked, ReadOptions(ocr="never")))
        heads = running_heads(raws)
        pages = {raw.number: assemble(raw, heads) for raw in raws}
        for mark in ours:
            wanted = sum((numbers(one["text"]) for one in mark["numbers"]), Counter[str]())
            verdict = judge(pages[mark["page"]], wanted)
            verdicts[verdict] += 1
            if verdict != "alone":
                print(f"{verdict:9} {file.stem} page {mark['page']} y {mark['y']}")
    total = verdicts.total()
    shares = {kind: round(verdicts[kind] / total, 4) for kind in ("alone", "together", "lost")}
    print(f"{total} rows: " + ", ".join(f"{kind} {share}" for kind, share in shares.items()))
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps({"rows": total} | shares, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
