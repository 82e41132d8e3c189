"""Searching one collection: BM25, vectors and verbatim text, all in one snapshot."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from ragqa.errors import Conflict
from ragqa.ports import Scored
from ragqa.retrieval.bm25 import inverse_document_frequency, score_bm25
from ragqa.retrieval.folding import find_squeezed, squeeze
from ragqa.store.collections import find_collection
from ragqa.store.embeddings import (
    EXACT_BELOW,
    EmbeddingsTable,
    find_embeddings_table,
    to_halfvec,
)
from ragqa.store.hits import read_hits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.types import Collection, Filter, Hit

    Row = dict[str, Any]

POSTINGS = 20_000
"""Occurrences that finding candidates may look at, rare terms first."""
CANDIDATES = 400
"""Chunks whose exact BM25 is computed."""
FEW = 2_000
"""Chunks that a filter may leave for all of them to be scored exactly."""
EF_SEARCH = 200
"""Breadth of the search in an HNSW index."""

STATS = """
SELECT s.chunks, s.terms FROM collection_stats s WHERE s.collection_id = %(collection_id)s
"""

FREQUENCIES = """
SELECT term, df FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s)
"""

FILTER = """
   AND (%(documents)s::bigint[] IS NULL OR c.document_id = ANY(%(documents)s))
   AND (%(first)s::int IS NULL OR c.page_number BETWEEN %(first)s AND %(last)s)
   AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
"""

SOME = (
    "SELECT c.chunk_id FROM chunks c WHERE c.collection_id = %(collection_id)s"
    + FILTER
    + " LIMIT %(limit)s"
)

# Only the index and the rows' heads are read here; the long arrays of terms wait for the few.
CANDIDATES_BY_TERM = (
    """
SELECT c.chunk_id
  FROM unnest(%(terms)s::int[], %(weights)s::float8[]) AS q (term, weight)
  JOIN chunks c ON c.terms @> ARRAY[q.term]
 WHERE c.collection_id = %(collection_id)s"""
    + FILTER
    + """
 GROUP BY c.chunk_id
 ORDER BY sum(q.weight) DESC, c.chunk_id
 LIMIT %(limit)s
"""
)

CANDIDATES_BY_ALL = (
    "SELECT c.chunk_id FROM chunks c"
    " WHERE c.collection_id = %(collection_id)s AND c.terms @> %(terms)s::int[]"
    + FILTER
    + " LIMIT %(limit)s"
)

TERMS = """
SELECT chunk_id, array_send(terms) AS terms FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s)
"""

# Vectors have length 1: the inner product is the cosine.
NEAREST = """
SELECT e.chunk_id, -(e.embedding <#> %(vector)s) AS score
  FROM {table} e
 WHERE e.collection_id = {collection_id}{where}
 ORDER BY e.embedding <#> %(vector)s
 LIMIT %(limit)s
"""

COSINES = """
SELECT e.chunk_id, -(e.embedding <#> %(vector)s) AS score
  FROM {table} e
 WHERE e.collection_id = {collection_id} AND e.chunk_id = ANY(%(chunk_ids)s)
"""

PAGES_WITH = """
SELECT t.document_id, t.page_number, p.text
  FROM page_texts t
  JOIN documents d USING (collection_id, document_id)
  JOIN pages p ON (p.collection_id, p.document_id, p.version, p.page_number)
                = (t.collection_id, t.document_id, d.current_version, t.page_number)
 WHERE t.collection_id = %(collection_id)s AND t.squeezed LIKE %(pattern)s
   AND (%(documents)s::bigint[] IS NULL OR t.document_id = ANY(%(documents)s))
   AND (%(first)s::int IS NULL OR t.page_number BETWEEN %(first)s AND %(last)s)
 ORDER BY (strpos(p.text, %(text)s) > 0) DESC,
          row_number() OVER (PARTITION BY t.document_id ORDER BY t.page_number),
          t.document_id
 LIMIT %(limit)s
"""

CHUNKS_OF_PAGES = """
SELECT c.chunk_id, c.document_id, c.page_number, c.span_start, c.span_end
  FROM unnest(%(document_ids)s::bigint[], %(page_numbers)s::int[]) AS q (document_id, page_number)
  JOIN chunks c USING (document_id, page_number)
 WHERE c.collection_id = %(collection_id)s
   AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
 ORDER BY c.chunk_id
"""


class StoredChunks:
    """The chunks of all collections; fills the port ``ChunkSearch``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def open(self, collection: str, *, model: str) -> Iterator[StoredSnapshot]:
        """Look at one collection through the vectors of one embedding model.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If the collection has chunks, but no vectors of that model.
        """
        with self._database.transaction(repeatable=True) as conn:
            found = find_collection(conn, collection)
            table = find_embeddings_table(conn, model)
            if table is None and found.chunks:
                raise Conflict(
                    f"collection {collection!r} has no vectors of {model!r}, only of "
                    f"{found.embedding_model!r}: search it with that model"
                )
            yield StoredSnapshot(conn, found, table)


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One collection in one repeatable-read transaction; fills the port ``Snapshot``."""

    conn: Connection[Row]
    collection: Collection
    table: EmbeddingsTable | None

    def lexicon(self) -> list[str]:
        """Return the words that the collection was taught."""
        rows = self.conn.execute(
            "SELECT word FROM lexicon WHERE collection_id = %(collection_id)s ORDER BY word",
            self._key(None),
        )
        return [row["word"] for row in rows]

    def lexical(
        self, counts: Mapping[int, float], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the best chunks by BM25; candidates by the rare terms, exact scores for them."""
        weights, frequencies, average = self._weigh(counts)
        if not weights:
            return []
        chunk_ids = self._few(only)
        if chunk_ids is None:
            chunk_ids = self._candidates(weights, frequencies, only)
        scores = self._score(chunk_ids, weights, average)
        return _best(scores, limit)

    def dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the nearest chunks: exact where few can be, by HNSW in a large collection."""
        if self.table is None:
            return []
        few = self._few(only)
        if few is not None:
            return _best(self.dense_of(few, vector), limit)
        where = ""
        if only is not None:
            where = (
                " AND EXISTS (SELECT FROM chunks c WHERE c.collection_id = e.collection_id"
                " AND c.chunk_id = e.chunk_id" + FILTER + ")"
            )
        if self.collection.chunks > EXACT_BELOW:
            self._widen(max(EF_SEARCH, limit))
        else:
            # The index of another collection must not answer for this one.
            self.conn.execute("SET LOCAL enable_indexscan = on")
        query = sql.SQL(NEAREST).format(
            table=self.table.identifier,
            collection_id=sql.Literal(self.collection.id),
            where=sql.SQL(where),
        )
        rows = self.conn.execute(
            query,
            {
                **self._key(only),
                "vector": to_halfvec(vector, self.table.dimension),
                "limit": limit,
            },
        )
        return _best({row["chunk_id"]: row["score"] for row in rows}, limit)

    def verbatim(self, text: str, *, limit: int, only: Filter | None = None) -> list[Scored]:
        """Return the chunks in which ``text`` stands, different documents first."""
        squeezed = squeeze(text).replace("\0", "")
        if not squeezed:
            return []
        key = {**self._key(only), "text": text.strip().replace("\0", ""), "limit": limit}
        rows = self.conn.execute(
            PAGES_WITH, {**key, "pattern": f"%{_escape(squeezed)}%"}
        ).fetchall()
        if not rows:
            return []
        ranges = {
            (row["document_id"], row["page_number"]): (
                index,
                find_squeezed(row["text"], squeezed),
                key["text"] in row["text"],
            )
            for index, row in enumerate(rows)
        }
        chunks = self.conn.execute(
            CHUNKS_OF_PAGES,
            {
                **key,
                "document_ids": [document_id for document_id, _ in ranges],
                "page_numbers": [page_number for _, page_number in ranges],
            },
        )
        found: list[tuple[int, Scored]] = []
        for chunk in chunks:
            place, spans, exact = ranges[chunk["document_id"], chunk["page_number"]]
            covered = max(
                (min(end, chunk["span_end"]) - max(start, chunk["span_start"]))
                for start, end in spans
            )
            if covered > 0:
                found.append((place, Scored(chunk["chunk_id"], float(covered + exact))))
        found.sort(key=lambda item: (item[0], -item[1].score, item[1].chunk_id))
        return [scored for _, scored in found][:limit]

    def lexical_of(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> Mapping[int, float]:
        """Return the BM25 score of each chunk."""
        weights, _, average = self._weigh(counts)
        return self._score(chunk_ids, weights, average)

    def dense_of(
        self, chunk_ids: Sequence[int], vector: NDArray[np.float32]
    ) -> Mapping[int, float]:
        """Return the cosine of each chunk's vector."""
        if self.table is None or not chunk_ids:
            return {}
        query = sql.SQL(COSINES).format(
            table=self.table.identifier, collection_id=sql.Literal(self.collection.id)
        )
        rows = self.conn.execute(
            query,
            {
                "vector": to_halfvec(vector, self.table.dimension),
                "chunk_ids": list(chunk_ids),
            },
        )
        return {row["chunk_id"]: row["score"] for row in rows}

    def hits(self, scored: Sequence[Scored]) -> list[Hit]:
        """Return the chunks with all that a reader needs, in the order given."""
        return read_hits(self.conn, self.collection.id, scored)

    def _weigh(self, counts: Mapping[int, float]) -> tuple[dict[int, float], dict[int, int], float]:
        """Return each known term's weight and frequency, and the mean length of a chunk."""
        stats = self.conn.execute(STATS, self._key(None)).fetchone()
        if stats is None or not stats["chunks"] or not counts:
            return {}, {}, 0.0
        rows = self.conn.execute(FREQUENCIES, {**self._key(None), "terms": list(counts)})
        frequencies = {row["term"]: row["df"] for row in rows}
        weights = {
            term: counts[term] * inverse_document_frequency(df, stats["chunks"])
            for term, df in frequencies.items()
        }
        return weights, frequencies, stats["terms"] / stats["chunks"]

    def _candidates(
        self, weights: Mapping[int, float], frequencies: Mapping[int, int], only: Filter | None
    ) -> list[int]:
        """Return the chunks that may be the best: those with the rare terms."""
        rarest = sorted(weights, key=lambda term: (frequencies[term], term))
        taken: list[int] = []
        postings = 0
        for term in rarest:
            postings += frequencies[term]
            if taken and postings > POSTINGS:
                break
            taken.append(term)
        # A small collection would be scanned row by row, its long arrays unpacked for nothing.
        self.conn.execute("SET LOCAL enable_seqscan = off")
        key = self._key(only)
        if len(taken) == 1 and frequencies[taken[0]] > POSTINGS:
            rows = self.conn.execute(
                CANDIDATES_BY_ALL, {**key, "terms": rarest[:3], "limit": CANDIDATES}
            ).fetchall()
            if rows:
                return [row["chunk_id"] for row in rows]
        rows = self.conn.execute(
            CANDIDATES_BY_TERM,
            {
                **key,
                "terms": taken,
                "weights": [weights[term] for term in taken],
                "limit": CANDIDATES,
            },
        ).fetchall()
        return [row["chunk_id"] for row in rows]

    def _score(
        self, chunk_ids: Sequence[int], weights: Mapping[int, float], average: float
    ) -> dict[int, float]:
        if not chunk_ids or not weights:
            return {}
        rows = self.conn.execute(
            TERMS, {**self._key(None), "chunk_ids": list(chunk_ids)}
        ).fetchall()
        bags = [_read_array(row["terms"]) for row in rows]
        scores = score_bm25(bags, weights, average_length=average)
        return {
            row["chunk_id"]: float(score) for row, score in zip(rows, scores, strict=True) if score
        }

    def _few(self, only: Filter | None) -> list[int] | None:
        """Return all chunks that a selective filter leaves; None when they are many."""
        if only is None:
            return None
        rows = self.conn.execute(SOME, {**self._key(only), "limit": FEW + 1}).fetchall()
        return [row["chunk_id"] for row in rows] if len(rows) <= FEW else None

    def _widen(self, breadth: int) -> None:
        """Let HNSW go on until enough rows pass the filter, and make sure that it will."""
        self.conn.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
        self.conn.execute(sql.SQL("SET LOCAL hnsw.ef_search = {}").format(min(breadth, 1000)))
        row = self.conn.execute("SHOW hnsw.iterative_scan").fetchone()
        if row is None or "relaxed_order" not in row.values():
            raise Conflict("pgvector does not scan iteratively: 0.8 or newer is needed")

    def _key(self, only: Filter | None) -> dict[str, Any]:
        pages = only.pages if only else None
        return {
            "collection_id": self.collection.id,
            "documents": [document.number for document in only.documents] or None if only else None,
            "first": pages[0] if pages else None,
            "last": pages[1] if pages else None,
            "kind": only.kind if only else None,
        }


def _read_array(sent: bytes) -> NDArray[np.int32]:
    """Read an ``int[]`` without nulls in Postgres' binary form: a head, then (4, value) pairs."""
    if len(sent) <= 12:
        return np.zeros(0, np.int32)
    return np.frombuffer(sent, ">i4", offset=20).reshape(-1, 2)[:, 1].astype(np.int32)


def _best(scores: Mapping[int, float], limit: int) -> list[Scored]:
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(chunk_id, score) for chunk_id, score in ranked[:limit]]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
