"""Retrieval: by words, by meaning, by the documents a question names; fused, each stage shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragqa.retrieval.fusion import scale
from ragqa.retrieval.lexical import hash_term
from ragqa.retrieval.naming import match_names
from ragqa.retrieval.question import question_terms
from ragqa.retrieval.spread import spread
from ragqa.types import DocumentId, Filter, Id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.ports import ChunkSearch, Embedder, Place, Reranker, Scored, Snapshot
    from ragqa.types import Hit

DEPTH = 100
"""Chunks that each stage contributes."""
VERBATIM = 50
"""Places where the question stands word for word that are looked at."""
NAMED = 20
"""Documents that a question may name for them to be searched on their own."""
RERANKED = 20
"""Hits that a cross-encoder reads."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each stage is worth; chosen on development questions by ``benchmarks/retrieval.py``."""

    lexical: float = 0.25
    page: float = 0.25
    dense: float = 0.5
    name: float = 0.3
    sure: float = 0.25
    """Share of the best possible BM25 score from which on words count in full."""


@dataclass(frozen=True, slots=True)
class _Query:
    """A question as each stage takes it."""

    text: str
    counts: Mapping[int, float]
    vector: NDArray[np.float32]
    only: Filter | None


@dataclass(slots=True)
class _Found:
    """What the stages found, best first, and the documents that the question names."""

    stages: dict[str, list[Scored]] = field(default_factory=dict)
    named: dict[int, float] = field(default_factory=dict)

    @property
    def chunk_ids(self) -> list[int]:
        return list(dict.fromkeys(s.chunk_id for found in self.stages.values() for s in found))


class HybridRetriever:
    """Finds chunks by their words and by their meaning; fills the port ``Retriever``."""

    def __init__(
        self,
        chunks: ChunkSearch,
        embedder: Embedder,
        reranker: Reranker | None = None,
        *,
        weights: Weights | None = None,
    ) -> None:
        self._chunks = chunks
        self._embedder = embedder
        self._reranker = reranker
        self._weights = weights or Weights()

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first.

        Where the question stands word for word comes first; further chunks of one page, and texts
        that are there twice, come after the pages that are not among the hits yet.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If the collection was embedded by another model.
        """
        if limit < 1 or not question.strip():
            return []
        vector = self._embedder.embed_query(question)
        with self._chunks.open(collection, model=self._embedder.name) as snapshot:
            terms = question_terms(question, lexicon=snapshot.lexicon())
            counts = Counter(hash_term(term) for term in terms)
            query = _Query(question, counts, vector, only)
            found = _find(snapshot, query)
            places = snapshot.places(found.chunk_ids)
            scores = _fuse(snapshot, query, found, places, self._weights)
            verbatim = {scored.chunk_id for scored in found.stages["verbatim"]}
            ranked = spread(scores, places, verbatim)
            wanted = limit if self._reranker is None else max(limit, RERANKED)
            hits = snapshot.hits(ranked[:wanted])
        found.stages["fusion"] = ranked
        explained = [replace(hit, stages=_standing(hit, found.stages)) for hit in hits]
        return self._rerank(question, explained, verbatim)[:limit]

    def _rerank(self, question: str, hits: list[Hit], verbatim: set[int]) -> list[Hit]:
        """Let the cross-encoder order the first hits; what stands there verbatim stays first."""
        if self._reranker is None or not hits:
            return hits
        kept = [hit for hit in hits if hit.chunk_id.number in verbatim]
        read = [hit for hit in hits if hit.chunk_id.number not in verbatim]
        reranked = self._reranker.rerank(question, read[:RERANKED])
        ordered = [
            replace(hit, stages=(*hit.stages, ("reranker", rank, hit.score)))
            for rank, hit in enumerate(reranked, start=1)
        ]
        # One list, one scale: what was not reranked keeps its order below what was.
        whole = [*kept, *ordered, *read[RERANKED:]]
        return [replace(hit, score=1 / rank) for rank, hit in enumerate(whole, start=1)]


def _find(snapshot: Snapshot, query: _Query) -> _Found:
    """Ask every stage; documents that the question names are searched on their own as well."""
    found = _Found()
    stages = found.stages
    stages["lexical"] = snapshot.lexical(query.counts, limit=DEPTH, only=query.only)
    stages["dense"] = snapshot.dense(query.vector, limit=DEPTH, only=query.only)
    stages["verbatim"] = snapshot.verbatim(query.text, limit=VERBATIM, only=query.only)
    if query.only is None or not query.only.documents:
        found.named = match_names(query.text, snapshot.document_names())
    if found.named:
        within = _within(snapshot, found.named, query.only)
        named = snapshot.lexical(query.counts, limit=DEPTH // 2, only=within)
        named += snapshot.dense(query.vector, limit=DEPTH // 2, only=within)
        stages["named"] = list({scored.chunk_id: scored for scored in named}.values())
    return found


def _within(snapshot: Snapshot, named: Mapping[int, float], only: Filter | None) -> Filter:
    best = sorted(named, key=lambda number: (-named[number], number))[:NAMED]
    documents = tuple(DocumentId(Id(snapshot.collection_id, number)) for number in best)
    return replace(only or Filter(), documents=documents)


def _fuse(
    snapshot: Snapshot,
    query: _Query,
    found: _Found,
    places: Mapping[int, Place],
    weights: Weights,
) -> dict[int, float]:
    """Return every found chunk's weighted sum of what all stages say about it.

    Each stage scores all chunks that any stage found: a chunk that only one of them brought up is
    not a chunk that the others gave nothing.
    """
    chunk_ids = found.chunk_ids
    lexical, pages = snapshot.lexical_of(chunk_ids, query.counts)
    dense = snapshot.dense_of(chunk_ids, query.vector)
    best = snapshot.best_lexical(query.counts)
    # A question in another language shares a number or a name with some chunk: that is noise.
    sure = min(1.0, max(lexical.values(), default=0.0) / (weights.sure * best)) if best else 0.0
    parts = (
        (weights.lexical * sure, scale(lexical, floor=0.0)),
        (weights.page * sure, scale(pages, floor=0.0)),
        (weights.dense, scale(dense, worst=DEPTH)),
    )
    return {
        chunk_id: sum(weight * scaled.get(chunk_id, 0.0) for weight, scaled in parts)
        + weights.name * found.named.get(places[chunk_id].document, 0.0)
        for chunk_id in chunk_ids
    }


def _standing(
    hit: Hit, stages: Mapping[str, Sequence[Scored]]
) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (stage, rank, scored.score)
        for stage, found in stages.items()
        for rank, scored in enumerate(found, start=1)
        if scored.chunk_id == hit.chunk_id.number
    )
