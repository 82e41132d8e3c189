"""Writing chunks: a document's old ones out, its new ones in, and the statistics with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from ragqa.errors import Conflict
from ragqa.retrieval.folding import squeeze
from ragqa.store.documents import document_key
from ragqa.store.embeddings import (
    EmbeddingsTable,
    copy_embeddings,
    ensure_embeddings_table,
    find_embeddings_table,
)
from ragqa.store.spelling import add_words, take_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
    "sample_chunks",
    "swap_chunks",
]

# One writer a collection: statistics are sums, and rows locked in two orders would deadlock.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ragqa.term_stats', %(collection_id)s))"

OF_DOCUMENT = " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s"

OLD_TERMS = (
    """
SELECT term, count(DISTINCT chunk_id) AS df
  FROM (SELECT chunk_id, unnest(terms) AS term FROM chunks"""
    + OF_DOCUMENT
    + ") AS occurrences GROUP BY term"
)

OLD_TOTALS = (
    "SELECT count(*) AS chunks, coalesce(sum(cardinality(terms)), 0)::bigint AS terms FROM chunks"
    + OF_DOCUMENT
)

NEXT_IDS = """
SELECT nextval(pg_get_serial_sequence('chunks', 'chunk_id')) AS chunk_id
  FROM generate_series(1, %(count)s)
"""

COPY = """
COPY chunks (collection_id, chunk_id, document_id, version, ordinal, page_number, span_start,
             span_end, kind, headings, text, embedded_hash, terms, bag) FROM STDIN
"""

RAISE_TERMS = """
INSERT INTO term_stats AS s (collection_id, term, df)
SELECT %(collection_id)s, term, change
  FROM unnest(%(terms)s::int[], %(changes)s::int[]) AS c (term, change)
 ORDER BY term
ON CONFLICT (collection_id, term) DO UPDATE SET df = s.df + excluded.df
"""

LOWER_TERMS = """
UPDATE term_stats s SET df = s.df - c.change
  FROM unnest(%(terms)s::int[], %(changes)s::int[]) AS c (term, change)
 WHERE s.collection_id = %(collection_id)s AND s.term = c.term
"""

FORGET_TERMS = """
DELETE FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s) AND df = 0
"""

CHANGE_TOTALS = """
INSERT INTO collection_stats AS s (collection_id, chunks, terms)
VALUES (%(collection_id)s, greatest(%(chunks)s, 0), greatest(%(terms)s, 0))
ON CONFLICT (collection_id) DO UPDATE
   SET chunks = s.chunks + %(chunks)s, terms = s.terms + %(terms)s, generation = s.generation + 1
"""

SERVED_TEXTS = (
    "SELECT page_number, text FROM pages" + OF_DOCUMENT + " AND version = %(version)s ORDER BY 1"
)

COPY_TEXTS = "COPY page_texts (collection_id, document_id, page_number, squeezed) FROM STDIN"

STORED_VECTORS = """
SELECT DISTINCT ON (c.embedded_hash) c.embedded_hash, e.embedding
  FROM chunks c JOIN {table} e USING (collection_id, chunk_id)
 WHERE c.collection_id = %(collection_id)s AND c.document_id = %(document_id)s
   AND c.embedded_hash = ANY(%(hashes)s)
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

    All happens in the caller's transaction; the pages of ``version`` must be written already.
    Swaps in one collection wait for each other.

    Raises:
        Conflict: If a chunk comes without a vector and the document has none to take over, or
            the model's table is not there yet.
        DimensionMismatch: If a vector is not as long as the model's.
    """
    key = document_key(document_id, version)
    conn.execute(LOCK, key)
    table = find_embeddings_table(conn, model)
    if table is None:
        raise Conflict(f"there is no table for vectors of {model!r}: it is made before the swap")
    vectors = _vectors(conn, document_id, table, chunks)
    _remove(conn, key, _document_frequencies(chunk.terms for chunk in chunks), _totals(chunks))
    ids = [row["chunk_id"] for row in conn.execute(NEXT_IDS, {"count": len(chunks)})]
    _copy_chunks(conn, document_id, version, list(zip(ids, chunks, strict=True)))
    add_words(conn, key)
    copy_embeddings(conn, table, document_id.collection_id, list(zip(ids, vectors, strict=True)))
    with conn.cursor() as reader:
        pages = reader.execute(SERVED_TEXTS, key).fetchall()
    with conn.cursor().copy(COPY_TEXTS) as copy:
        for page in pages:
            copy.write_row(
                (
                    document_id.collection_id,
                    document_id.number,
                    page["page_number"],
                    squeeze(page["text"]).replace("\0", ""),
                )
            )


def delete_chunks(conn: Connection[Row], document_id: DocumentId) -> None:
    """Remove a document's chunks and all they are found by, in the caller's transaction."""
    key = document_key(document_id)
    conn.execute(LOCK, key)
    _remove(conn, key, Counter(), (0, 0))


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
                    list(new.terms),
                    np.asarray(new.terms, ">i4").tobytes(),
                )
            )


def _remove(
    conn: Connection[Row],
    key: Mapping[str, Any],
    new_terms: Counter[int],
    new_totals: tuple[int, int],
) -> None:
    """Delete the document's chunks and bring the statistics to what they will be with the new."""
    changes = Counter(new_terms)
    for row in conn.execute(OLD_TERMS, key):
        changes[row["term"]] -= row["df"]
    old = conn.execute(OLD_TOTALS, key).fetchone()
    assert old is not None
    take_words(conn, key)
    conn.execute("DELETE FROM chunks" + OF_DOCUMENT, key)
    conn.execute("DELETE FROM page_texts" + OF_DOCUMENT, key)
    _change_terms(conn, key, changes)
    chunks, terms = new_totals[0] - old["chunks"], new_totals[1] - old["terms"]
    conn.execute(CHANGE_TOTALS, {**key, "chunks": chunks, "terms": terms})


def _change_terms(conn: Connection[Row], key: Mapping[str, Any], changes: Counter[int]) -> None:
    more = sorted((term, change) for term, change in changes.items() if change > 0)
    less = sorted((term, -change) for term, change in changes.items() if change < 0)
    for statement, rows in ((RAISE_TERMS, more), (LOWER_TERMS, less)):
        if rows:
            terms, amounts = [term for term, _ in rows], [amount for _, amount in rows]
            conn.execute(statement, {**key, "terms": terms, "changes": amounts})
    if less:
        conn.execute(FORGET_TERMS, {**key, "terms": [term for term, _ in less]})


def _document_frequencies(bags: Iterable[Sequence[int]]) -> Counter[int]:
    frequencies: Counter[int] = Counter()
    for bag in bags:
        frequencies.update(set(bag))
    return frequencies


def _totals(chunks: Sequence[NewChunk]) -> tuple[int, int]:
    return len(chunks), sum(len(chunk.terms) for chunk in chunks)
