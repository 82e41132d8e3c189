"""Lexical search: candidates by rare terms and rare combinations, exact BM25 for those."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import numpy as np
from psycopg.rows import tuple_row

from ragqa.ports import Scored
from ragqa.retrieval.bm25 import K1, inverse_document_frequency, score_bm25
from ragqa.store.filters import as_array, conditions, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection, Cursor
    from psycopg.sql import SQL, Composed

    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

ALONE = 250
"""Occurrences of rare terms that finding candidates looks at; all, where they are few in all."""
FIRST = 2_000
"""Occurrences of the rarest term that are looked at where it is not rare: it may be the name."""
TOGETHER = 2_000
"""Chunks that it looks at because they have several of the commoner terms."""
GROUPS = 16
"""Combinations of terms that it asks the index for: each takes about .3 ms."""
COMBINED = 12
"""Terms, the rarest of those that are not rare, of which the combinations are made."""
ALIKE = 2.0
"""How much more often terms of one question stand in one chunk than chance would have it."""
CANDIDATES = 200
"""Chunks whose exact BM25 is computed."""
MOST_TERMS = 62
"""Terms of a question that candidates are told apart by, the rarest."""

FREQUENCIES = """
SELECT term, df FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s::int[])
"""

# Only the index and the rows' heads are read here; the packed terms wait for the few. OFFSET 0
# keeps every group a search of its own: joined, the planner may hold all groups against all chunks,
# as it takes comparing arrays to cost nothing. A term that a group repeats is looked up once.
CANDIDATES_BY_GROUP = """
SELECT string_agg(int8send(chunk_id) || int8send(terms), ''::bytea)
  FROM (SELECT found.chunk_id, bit_or(q.mask) AS terms
          FROM unnest(%(ones)s::int[], %(others)s::int[], %(thirds)s::int[], %(masks)s::bigint[])
               AS q (one, other, third, mask)
         CROSS JOIN LATERAL (
               SELECT c.chunk_id FROM chunks c
                WHERE c.terms @> ARRAY[q.one, q.other, q.third]
                  AND c.collection_id = %(collection_id)s {conditions}
               OFFSET 0
              ) AS found
         GROUP BY found.chunk_id) AS candidates
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
    chunks: int = 0
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
        chunks=chunks,
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
    """Return the chunks that may be the best: those with the most of the telling terms."""
    if not weighed.weights:
        return []
    key = parameters(collection_id, only)
    told = sorted(weighed.weights, key=lambda term: (weighed.frequencies[term], term))[:MOST_TERMS]
    groups = choose_groups([weighed.frequencies[term] for term in told], weighed.chunks)
    if not groups:
        # Only common terms: some of the chunks that have several of them at once, or the rarest.
        query = CANDIDATES_BY_ALL.format(conditions=conditions(only))
        for terms in (told[:3], told[:1]):
            rows = fetch(conn, query, {**key, "terms": as_array(terms), "limit": CANDIDATES})
            if rows:
                return [chunk_id for (chunk_id,) in rows]
        return []
    triples = [(*group, *group, *group)[:3] for group in groups]
    key |= {
        name: as_array([told[triple[place]] for triple in triples])
        for place, name in enumerate(("ones", "others", "thirds"))
    }
    key["masks"] = as_array([sum(1 << place for place in group) for group in groups])
    ((packed,),) = fetch(conn, CANDIDATES_BY_GROUP.format(conditions=conditions(only)), key)
    found = np.frombuffer(packed or b"", ">i8").astype(np.int64).reshape(-1, 2)
    has = found[:, 1:] >> np.arange(len(told)) & 1
    worth = has @ np.array([weighed.weights[term] for term in told])
    best = np.lexsort((found[:, 0], -worth))[:CANDIDATES]
    chunk_ids: list[int] = found[best, 0].tolist()
    return chunk_ids


def choose_groups(frequencies: Sequence[int], chunks: int) -> list[tuple[int, ...]]:
    """Return the places of terms, one to three, that are looked for together in one chunk.

    Rare terms are looked for alone. A chunk among the best that has none of them has several of
    the others: of these pairs are looked for, the rarest first, and three where pairs are too many.

    Args:
        frequencies: In how many chunks each term is, rising.
        chunks: Chunks of the collection.
    """
    if sum(frequencies) <= max(ALONE, TOGETHER):
        return [(place,) for place in range(len(frequencies))]
    groups: list[tuple[int, ...]] = []
    seen = 0.0
    for place, frequency in enumerate(frequencies):
        seen += frequency
        if seen > ALONE:
            break
        groups.append((place,))
    rest = range(len(groups), min(len(groups) + COMBINED, len(frequencies)))
    if not groups and frequencies[0] <= FIRST:
        groups.append((0,))
    seen = 0.0
    for size in (2, 3):
        taken = [set(group) for group in groups if len(group) > 1]
        expected = {
            group: frequencies[group[0]]
            * math.prod(ALIKE * frequencies[place] / chunks for place in group[1:])
            for group in combinations(rest, size)
        }
        for group in sorted(expected, key=lambda group: (expected[group], group)):
            if any(pair <= set(group) for pair in taken):
                continue
            if seen + expected[group] > TOGETHER or len(groups) >= GROUPS:
                break
            seen += expected[group]
            groups.append(group)
    return groups


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
    with ask(conn, query, key, prepare=prepare) as reader:
        return reader.fetchall()


def ask(
    conn: Connection[Row],
    query: LiteralString | SQL | Composed,
    key: Mapping[str, Any],
    *,
    prepare: bool | None = True,
) -> Cursor[tuple[Any, ...]]:
    """Ask for such rows, to be read and closed by the caller."""
    reader = conn.cursor(row_factory=tuple_row, binary=True)
    return reader.execute(query, key, prepare=prepare)


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
