"""One run of the batch: take in, read until the end, report; one run at a time for a folder."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ingest.findings import report
from ingest.sync import Sync
from ragqa.errors import Conflict, NotFound, StoreError
from ragqa.store.collections import find_collection
from ragqa.store.documents import find_document
from ragqa.store.removal import collect_orphans
from ragqa.store.sources import finish_run, mark_interrupted, start_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ragqa.types import Collection, Document, DocumentId
    from ragqa.wiring import Services

    Wanted = Sequence[DocumentId] | Mapping[DocumentId, str]

POLL_SECONDS = 0.5


def run_batch(
    services: Services,
    paths: Sequence[Path],
    collection_name: str,
    *,
    prune: bool = False,
    force: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> dict[str, Any]:
    """Bring ``paths`` into a collection (made when missing); return the contract's IngestReport.

    Raises:
        InvalidInput: If a path is not there.
        Conflict: If another run works on the same paths, or too much would be pruned.
    """
    started = time.monotonic()
    collection = _find_or_create(services, collection_name)
    sync = Sync(
        services.database,
        services.files,
        collection,
        lambda: services.embedder(collection.embedding_model),
        limit=services.settings.max_upload_bytes,
        include=include,
        exclude=exclude,
    )
    names = [str(path.resolve()) for path in paths]
    with _only_run(services, collection, names):
        with services.database.transaction() as conn:
            interrupted = mark_interrupted(conn, collection.id, names)
            run_id = start_run(conn, collection.id, names)
        try:
            batch = sync.take(paths, prune=prune, force=force)
            documents = read_until_done(services, batch.documents)
        except BaseException:
            # A database that is away leaves this to the next run.
            with suppress(StoreError), services.database.transaction() as conn:
                mark_interrupted(conn, collection.id, names)
            raise
        result = report(batch, documents, time.monotonic() - started)
        result["interrupted"] = interrupted
        with services.database.transaction() as conn:
            finish_run(conn, collection.id, run_id, result)
        collect_orphans(services.database, services.files, collection.id)
    return result


def _find_or_create(services: Services, name: str) -> Collection:
    try:
        with services.database.transaction() as conn:
            return find_collection(conn, name)
    except NotFound:
        return services.create_collection(name)


@contextmanager
def _only_run(services: Services, collection: Collection, names: Sequence[str]) -> Iterator[None]:
    """Hold a lock in the database, which lets go of it when this process ends."""
    key = f"batch {collection.id} {sorted(names)}"
    with services.database.transaction() as conn:
        row = conn.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)) AS free", [key]
        ).fetchone()
        if not row or not row["free"]:
            raise Conflict(
                f"another run is bringing {', '.join(names)} into {collection.name}: wait for it",
                code="batch_running",
            )
        yield


def read_until_done(services: Services, wanted: Wanted) -> list[Document]:
    """Work on the queue, together with whatever worker runs, until these documents are done.

    Returns:
        Those that are still there.
    """
    ended = threading.Event()
    worked = False
    if sys.stderr.isatty():
        threading.Thread(target=_show, args=(services, wanted, ended), daemon=True).start()
    try:
        while True:
            documents = [_find(services, document_id) for document_id in wanted]
            there = [document for document in documents if document is not None]
            if all(document.status in {"ready", "failed"} for document in there):
                return there
            # Only now: a night in which nothing changed need not wait for it to be loaded.
            from ingest.worker import run_worker

            if worked:
                time.sleep(POLL_SECONDS)
            concurrency = services.settings.worker_concurrency
            if run_worker(services, concurrency=concurrency, until_idle=True):
                raise KeyboardInterrupt
            worked = True
    finally:
        ended.set()


def _find(services: Services, document_id: DocumentId) -> Document | None:
    try:
        with services.database.transaction() as conn:
            return find_document(conn, document_id)
    except NotFound:
        return None


def _show(services: Services, wanted: Wanted, ended: threading.Event) -> None:
    while not ended.wait(POLL_SECONDS):
        documents = [_find(services, document_id) for document_id in wanted]
        done = sum(d is None or d.status in {"ready", "failed"} for d in documents)
        busy = next((d for d in documents if d is not None and d.status == "processing"), None)
        line = f"{done} of {len(documents)} files"
        if busy is not None:
            progress = busy.progress
            line += f" · {busy.filename}: {progress.stage} {progress.done} of {progress.total}"
        sys.stderr.write("\r\x1b[K" + line[:120])
        sys.stderr.flush()
    sys.stderr.write("\r\x1b[K")
