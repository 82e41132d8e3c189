"""One collection at one moment: searched by words, by vectors and verbatim."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ragqa.ports import Place
from ragqa.retrieval.nearness import pair_up, share_of_pairs, share_of_terms, terms_among
from ragqa.store import spelling, vectors, verbatim, words
from ragqa.store.filters import as_array, few_chunks, narrow
from ragqa.store.hits import read_hits
from ragqa.store.titles import NAMES_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from ragqa.ports import Scored
    from ragqa.retrieval.naming import NameIndex
    from ragqa.store.beside import Beside
    from ragqa.store.embeddings import EmbeddingsTable
    from ragqa.types import CollectionId, Filter, Hit

    Row = dict[str, Any]
    Pages = dict[tuple[int, int], NDArray[np.int32]]

TEXTS = """
SELECT chunk_id, text FROM chunks
 WHERE collection_id = %(collection_id)s AND chunk_id = ANY(%(chunk_ids)s::bigint[])
"""

BESIDE_FROM = 5_000
"""Chunks from which on vectors are compared in a second connection: below, that takes longer."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One collection in one repeatable-read transaction; fills the port ``Snapshot``.

    What was read of a chunk is kept: the stages ask for much the same chunks.
    """

    conn: Connection[Row]
    beside: Beside
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
        few = self._few_chunks(only)
        if few is not None:
            return words.best_of(self.dense_of(few, vector), limit)
        return self._begin_nearest(self.conn, vector, limit=limit, only=only)()

    def begin_dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> Callable[[], list[Scored]]:
        """Begin to look for the nearest chunks; call what is returned for them."""
        many = self.size >= BESIDE_FROM and self._few_chunks(only) is None
        other = self.beside.borrow(self.conn) if many else None
        if other is None:
            return partial(self.dense, vector, limit=limit, only=only)
        return self._begin_nearest(other, vector, limit=limit, only=only)

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

    def _begin_nearest(
        self,
        conn: Connection[Row],
        vector: NDArray[np.float32],
        *,
        limit: int,
        only: Filter | None,
    ) -> Callable[[], list[Scored]]:
        if self.table is None:
            return list
        exact = vectors.are_few(self.size)
        read = vectors.begin_search(
            conn, self.table, self.collection_id, vector, limit=limit, only=only, exact=exact
        )

        def found() -> list[Scored]:
            nearest = read()
            self._cosines.setdefault(vector.tobytes(), {}).update(nearest)
            return nearest

        return found

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
