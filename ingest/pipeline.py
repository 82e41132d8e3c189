"""The flow that makes a version of a document visible, and nothing else.

Read pages → assemble and cut, embed beside it → one transaction that swaps the version in. Pages
and vectors are kept as soon as they are there: a crash anywhere leaves the old version serving,
and the next attempt goes on where this one was.
"""

from __future__ import annotations

import logging
import math
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ingest.correcting import correct
from ingest.embedding import Embedding
from ingest.making import Tally, make_pages, write_pages
from ingest.passages import Passages
from ingest.reading import inspect_anew, read_options, read_packed, readers_for, running_heads
from ingest.turns import Turns
from ingest.twice import twice
from ingest.types import MANY_PAGES, RawPage
from ingest.watch import Watch
from ragqa.errors import Cancelled, NotFound
from ragqa.memory import give_back_much, uncollected
from ragqa.retrieval.lexical import analysis_key
from ragqa.store.chunks import swap_chunks
from ragqa.store.corrections import content_of, hold_corrections, read_corrections
from ragqa.store.documents import find_document, lock_document
from ragqa.store.reads import known_reads, stream_reads, write_reads
from ragqa.store.removal import delete_unused
from ragqa.store.takeover import read_served
from ragqa.store.vector_index import keep_vector_index
from ragqa.store.versions import Outcome, clear_pages, serve_version
from ragqa.types import Correction, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from psycopg import Connection

    from ingest.making import Made
    from ingest.types import FileInfo, ReadOptions
    from ragqa.ports import Embedder
    from ragqa.settings import Settings
    from ragqa.store.chunks import NewChunk
    from ragqa.store.db import Database
    from ragqa.store.files import Files
    from ragqa.store.versions import Claim

    Corrections = Mapping[str, tuple[Correction, ...]]

logger = logging.getLogger(__name__)

PAGES_AT_ONCE = 50
FORGET_SECONDS = 5.0
"""A document in hand beside it may load the model meanwhile."""
KEEP_SECONDS = 0.5
"""Pages that were read are kept at least so often."""


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What one attempt at one version needs."""

    database: Database
    files: Files
    load_embedder: Callable[[], Embedder]
    """Called when the pages are read: readers and model need not be in memory at the same time."""
    settings: Settings
    claim: Claim
    forget_embedder: Callable[[], None] = lambda: None
    """Called while many pages are read: what no other document uses any more is given back."""
    ending: Callable[[], bool] = lambda: False
    """Whether the process that works is to end."""
    turns: Turns = field(default_factory=Turns)
    """Shared with the other documents that the process has in hand."""


class _Overtaken(Exception):
    """The document got another name, or a page a correction, while it was read."""


def ingest_version(work: Ingestion) -> Outcome:
    """Read the claimed version and make it the one that is served.

    Raises:
        Cancelled: If somebody asked to stop, or the document was deleted meanwhile.
        TakenOver: If another worker works on it, as this one seemed dead.
        Interrupted: If the process is to end.
        UnreadableFile: If no page of it could be read.
        RagqaError: What inspecting, reading, embedding or storing raised.
    """
    watch = Watch(work.database, work.claim, work.ending)
    collection_id = work.claim.document_id.collection_id
    with ExitStack() as held:
        with (
            work.files.local(collection_id, work.claim.sha256) as stored,
            _called(stored, work.claim.name) as path,
        ):
            options = read_options(work.settings, password=work.claim.password)
            with work.turns.reading.taken(watch.check):
                info = inspect_anew(path, options)
            if info.pages >= MANY_PAGES:
                held.enter_context(work.turns.long.taken(watch.check))
            with work.turns.reading.taken(watch.check):
                _read_missing(work, path, info, options, watch)
        embedder = work.load_embedder()
        while True:
            try:
                return _serve(work, info, watch, embedder)
            except _Overtaken:
                with work.database.transaction() as conn:
                    name = find_document(conn, work.claim.document_id).filename
                work = replace(work, claim=replace(work.claim, name=name))


@contextmanager
def _called(stored: Path, name: str) -> Iterator[Path]:
    """Give the stored file under the name it came with: its ending tells what it should be."""
    last = PurePosixPath(name)
    with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
        link = Path(folder, last.stem[:60] + last.suffix[:16])
        link.symlink_to(stored)
        yield link


def _read_missing(
    work: Ingestion, path: Path, info: FileInfo, options: ReadOptions, watch: Watch
) -> None:
    """Read the pages that no earlier attempt or version has read, keeping them as they come."""
    document_id = work.claim.document_id
    with work.database.transaction() as conn:
        # Pages that an earlier attempt gave up are only tried again when somebody asks again.
        goes_on = work.claim.attempts > 1
        known = known_reads(conn, document_id, info.page_keys, given_up=goes_on)
    first = {key: number for number, key in reversed(list(enumerate(info.page_keys, start=1)))}
    missing = sorted(number for key, number in first.items() if key not in known)
    done = info.pages - len(missing)
    watch.report(Progress("read", done, info.pages))
    fresh: list[tuple[str, bytes, bool]] = []
    kept_at = time.monotonic()
    forgotten_at = 0.0 if len(missing) >= MANY_PAGES else math.inf

    def keep() -> None:
        with watch.keeping(Progress("read", done, info.pages)) as conn:
            write_reads(conn, document_id, fresh)
        fresh.clear()

    try:
        readers = readers_for(info, missing)
        for page in read_packed(path, missing, options, stop=watch.stopped, readers=readers):
            fresh.append((info.page_keys[page.number - 1], page.data, page.given_up))
            done += 1
            if time.monotonic() - kept_at >= KEEP_SECONDS:
                keep()
                kept_at = time.monotonic()
            if time.monotonic() - forgotten_at >= FORGET_SECONDS:
                work.forget_embedder()
                forgotten_at = time.monotonic()
    except Cancelled:
        watch.check()
        raise
    if fresh:
        keep()
    watch.check()


def _raw_pages(work: Ingestion, info: FileInfo, corrections: Corrections) -> Iterator[RawPage]:
    with work.database.transaction() as conn:
        reads = stream_reads(conn, work.claim.document_id, info.page_keys)
        for number, (key, raw) in enumerate(zip(info.page_keys, reads, strict=True), start=1):
            page = RawPage.from_bytes(raw, number)
            yield correct(page, corrections.get(content_of(key), ()))


def _corrections(conn: Connection[dict[str, Any]], work: Ingestion, info: FileInfo) -> Corrections:
    contents = map(content_of, info.page_keys)
    return read_corrections(conn, work.claim.document_id.collection_id, contents)


def _serve(work: Ingestion, info: FileInfo, watch: Watch, embedder: Embedder) -> Outcome:
    """Make rows of the pages that were read, and swap them in."""
    with work.database.transaction() as conn:
        corrections = _corrections(conn, work, info)
    key, turn = work.claim.document_id, work.turns.embedding
    calls = 1 if info.pages >= MANY_PAGES else None
    with Embedding(work.database, embedder, key, watch, turn, calls=calls) as embedding:
        tally = _write_pages(work, info, corrections, watch, embedder, embedding)
        outcome = tally.outcome(info.pages)
        vectors = embedding.finish()
    return _swap(work, info, corrections, watch, outcome, tally.rows(vectors), embedder.name)


def _write_pages(
    work: Ingestion,
    info: FileInfo,
    corrections: Corrections,
    watch: Watch,
    embedder: Embedder,
    embedding: Embedding,
) -> Tally:
    """Make and store the pages; nobody sees them until the swap."""
    claim = work.claim
    first, second = twice(lambda: _raw_pages(work, info, corrections))
    with uncollected():  # what is kept of many pages holds no cycles
        heads = running_heads(first)
    with watch.keeping(Progress("assemble", 0, info.pages), further=False) as conn:
        clear_pages(conn, claim.document_id, claim.version)
        served = read_served(conn, claim.document_id, embedding.served, analysis_key())
    cutter = Passages(claim.name, embedder, served.analyzed)
    tally = Tally(list(info.notices))
    waiting: list[Made] = []
    for made in make_pages(tally.read(second), heads, cutter, served.pages):
        tally.count(made)
        embedding.add(made.passages)
        waiting.append(made)
        if len(waiting) == PAGES_AT_ONCE or made.number == info.pages:
            progress = Progress("assemble", made.number, info.pages)
            with watch.keeping(progress, further=False) as conn:
                write_pages(conn, claim.document_id, claim.version, waiting, info.page_keys)
            waiting.clear()
            give_back_much()
    return tally


def _swap(
    work: Ingestion,
    info: FileInfo,
    corrections: Corrections,
    watch: Watch,
    outcome: Outcome,
    rows: Sequence[NewChunk],
    model: str,
) -> Outcome:
    claim = work.claim
    try:
        with work.database.transaction() as conn:
            hold_corrections(conn, claim.document_id.collection_id)
            lock_document(conn, claim.document_id)
            named = find_document(conn, claim.document_id).filename
            if named != claim.name or _corrections(conn, work, info) != corrections:
                raise _Overtaken
            watch.record(conn, Progress("store", 0, len(rows)))
            swap_chunks(conn, claim.document_id, claim.version, rows, model=model)
            key, keep = analysis_key(), work.settings.keep_versions
            unused = serve_version(
                conn, claim.document_id, claim.version, outcome, keep=keep, analyzed_by=key
            )
    except NotFound as error:
        raise Cancelled(f"{claim.name} was deleted while it was read") from error
    delete_unused(work.database, work.files, claim.document_id.collection_id, unused)
    logger.info(
        "%s version %d is served: %d pages, %d by OCR, %d chunks",
        claim.name,
        claim.version,
        outcome.pages,
        outcome.ocr_pages,
        outcome.chunks,
    )
    keep_vector_index(work.database, claim.document_id.collection_id, model)
    return outcome
