"""Writing chunks: a document's old ones out, its new ones in, and the statistics with them."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ragqa.errors import Conflict, StoreError
from ragqa.retrieval.folding import squeeze
from ragqa.store.documents import document_key
from ragqa.store.embeddings import (
    EmbeddingsTable,
    copy_embeddings,
    ensure_embeddings_table,
    find_embeddings_table,
)
from ragqa.store.filters import as_array
from ragqa.store.moves import STORED, bag_of, compare, place
from ragqa.store.spelling import add_words, take_words
from ragqa.store.statistics import change_statistics, hold_statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pgvector import HalfVector
    from psycopg import Connection

    from ragqa.types import Chunk, CollectionId, DocumentId

    Row = dict[str, Any]

__all__ = [
    "NewChunk",
    "delete_chunks",
    "ensure_embeddings_table",
    "known_hashes",
    "renaming",
    "sample_chunks",
    "swap_chunks",
]

OF_DOCUMENT = " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s"

REMOVE = """
DELETE FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""

NEXT_IDS = """
SELECT nextval(pg_get_serial_sequence('chunks', 'chunk_id')) AS chunk_id
  FROM generate_series(1, %(count)s)
"""

COPY = """
COPY chunks (collection_id, chunk_id, document_id, version, ordinal, page_number, span_start,
             span_end, kind, headings, text, embedded_hash, terms, bag) FROM STDIN
"""

SERVED_TEXTS = (
    "SELECT page_number, text FROM pages" + OF_DOCUMENT + " AND version = %(version)s ORDER BY 1"
)

STORED_TEXTS = "SELECT page_number, squeezed FROM page_texts" + OF_DOCUMENT

DROP_TEXTS = "DELETE FROM page_texts" + OF_DOCUMENT + " AND page_number = ANY(%(numbers)s)"

COPY_TEXTS = "COPY page_texts (collection_id, document_id, page_number, squeezed) FROM STDIN"

STORED_VECTORS = """
SELECT DISTINCT ON (c.embedded_hash) c.embedded_hash, e.embedding
  FROM chunks c JOIN {table} e USING (collection_id, chunk_id)
 WHERE c.collection_id = %(collection_id)s AND c.document_id = %(document_id)s
   AND c.embedded_hash = ANY(%(hashes)s)
"""

# What was read for a model that the collection has no vectors of would not be found by the others'.
BOUND_ELSEWHERE = """
SELECT EXISTS (SELECT FROM chunks WHERE collection_id = %(collection_id)s)
   AND NOT EXISTS (SELECT FROM {table} WHERE collection_id = %(collection_id)s) AS elsewhere
"""

KNOWN_HASHES = """
SELECT DISTINCT c.embedded_hash
  FROM chunks c JOIN {table} e USING (collection_id, chunk_id)
 WHERE c.collection_id = %(collection_id)s AND c.document_id = %(document_id)s
"""


@dataclass(frozen=True, slots=True, eq=False)
class NewChunk:
    """A chunk to be stored, with what it is found by."""

    ordinal: int
    """Place in the document's reading order, from 0."""
    chunk: Chunk
    embedded_hash: bytes
    """SHA-256 of the text that was embedded."""
    terms: Sequence[int]
    """Hashes of the lexical terms, repeated as often as they occur."""
    embedding: NDArray[np.float32] | None = None
    """Shape ``(dimension,)``; None takes the vector that an old chunk of the same document has
    for the same ``embedded_hash``."""


def swap_chunks(
    conn: Connection[Row],
    document_id: DocumentId,
    version: int,
    chunks: Sequence[NewChunk],
    *,
    model: str,
) -> None:
    """Replace a document's chunks, vectors, page texts and its share of the statistics.

    Chunks that only moved keep their rows, vectors and ids: an edit costs what it changed.
    All happens in the caller's transaction; the pages of ``version`` must be written already.
    Swaps in one collection wait for each other.

    Raises:
        Conflict: If a chunk comes without a vector and the document has none to take over, or
            the model's table is not there yet.
        DimensionMismatch: If a vector is not as long as the model's.
        StoreError: If the collection has vectors of another model by now: trying again may help.
    """
    key, collection_id = document_key(document_id, version), document_id.collection_id
    hold_statistics(conn, collection_id)
    table = find_embeddings_table(conn, model)
    if table is None:
        raise Conflict(f"there is no table for vectors of {model!r}: it is made before the swap")
    query = sql.SQL(BOUND_ELSEWHERE).format(table=table.identifier)
    row = conn.execute(query, key).fetchone()
    if row is not None and row["elsewhere"]:
        raise StoreError(
            f"the collection has vectors of another model than {model!r}: it was given one "
            "meanwhile, or the weights are not those it was made with (`ragqa reembed`)"
        )
    embedded = known_hashes(conn, document_id, model)
    kept, gone, fresh = compare(conn.execute(STORED, key).fetchall(), chunks, embedded)
    vectors = _vectors(conn, document_id, table, fresh)
    _remove(conn, document_id, gone, fresh)
    place(conn, key, kept)
    ids = [row["chunk_id"] for row in conn.execute(NEXT_IDS, {"count": len(fresh)})]
    _copy_chunks(conn, document_id, version, list(zip(ids, fresh, strict=True)))
    add_words(conn, collection_id, ids)
    copy_embeddings(conn, table, collection_id, list(zip(ids, vectors, strict=True)))
    _swap_texts(conn, document_id, version)


def _swap_texts(conn: Connection[Row], document_id: DocumentId, version: int) -> None:
    """Bring the texts for verbatim search to those of a version; most of an edited one stay."""
    key = document_key(document_id, version)
    wanted = {
        row["page_number"]: squeeze(row["text"]).replace("\0", "")
        for row in conn.execute(SERVED_TEXTS, key)
    }
    stored = {row["page_number"]: row["squeezed"] for row in conn.execute(STORED_TEXTS, key)}
    gone = [number for number, text in stored.items() if wanted.get(number) != text]
    conn.execute(DROP_TEXTS, {**key, "numbers": gone})
    with conn.cursor().copy(COPY_TEXTS) as copy:
        for number, text in wanted.items():
            if stored.get(number) != text:
                copy.write_row((document_id.collection_id, document_id.number, number, text))


def delete_chunks(conn: Connection[Row], document_id: DocumentId) -> None:
    """Remove a document's chunks and all they are found by, in the caller's transaction."""
    hold_statistics(conn, document_id.collection_id)
    _remove(conn, document_id, _ids(conn, document_id), ())
    conn.execute("DELETE FROM page_texts" + OF_DOCUMENT, document_key(document_id))


@contextmanager
def renaming(conn: Connection[Row], document_id: DocumentId) -> Iterator[None]:
    """Change a document's name inside: its words are among those of each of its chunks."""
    hold_statistics(conn, document_id.collection_id)
    ids = _ids(conn, document_id)
    take_words(conn, document_id.collection_id, ids)
    yield
    add_words(conn, document_id.collection_id, ids)


def _ids(conn: Connection[Row], document_id: DocumentId) -> list[int]:
    query = "SELECT chunk_id FROM chunks" + OF_DOCUMENT
    return [row["chunk_id"] for row in conn.execute(query, document_key(document_id))]


def sample_chunks(
    conn: Connection[Row], collection_id: CollectionId, *, limit: int
) -> list[tuple[str, int, str]]:
    """Return file name, page and text of passages in no order, the same ones each time."""
    rows = conn.execute(
        "SELECT d.name, c.page_number, c.text"
        "  FROM chunks c JOIN documents d USING (collection_id, document_id)"
        " WHERE c.collection_id = %s AND c.kind = 'text' AND length(c.text) >= 20"
        " ORDER BY c.embedded_hash LIMIT %s",
        [collection_id, limit],
    )
    return [(row["name"], row["page_number"], row["text"]) for row in rows]


def known_hashes(conn: Connection[Row], document_id: DocumentId, model: str) -> set[bytes]:
    """Return the hashes of the texts that need no new vector: the document has one of ``model``."""
    table = find_embeddings_table(conn, model)
    if table is None:
        return set()
    query = sql.SQL(KNOWN_HASHES).format(table=table.identifier)
    return {bytes(row["embedded_hash"]) for row in conn.execute(query, document_key(document_id))}


def _vectors(
    conn: Connection[Row],
    document_id: DocumentId,
    table: EmbeddingsTable,
    chunks: Sequence[NewChunk],
) -> list[NDArray[np.float32] | HalfVector]:
    wanted = list({chunk.embedded_hash for chunk in chunks if chunk.embedding is None})
    stored: dict[bytes, HalfVector] = {}
    if wanted:
        query = sql.SQL(STORED_VECTORS).format(table=table.identifier)
        rows = conn.execute(query, {**document_key(document_id), "hashes": wanted})
        stored = {bytes(row["embedded_hash"]): row["embedding"] for row in rows}
    vectors: list[NDArray[np.float32] | HalfVector] = []
    for chunk in chunks:
        vector = chunk.embedding if chunk.embedding is not None else stored.get(chunk.embedded_hash)
        if vector is None:
            raise Conflict(f"chunk {chunk.ordinal} has no vector and no older one has it either")
        vectors.append(vector)
    return vectors


def _copy_chunks(
    conn: Connection[Row],
    document_id: DocumentId,
    version: int,
    rows: Sequence[tuple[int, NewChunk]],
) -> None:
    with conn.cursor().copy(COPY) as copy:
        for chunk_id, new in rows:
            copy.write_row(
                (
                    document_id.collection_id,
                    chunk_id,
                    document_id.number,
                    version,
                    new.ordinal,
                    new.chunk.page_number,
                    new.chunk.span.start,
                    new.chunk.span.end,
                    new.chunk.kind,
                    list(new.chunk.headings),
                    new.chunk.text,
                    new.embedded_hash,
                    as_array(new.terms),
                    bag_of(new),
                )
            )


def _remove(
    conn: Connection[Row], document_id: DocumentId, gone: Sequence[int], fresh: Sequence[NewChunk]
) -> None:
    """Delete chunks and bring the statistics to what they will be with the new ones."""
    collection_id, key = document_id.collection_id, document_key(document_id)
    terms = [new.terms for new in fresh]
    change_statistics(conn, collection_id, gone, terms, _document_frequencies(terms))
    take_words(conn, collection_id, gone)
    conn.execute(REMOVE, {**key, "chunk_ids": list(gone)})


def _document_frequencies(bags: Iterable[Sequence[int]]) -> Counter[int]:
    frequencies: Counter[int] = Counter()
    for bag in bags:
        frequencies.update(set(bag))
    return frequencies
