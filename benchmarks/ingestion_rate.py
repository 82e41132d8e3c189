"""Ingestion from end to end beside the embedder alone, on the same passages in the same process."""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import ingestion_data as inputs
from benchmarks.ingestion_watch import database_cpu
from ingest.batch import run_batch
from ingest.embedding import AT_ONCE, SORTED_TOGETHER
from ragqa.retrieval.context import embedded_text
from ragqa.settings import load_settings
from ragqa.store.collections import find_collection
from ragqa.types import Chunk, Span
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from pathlib import Path

    from ragqa.wiring import Services

TURNS = 3
TEXTS = """
SELECT d.name, c.page_number, c.span_start, c.span_end, c.text, c.kind, c.headings
  FROM chunks c JOIN documents d USING (collection_id, document_id)
 WHERE c.collection_id = %s ORDER BY c.document_id, c.ordinal
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of wall time and of processor time: ours, our readers', the database's."""

    wall: float
    cpu: float


def rate(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Bring in born-digital pages and embed their passages alone, by turns."""
    tree = folder / "tree"
    tree.mkdir()
    inputs.digital(data, tree, round(120 * scale))
    settings = load_settings(home=folder / "home", offline=True, log_level="warning")
    with open_services(settings) as services:
        services.embedder().embed_passages(["warm"] * AT_ONCE)
        together, alone = [], []
        report: dict[str, Any] = {}
        texts: list[str] = []
        for turn in range(TURNS):
            name = f"turn-{turn}"
            begun = measure_now(services)
            report = run_batch(services, [tree], name)
            together.append(measure_since(services, begun))
            texts = _texts(services, name)
            begun = measure_now(services)
            _embed(services, texts)
            alone.append(measure_since(services, begun))
    return {
        "pages": report["pages"],
        "ocr_pages": report["ocr_pages"],
        "chunks": report["chunks"],
        "passages_embedded": len(texts),
        "end_to_end_s": [round(one.wall, 2) for one in together],
        "embedder_alone_s": [round(one.wall, 2) for one in alone],
        "rate_share": _share(
            [two.wall / one.wall for one, two in zip(together, alone, strict=True)]
        ),
        "end_to_end_cpu_s": [round(one.cpu, 2) for one in together],
        "embedder_alone_cpu_s": [round(one.cpu, 2) for one in alone],
        "cpu_share": _share([two.cpu / one.cpu for one, two in zip(together, alone, strict=True)]),
    }


def _share(shares: list[float]) -> float:
    return round(statistics.median(shares), 3)


def _texts(services: Services, collection: str) -> list[str]:
    """Return what was embedded of a collection, each text once in a document."""
    with services.database.transaction() as conn:
        rows = conn.execute(TEXTS, [find_collection(conn, collection).id]).fetchall()
    return list(
        dict.fromkeys(
            embedded_text(
                row["name"],
                Chunk(
                    row["page_number"],
                    Span(row["span_start"], row["span_end"]),
                    row["text"],
                    row["kind"],
                    tuple(row["headings"]),
                ),
            )
            for row in rows
        )
    )


def _embed(services: Services, texts: list[str]) -> None:
    """Embed in batches as the worker makes them: of like lengths, as many at once."""
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
        if "postgres" not in child.name():
            cpu += sum(child.cpu_times()[:4])
    return time.monotonic(), cpu + database_cpu(services.database.conninfo)


def measure_since(services: Services, begun: tuple[float, float]) -> Took:
    """Return what it took since ``begun``, which ``measure_now`` gave."""
    wall, cpu = measure_now(services)
    return Took(wall - begun[0], cpu - begun[1])
