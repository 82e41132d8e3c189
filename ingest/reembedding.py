"""A collection gets vectors of another model: beside those it is searched by, then instead.

So it does of the same model, where its weights are others than they were. Passages stay as they
were cut. Searches, uploads and deletions go on meanwhile, and what was done before an interruption
is kept: whoever starts again goes on from there.
"""

from __future__ import annotations

import logging
from time import sleep
from typing import TYPE_CHECKING, Any

from ingest.embedding import in_order_of_length
from ingest.passages import Passages, with_next
from ragqa.errors import ModelMissing
from ragqa.retrieval.context import embedded_text
from ragqa.store import reembedding as store
from ragqa.store.collections import find_collection
from ragqa.store.embeddings import (
    copy_embeddings,
    drop_vector_index,
    ensure_embeddings_table,
    every_embeddings_table,
)
from ragqa.store.served import stream_pages
from ragqa.store.statistics import hold_statistics
from ragqa.store.vector_index import keep_vector_index
from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

    from ragqa.ports import Embedder
    from ragqa.store.reembedding import Missing
    from ragqa.types import Collection
    from ragqa.wiring import Services

    Row = dict[str, Any]

logger = logging.getLogger(__name__)

AT_ONCE = 64
"""Passages to a call of the model, and to a transaction."""
GRACE = 5.0
"""Seconds after which no search is under way any more that began with the former model."""


def reembed(
    services: Services,
    name: str,
    model: str,
    *,
    report: Callable[[int, int], None] | None = None,
    grace: float = GRACE,
) -> int:
    """Let a collection be searched by vectors of ``model``; return how many were made.

    Args:
        services: Where the collection and the models are.
        name: Of the collection.
        model: A preset, a hub id or a folder.
        report: Told how many passages have their vector, and of how many.
        grace: Seconds that the former vectors stay after the change.

    Raises:
        NotFound: If there is no such collection.
        ModelMissing: If the weights are not on this machine.
    """
    with services.database.transaction() as conn:
        collection = find_collection(conn, name)
    embedder = services.embedder(model)
    try:
        cut_for = services.embedder(collection.embedding_model)
    except ModelMissing:  # what surrounds a passage is then left out where it is cut otherwise
        cut_for = embedder
    work = _Reembedding(services, collection, cut_for, embedder, report)
    work.fill()
    keep_vector_index(services.database, collection.id, embedder.name)
    with services.database.transaction() as conn:
        hold_statistics(conn, collection.id)
        work.fill_within(conn)
        store.bind_collection(conn, collection.id, model, embedder.dimension)
    logger.info("collection %s is searched by vectors of %s", name, embedder.name)
    with services.database.transaction() as conn:
        tables = every_embeddings_table(conn)
        others = [one for one in tables if one != work.table]
        if not any(store.has_vectors(conn, one, collection.id) for one in others):
            return work.made
    # A search that began before, or a file that was read meanwhile, still has the former model.
    sleep(grace)
    work.fill()
    with services.database.transaction() as conn:
        hold_statistics(conn, collection.id)
        work.fill_within(conn)
        for table in others:
            drop_vector_index(conn, table, collection.id)
            store.delete_vectors(conn, table, collection.id)
    return work.made


class _Reembedding:
    """The vectors of one collection, in the making."""

    def __init__(
        self,
        services: Services,
        collection: Collection,
        cut_for: Embedder,
        embedder: Embedder,
        report: Callable[[int, int], None] | None,
    ) -> None:
        self._database = services.database
        self._id = collection.id
        self._cut_for, self._embedder, self._report = cut_for, embedder, report
        self.made = 0
        with self._database.transaction() as conn:
            self.table = ensure_embeddings_table(conn, embedder.name, embedder.dimension)

    def fill(self) -> None:
        """Embed what has no vector yet, document by document; nobody waits for it."""
        while True:
            with self._database.transaction() as conn:
                document = store.next_document(conn, self.table, self._id)
                if document is None:
                    return
                missing = store.missing_of(conn, self.table, self._id, document)
                texts = self._texts_of(conn, document, missing)
            order = in_order_of_length(texts, self._embedder)
            for start in range(0, len(order), AT_ONCE):
                batch = order[start : start + AT_ONCE]
                vectors = self._embedder.embed_passages([texts[hash_] for hash_ in batch])
                with self._database.transaction() as conn:
                    hold_statistics(conn, self._id)  # a chunk that is being deleted has no vector
                    found = dict(zip(batch, vectors, strict=True))
                    self._write(conn, document, found)
                    filled = store.count_filled(conn, self.table, self._id)
                if self._report is not None:
                    self._report(*filled)

    def fill_within(self, conn: Connection[Row]) -> None:
        """Embed what is missing still, while nobody else can write: as a rule nothing."""
        while (document := store.next_document(conn, self.table, self._id)) is not None:
            missing = store.missing_of(conn, self.table, self._id, document)
            texts = self._texts_of(conn, document, missing)
            vectors = self._embedder.embed_passages(list(texts.values()))
            self._write(conn, document, dict(zip(texts, vectors, strict=True)))

    def _write(self, conn: Connection[Row], document: int, vectors: dict[bytes, Any]) -> None:
        missing = store.still_missing(conn, self.table, self._id, document, list(vectors))
        fresh = [(chunk_id, vectors[hash_]) for chunk_id, hash_ in missing]
        copy_embeddings(conn, self.table, self._id, fresh)
        self.made += len(fresh)

    def _texts_of(
        self, conn: Connection[Row], number: int, missing: list[Missing]
    ) -> dict[bytes, str]:
        """Return what is embedded of each passage: what surrounds it stands in the pages."""
        if not missing:
            return {}
        texts = {row.hash: embedded_text(row.filename, row.chunk) for row in missing}
        cutter = Passages(missing[0].filename, self._cut_for)
        for page, after in with_next(stream_pages(conn, DocumentId(Id(self._id, number)))):
            for passage in cutter.of_page(page, after):
                if passage.embedded_hash in texts:
                    texts[passage.embedded_hash] = passage.embedded
        return texts
