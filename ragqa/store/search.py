"""Searching one collection: by words, by vectors and verbatim, all in one snapshot."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ragqa.errors import Conflict
from ragqa.ports import Place
from ragqa.retrieval.naming import NameIndex
from ragqa.retrieval.nearness import pair_up, share_of_pairs, share_of_terms
from ragqa.store import vectors, verbatim, words
from ragqa.store.collections import find_collection
from ragqa.store.embeddings import EmbeddingsTable, find_embeddings_table
from ragqa.store.filters import as_array, few_chunks, narrow
from ragqa.store.hits import read_hits
from ragqa.store.lexicon import list_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.ports import Scored
    from ragqa.store.db import Database
    from ragqa.types import Collection, CollectionId, Filter, Hit

    Row = dict[str, Any]

MOST_NAMES = 5_000
"""Documents of a collection up to which their names are held against each question."""

NAMES = """
SELECT document_id, name FROM documents
 WHERE collection_id = %s AND current_version IS NOT NULL
 LIMIT %s
"""

TEXTS = """
SELECT chunk_id, text FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""

# A small collection would be scanned row by row, its packed terms read for nothing; compiling a
# statement takes longer than running it.
PREPARE = """
SELECT s.generation, set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
  FROM collection_stats s WHERE s.collection_id = %s
"""

MOST_KEPT = 64
"""Collections whose names are kept in memory."""


class NamesKept:
    """The names of collections, looked at once for each state of a collection; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], tuple[int, NameIndex]] = OrderedDict()

    def get(self, conn: Connection[Row], collection_id: CollectionId, generation: int) -> NameIndex:
        """Return the names of a collection as it is in the transaction of ``conn``."""
        key = (conn.info.dsn, int(collection_id))
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known[0] == generation:
                self._kept.move_to_end(key)
                return known[1]
        rows = conn.execute(NAMES, [collection_id, MOST_NAMES + 1]).fetchall()
        few = len(rows) <= MOST_NAMES
        names = NameIndex({row["document_id"]: row["name"] for row in rows} if few else {})
        with self._lock:
            self._kept[key] = (generation, names)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return names


NAMES_KEPT = NamesKept()


class StoredChunks:
    """The chunks of all collections; fills the port ``ChunkSearch``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def open(self, collections: Sequence[str], *, model: str) -> Iterator[list[StoredSnapshot]]:
        """Look at collections through the vectors of one embedding model, all at one moment.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If a collection has chunks, but no vectors of that model.
        """
        with self._database.transaction(repeatable=True) as conn:
            table = find_embeddings_table(conn, model)
            yield [_look_at(conn, name, model, table) for name in dict.fromkeys(collections)]


def _look_at(
    conn: Connection[Row], name: str, model: str, table: EmbeddingsTable | None
) -> StoredSnapshot:
    found = find_collection(conn, name)
    if table is None and found.chunks:
        raise Conflict(
            f"collection {name!r} has no vectors of {model!r}, only of "
            f"{found.embedding_model!r}: search it with that model"
        )
    row = conn.execute(PREPARE, [found.id], prepare=True).fetchone()
    return StoredSnapshot(conn, found, table, row["generation"] if row else 0)


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One collection in one repeatable-read transaction; fills the port ``Snapshot``.

    What was read of a chunk is kept: the stages ask for much the same chunks.
    """

    conn: Connection[Row]
    collection: Collection
    table: EmbeddingsTable | None
    generation: int
    _weighed: dict[frozenset[tuple[int, float]], words.Weighed] = field(default_factory=dict)
    _few: dict[Filter | None, list[int] | None] = field(default_factory=dict)
    _bags: dict[int, words.Bag] = field(default_factory=dict)
    _cosines: dict[int, float] = field(default_factory=dict)
    _pages: dict[frozenset[tuple[int, int]], dict[int, words.Bag]] = field(default_factory=dict)

    @property
    def collection_id(self) -> CollectionId:
        """Number of the collection."""
        return self.collection.id

    @property
    def collection_name(self) -> str:
        """Name of the collection."""
        return self.collection.name

    def names(self) -> NameIndex:
        """Return the names of the served documents; of none when they are too many."""
        return NAMES_KEPT.get(self.conn, self.collection.id, self.generation)

    def lexicon(self) -> list[str]:
        """Return the words that the collection was taught."""
        return list_words(self.conn, self.collection.id)

    def narrow(self, only: Filter | None) -> Filter | None:
        """Return the filter with its metadata and dates replaced by the documents they mean."""
        return narrow(self.conn, self.collection.id, only)

    def lexical(
        self, counts: Mapping[int, float], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the best chunks by BM25, best first; every one has a term of the query."""
        weighed = self._weigh(counts)
        chunk_ids = self._few_chunks(only)
        if chunk_ids is None:
            chunk_ids = words.find_candidates(self.conn, self.collection.id, weighed, only=only)
        scores = words.score_bags(self._read_bags(chunk_ids), weighed)
        return words.best_of({key: score for key, score in scores.items() if score}, limit)

    def lexical_of(self, chunk_ids: Sequence[int], counts: Mapping[int, float]) -> dict[int, float]:
        """Return each chunk's BM25 score."""
        return words.score_bags(self._read_bags(chunk_ids), self._weigh(counts))

    def pages_of(self, chunk_ids: Sequence[int], counts: Mapping[int, float]) -> dict[int, float]:
        """Return for each chunk the BM25 score of the whole page it stands on."""
        bags = self._read_bags(chunk_ids)
        scores = words.score_pages(self._read_pages(bags), self._weigh(counts))
        return {key: scores.get((bag.document, bag.page), 0.0) for key, bag in bags.items()}

    def pairs_of(
        self, chunk_ids: Sequence[int], terms: Sequence[int], counts: Mapping[int, float]
    ) -> dict[int, float]:
        """Return for each chunk the share of the terms' neighbours that its page has as such."""
        pairs = pair_up(terms, self._weigh(counts).weights)
        return self._share(chunk_ids, lambda pages: share_of_pairs(pages, pairs)) if pairs else {}

    def shares_of(self, chunk_ids: Sequence[int], terms: Sequence[int]) -> dict[int, float]:
        """Return for each chunk the share of the terms that its page has, in [0, 1]."""
        return self._share(chunk_ids, lambda pages: share_of_terms(pages, terms)) if terms else {}

    def best_lexical(self, counts: Mapping[int, float]) -> float:
        """Return the BM25 score that no chunk can exceed, unknown terms included."""
        return self._weigh(counts).best

    def worth(self, counts: Mapping[int, float]) -> dict[int, tuple[int, float]]:
        """Return in how many chunks each term is, and what it is worth."""
        weighed = self._weigh(counts)
        return {
            term: (weighed.frequencies.get(term, 0), weighed.weights.get(term, 0.0))
            for term in counts
        }

    def terms_in(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> dict[int, frozenset[int]]:
        """Return which of the terms are in each chunk."""
        wanted = np.array(sorted(counts), dtype=np.int32)
        return {
            chunk_id: frozenset(np.intersect1d(bag.terms.astype(np.int32), wanted).tolist())
            for chunk_id, bag in self._read_bags(chunk_ids).items()
        }

    def dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the nearest chunks by cosine, best first."""
        if self.table is None:
            return []
        few = self._few_chunks(only)
        found = vectors.search(
            self.conn, self.table, self.collection, vector, limit=limit, only=only, few=few
        )
        self._cosines.update(found)
        return found

    def dense_of(self, chunk_ids: Sequence[int], vector: NDArray[np.float32]) -> dict[int, float]:
        """Return the cosine of each chunk's vector; a snapshot is asked for one vector."""
        if self.table is None:
            return {}
        missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in self._cosines]
        self._cosines.update(
            vectors.score(self.conn, self.table, self.collection.id, vector, missing)
        )
        return {key: self._cosines[key] for key in chunk_ids if key in self._cosines}

    def verbatim(self, text: str, *, limit: int, only: Filter | None = None) -> list[Scored]:
        """Return the chunks in which ``text`` stands, different documents first."""
        return verbatim.search(self.conn, self.collection.id, text, limit=limit, only=only)

    def documents_of(self, chunk_ids: Sequence[int]) -> dict[int, int]:
        """Return the number of each chunk's document."""
        return {key: bag.document for key, bag in self._read_bags(chunk_ids).items()}

    def places(self, chunk_ids: Sequence[int]) -> dict[int, Place]:
        """Return where each chunk stands, and its text."""
        bags = self._read_bags(chunk_ids)
        key = {"collection_id": self.collection.id, "chunk_ids": as_array(chunk_ids)}
        texts = {row["chunk_id"]: row["text"] for row in self.conn.execute(TEXTS, key)}
        return {
            chunk_id: Place(bag.document, bag.page, texts[chunk_id])
            for chunk_id, bag in bags.items()
        }

    def hits(self, scored: Sequence[Scored]) -> list[Hit]:
        """Return the chunks with all that a reader needs, in the order given."""
        return read_hits(self.conn, self.collection.id, scored)

    def _weigh(self, counts: Mapping[int, float]) -> words.Weighed:
        key = frozenset(counts.items())
        if key not in self._weighed:
            self._weighed[key] = words.weigh(self.conn, self.collection.id, counts)
        return self._weighed[key]

    def _few_chunks(self, only: Filter | None) -> list[int] | None:
        if only not in self._few:
            self._few[only] = few_chunks(self.conn, self.collection.id, only)
        return self._few[only]

    def _share(
        self,
        chunk_ids: Sequence[int],
        share: Callable[[Sequence[NDArray[np.int32]]], NDArray[np.float64]],
    ) -> dict[int, float]:
        bags = self._read_bags(chunk_ids)
        pages = words.join_pages(self._read_pages(bags))
        shares = dict(zip(pages, share(list(pages.values())).tolist(), strict=True))
        return {key: shares.get((bag.document, bag.page), 0.0) for key, bag in bags.items()}

    def _read_pages(self, bags: Mapping[int, words.Bag]) -> dict[int, words.Bag]:
        """Return the bags of every chunk on the pages of these."""
        pages = frozenset((bag.document, bag.page) for bag in bags.values())
        if pages and pages not in self._pages:
            self._pages[pages] = words.read_bags_of_pages(self.conn, self.collection.id, pages)
        return self._pages.get(pages, {})

    def _read_bags(self, chunk_ids: Sequence[int]) -> dict[int, words.Bag]:
        missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in self._bags]
        self._bags.update(words.read_bags(self.conn, self.collection.id, missing))
        return {key: self._bags[key] for key in chunk_ids if key in self._bags}
