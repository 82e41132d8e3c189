"""How much of a page's text is read, whatever its order: character error over documents.

The error of a page is the larger of what is missing and what is too much, as a share of the
characters that should be there; white space aside, widths folded (NFKC). Order-free, so that a
layout that is read in another order counts only where it loses text.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_text --kind scanned [--pages N]``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

from ingest.reading import parse
from ingest.types import ReadOptions

SETS = ("qa-pdf", "scan-real-docs", "real-docs")


def clean(text: str) -> str:
    """Fold width and drop white space."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if not char.isspace())


def character_error(expected: str, got: str) -> float:
    """Return max(missing, extra) / expected, 0 for two empty texts."""
    want, have = Counter(clean(expected)), Counter(clean(got))
    if not want:
        return 0.0 if not have else 1.0
    return max((want - have).total(), (have - want).total()) / want.total()


def main() -> None:
    """Print one line of JSON a document, then the means by kind of degradation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", default="scanned")
    parser.add_argument("--set", default="")
    parser.add_argument("--match", default="")
    parser.add_argument("--dpi", type=int, default=150)
    parser.add_argument("--engine", default="")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    groups: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for line in (data / "documents.jsonl").read_text("utf-8").splitlines():
        document = json.loads(line)
        if document["kind"] != arguments.kind or "text_gt" not in document:
            continue
        if document["set"] not in SETS or arguments.match not in document["file"]:
            continue
        if arguments.set and document["set"] != arguments.set:
            continue
        truth = {
            row["page"]: row["text"]
            for row in map(json.loads, (data / document["text_gt"]).read_text("utf-8").splitlines())
        }
        begun = time.time()
        options = ReadOptions(ocr_dpi=arguments.dpi, ocr_engine=arguments.engine, page_seconds=300)
        parsed = parse(data / document["file"], options, first=arguments.pages)
        errors = [
            character_error(truth[page.number], page.text)
            for page in parsed.pages
            if page.number in truth
        ]
        key = (document["set"], document["language"][:2], str(document.get("degradation")))
        groups[key] += errors
        row = {
            "file": document["file"],
            "degradation": document.get("degradation"),
            "error": round(statistics.mean(errors), 5),
            "worst": round(max(errors), 5),
            "sources": sorted({page.source for page in parsed.pages}),
            "pages": len(errors),
            "seconds": round(time.time() - begun, 1),
        }
        print(json.dumps(row, ensure_ascii=False), flush=True)
    for key, errors in sorted(groups.items()):
        print(json.dumps({"group": key, "mean": round(statistics.mean(errors), 5)}))


if __name__ == "__main__":
    main()
