"""Searching one collection: by words, by vectors and verbatim, all in one snapshot."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict, NotFound
from ragqa.ports import Place
from ragqa.retrieval.nearness import pair_up, share_of_pairs, share_of_terms, terms_among
from ragqa.store import spelling, vectors, verbatim, words
from ragqa.store.embeddings import EmbeddingsTable
from ragqa.store.filters import as_array, few_chunks, narrow
from ragqa.store.hits import read_hits
from ragqa.store.titles import NAMES_KEPT
from ragqa.types import CollectionId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence, Set

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.ports import Scored
    from ragqa.retrieval.naming import NameIndex
    from ragqa.store.db import Database
    from ragqa.types import Filter, Hit

    Row = dict[str, Any]
    Pages = dict[tuple[int, int], NDArray[np.int32]]

TEXTS = """
SELECT chunk_id, text FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""

# A small collection would be scanned row by row, its packed terms read for nothing; compiling a
# statement takes longer than running it, and planning it anew for each question nearly as long.
OPEN = """
SELECT c.collection_id, c.embedding_model, m.table_key, m.dimension,
       coalesce(s.generation, 0) AS generation,
       coalesce(s.chunks, 0) AS chunks, coalesce(s.terms, 0) AS terms,
       ARRAY(SELECT l.word FROM lexicon l WHERE l.collection_id = c.collection_id ORDER BY l.word)
           AS lexicon,
       set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
  FROM collections c
  LEFT JOIN collection_stats s USING (collection_id)
  LEFT JOIN embedding_models m ON m.name = %(model)s
 WHERE c.name = %(name)s
"""


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
            yield [_look_at(conn, name, model) for name in dict.fromkeys(collections)]


def _look_at(conn: Connection[Row], name: str, model: str) -> StoredSnapshot:
    key = {"name": name.replace("\0", ""), "model": model}
    row = conn.execute(OPEN, key, prepare=True).fetchone()
    if row is None:
        raise NotFound(f"no collection {name!r}", code="collection_not_found")
    table = None
    if row["table_key"] is not None:
        table = EmbeddingsTable.of_key(row["table_key"], row["dimension"])
    elif row["chunks"]:
        raise Conflict(
            f"collection {name!r} has no vectors of {model!r}, only of "
            f"{row['embedding_model']!r}: search it with that model"
        )
    return StoredSnapshot(
        conn,
        CollectionId(row["collection_id"]),
        name,
        table,
        row["generation"],
        (row["chunks"], row["terms"]),
        row["lexicon"],
    )


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One collection in one repeatable-read transaction; fills the port ``Snapshot``.

    What was read of a chunk is kept: the stages ask for much the same chunks.
    """

    conn: Connection[Row]
    collection_id: CollectionId
    collection_name: str
    table: EmbeddingsTable | None
    generation: int = 0
    stats: tuple[int, int] = (0, 0)
    """Chunks of the collection, and their terms."""
    taught: Sequence[str] = ()
    """Words that the collection was taught."""
    _weighed: dict[frozenset[tuple[int, float]], words.Weighed] = field(default_factory=dict)
    _few: dict[Filter | None, list[int] | None] = field(default_factory=dict)
    _bags: dict[int, words.Bag] = field(default_factory=dict)
    _cosines: dict[bytes, dict[int, float]] = field(default_factory=dict)
    _scores: dict[frozenset[tuple[int, float]], dict[int, float]] = field(default_factory=dict)
    _pages: dict[frozenset[tuple[int, int]], Pages] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Chunks of the collection."""
        return self.stats[0]

    def names(self) -> NameIndex:
        """Return the names of the served documents; of none when they are too many."""
        return NAMES_KEPT.get(self.conn, self.collection_id, self.generation)

    def lexicon(self) -> list[str]:
        """Return the words that the collection was taught."""
        return list(self.taught)

    def respell(self, asked: Sequence[str]) -> dict[str, str]:
        """Return for words that the collection does not have the ones that they must mean."""
        return spelling.respell(self.conn, self.collection_id, asked) if asked else {}

    def narrow(self, only: Filter | None) -> Filter | None:
        """Return the filter with its metadata and dates replaced by the documents they mean."""
        return narrow(self.conn, self.collection_id, only)

    def lexical(
        self, counts: Mapping[int, float], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the best chunks by BM25, best first; every one has a term of the query."""
        weighed = self._weigh(counts)
        chunk_ids = self._few_chunks(only)
        if chunk_ids is None:
            chunk_ids = words.find_candidates(self.conn, self.collection_id, weighed, only=only)
        scores = self.lexical_of(chunk_ids, counts)
        return words.best_of({key: score for key, score in scores.items() if score}, limit)

    def lexical_of(self, chunk_ids: Sequence[int], counts: Mapping[int, float]) -> dict[int, float]:
        """Return each chunk's BM25 score."""
        known = self._scores.setdefault(frozenset(counts.items()), {})
        bags = self._read_bags([key for key in chunk_ids if key not in known])
        known |= words.score_bags(bags, self._weigh(counts))
        return {key: known[key] for key in chunk_ids if key in known}

    def pages_of(self, chunk_ids: Sequence[int], counts: Mapping[int, float]) -> dict[int, float]:
        """Return for each chunk the BM25 score of the whole page it stands on."""
        bags = self._read_bags(chunk_ids)
        scores = words.score_pages(self._read_pages(bags), self._weigh(counts))
        return {key: scores.get((bag.document, bag.page), 0.0) for key, bag in bags.items()}

    def pairs_of(
        self,
        chunk_ids: Sequence[int],
        terms: Sequence[int],
        counts: Mapping[int, float],
        *,
        names: Set[int] = frozenset(),
    ) -> dict[int, float]:
        """Return for each chunk the share of the terms' neighbours that its page has as such."""
        pairs = pair_up(terms, self._weigh(counts).weights, names=names)
        return self._share(chunk_ids, lambda pages: share_of_pairs(pages, pairs)) if pairs else {}

    def shares_of(self, chunk_ids: Sequence[int], terms: Sequence[int]) -> dict[int, float]:
        """Return for each chunk the share of the terms that its page has, in [0, 1]."""
        return self._share(chunk_ids, lambda pages: share_of_terms(pages, terms)) if terms else {}

    def pages_under(self, chunk_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return the document and the page that each chunk stands on."""
        return {key: (bag.document, bag.page) for key, bag in self._read_bags(chunk_ids).items()}

    def page_terms(self, chunk_ids: Sequence[int]) -> Pages:
        """Return the terms of the pages that the chunks stand on, in the order of the text."""
        return self._read_pages(self._read_bags(chunk_ids))

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
        bags = self._read_bags(chunk_ids)
        return dict(
            zip(bags, terms_among([bag.terms for bag in bags.values()], counts), strict=True)
        )

    def dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the nearest chunks by cosine, best first."""
        if self.table is None:
            return []
        few = self._few_chunks(only)
        found = vectors.search(
            self.conn,
            self.table,
            self.collection_id,
            vector,
            limit=limit,
            only=only,
            few=few,
            exact=vectors.are_few(self.stats[0]),
        )
        self._cosines.setdefault(vector.tobytes(), {}).update(found)
        return found

    def dense_of(self, chunk_ids: Sequence[int], vector: NDArray[np.float32]) -> dict[int, float]:
        """Return the cosine of each chunk's vector."""
        if self.table is None:
            return {}
        known = self._cosines.setdefault(vector.tobytes(), {})
        missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in known]
        known.update(vectors.score(self.conn, self.table, self.collection_id, vector, missing))
        return {key: known[key] for key in chunk_ids if key in known}

    def verbatim(self, text: str, *, limit: int, only: Filter | None = None) -> list[Scored]:
        """Return the chunks in which ``text`` stands, different documents first."""
        return verbatim.search(self.conn, self.collection_id, text, limit=limit, only=only)

    def places(self, chunk_ids: Sequence[int]) -> dict[int, Place]:
        """Return where each chunk stands, and its text."""
        bags = self._read_bags(chunk_ids)
        key = {"collection_id": self.collection_id, "chunk_ids": as_array(chunk_ids)}
        texts = dict(words.fetch(self.conn, TEXTS, key))
        return {
            chunk_id: Place(bag.document, bag.page, texts[chunk_id])
            for chunk_id, bag in bags.items()
        }

    def hits(self, scored: Sequence[Scored]) -> list[Hit]:
        """Return the chunks with all that a reader needs, in the order given."""
        return read_hits(self.conn, self.collection_id, scored)

    def _weigh(self, counts: Mapping[int, float]) -> words.Weighed:
        key = frozenset(counts.items())
        if key not in self._weighed:
            found = words.weigh(self.conn, self.collection_id, counts, self.stats)
            self._weighed[key] = found
        return self._weighed[key]

    def _few_chunks(self, only: Filter | None) -> list[int] | None:
        if only not in self._few:
            self._few[only] = few_chunks(self.conn, self.collection_id, only)
        return self._few[only]

    def _share(
        self,
        chunk_ids: Sequence[int],
        share: Callable[[Sequence[NDArray[np.int32]]], NDArray[np.float64]],
    ) -> dict[int, float]:
        bags = self._read_bags(chunk_ids)
        pages = self._read_pages(bags)
        shares = dict(zip(pages, share(list(pages.values())).tolist(), strict=True))
        return {key: shares.get((bag.document, bag.page), 0.0) for key, bag in bags.items()}

    def _read_pages(self, bags: Mapping[int, words.Bag]) -> Pages:
        """Return the terms of the pages on which these stand."""
        pages = frozenset((bag.document, bag.page) for bag in bags.values())
        if pages and pages not in self._pages:
            self._pages[pages] = words.read_pages(self.conn, self.collection_id, pages)
        return self._pages.get(pages, {})

    def _read_bags(self, chunk_ids: Sequence[int]) -> dict[int, words.Bag]:
        missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in self._bags]
        self._bags.update(words.read_bags(self.conn, self.collection_id, missing))
        return {key: self._bags[key] for key in chunk_ids if key in self._bags}
