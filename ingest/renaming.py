"""A document takes another name: its pages stay as they are, its passages get the new title.

A title is embedded and indexed with every passage, so one that stayed would go on finding the
document by words it no longer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.embedding import in_order_of_length
from ingest.passages import Passages, with_next
from ragqa.retrieval.context import title_of
from ragqa.store.chunks import ensure_embeddings_table, renaming, swap_chunks
from ragqa.store.documents import find_document, lock_document, rename_document
from ragqa.store.naming import check_filename
from ragqa.store.served import stream_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from ingest.passages import Passage
    from ragqa.ports import Embedder
    from ragqa.store.db import Database
    from ragqa.types import DocumentId

    Vectors = dict[bytes, NDArray[np.float32]]

AT_ONCE = 64


def rename(
    database: Database,
    embedder: Callable[[], Embedder],
    document_id: DocumentId,
    name: str,
    also: Callable[[Connection[dict[str, Any]]], None],
) -> None:
    """Rename a document, whole: name, vectors and terms change in one transaction.

    Args:
        database: Where the document is.
        embedder: Gives the collection's embedder; asked only when the title changes.
        document_id: Which one.
        name: What it is called from now on.
        also: Done in the same transaction.

    Raises:
        NotFound: If the document is gone.
        Conflict: If another document has the name.
    """
    name = check_filename(name)
    vectors: Vectors = {}
    while True:
        with database.transaction() as conn:
            served = lock_document(conn, document_id)
            before = find_document(conn, document_id).filename
            stale = served is not None and title_of(before) != title_of(name)
            passages = _retitled(conn, document_id, name, embedder()) if stale else []
            missing = {
                p.embedded_hash: p.embedded for p in passages if p.embedded_hash not in vectors
            }
            if not missing:
                with renaming(conn, document_id):
                    rename_document(conn, document_id, name)
                if passages and served is not None:
                    rows = [passage.stored_with(vectors) for passage in passages]
                    swap_chunks(conn, document_id, served, rows, model=embedder().name)
                also(conn)
                return
        # Not in the transaction: nobody is to wait for a model. Another version may be served
        # meanwhile, therefore the loop.
        vectors |= _embedded(database, embedder(), missing)


def _retitled(
    conn: Connection[dict[str, Any]], document_id: DocumentId, name: str, embedder: Embedder
) -> list[Passage]:
    """Cut the stored pages again: what surrounds a passage is found in them, and not kept."""
    cutter = Passages(name, embedder)
    return [
        passage
        for page, after in with_next(stream_pages(conn, document_id))
        for passage in cutter.of_page(page, after)
    ]


def _embedded(database: Database, embedder: Embedder, texts: dict[bytes, str]) -> Vectors:
    with database.transaction() as conn:
        ensure_embeddings_table(conn, embedder.name, embedder.dimension)
    vectors: Vectors = {}
    hashes = in_order_of_length(texts, embedder)
    for start in range(0, len(hashes), AT_ONCE):
        batch = hashes[start : start + AT_ONCE]
        rows = embedder.embed_passages([texts[hash_] for hash_ in batch])
        vectors.update(zip(batch, rows, strict=True))
    return vectors
