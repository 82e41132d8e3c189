"""Vectors of a second model for the chunks of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import sql

from ragqa.types import Chunk, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.store.embeddings import EmbeddingsTable
    from ragqa.types import CollectionId

    Row = dict[str, Any]

LACKING = """
  FROM chunks c
 WHERE c.collection_id = %(collection_id)s
   AND NOT EXISTS (SELECT FROM {table} e
                    WHERE e.collection_id = c.collection_id AND e.chunk_id = c.chunk_id)
"""

NEXT = "SELECT c.document_id" + LACKING + " ORDER BY c.document_id LIMIT 1"

MISSING = (
    "SELECT c.embedded_hash, c.page_number, c.span_start, c.span_end, c.text, c.kind,"
    " c.headings, (SELECT d.name FROM documents d WHERE d.collection_id = c.collection_id"
    " AND d.document_id = c.document_id) AS name" + LACKING + " AND c.document_id = %(document_id)s"
    " ORDER BY c.chunk_id"
)

STILL_MISSING = (
    "SELECT c.chunk_id, c.embedded_hash" + LACKING + " AND c.document_id = %(document_id)s"
    " AND c.embedded_hash = ANY(%(hashes)s)"
)

FILLED = """
SELECT (SELECT count(*) FROM {table} WHERE collection_id = %(collection_id)s) AS filled,
       (SELECT count(*) FROM chunks WHERE collection_id = %(collection_id)s) AS chunks
"""

BIND = "UPDATE collections SET embedding_model = %s, dimension = %s WHERE collection_id = %s"


class Missing(NamedTuple):
    """A chunk without a vector of the model."""

    hash: bytes
    """Of the text that was embedded."""
    filename: str
    chunk: Chunk


def next_document(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId
) -> int | None:
    """Return the number of a document that has chunks without a vector; None: all have one."""
    query = sql.SQL(NEXT).format(table=table.identifier)
    row = conn.execute(query, {"collection_id": collection_id}).fetchone()
    return None if row is None else int(row["document_id"])


def missing_of(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId, document: int
) -> list[Missing]:
    """Return the chunks of a document that have no vector."""
    query = sql.SQL(MISSING).format(table=table.identifier)
    key = {"collection_id": collection_id, "document_id": document}
    return [
        Missing(
            bytes(row["embedded_hash"]),
            row["name"],
            Chunk(
                row["page_number"],
                Span(row["span_start"], row["span_end"]),
                row["text"],
                row["kind"],
                tuple(row["headings"]),
            ),
        )
        for row in conn.execute(query, key)
    ]


def still_missing(
    conn: Connection[Row],
    table: EmbeddingsTable,
    collection_id: CollectionId,
    document: int,
    hashes: Sequence[bytes],
) -> list[tuple[int, bytes]]:
    """Return the number and the hash of those of its chunks with these hashes that have none."""
    query = sql.SQL(STILL_MISSING).format(table=table.identifier)
    key = {"collection_id": collection_id, "document_id": document, "hashes": hashes}
    return [(row["chunk_id"], bytes(row["embedded_hash"])) for row in conn.execute(query, key)]


def count_filled(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId
) -> tuple[int, int]:
    """Return how many chunks have a vector, and how many there are."""
    query = sql.SQL(FILLED).format(table=table.identifier)
    row = conn.execute(query, {"collection_id": collection_id}).fetchone()
    assert row is not None
    return row["filled"], row["chunks"]


def bind_collection(
    conn: Connection[Row], collection_id: CollectionId, model: str, dimension: int
) -> None:
    """Let a collection be searched, and added to, with another model."""
    conn.execute(BIND, [model, dimension, collection_id])


def has_vectors(conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId) -> bool:
    """Say whether a collection has vectors of that model."""
    query = sql.SQL("SELECT FROM {table} WHERE collection_id = %s LIMIT 1")
    return conn.execute(query.format(table=table.identifier), [collection_id]).rowcount > 0


def delete_vectors(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId
) -> None:
    """Remove the vectors that one model made for a collection."""
    query = sql.SQL("DELETE FROM {table} WHERE collection_id = %s").format(table=table.identifier)
    conn.execute(query, [collection_id])
