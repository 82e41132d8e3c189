"""How much of a page's text is read, whatever its order: character error over documents.

The error of a page is the larger of what is missing and what is too much, as a share of the
characters that should be there; white space aside, widths folded (NFKC). Order-free, so that a
layout that is read in another order counts only where it loses text. Running heads, feet and page
numbers are in the truth of most sets and, on purpose, not in the text of our pages: the error is
given for the text alone (``text``) and with these blocks (``whole``).

``--alone`` reads scans with RapidOCR as it comes as well, pages drawn at 200 dots an inch.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_text --kind scanned --alone [--pages N]``
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
from typing import TYPE_CHECKING

from ingest.readers.source import open_source
from ingest.reading import parse
from ingest.types import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ragqa.types import Page

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


def whole(page: Page) -> str:
    """Return the text of a page with its running heads and feet."""
    edges = [block.text for block in page.blocks if block.kind in ("header", "footer")]
    return "\n".join([page.text, *edges])


class Alone:
    """RapidOCR with nothing of ours around it."""

    def __init__(self) -> None:
        from ingest.ocr.lean import keep_to_itself

        keep_to_itself()
        from rapidocr import EngineType, RapidOCR

        self._read = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.max_side_len": 4000,
                "Det.engine_type": EngineType.OPENVINO,
                "Rec.engine_type": EngineType.OPENVINO,
                "EngineConfig.openvino.inference_num_threads": 1,
            }
        )

    def text(self, file: Path, number: int) -> str:
        """Return what it reads on a page."""
        return "\n".join(self._read(open_source(file).image(number, 200)).txts or ())


def means(errors: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each error over pages."""
    return {name: round(statistics.mean(row[name] for row in errors), 5) for name in errors[0]}


def main() -> None:
    """Print one line of JSON a document, then the means by kind of degradation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", default="scanned")
    parser.add_argument("--set", default="")
    parser.add_argument("--match", default="")
    parser.add_argument("--dpi", type=int, default=150)
    parser.add_argument("--engine", default="")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--alone", action="store_true", help="the OCR engine alone, beside")
    arguments = parser.parse_args()
    data = Path(os.environ["RAGQA_EVAL_DATA"])
    groups: dict[tuple[str, str, str], list[dict[str, float]]] = defaultdict(list)
    engine = Alone() if arguments.alone else None
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
        errors = []
        for page in parsed.pages:
            if (want := truth.get(page.number)) is None:
                continue
            row = {"text": character_error(want, page.text)}
            row["whole"] = character_error(want, whole(page))
            if engine is not None:
                read = engine.text(data / document["file"], page.number)
                row["alone"] = character_error(want, read)
            errors.append(row)
        key = (document["set"], document["language"][:2], str(document.get("degradation")))
        groups[key] += errors
        found = {
            "file": document["file"],
            "degradation": document.get("degradation"),
            **means(errors),
            "worst": round(max(row["whole"] for row in errors), 5),
            "sources": sorted({page.source for page in parsed.pages}),
            "pages": len(errors),
            "seconds": round(time.time() - begun, 1),
        }
        print(json.dumps(found, ensure_ascii=False), flush=True)
    for key, errors in sorted(groups.items()):
        print(json.dumps({"group": key, "pages": len(errors), **means(errors)}))


if __name__ == "__main__":
    main()
