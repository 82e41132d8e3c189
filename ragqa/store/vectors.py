"""Dense search: exact where few vectors are to be compared, HNSW in a large collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from ragqa.errors import Conflict
from ragqa.store.embeddings import EXACT_BELOW, EmbeddingsTable, to_halfvec
from ragqa.store.filters import as_array, conditions, parameters
from ragqa.store.words import ask, best_of, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection, Cursor

    from ragqa.ports import Scored
    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

EF_SEARCH = 300
"""Breadth of the search in an HNSW index."""

# Vectors have length 1: the inner product is the cosine. The collection is a literal, since the
# index of a large collection covers that collection only. No index orders by a sum: with one every
# vector is compared, even where an index is left from a time when the collection was larger.
NEAREST = """
SELECT e.chunk_id, -(e.embedding <#> %(vector)s) AS score
  FROM {table} e
 WHERE e.collection_id = {collection_id}{conditions}
 ORDER BY (e.embedding <#> %(vector)s){exactly}
 LIMIT {limit}
"""

PASSING = (
    " AND EXISTS (SELECT FROM chunks c WHERE c.collection_id = e.collection_id"
    " AND c.chunk_id = e.chunk_id{conditions})"
)

# The vector makes the server load pgvector first: before, it takes any name for a setting. Only a
# pgvector that scans iteratively has the last one.
WIDEN = """
SELECT '[1]'::vector IS NOT NULL AS loaded,
       set_config('hnsw.iterative_scan', 'relaxed_order', true) AS scan,
       set_config('hnsw.ef_search', %s, true) AS breadth,
       current_setting('hnsw.max_scan_tuples', true) AS most
"""

COSINES = """
SELECT chunk_id, -(embedding <#> %(vector)s) AS score
  FROM {table}
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""


def are_few(chunks: int) -> bool:
    """Say whether every vector of a collection with so many chunks is compared."""
    return chunks <= EXACT_BELOW


def begin_search(
    conn: Connection[Row],
    table: EmbeddingsTable,
    collection_id: CollectionId,
    vector: NDArray[np.float32],
    *,
    limit: int,
    only: Filter | None = None,
    exact: bool,
) -> Callable[[], list[Scored]]:
    """Ask for the nearest chunks by cosine; what is returned reads them, best first.

    Args:
        conn: A connection in the transaction of the search; asking waits if it is no pipeline.
        table: The vectors of the collection's model.
        collection_id: What is searched.
        vector: Shape ``(dimension,)``, L2 norm 1.
        limit: Most chunks to return.
        only: What the search may see.
        exact: Whether to compare every vector, as in a small collection.

    Raises:
        DimensionMismatch: If the vector is not as long as the stored ones.
        Conflict: When read, if the server's pgvector stops before enough rows pass a filter.
    """
    if only is not None:
        # What a filter leaves is not alike: how to find it is decided for each.
        conn.execute("SET LOCAL plan_cache_mode = auto")
    widened = None if exact else _widen(conn, max(EF_SEARCH, limit))
    passing = PASSING.format(conditions=conditions(only)) if only is not None else ""
    query = sql.SQL(NEAREST).format(
        table=table.identifier,
        collection_id=sql.Literal(collection_id),
        conditions=sql.SQL(passing),
        exactly=sql.SQL(" + 0" if exact else ""),
        limit=sql.Literal(limit),
    )
    key = parameters(collection_id, only)
    key["vector"] = to_halfvec(vector, table.dimension)
    asked = ask(conn, query, key, prepare=None)

    def read() -> list[Scored]:
        if widened is not None:
            _check_width(widened)
        with asked:
            return best_of(dict(asked.fetchall()), limit)

    return read


def score(
    conn: Connection[Row],
    table: EmbeddingsTable,
    collection_id: CollectionId,
    vector: NDArray[np.float32],
    chunk_ids: Sequence[int],
) -> dict[int, float]:
    """Return the cosine of each chunk's vector."""
    if not chunk_ids:
        return {}
    key = {
        "collection_id": collection_id,
        "vector": to_halfvec(vector, table.dimension),
        "chunk_ids": as_array(chunk_ids),
    }
    return dict(fetch(conn, sql.SQL(COSINES).format(table=table.identifier), key))


def _widen(conn: Connection[Row], breadth: int) -> Cursor[Row]:
    """Let HNSW go on until enough rows pass the filter."""
    return conn.execute(WIDEN, [str(min(breadth, 1000))], prepare=True)


def _check_width(widened: Cursor[Row]) -> None:
    """Make sure that HNSW will.

    Raises:
        Conflict: If the server's pgvector knows no such thing.
    """
    row = widened.fetchone()
    if row is None or row["scan"] != "relaxed_order" or row["most"] is None:
        raise Conflict("pgvector does not scan iteratively: 0.8 or newer is needed")
