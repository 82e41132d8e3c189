"""Seeing to it that a large collection has its HNSW index."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.rows import dict_row

from ragqa.errors import StoreError
from ragqa.store import embeddings, vectors
from ragqa.store.db import translate_errors
from ragqa.store.embeddings import ensure_vector_index, find_embeddings_table

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.types import CollectionId

    Row = dict[str, Any]

logger = logging.getLogger(__name__)

CHUNKS = "SELECT chunks FROM collection_stats WHERE collection_id = %s"

HAS_INDEX = """
SELECT 1 AS found FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE c.relname = %s AND i.indisvalid
"""

# A worker that finds another one building goes on with its documents.
TAKE_TURN = "SELECT pg_try_advisory_lock(hashtextextended('ragqa.vector_index', %s)) AS mine"

# A graph that does not fit is built many times slower; the server's setting may be larger already.
MAKE_ROOM = """
SELECT set_config('maintenance_work_mem', '512MB', false)
  FROM pg_settings WHERE name = 'maintenance_work_mem' AND setting::bigint < 524288
"""


# Drawn by number, so that no row is read but those.
DRAWN = """
WITH ends AS (SELECT min(chunk_id) AS low, max(chunk_id) AS high
                FROM {table} WHERE collection_id = %(collection_id)s),
     numbers AS (SELECT low + (random() * (high - low))::bigint AS number
                   FROM ends, generate_series(1, %(many)s))
SELECT drawn.embedding
  FROM numbers, LATERAL (
       SELECT embedding FROM {table}
        WHERE collection_id = %(collection_id)s AND chunk_id >= number
        ORDER BY chunk_id LIMIT 1) AS drawn
"""

ASKING = 20
"""Chunks whose neighbours recall is measured with."""
NEIGHBOURS = 100
"""What dense search is asked for."""
COUNTED = 10
"""The nearest of them, of which recall tells how many are found."""
SAME = 1e-6
"""What the scores of equally near chunks may differ by."""


def keep_vector_index(database: Database, collection_id: CollectionId, model: str) -> bool:
    """Build the index of a collection that has become large; call it after chunks were written.

    Readers and writers go on meanwhile, and searches compare every vector until it is there. When
    it cannot be built that is logged, and the next call tries again: no document fails by it.

    Args:
        database: Where the vectors are.
        collection_id: Whose vectors.
        model: The embedder's name.

    Returns:
        True when this call built the index.
    """
    try:
        with (
            translate_errors(),
            psycopg.connect(database.conninfo, autocommit=True, row_factory=dict_row) as conn,
        ):
            return _build(conn, collection_id, model)
    except StoreError:
        logger.warning("collection %s stays without its vector index", collection_id, exc_info=True)
        return False


def has_vector_index(conn: Connection[Row], collection_id: CollectionId, model: str) -> bool:
    """Say whether an HNSW index serves the vectors of one model in a collection."""
    table = find_embeddings_table(conn, model)
    if table is None:
        return False
    return conn.execute(HAS_INDEX, [table.index_name(collection_id)]).fetchone() is not None


def measure_recall(conn: Connection[Row], collection_id: CollectionId, model: str) -> float | None:
    """Return which share of the nearest chunks an indexed search finds, in [0, 1].

    Chunks drawn from the collection ask for their own neighbours; ``model`` is the embedder's name.
    None where nothing is indexed.
    """
    table = find_embeddings_table(conn, model)
    if table is None or not has_vector_index(conn, collection_id, model):
        return None
    conn.execute("SELECT set_config('enable_seqscan', 'off', true)")  # as every search has it
    query = sql.SQL(DRAWN).format(table=table.identifier)
    drawn = conn.execute(query, {"collection_id": collection_id, "many": ASKING})
    shares = []
    for row in drawn.fetchall():
        vector = row["embedding"].to_numpy().astype(np.float32)
        found, exact = (
            vectors.begin_search(
                conn, table, collection_id, vector, limit=NEIGHBOURS, exact=compared
            )()
            for compared in (False, True)
        )
        nearest = exact[:COUNTED]
        # By score: of texts that are there twice, either is right.
        near = [one for one in found[:COUNTED] if one.score >= nearest[-1].score - SAME]
        shares.append(len(near) / len(nearest))
    return float(np.mean(shares))


def _build(conn: Connection[Row], collection_id: CollectionId, model: str) -> bool:
    stats = conn.execute(CHUNKS, [collection_id]).fetchone()
    if stats is None or stats["chunks"] <= embeddings.EXACT_BELOW:
        return False
    table = find_embeddings_table(conn, model)
    if table is None or has_vector_index(conn, collection_id, model):
        return False
    turn = conn.execute(TAKE_TURN, [collection_id]).fetchone()
    if turn is None or not turn["mine"]:
        return False
    register_vector(conn)
    conn.execute(MAKE_ROOM)
    ensure_vector_index(conn, table, collection_id)
    logger.info("collection %s: %d vectors have an index", collection_id, stats["chunks"])
    return True
