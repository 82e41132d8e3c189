"""Lexical search: candidates by the rare terms, exact BM25 for the candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import numpy as np
from psycopg.rows import tuple_row

from ragqa.ports import Scored
from ragqa.retrieval.bm25 import K1, inverse_document_frequency, score_bm25
from ragqa.store.filters import as_array, conditions, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection
    from psycopg.sql import SQL, Composed

    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

POSTINGS = 2_000
"""Occurrences that finding candidates may look at, rare terms first."""
CANDIDATES = 200
"""Chunks whose exact BM25 is computed."""

FREQUENCIES = """
SELECT term, df FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s::int[])
"""

# Only the index and the rows' heads are read here; the packed terms wait for the few. OFFSET 0
# keeps every term a search of its own: joined, the planner may hold all terms against all chunks,
# as it takes comparing arrays to cost nothing.
CANDIDATES_BY_TERM = """
SELECT found.chunk_id
  FROM unnest(%(terms)s::int[], %(weights)s::float8[]) AS q (term, weight)
 CROSS JOIN LATERAL (
       SELECT c.chunk_id FROM chunks c
        WHERE c.terms @> ARRAY[q.term] AND c.collection_id = %(collection_id)s {conditions}
       OFFSET 0
      ) AS found
 GROUP BY found.chunk_id
 ORDER BY sum(q.weight) DESC, found.chunk_id
 LIMIT %(limit)s
"""

CANDIDATES_BY_ALL = """
SELECT c.chunk_id FROM chunks c
 WHERE c.collection_id = %(collection_id)s AND c.terms @> %(terms)s::int[] {conditions}
 LIMIT %(limit)s
"""

BAGS = """
SELECT chunk_id, document_id, page_number, bag FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""

TERMS_OF_PAGES = """
SELECT document_id, page_number, string_agg(c.bag, ''::bytea ORDER BY c.ordinal)
  FROM unnest(%(document_ids)s::bigint[], %(page_numbers)s::int[]) AS q (document_id, page_number)
  JOIN chunks c USING (document_id, page_number)
 WHERE c.collection_id = %(collection_id)s
 GROUP BY document_id, page_number
"""


class Bag(NamedTuple):
    """The terms of a chunk in the order of the text, and where the chunk stands."""

    document: int
    page: int
    terms: NDArray[np.int32]


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
    conn: Connection[Row],
    collection_id: CollectionId,
    counts: Mapping[int, float],
    stats: tuple[int, int],
) -> Weighed:
    """Look up what each term is worth, among so many chunks with so many terms."""
    chunks, terms = stats
    if not chunks or not counts:
        return Weighed()
    key = {"collection_id": collection_id, "terms": as_array(counts)}
    rows = fetch(conn, FREQUENCIES, key)
    frequencies: dict[int, int] = dict(rows)
    worth = {
        term: count * inverse_document_frequency(frequencies.get(term, 0), chunks)
        for term, count in counts.items()
    }
    return Weighed(
        weights={term: worth[term] for term in frequencies},
        frequencies=frequencies,
        average_length=terms / chunks,
        best=(K1 + 1) * sum(worth.values()),
    )


def find_candidates(
    conn: Connection[Row],
    collection_id: CollectionId,
    weighed: Weighed,
    *,
    only: Filter | None = None,
) -> list[int]:
    """Return the chunks that may be the best: those with the most of the rare terms."""
    if not weighed.weights:
        return []
    key = parameters(collection_id, only)
    frequencies = weighed.frequencies
    rarest = sorted(weighed.weights, key=lambda term: (frequencies[term], term))
    taken: list[int] = []
    postings = 0
    for term in rarest:
        postings += frequencies[term]
        if taken and postings > POSTINGS:
            break
        taken.append(term)
    if len(taken) == 1 and frequencies[taken[0]] > POSTINGS:
        # Only common terms: the chunks that have several of them at once.
        query = CANDIDATES_BY_ALL.format(conditions=conditions(only))
        rows = fetch(conn, query, {**key, "terms": as_array(rarest[:3]), "limit": CANDIDATES})
        if rows:
            return [chunk_id for (chunk_id,) in rows]
    weights = [weighed.weights[term] for term in taken]
    query = CANDIDATES_BY_TERM.format(conditions=conditions(only))
    rows = fetch(
        conn, query, {**key, "terms": as_array(taken), "weights": weights, "limit": CANDIDATES}
    )
    return [chunk_id for (chunk_id,) in rows]


def read_bags(
    conn: Connection[Row], collection_id: CollectionId, chunk_ids: Sequence[int]
) -> dict[int, Bag]:
    """Return the bags of chunks."""
    if not chunk_ids:
        return {}
    key = {"collection_id": collection_id, "chunk_ids": as_array(chunk_ids)}
    rows = fetch(conn, BAGS, key)
    unpacked = _unpack([row[3] for row in rows])
    return {row[0]: Bag(row[1], row[2], t) for row, t in zip(rows, unpacked, strict=True)}


def read_pages(
    conn: Connection[Row], collection_id: CollectionId, pages: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], NDArray[np.int32]]:
    """Return the terms of whole pages, given as document and page number, in the text's order."""
    documents, numbers = zip(*pages, strict=True)
    key = {
        "collection_id": collection_id,
        "document_ids": as_array(documents),
        "page_numbers": as_array(numbers),
    }
    rows = fetch(conn, TERMS_OF_PAGES, key)
    unpacked = _unpack([packed for _, _, packed in rows])
    return {(row[0], row[1]): terms for row, terms in zip(rows, unpacked, strict=True)}


def _unpack(packed: Sequence[bytes]) -> Iterator[NDArray[np.int32]]:
    """Yield the terms of each piece; they are big-endian, and turned once, all together."""
    terms = np.frombuffer(b"".join(packed), ">i4").astype(np.int32)
    start = 0
    for piece in packed:
        end = start + len(piece) // 4
        yield terms[start:end]
        start = end


def fetch(
    conn: Connection[Row],
    query: LiteralString | SQL | Composed,
    key: Mapping[str, Any],
    *,
    prepare: bool | None = True,
) -> list[tuple[Any, ...]]:
    """Return the rows of a query as tuples: hundreds of rows a search are not made dictionaries."""
    with conn.cursor(row_factory=tuple_row, binary=True) as reader:
        return reader.execute(query, key, prepare=prepare).fetchall()


def score_bags(bags: Mapping[int, Bag], weighed: Weighed) -> dict[int, float]:
    """Return the exact BM25 score of each chunk, 0 where no term occurs."""
    if not bags or not weighed.weights:
        return dict.fromkeys(bags, 0.0)
    terms = [bag.terms for bag in bags.values()]
    scores = score_bm25(terms, weighed.weights, average_length=weighed.average_length)
    return dict(zip(bags, scores.tolist(), strict=True))


def score_pages(
    pages: Mapping[tuple[int, int], NDArray[np.int32]], weighed: Weighed
) -> dict[tuple[int, int], float]:
    """Return the BM25 score of each page among these."""
    if not pages or not weighed.weights:
        return {}
    terms = list(pages.values())
    average = sum(map(len, terms)) / len(terms)
    scores = score_bm25(terms, weighed.weights, average_length=average)
    return dict(zip(pages, scores.tolist(), strict=True))


def best_of(scores: Mapping[int, float], limit: int) -> list[Scored]:
    """Return the best chunks, best first; equal scores in the order of their numbers."""
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(chunk_id, score) for chunk_id, score in ranked[:limit]]
