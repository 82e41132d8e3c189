"""Ingestion from end to end beside the embedder alone, on the same passages in the same process.

Alone it embeds the texts that the run embedded, heads of tables and titles with them: once in order
of length over all files (``rate_share``), once in the very batches of the run, and once in these
with as many calls at the same time as the run makes.
"""

from __future__ import annotations

import itertools
import resource
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import ingestion_data as inputs
from benchmarks.ingestion_watch import database_cpu
from ingest.batch import run_batch
from ingest.embedding import AT_ONCE, SORTED_TOGETHER
from ingest.turns import Turns
from ragqa.settings import load_settings
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.wiring import Services

TURNS = 5
ENOUGH_PAGES = 400
"""So many take minutes, and are brought in once."""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of wall time and of processor time: ours, our readers', the database's."""

    wall: float
    cpu: float


def rate(data: Path, folder: Path, scale: float, *, ocr_engine: str = "") -> dict[str, Any]:
    """Bring in born-digital pages and embed their passages alone, by turns.

    Their pictures with text in them are read by OCR, unless ``ocr_engine`` is ``none``.
    """
    tree = folder / "tree"
    tree.mkdir()
    inputs.digital(data, tree, round(120 * scale))
    settings = load_settings(
        home=folder / "home", offline=True, log_level="warning", ocr_engine=ocr_engine
    )
    with open_services(settings) as services:
        services.embedder().embed_passages(["warm"] * AT_ONCE)
        together, alone, batched, at_once = [], [], [], []
        report: dict[str, Any] = {}
        calls: list[list[str]] = []
        for turn in range(TURNS if 120 * scale < ENOUGH_PAGES else 1):
            begun = measure_now(services)
            with _noted(services.embedder()) as noted:
                report = run_batch(services, [tree], f"turn-{turn}")
            together.append(measure_since(services, begun))
            calls = noted
            begun = measure_now(services)
            _embed(services, list(dict.fromkeys(itertools.chain.from_iterable(calls))))
            alone.append(measure_since(services, begun))
            begun = measure_now(services)
            for texts in calls:
                services.embedder().embed_passages(texts)
            batched.append(measure_since(services, begun))
            begun = measure_now(services)
            with ThreadPoolExecutor(Turns().embedding.places) as callers:
                list(callers.map(services.embedder().embed_passages, calls))
            at_once.append(measure_since(services, begun))
    return {
        "pages": report["pages"],
        "ocr_pages": report["ocr_pages"],
        "chunks": report["chunks"],
        "passages_embedded": sum(map(len, calls)),
        "end_to_end_s": [round(one.wall, 2) for one in together],
        "embedder_alone_s": [round(one.wall, 2) for one in alone],
        "same_batches_alone_s": [round(one.wall, 2) for one in batched],
        "same_calls_at_once_alone_s": [round(one.wall, 2) for one in at_once],
        "rate_share": _share(together, alone),
        "rate_share_of_same_batches": _share(together, batched),
        "rate_share_of_same_calls_at_once": _share(together, at_once),
        "end_to_end_cpu_s": [round(one.cpu, 2) for one in together],
        "embedder_alone_cpu_s": [round(one.cpu, 2) for one in alone],
        "same_batches_alone_cpu_s": [round(one.cpu, 2) for one in batched],
        "same_calls_at_once_alone_cpu_s": [round(one.cpu, 2) for one in at_once],
        "cpu_share": round(
            statistics.median(two.cpu / one.cpu for one, two in zip(together, alone, strict=True)),
            3,
        ),
    }


def _share(together: Sequence[Took], alone: Sequence[Took]) -> float:
    shares = [two.wall / one.wall for one, two in zip(together, alone, strict=True)]
    return round(statistics.median(shares), 3)


@contextmanager
def _noted(embedder: Any) -> Iterator[list[list[str]]]:
    """Give a list of what the embedder is called with; it embeds all the same."""
    calls: list[list[str]] = []
    real = embedder.embed_passages

    def embed_passages(texts: Sequence[str]) -> NDArray[np.float32]:
        calls.append(list(texts))
        vectors: NDArray[np.float32] = real(texts)
        return vectors

    embedder.embed_passages = embed_passages
    try:
        yield calls
    finally:
        del embedder.embed_passages


def _embed(services: Services, texts: list[str]) -> None:
    """Embed in batches of like lengths over all files, as many at once as the worker does."""
    embedder = services.embedder()
    for start in range(0, len(texts), SORTED_TOGETHER):
        piece = sorted(texts[start : start + SORTED_TOGETHER], key=embedder.count_tokens)
        for first in range(0, len(piece), AT_ONCE):
            embedder.embed_passages(piece[first : first + AT_ONCE])


def measure_now(services: Services) -> tuple[float, float]:
    """Return the time on the clock and the processor time so far: ours and the database's."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended just now, and is among the children above
            if "postgres" not in child.name():
                cpu += sum(child.cpu_times()[:4])
    return time.monotonic(), cpu + database_cpu(services.database.conninfo)


def measure_since(services: Services, begun: tuple[float, float]) -> Took:
    """Return what it took since ``begun``, which ``measure_now`` gave."""
    wall, cpu = measure_now(services)
    return Took(wall - begun[0], cpu - begun[1])
