"""Dense search: exact where few vectors are to be compared, HNSW in a large collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from ragqa.errors import Conflict
from ragqa.store.embeddings import EXACT_BELOW, EmbeddingsTable, to_halfvec
from ragqa.store.filters import CONDITIONS, parameters
from ragqa.store.words import best_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.ports import Scored
    from ragqa.types import Collection, CollectionId, Filter

    Row = dict[str, Any]

EF_SEARCH = 200
"""Breadth of the search in an HNSW index."""

# Vectors have length 1: the inner product is the cosine. The collection is a literal, since the
# index of a large collection covers that collection only.
NEAREST = """
SELECT e.chunk_id, -(e.embedding <#> %(vector)s) AS score
  FROM {table} e
 WHERE e.collection_id = {collection_id}{conditions}
 ORDER BY e.embedding <#> %(vector)s
 LIMIT %(limit)s
"""

PASSING = (
    " AND EXISTS (SELECT FROM chunks c WHERE c.collection_id = e.collection_id"
    " AND c.chunk_id = e.chunk_id" + CONDITIONS + ")"
)

COSINES = """
SELECT chunk_id, -(embedding <#> %(vector)s) AS score
  FROM {table}
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s)
"""


def search(
    conn: Connection[Row],
    table: EmbeddingsTable,
    collection: Collection,
    vector: NDArray[np.float32],
    *,
    limit: int,
    only: Filter | None = None,
    few: Sequence[int] | None = None,
) -> list[Scored]:
    """Return the nearest chunks by cosine, best first.

    Args:
        conn: A connection in the transaction of the search.
        table: The vectors of the collection's model.
        collection: What is searched.
        vector: Shape ``(dimension,)``, L2 norm 1.
        limit: Most chunks to return.
        only: What the search may see.
        few: All chunks that ``only`` leaves, when they are few: compared one by one.

    Raises:
        DimensionMismatch: If the vector is not as long as the stored ones.
    """
    if few is not None:
        return best_of(score(conn, table, collection.id, vector, few), limit)
    if collection.chunks > EXACT_BELOW:
        _widen(conn, max(EF_SEARCH, limit))
    query = sql.SQL(NEAREST).format(
        table=table.identifier,
        collection_id=sql.Literal(collection.id),
        conditions=sql.SQL(PASSING if only is not None else ""),
    )
    rows = conn.execute(
        query,
        {
            **parameters(collection.id, only),
            "vector": to_halfvec(vector, table.dimension),
            "limit": limit,
        },
    )
    return best_of({row["chunk_id"]: row["score"] for row in rows}, limit)


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
    rows = conn.execute(
        sql.SQL(COSINES).format(table=table.identifier),
        {
            "collection_id": collection_id,
            "vector": to_halfvec(vector, table.dimension),
            "chunk_ids": list(chunk_ids),
        },
    )
    return {row["chunk_id"]: row["score"] for row in rows}


def _widen(conn: Connection[Row], breadth: int) -> None:
    """Let HNSW go on until enough rows pass the filter, and make sure that it will."""
    conn.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    conn.execute(sql.SQL("SET LOCAL hnsw.ef_search = {}").format(sql.Literal(min(breadth, 1000))))
    row = conn.execute("SHOW hnsw.iterative_scan").fetchone()
    if row is None or "relaxed_order" not in row.values():
        raise Conflict("pgvector does not scan iteratively: 0.8 or newer is needed")
