"""Taking a file in and letting it go: bytes, version and job together, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from ragqa.errors import Conflict, InvalidInput, NotFound, StoreError
from ragqa.store import (
    chunks,
    collections,
    corrections,
    documents,
    embeddings,
    removal,
    versions,
)
from ragqa.store.jobs import UPLOAD, enqueue_version
from ragqa.store.metadata import set_metadata
from ragqa.store.naming import check_filename

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ragqa.store.db import Database
    from ragqa.store.documents import Added
    from ragqa.store.files import Files
    from ragqa.types import Collection, Document, DocumentId


def take_in(
    database: Database,
    files: Files,
    collection: Collection,
    name: str,
    source: BinaryIO,
    *,
    limit: int | None = None,
    password: str | None = None,
    metadata: Mapping[str, str] | None = None,
    priority: int = UPLOAD,
) -> Added:
    """Store a file and queue its reading; the same bytes under the same name change nothing.

    ``metadata`` replaces what the document had; None leaves it.

    Raises:
        InvalidInput: If the file is empty or its name cannot be one.
        TooLarge: If it has more than ``limit`` bytes.
        StoreError: If storage or database refuse; nothing is kept then.
    """
    name = check_filename(name)
    stored = files.put(collection.id, source, limit=limit)
    added: Added | None = None
    try:
        if stored.bytes == 0:
            raise InvalidInput(
                f"{name} is empty (0 bytes): a PDF, text or Markdown file was expected",
                code="empty_file",
            )
        with database.transaction() as conn:
            removal.hold_file(conn, collection.id, stored.sha256)
            if not files.has(collection.id, stored.sha256):
                # Deleted since, with the last document that had the same bytes.
                source.seek(0)
                if files.put(collection.id, source, limit=limit) != stored:
                    raise StoreError(f"{name} changed while it came in: send it again")
            added = documents.add_version(conn, collection.id, name, stored, password=password)
            if metadata is not None:
                document = set_metadata(conn, added.document.id, metadata)
                added = replace(added, document=document)
            if added.queued:
                enqueue_version(conn, added.document.id, added.document.version, priority=priority)
        return added
    finally:
        if added is None:
            drop_unused(database, files, collection, stored.sha256)


def drop_unused(database: Database, files: Files, collection: Collection, sha256: str) -> None:
    """Remove a file that no version uses."""
    removal.delete_unused(database, files, collection.id, [sha256])


def delete_document(database: Database, files: Files, document_id: DocumentId) -> None:
    """Remove a document: rows, vectors, terms, answers that show it, and its bytes.

    Raises:
        NotFound: If there is none.
    """
    with database.transaction() as conn:
        corrections.hold_corrections(conn, document_id.collection_id)
        documents.lock_document(conn, document_id)
        chunks.delete_chunks(conn, document_id)
        unused = removal.delete_document(conn, document_id)
    removal.delete_unused(database, files, document_id.collection_id, unused)


def delete_collection(database: Database, files: Files, name: str) -> None:
    """Remove a collection with everything in it.

    Raises:
        NotFound: If there is none.
    """
    with database.transaction() as conn:
        collection = collections.find_collection(conn, name)
        for table in embeddings.every_embeddings_table(conn):
            embeddings.drop_vector_index(conn, table, collection.id)
        collections.delete_collection(conn, collection.id)
    files.delete_collection(collection.id)


def retry(database: Database, document_id: DocumentId, *, password: str | None = None) -> Document:
    """Queue the newest version again if it failed; otherwise change nothing.

    Raises:
        NotFound: If there is no such document.
    """
    with database.transaction() as conn:
        documents.lock_document(conn, document_id)
        if documents.queue_again(conn, document_id, password=password):
            version = documents.find_document(conn, document_id).version
            enqueue_version(conn, document_id, version)
        return documents.find_document(conn, document_id)


def restore_version(
    database: Database, document_id: DocumentId, version: int, *, password: str | None = None
) -> Document:
    """Make the content of an older version the newest again, and queue it.

    Nothing is read again: the pages of versions that are kept are kept with them.

    Raises:
        NotFound: If there is no such document, or that version of it is not kept.
        Conflict: If that version is served already, or never could be read.
    """
    with database.transaction() as conn:
        documents.lock_document(conn, document_id)
        kept = {one.version: one for one in versions.list_versions(conn, document_id)}
        wanted = kept.get(version)
        if wanted is None:
            raise NotFound(
                f"version {version} is not kept, only {', '.join(map(str, sorted(kept)))}"
                " (RAGQA_KEEP_VERSIONS says how many are)",
                code="version_not_found",
            )
        if wanted.served:
            raise Conflict(f"version {version} is the one that is served", code="version_served")
        if wanted.status != "ready":
            raise Conflict(
                f"version {version} is {wanted.status}: only one that was served can be restored",
                code="version_not_ready",
            )
        newest = documents.add_content(
            conn, document_id, wanted.sha256, wanted.bytes, password=password
        )
        enqueue_version(conn, document_id, newest)
        return documents.find_document(conn, document_id)
