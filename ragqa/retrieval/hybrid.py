"""Retrieval: lexical and dense search, fused; what stands there verbatim comes first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.ports import Scored
from ragqa.retrieval.fusion import fuse_by_score
from ragqa.retrieval.lexical import hash_term
from ragqa.retrieval.question import question_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ragqa.ports import ChunkSearch, Embedder, Reranker
    from ragqa.types import Filter, Hit

DEPTH = 100
"""Chunks that each stage contributes."""
LEXICAL_WEIGHT = 0.5


class HybridRetriever:
    """Finds chunks by their words and by their meaning; fills the port ``Retriever``."""

    def __init__(
        self, chunks: ChunkSearch, embedder: Embedder, reranker: Reranker | None = None
    ) -> None:
        self._chunks = chunks
        self._embedder = embedder
        self._reranker = reranker

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If the collection was embedded by another model.
        """
        if limit < 1 or not question.strip():
            return []
        vector = self._embedder.embed_query(question)
        terms = question_terms(question)
        counts = Counter(hash_term(term) for term in terms)
        with self._chunks.open(collection, model=self._embedder.name) as snapshot:
            lexical = snapshot.lexical(counts, limit=DEPTH, only=only)
            dense = snapshot.dense(vector, limit=DEPTH, only=only)
            verbatim = snapshot.verbatim(question, limit=max(limit, 50), only=only)
            stages = {"lexical": lexical, "dense": dense, "verbatim": verbatim}
            ids = list(dict.fromkeys(s.chunk_id for found in stages.values() for s in found))
            fused = fuse_by_score(
                (
                    (LEXICAL_WEIGHT, snapshot.lexical_of(ids, counts)),
                    (1 - LEXICAL_WEIGHT, snapshot.dense_of(ids, vector)),
                )
            )
            ranked = _put_verbatim_first(fused, verbatim)
            hits = snapshot.hits(ranked[:limit])
        return [replace(hit, stages=_places(hit.chunk_id.number, stages)) for hit in hits]


def _put_verbatim_first(fused: Mapping[int, float], verbatim: Sequence[Scored]) -> list[Scored]:
    found = {scored.chunk_id for scored in verbatim}
    scores = {key: score + (key in found) for key, score in fused.items()}
    for chunk_id in found - scores.keys():
        scores[chunk_id] = 1.0
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(chunk_id, score) for chunk_id, score in ranked]


def _places(
    chunk_id: int, stages: Mapping[str, Sequence[Scored]]
) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (stage, rank, scored.score)
        for stage, found in stages.items()
        for rank, scored in enumerate(found, start=1)
        if scored.chunk_id == chunk_id
    )
