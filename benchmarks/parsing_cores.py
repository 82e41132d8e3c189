"""Whether a long scan keeps all cores busy, and how many pages a second that gives.

A file of scanned pages is read as ingestion reads it; beside it the OCR engine alone (RapidOCR as
it comes, pages drawn at 200 dots an inch) in one process a core, each pinned to its core. Both are
warm: the first pages, while models load, are not counted. What else runs on the machine is told,
since it takes its share.

Run: ``RAGQA_EVAL_DATA=… python -m benchmarks.parsing_cores [--pages N] [--no-engine]``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pymupdf

from benchmarks.parsing_text import Alone
from ingest.reading import read_pages
from ingest.types import ReadOptions
from ragqa.settings import load_settings

WARMING = 4
"""Pages that are read before the clock starts."""


class Meter:
    """Adds up the processor time of this process and of all that it started, while it runs."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._seen: dict[int, float] = {}
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._keep_looking, daemon=True)

    def start(self) -> None:
        """Start the clock."""
        self._look()
        self._before = dict(self._seen)
        self._machine = psutil.cpu_times()
        self._begun = time.monotonic()
        self._watch.start()

    def stop(self) -> dict[str, float]:
        """Return seconds, processor seconds of ours and their ratio, and what others took."""
        self._look()
        seconds = time.monotonic() - self._begun
        self._done.set()
        self._watch.join()
        ours = sum(spent - self._before.get(pid, 0.0) for pid, spent in self._seen.items())
        now, then = psutil.cpu_times(), self._machine
        idle = now.idle + now.iowait - then.idle - then.iowait
        others = seconds * len(os.sched_getaffinity(0)) - idle - ours
        return {
            "seconds": round(seconds, 1),
            "processor_seconds": round(ours, 1),
            "cores_busy": round(ours / seconds, 2),
            "cores_of_others": round(max(0.0, others / seconds), 2),
        }

    def _keep_looking(self) -> None:
        while not self._done.wait(0.2):
            self._look()

    def _look(self) -> None:
        for process in (self._own, *self._own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                spent = process.cpu_times()
                self._seen[process.pid] = spent.user + spent.system


def long_scan(data: Path, folder: Path, pages: int) -> Path:
    """Join scanned files of the evaluation data until there are enough pages."""
    rows = map(json.loads, (data / "documents.jsonl").read_text("utf-8").splitlines())
    files = [row["file"] for row in rows if row["kind"] == "scanned" and row["pages"] > 1]
    with pymupdf.open() as joined:
        while joined.page_count < pages:
            for file in files:
                with pymupdf.open(data / file) as part:
                    joined.insert_pdf(part, to_page=pages - joined.page_count - 1)
                if joined.page_count >= pages:
                    break
        joined.save(folder / "scan.pdf")
    return folder / "scan.pdf"


def ours(path: Path, pages: int, engine: str = "") -> dict[str, float]:
    """Read the file as ingestion does."""
    meter = Meter()
    options = ReadOptions(ocr_engine=engine, models_folder=load_settings(folder=None).models_folder)
    for raw in read_pages(path, range(1, pages + 1), options):
        if raw.number == WARMING:
            meter.start()
    return _told(meter.stop(), pages - WARMING)


def alone(path: Path, pages: int) -> dict[str, float]:
    """Read the file with one process a core and nothing of ours around the engine."""
    spawn = multiprocessing.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    go = spawn.Barrier(len(cores) + 1)
    readers = [
        spawn.Process(
            target=_pinned, args=(path, range(1 + number, pages + 1, len(cores)), core, go)
        )
        for number, core in enumerate(cores)
    ]
    for reader in readers:
        reader.start()
    meter = Meter()
    go.wait()
    meter.start()
    for reader in readers:
        reader.join()
    return _told(meter.stop(), pages)


def _pinned(path: Path, numbers: range, core: int, go: threading.Barrier) -> None:
    os.sched_setaffinity(0, {core})
    engine = Alone()
    engine.text(path, numbers[0])
    go.wait()
    for number in numbers:
        engine.text(path, number)


def _told(row: dict[str, float], pages: int) -> dict[str, float]:
    return {"pages": pages, **row, "pages_per_second": round(pages / row["seconds"], 3)}


def main() -> None:
    """Print a line of JSON for ours, and one for the engine alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--engine", default="", help="the one we read with; default: the best")
    parser.add_argument("--no-engine", action="store_true", help="leave the engine alone out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = long_scan(Path(os.environ["RAGQA_EVAL_DATA"]), Path(folder), arguments.pages)
        row = ours(path, arguments.pages, arguments.engine)
        print(json.dumps({"reader": "ragqa", **row}), flush=True)
        if not arguments.no_engine:
            row = alone(path, arguments.pages)
            print(json.dumps({"reader": "engine alone, pinned", **row}), flush=True)


if __name__ == "__main__":
    main()
