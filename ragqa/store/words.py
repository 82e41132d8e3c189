"""Lexical search: candidates by the rare terms, exact BM25 for the candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.ports import Scored
from ragqa.retrieval.bm25 import K1, inverse_document_frequency, score_bm25
from ragqa.store.filters import CONDITIONS, few_chunks, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

POSTINGS = 4_000
"""Occurrences that finding candidates may look at, rare terms first."""
CANDIDATES = 400
"""Chunks whose exact BM25 is computed."""

STATS = "SELECT chunks, terms FROM collection_stats WHERE collection_id = %(collection_id)s"

FREQUENCIES = """
SELECT term, df FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s)
"""

# Only the index and the rows' heads are read here; the long arrays of terms wait for the few.
CANDIDATES_BY_TERM = (
    """
SELECT c.chunk_id
  FROM unnest(%(terms)s::int[], %(weights)s::float8[]) AS q (term, weight)
  JOIN chunks c ON c.terms @> ARRAY[q.term]
 WHERE c.collection_id = %(collection_id)s"""
    + CONDITIONS
    + """
 GROUP BY c.chunk_id
 ORDER BY sum(q.weight) DESC, c.chunk_id
 LIMIT %(limit)s
"""
)

CANDIDATES_BY_ALL = (
    "SELECT c.chunk_id FROM chunks c"
    " WHERE c.collection_id = %(collection_id)s AND c.terms @> %(terms)s::int[]"
    + CONDITIONS
    + " LIMIT %(limit)s"
)

TERMS = """
SELECT chunk_id, array_send(terms) AS terms FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s)
"""

TERMS_OF_PAGES = """
SELECT c.chunk_id, c.document_id, c.page_number, array_send(c.terms) AS terms
  FROM (SELECT DISTINCT document_id, page_number FROM chunks
         WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s)) AS q
  JOIN chunks c USING (document_id, page_number)
 WHERE c.collection_id = %(collection_id)s
"""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The terms of a query with what they are worth in one collection."""

    weights: Mapping[int, float] = field(default_factory=dict)
    """Each known term's inverse document frequency times how much the query asks for it."""
    frequencies: Mapping[int, int] = field(default_factory=dict)
    average_length: float = 0.0
    best: float = 0.0
    """The score that no chunk can exceed; terms that no chunk has are in it."""


def weigh(
    conn: Connection[Row], collection_id: CollectionId, counts: Mapping[int, float]
) -> Weighed:
    """Look up what each term is worth."""
    key = {"collection_id": collection_id}
    stats = conn.execute(STATS, key).fetchone()
    if stats is None or not stats["chunks"] or not counts:
        return Weighed()
    rows = conn.execute(FREQUENCIES, {**key, "terms": list(counts)})
    frequencies = {row["term"]: row["df"] for row in rows}
    worth = {
        term: count * inverse_document_frequency(frequencies.get(term, 0), stats["chunks"])
        for term, count in counts.items()
    }
    return Weighed(
        weights={term: worth[term] for term in frequencies},
        frequencies=frequencies,
        average_length=stats["terms"] / stats["chunks"],
        best=(K1 + 1) * sum(worth.values()),
    )


def search(
    conn: Connection[Row],
    collection_id: CollectionId,
    weighed: Weighed,
    *,
    limit: int,
    only: Filter | None = None,
) -> list[Scored]:
    """Return the best chunks by BM25, best first; every one has a term of the query."""
    if not weighed.weights:
        return []
    chunk_ids = few_chunks(conn, collection_id, only)
    if chunk_ids is None:
        chunk_ids = _candidates(conn, parameters(collection_id, only), weighed)
    return best_of(score_chunks(conn, collection_id, chunk_ids, weighed), limit)


def score_chunks(
    conn: Connection[Row],
    collection_id: CollectionId,
    chunk_ids: Sequence[int],
    weighed: Weighed,
) -> dict[int, float]:
    """Return the exact BM25 score of each chunk that has a term of the query."""
    if not chunk_ids or not weighed.weights:
        return {}
    rows = conn.execute(
        TERMS, {"collection_id": collection_id, "chunk_ids": list(chunk_ids)}
    ).fetchall()
    bags = [_read_array(row["terms"]) for row in rows]
    scores = score_bm25(bags, weighed.weights, average_length=weighed.average_length)
    return {row["chunk_id"]: float(s) for row, s in zip(rows, scores, strict=True) if s}


def score_with_pages(
    conn: Connection[Row],
    collection_id: CollectionId,
    chunk_ids: Sequence[int],
    weighed: Weighed,
) -> tuple[dict[int, float], dict[int, float]]:
    """Return each chunk's BM25 score, and that of its whole page among the others' pages."""
    if not chunk_ids or not weighed.weights:
        return {}, {}
    rows = conn.execute(
        TERMS_OF_PAGES, {"collection_id": collection_id, "chunk_ids": list(chunk_ids)}
    ).fetchall()
    bags = [_read_array(row["terms"]) for row in rows]
    pages: dict[tuple[int, int], int] = {}
    owners = [pages.setdefault((r["document_id"], r["page_number"]), len(pages)) for r in rows]
    alone = score_bm25(bags, weighed.weights, average_length=weighed.average_length)
    average = sum(len(bag) for bag in bags) / len(pages)
    whole = score_bm25(bags, weighed.weights, average_length=average, groups=owners)
    wanted = set(chunk_ids)
    found = [(n, row["chunk_id"]) for n, row in enumerate(rows) if row["chunk_id"] in wanted]
    return (
        {chunk_id: float(alone[n]) for n, chunk_id in found},
        {chunk_id: float(whole[owners[n]]) for n, chunk_id in found},
    )


def best_of(scores: Mapping[int, float], limit: int) -> list[Scored]:
    """Return the best chunks, best first; equal scores in the order of their numbers."""
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(chunk_id, score) for chunk_id, score in ranked[:limit]]


def _candidates(conn: Connection[Row], key: dict[str, Any], weighed: Weighed) -> list[int]:
    """Return the chunks that may be the best: those with the most of the rare terms."""
    frequencies = weighed.frequencies
    rarest = sorted(weighed.weights, key=lambda term: (frequencies[term], term))
    taken: list[int] = []
    postings = 0
    for term in rarest:
        postings += frequencies[term]
        if taken and postings > POSTINGS:
            break
        taken.append(term)
    # A small collection would be scanned row by row, its long arrays unpacked for nothing.
    conn.execute("SET LOCAL enable_seqscan = off")
    if len(taken) == 1 and frequencies[taken[0]] > POSTINGS:
        # Only common terms: the chunks that have several of them at once.
        rows = conn.execute(
            CANDIDATES_BY_ALL, {**key, "terms": rarest[:3], "limit": CANDIDATES}
        ).fetchall()
        if rows:
            return [row["chunk_id"] for row in rows]
    weights = [weighed.weights[term] for term in taken]
    rows = conn.execute(
        CANDIDATES_BY_TERM, {**key, "terms": taken, "weights": weights, "limit": CANDIDATES}
    ).fetchall()
    return [row["chunk_id"] for row in rows]


def _read_array(sent: bytes) -> NDArray[np.int32]:
    """Read an ``int[]`` without nulls in Postgres' binary form: a head, then (4, value) pairs."""
    if len(sent) <= 12:
        return np.zeros(0, np.int32)
    return np.frombuffer(sent, ">i4", offset=20).reshape(-1, 2)[:, 1].astype(np.int32)
