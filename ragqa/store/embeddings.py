"""One table of vectors for each embedding model, made when the model is first used."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pgvector import HalfVector
from psycopg import sql

from ragqa.errors import DimensionMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

EXACT_BELOW = 20_000
"""Chunks of a collection up to which every vector is compared; beyond, an HNSW index answers."""

FIND = "SELECT table_key, dimension FROM embedding_models WHERE name = %s"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ragqa.embedding_models', 0))"
REGISTER = "INSERT INTO embedding_models (name, table_key, dimension) VALUES (%s, %s, %s)"

# PLAIN keeps long vectors out of TOAST, which makes an exact scan several times slower.
CREATE = """
CREATE TABLE {table} (
    collection_id bigint NOT NULL,
    chunk_id      bigint NOT NULL,
    embedding     halfvec({dimension}) NOT NULL,
    PRIMARY KEY (collection_id, chunk_id),
    FOREIGN KEY (collection_id, chunk_id) REFERENCES chunks ON DELETE CASCADE
);
ALTER TABLE {table} ALTER COLUMN embedding SET STORAGE PLAIN
"""

COPY = "COPY {table} (collection_id, chunk_id, embedding) FROM STDIN (FORMAT BINARY)"

INDEX = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {table}
 USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 200)
 WHERE collection_id = {collection_id}
"""


@dataclass(frozen=True, slots=True)
class EmbeddingsTable:
    """Where the vectors of a model are."""

    name: str
    dimension: int

    @classmethod
    def of_key(cls, key: str, dimension: int) -> EmbeddingsTable:
        """Return the table that is registered under a key."""
        return cls(f"embeddings_{key}", dimension)

    @property
    def identifier(self) -> sql.Identifier:
        """The table's name, quoted for use in a statement."""
        return sql.Identifier(self.name)

    def index_name(self, collection_id: CollectionId) -> str:
        """Return the name of a collection's own HNSW index."""
        return f"{self.name[:48]}_{collection_id}"


def ensure_embeddings_table(
    conn: Connection[Row], model_name: str, dimension: int
) -> EmbeddingsTable:
    """Return the table of a model's vectors; make it when it is the first time.

    Raises:
        DimensionMismatch: If the table has vectors of another length.
    """
    conn.execute(LOCK)
    table = find_embeddings_table(conn, model_name)
    if table is None:
        table = EmbeddingsTable.of_key(table_key(model_name), dimension)
        conn.execute(REGISTER, [model_name, table_key(model_name), dimension])
        conn.execute(
            sql.SQL(CREATE).format(table=table.identifier, dimension=sql.Literal(dimension))
        )
        conn.execute("SELECT ragqa_guard_table(%s::regclass)", [table.name])
    if table.dimension != dimension:
        raise DimensionMismatch(expected=table.dimension, actual=dimension)
    return table


def find_embeddings_table(conn: Connection[Row], model_name: str) -> EmbeddingsTable | None:
    """Return the table of a model's vectors, or None before its first use."""
    row = conn.execute(FIND, [model_name]).fetchone()
    if row is None:
        return None
    return EmbeddingsTable.of_key(row["table_key"], row["dimension"])


def every_embeddings_table(conn: Connection[Row]) -> list[EmbeddingsTable]:
    """Return the tables of all models that ever were used."""
    rows = conn.execute("SELECT table_key, dimension FROM embedding_models ORDER BY name")
    return [EmbeddingsTable.of_key(row["table_key"], row["dimension"]) for row in rows.fetchall()]


def table_key(model_name: str) -> str:
    """Return the part of a table's name that stands for a model: readable, and unmistakable."""
    readable = re.sub(r"[^a-z0-9]+", "_", model_name.casefold()).strip("_")[:30]
    return f"{readable}_{hashlib.sha256(model_name.encode()).hexdigest()[:8]}".lstrip("_")


def copy_embeddings(
    conn: Connection[Row],
    table: EmbeddingsTable,
    collection_id: CollectionId,
    rows: Sequence[tuple[int, NDArray[np.float32] | HalfVector]],
) -> None:
    """Write vectors beside the numbers of their chunks."""
    with conn.cursor().copy(sql.SQL(COPY).format(table=table.identifier)) as copy:
        copy.set_types(["int8", "int8", "halfvec"])
        for chunk_id, vector in rows:
            copy.write_row((collection_id, chunk_id, to_halfvec(vector, table.dimension)))


def to_halfvec(vector: NDArray[np.float32] | HalfVector, dimension: int) -> HalfVector:
    """Return a vector as Postgres takes it.

    Raises:
        DimensionMismatch: If it is longer or shorter; an empty table would not object.
        ValueError: If it is not finite.
    """
    half = vector if isinstance(vector, HalfVector) else HalfVector(np.asarray(vector))
    if half.dimensions() != dimension:
        raise DimensionMismatch(expected=dimension, actual=half.dimensions())
    if not isinstance(vector, HalfVector) and not np.isfinite(vector).all():
        raise ValueError("an embedding has components that are not numbers")
    return half


def ensure_vector_index(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId
) -> None:
    """Build a large collection's HNSW index if it has none; readers and writers go on meanwhile.

    Args:
        conn: A connection in autocommit mode: the index is built outside of any transaction.
        table: The vectors of the collection's model.
        collection_id: Which rows the index is for; each large collection has its own.
    """
    index = table.index_name(collection_id)
    invalid = conn.execute(
        "SELECT 1 AS found FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relname = %s AND NOT i.indisvalid",
        [index],
    ).fetchone()
    if invalid is not None:  # an interrupted build
        conn.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(index)))
    conn.execute(
        sql.SQL(INDEX).format(
            index=sql.Identifier(index),
            table=table.identifier,
            collection_id=sql.Literal(collection_id),
        )
    )


def drop_vector_index(
    conn: Connection[Row], table: EmbeddingsTable, collection_id: CollectionId
) -> None:
    """Remove a collection's HNSW index, if it has one."""
    index = sql.Identifier(table.index_name(collection_id))
    conn.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(index))
