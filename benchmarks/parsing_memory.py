"""Memory over a file of 1,500 pages, read as a worker reads it: the parent and all its children.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_memory [--pages N]``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

import psutil
import pymupdf

from ingest.reading import inspect, read_pages
from ingest.types import ReadOptions


def long_file(data: Path, folder: Path, pages: int) -> Path:
    """Join reports of the evaluation data until there are enough pages."""
    joined = pymupdf.open()
    while joined.page_count < pages:
        for file in sorted((data / "pdf/en").glob("*_10K.pdf")):
            with pymupdf.open(file) as part:
                joined.insert_pdf(part, to_page=pages - joined.page_count - 1)
            if joined.page_count >= pages:
                break
    joined.save(folder / "long.pdf")
    return folder / "long.pdf"


def megabytes(process: psutil.Process) -> tuple[float, float]:
    """Return the proportional memory of a process, and that of all its children together."""
    children = 0.0
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            children += child.memory_full_info().pss
    return process.memory_full_info().pss / 1e6, children / 1e6


def main() -> None:
    """Print the memory at every hundredth page, and the most of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=1500)
    arguments = parser.parse_args()
    options = ReadOptions(ocr="never", ocr_engine="none")
    own = psutil.Process()
    most = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = long_file(Path(os.environ["RAGQA_EVAL_DATA"]), Path(folder), arguments.pages)
        begun = time.monotonic()
        info = inspect(path, options)
        opened = time.monotonic() - begun
        for raw in read_pages(path, range(1, info.pages + 1), options):
            if raw.number % 20 == 0:
                parent, children = megabytes(own)
                most = max(most, parent + children)
                if raw.number % 100 == 0:
                    print(
                        f"page {raw.number:5} {parent:7.0f} MB here {children:7.0f} MB in children"
                    )
        seconds = time.monotonic() - begun
    row = {
        "pages": info.pages,
        "most_mb": round(most),
        "inspect_s": round(opened, 1),
        "seconds": round(seconds, 1),
        "pages_per_second": round(info.pages / seconds, 1),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
