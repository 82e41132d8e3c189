"""What lexical search weighs terms by: in how many chunks each stands, and how long chunks are.

Kept in the transaction that changes the chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.filters import as_array

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

# One writer a collection: statistics are sums, and rows locked in two orders would deadlock.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ragqa.term_stats', %(collection_id)s))"

OF_CHUNKS = " WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])"

TERMS = (
    """
SELECT term, count(DISTINCT chunk_id) AS df
  FROM (SELECT chunk_id, unnest(terms) AS term FROM chunks"""
    + OF_CHUNKS
    + ") AS occurrences GROUP BY term"
)

TOTAL = "SELECT coalesce(sum(cardinality(terms)), 0)::bigint AS terms FROM chunks" + OF_CHUNKS

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
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s::int[]) AND df = 0
"""

CHANGE_TOTALS = """
INSERT INTO collection_stats AS s (collection_id, chunks, terms)
VALUES (%(collection_id)s, greatest(%(chunks)s, 0), greatest(%(terms)s, 0))
ON CONFLICT (collection_id) DO UPDATE
   SET chunks = s.chunks + %(chunks)s, terms = s.terms + %(terms)s, generation = s.generation + 1
"""


def hold_statistics(conn: Connection[Row], collection_id: CollectionId) -> None:
    """Be the only one who changes the statistics of a collection until the transaction ends."""
    conn.execute(LOCK, {"collection_id": collection_id})


def change_statistics(
    conn: Connection[Row],
    collection_id: CollectionId,
    gone: Sequence[int],
    fresh: Sequence[Sequence[int]],
    frequencies: Counter[int],
) -> None:
    """Bring the statistics to what they will be.

    Args:
        conn: The transaction that holds them.
        collection_id: Whose they are.
        gone: The chunks that will be removed; they are still stored.
        fresh: The terms of each chunk that will be added.
        frequencies: In how many of those each term stands; is changed.
    """
    key: dict[str, Any] = {"collection_id": collection_id, "chunk_ids": list(gone)}
    for row in conn.execute(TERMS, key):
        frequencies[row["term"]] -= row["df"]
    old = conn.execute(TOTAL, key).fetchone()
    assert old is not None
    _change_terms(conn, key, frequencies)
    chunks, terms = len(fresh) - len(gone), sum(map(len, fresh)) - old["terms"]
    conn.execute(CHANGE_TOTALS, {**key, "chunks": chunks, "terms": terms})


def _change_terms(conn: Connection[Row], key: dict[str, Any], changes: Counter[int]) -> None:
    more = sorted((term, change) for term, change in changes.items() if change > 0)
    less = sorted((term, -change) for term, change in changes.items() if change < 0)
    for statement, rows in ((RAISE_TERMS, more), (LOWER_TERMS, less)):
        if rows:
            terms, amounts = (as_array(column) for column in zip(*rows, strict=True))
            conn.execute(statement, {**key, "terms": terms, "changes": amounts})
    if less:
        conn.execute(FORGET_TERMS, {**key, "terms": as_array(term for term, _ in less)})
