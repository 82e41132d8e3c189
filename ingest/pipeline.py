"""The flow that makes a version of a document visible, and nothing else.

Read pages (each kept as soon as it is read) → assemble → chunk → embed → one transaction that
swaps the version in. A crash anywhere leaves the old version serving; the next attempt goes on
after the last page that was read.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ingest.assemble import assemble
from ingest.chunking import chunk_page, headings_after
from ingest.reading import inspect, read_pages, running_heads
from ingest.types import RawPage, ReadOptions
from ragqa.errors import Cancelled, NotFound, UnreadableFile
from ragqa.retrieval.context import embedded_text, lexical_text
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.store.chunks import NewChunk, ensure_embeddings_table, known_hashes, swap_chunks
from ragqa.store.documents import lock_document
from ragqa.store.pages import insert_pages
from ragqa.store.versions import (
    Claim,
    Outcome,
    clear_pages,
    is_wanted,
    known_reads,
    record_progress,
    serve_version,
    stream_reads,
    write_read,
)
from ragqa.types import Chunk, Notice, Page, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ingest.types import FileInfo
    from ragqa.ports import Embedder
    from ragqa.settings import Settings
    from ragqa.store.db import Database
    from ragqa.store.files import Files

logger = logging.getLogger(__name__)

CHUNK_TOKENS = 128
PAGES_AT_ONCE = 50
CHUNKS_AT_ONCE = 32
POLL_SECONDS = 0.5
UNREAD = frozenset({"unreadable_page", "ocr_missing"})
"""Notices of pages that were given up; a blank page was read, and holds nothing."""


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What one attempt at one version needs."""

    database: Database
    files: Files
    embedder: Embedder
    settings: Settings
    claim: Claim


@dataclass(frozen=True, slots=True)
class _Passage:
    """A chunk on its way: its place in the document and what is embedded of it."""

    ordinal: int
    chunk: Chunk
    embedded: str

    @property
    def embedded_hash(self) -> bytes:
        return hashlib.sha256(self.embedded.encode()).digest()


def ingest_version(work: Ingestion) -> Outcome:
    """Read the claimed version and make it the one that is served.

    Raises:
        Cancelled: If somebody asked to stop, or the document was deleted meanwhile.
        UnreadableFile: If no page of it could be read.
        RagqaError: What inspecting, reading, embedding or storing raised.
    """
    wanted = _Wanted(work)
    collection_id = work.claim.document_id.collection_id
    with (
        work.files.local(collection_id, work.claim.sha256) as stored,
        _called(stored, work.claim.name) as path,
    ):
        options = read_options(work.settings, password=work.claim.password)
        info = inspect(path, options)
        _read_missing(work, path, info, options, wanted)
    outcome, passages = _write_pages(work, info, wanted)
    vectors = _embed(work, passages, wanted)
    return _swap(work, outcome, passages, vectors)


@contextmanager
def _called(stored: Path, name: str) -> Iterator[Path]:
    """Give the stored file under the name it came with: its ending tells what it should be."""
    last = PurePosixPath(name)
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        link = Path(folder, last.stem[:60] + last.suffix[:16])
        link.symlink_to(stored)
        yield link


def read_options(settings: Settings, *, password: str | None = None) -> ReadOptions:
    """Return how files are read under these settings."""
    return ReadOptions(
        ocr="auto",
        ocr_engine=settings.ocr_engine,
        ocr_dpi=settings.ocr_dpi,
        password=password,
        page_seconds=settings.page_seconds,
        page_memory_mb=settings.page_memory_mb,
        max_pages=settings.max_pages,
        models_folder=settings.models_folder,
    )


class _Wanted:
    """Answers "go on?", asking the database at most twice a second."""

    def __init__(self, work: Ingestion) -> None:
        self._work = work
        self._asked = 0.0
        self._stopped = work.claim.cancelled

    def stopped(self) -> bool:
        now = time.monotonic()
        if not self._stopped and now - self._asked >= POLL_SECONDS:
            self._asked = now
            claim = self._work.claim
            with self._work.database.transaction() as conn:
                self._stopped = not is_wanted(conn, claim.document_id, claim.version)
        return self._stopped

    def report(self, stage: str, done: int, total: int) -> None:
        claim = self._work.claim
        with self._work.database.transaction() as conn:
            if not record_progress(
                conn, claim.document_id, claim.version, Progress(stage, done, total)
            ):
                self._stopped = True
        self.check()

    def check(self) -> None:
        if self._stopped:
            raise Cancelled(f"reading {self._work.claim.name} was cancelled")


def _read_missing(
    work: Ingestion, path: Path, info: FileInfo, options: ReadOptions, wanted: _Wanted
) -> None:
    """Read the pages that no earlier attempt or version has read, keeping each at once."""
    document_id = work.claim.document_id
    with work.database.transaction() as conn:
        known = known_reads(conn, document_id, info.page_keys)
    first = {key: number for number, key in reversed(list(enumerate(info.page_keys, start=1)))}
    missing = sorted(number for key, number in first.items() if key not in known)
    done = info.pages - len(missing)
    wanted.report("read", done, info.pages)
    for raw in read_pages(path, missing, options, stop=wanted.stopped):
        with work.database.transaction() as conn:
            write_read(conn, document_id, info.page_keys[raw.number - 1], raw.to_bytes())
        done += 1
        wanted.report("read", done, info.pages)
    wanted.stopped()
    wanted.check()


def _raw_pages(work: Ingestion, info: FileInfo) -> Iterator[RawPage]:
    with work.database.transaction() as conn:
        reads = stream_reads(conn, work.claim.document_id, info.page_keys)
        for number, raw in enumerate(reads, start=1):
            yield replace(RawPage.from_bytes(raw), number=number)


def _write_pages(
    work: Ingestion, info: FileInfo, wanted: _Wanted
) -> tuple[Outcome, list[_Passage]]:
    """Assemble, store and chunk the pages; nobody sees them until the swap."""
    claim = work.claim
    heads = running_heads(_raw_pages(work, info))
    with work.database.transaction() as conn:
        clear_pages(conn, claim.document_id, claim.version)
    notices = list(info.notices)
    ocr_pages = tables = readable = 0
    passages: list[_Passage] = []
    waiting: list[tuple[str, Page]] = []
    headings: tuple[str, ...] = ()
    for raw in _raw_pages(work, info):
        page = assemble(raw, heads)
        notices += [replace(notice, page=page.number) for notice in raw.notices]
        ocr_pages += page.source == "ocr"
        readable += not any(notice.code in UNREAD for notice in raw.notices)
        tables += sum(block.kind == "table" for block in page.blocks)
        chunks, headings = _chunk(work, page, headings)
        passages += [
            _Passage(ordinal, chunk, embedded_text(claim.name, chunk))
            for ordinal, chunk in enumerate(chunks, start=len(passages))
        ]
        waiting.append((info.page_keys[page.number - 1], page))
        if len(waiting) == PAGES_AT_ONCE or page.number == info.pages:
            with work.database.transaction() as conn:
                insert_pages(conn, claim.document_id, claim.version, waiting)
            waiting.clear()
            wanted.report("assemble", page.number, info.pages)
    if not readable:
        reasons = "; ".join(dict.fromkeys(notice.message for notice in notices))
        raise UnreadableFile(f"none of its {info.pages} pages could be read: {reasons[:500]}")
    if not passages:
        notices.append(Notice("no_text", "no text was found in this file"))
    outcome = Outcome(info.pages, ocr_pages, tables, len(passages), tuple(notices))
    return outcome, passages


def _chunk(
    work: Ingestion, page: Page, headings: tuple[str, ...]
) -> tuple[list[Chunk], tuple[str, ...]]:
    most = min(CHUNK_TOKENS, work.embedder.max_tokens - 2)
    chunks = list(chunk_page(page, work.embedder.count_tokens, max_tokens=most, headings=headings))
    return chunks, headings_after(page, headings)


def _embed(
    work: Ingestion, passages: Sequence[_Passage], wanted: _Wanted
) -> dict[bytes, NDArray[np.float32]]:
    """Embed what no chunk of the served version has embedded already."""
    embedder = work.embedder
    with work.database.transaction() as conn:
        ensure_embeddings_table(conn, embedder.name, embedder.dimension)
        known = known_hashes(conn, work.claim.document_id, embedder.name)
    new = {p.embedded_hash: p.embedded for p in passages if p.embedded_hash not in known}
    hashes = list(new)
    vectors: dict[bytes, NDArray[np.float32]] = {}
    for start in range(0, len(hashes), CHUNKS_AT_ONCE):
        wanted.report("embed", start, len(hashes))
        batch = hashes[start : start + CHUNKS_AT_ONCE]
        rows = embedder.embed_passages([new[key] for key in batch])
        vectors.update(zip(batch, rows, strict=True))
    return vectors


def _swap(
    work: Ingestion,
    outcome: Outcome,
    passages: Sequence[_Passage],
    vectors: dict[bytes, Any],
) -> Outcome:
    claim = work.claim
    rows = [
        NewChunk(
            ordinal=passage.ordinal,
            chunk=passage.chunk,
            embedded_hash=passage.embedded_hash,
            terms=[hash_term(t) for t in analyze(lexical_text(claim.name, passage.chunk))],
            embedding=vectors.get(passage.embedded_hash),
        )
        for passage in passages
    ]
    try:
        with work.database.transaction() as conn:
            lock_document(conn, claim.document_id)
            if not record_progress(
                conn, claim.document_id, claim.version, Progress("store", 0, len(rows))
            ):
                raise Cancelled(f"reading {claim.name} was cancelled")
            swap_chunks(conn, claim.document_id, claim.version, rows, model=work.embedder.name)
            unused = serve_version(
                conn,
                claim.document_id,
                claim.version,
                outcome,
                keep=work.settings.keep_versions,
            )
    except NotFound as error:
        raise Cancelled(f"{claim.name} was deleted while it was read") from error
    for sha256 in unused:
        work.files.delete(claim.document_id.collection_id, sha256)
    logger.info(
        "%s version %d is served: %d pages, %d by OCR, %d chunks",
        claim.name,
        claim.version,
        outcome.pages,
        outcome.ocr_pages,
        outcome.chunks,
    )
    return outcome
