"""Searching one collection: by words, by vectors and verbatim, all in one snapshot."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict
from ragqa.ports import Place
from ragqa.store import vectors, verbatim, words
from ragqa.store.collections import find_collection
from ragqa.store.embeddings import EmbeddingsTable, find_embeddings_table
from ragqa.store.filters import few_chunks
from ragqa.store.hits import read_hits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.ports import Scored
    from ragqa.store.db import Database
    from ragqa.types import Collection, CollectionId, Filter, Hit

    Row = dict[str, Any]

MOST_NAMES = 5_000
"""Documents of a collection up to which their names are held against each question."""

NAMES = """
SELECT document_id, name FROM documents
 WHERE collection_id = %s AND current_version IS NOT NULL
 LIMIT %s
"""

PLACES = """
SELECT chunk_id, document_id, page_number, text FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s)
"""


class StoredChunks:
    """The chunks of all collections; fills the port ``ChunkSearch``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def open(self, collection: str, *, model: str) -> Iterator[StoredSnapshot]:
        """Look at one collection through the vectors of one embedding model.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If the collection has chunks, but no vectors of that model.
        """
        with self._database.transaction(repeatable=True) as conn:
            found = find_collection(conn, collection)
            table = find_embeddings_table(conn, model)
            if table is None and found.chunks:
                raise Conflict(
                    f"collection {collection!r} has no vectors of {model!r}, only of "
                    f"{found.embedding_model!r}: search it with that model"
                )
            yield StoredSnapshot(conn, found, table)


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One collection in one repeatable-read transaction; fills the port ``Snapshot``."""

    conn: Connection[Row]
    collection: Collection
    table: EmbeddingsTable | None
    weighed: dict[frozenset[tuple[int, float]], words.Weighed] = field(default_factory=dict)
    """What terms are worth here: looked up once a question."""

    @property
    def collection_id(self) -> CollectionId:
        """Number of the collection."""
        return self.collection.id

    def document_names(self) -> dict[int, str]:
        """Return the names of the served documents; empty when they are too many."""
        rows = self.conn.execute(NAMES, [self.collection.id, MOST_NAMES + 1]).fetchall()
        if len(rows) > MOST_NAMES:
            return {}
        return {row["document_id"]: row["name"] for row in rows}

    def lexicon(self) -> list[str]:
        """Return the words that the collection was taught."""
        rows = self.conn.execute(
            "SELECT word FROM lexicon WHERE collection_id = %s ORDER BY word", [self.collection.id]
        )
        return [row["word"] for row in rows]

    def lexical(
        self, counts: Mapping[int, float], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the best chunks by BM25, best first; every one has a term of the query."""
        weighed = self._weigh(counts)
        return words.search(self.conn, self.collection.id, weighed, limit=limit, only=only)

    def lexical_of(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return each chunk's BM25 score, and that of the whole page it stands on."""
        return words.score_with_pages(self.conn, self.collection.id, chunk_ids, self._weigh(counts))

    def best_lexical(self, counts: Mapping[int, float]) -> float:
        """Return the BM25 score that no chunk can exceed, unknown terms included."""
        return self._weigh(counts).best

    def _weigh(self, counts: Mapping[int, float]) -> words.Weighed:
        key = frozenset(counts.items())
        if key not in self.weighed:
            self.weighed[key] = words.weigh(self.conn, self.collection.id, counts)
        return self.weighed[key]

    def dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the nearest chunks by cosine, best first."""
        if self.table is None:
            return []
        few = few_chunks(self.conn, self.collection.id, only)
        return vectors.search(
            self.conn, self.table, self.collection, vector, limit=limit, only=only, few=few
        )

    def dense_of(self, chunk_ids: Sequence[int], vector: NDArray[np.float32]) -> dict[int, float]:
        """Return the cosine of each chunk's vector."""
        if self.table is None:
            return {}
        return vectors.score(self.conn, self.table, self.collection.id, vector, chunk_ids)

    def verbatim(self, text: str, *, limit: int, only: Filter | None = None) -> list[Scored]:
        """Return the chunks in which ``text`` stands, different documents first."""
        return verbatim.search(self.conn, self.collection.id, text, limit=limit, only=only)

    def places(self, chunk_ids: Sequence[int]) -> dict[int, Place]:
        """Return where each chunk stands, and its text."""
        rows = self.conn.execute(
            PLACES, {"collection_id": self.collection.id, "chunk_ids": list(chunk_ids)}
        )
        return {
            row["chunk_id"]: Place(row["document_id"], row["page_number"], row["text"])
            for row in rows
        }

    def hits(self, scored: Sequence[Scored]) -> list[Hit]:
        """Return the chunks with all that a reader needs, in the order given."""
        return read_hits(self.conn, self.collection.id, scored)
