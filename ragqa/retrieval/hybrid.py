"""Retrieval: by words, by meaning, by the documents a question names; fused, each stage shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ragqa.retrieval.across import bridge_of, credit
from ragqa.retrieval.closeness import SEEN, read_closely
from ragqa.retrieval.explain import Explained, Stage, Watch, match_terms, tell_terms
from ragqa.retrieval.fusion import scale
from ragqa.retrieval.gathering import DEPTH, gather
from ragqa.retrieval.labels import shares_of_labels
from ragqa.retrieval.spread import spread
from ragqa.retrieval.statements import asks_for_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ragqa.ports import ChunkSearch, Embedder, Place, Reranker, Scored
    from ragqa.retrieval.closeness import CloseReader
    from ragqa.retrieval.gathering import Gathered
    from ragqa.types import Filter, Hit

Value = TypeVar("Value")

LOOKED_AT = 60
"""Chunks, the best by all other stages, whose whole pages are scored and which may be shown."""
RERANKED = 20
"""Hits that a cross-encoder reads."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each stage is worth; chosen on development questions by ``benchmarks/retrieval.py``."""

    lexical: float = 0.25
    page: float = 0.3
    pair: float = 0.4
    year: float = 0.5
    rarest: float = 0.2
    dense: float = 0.6
    name: float = 0.3
    code: float = 0.8
    statement: float = 1.75
    figures_dense: float = 0.5
    """What of ``dense`` is left when figures are asked for: vectors hardly tell tables apart."""
    figures_pair: float = 1.5
    """By how much ``pair`` grows then."""
    label: float = 0.7
    """What the row of a table is worth that a question for figures names."""
    across: float = 0.5
    """What a passage in another language than the question is credited of what words are worth."""
    sure: float = 0.25
    """Share of the best possible BM25 score from which on words count in full."""


class HybridRetriever:
    """Finds chunks by their words and by their meaning; fills the port ``Retriever``."""

    def __init__(
        self,
        chunks: ChunkSearch,
        embedder: Embedder,
        reranker: Reranker | None = None,
        *,
        reader: CloseReader | None = None,
        weights: Weights | None = None,
        note: Callable[[Sequence[Stage]], None] | None = None,
    ) -> None:
        """Search ``chunks`` by ``embedder``; ``note`` is told how long each stage took.

        Passages that come out nearly alike are read by ``reader``, if there is no ``reranker``.
        """
        self._chunks = chunks
        self._embedder = embedder
        self._reranker = reranker
        self._reader = reader
        self._weights = weights or Weights()
        self._note = note

    def retrieve(
        self,
        question: str,
        collection: str | Sequence[str],
        *,
        limit: int,
        only: Filter | None = None,
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first.

        Where the question stands word for word comes first; further chunks of one page, and texts
        that are there twice, come after the pages that are not among the hits yet.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If a collection was embedded by another model.
        """
        return list(self._search(question, collection, limit, only, tell=False).hits)

    def explain(
        self,
        question: str,
        collection: str | Sequence[str],
        *,
        limit: int,
        only: Filter | None = None,
    ) -> Explained:
        """Return the hits that ``retrieve`` returns, and how they came about."""
        return self._search(question, collection, limit, only, tell=True)

    def _search(
        self,
        question: str,
        collection: str | Sequence[str],
        limit: int,
        only: Filter | None,
        *,
        tell: bool,
    ) -> Explained:
        names = [collection] if isinstance(collection, str) else list(collection)
        if limit < 1 or not question.strip() or not names:
            return Explained(())
        watch = Watch()
        with watch.step("embedding"):
            vector = self._embedder.embed_query(question)
        bridge = partial(bridge_of, self._embedder)
        with self._chunks.open(names, model=self._embedder.name) as snapshots:
            everything = [
                gather(s, question, vector, only, watch, is_word=self._is_word, bridge=bridge)
                for s in snapshots
            ]
            weights = _weigh(everything, self._weights)
            wanted = max(limit, SEEN if self._reranker is None else RERANKED)
            with watch.step("fusion") as found:
                found += _rank(everything, weights, max(LOOKED_AT, wanted + wanted // 5), watch)
            with watch.step("reading") as hits:
                hits += _read(everything, found[:wanted])
            explained = tell_terms(everything) if tell else Explained(())
            chunks = sum(gathered.snapshot.size for gathered in everything)
        standing = _standing(everything, found, hits)
        hits = [replace(h, stages=standing[h.chunk_id.number]) for h in hits]
        with watch.step("reranker" if self._reranker else "reader") as ordered:
            ordered += self._order(question, hits, _verbatim(everything), chunks)
        hits = ordered[:limit]
        reads = self._reranker or self._reader
        stages = tuple(s for s in watch.stages if reads or s.name != "reader")
        if self._note is not None:
            self._note((*stages, Stage("total", "", len(hits), watch.milliseconds)))
        if not tell:
            return Explained(tuple(hits))
        return replace(
            explained,
            hits=tuple(hits),
            matched=tuple(match_terms(everything, hits)),
            stages=stages,
            weights=tuple(asdict(weights).items()),
            milliseconds=watch.milliseconds,
        )

    def _is_word(self, word: str) -> bool:
        """Say whether the model knows a word as a whole; what is misspelt it reads in pieces."""
        return self._embedder.count_tokens(word) == 1

    def _order(self, question: str, hits: list[Hit], verbatim: set[int], chunks: int) -> list[Hit]:
        """Let what reads passages together with the question have its say, if there is anything."""
        if self._reranker is not None and hits:
            return _rerank(self._reranker, question, hits, verbatim)
        reader = self._reader
        if reader is None or chunks > reader.most_chunks or verbatim:
            return hits
        return read_closely(question, hits, reader)


def _rerank(reranker: Reranker, question: str, hits: list[Hit], verbatim: set[int]) -> list[Hit]:
    """Let the cross-encoder order the first hits; what stands there verbatim stays first."""
    kept = [hit for hit in hits if hit.chunk_id.number in verbatim]
    read = [hit for hit in hits if hit.chunk_id.number not in verbatim]
    reranked = reranker.rerank(question, read[:RERANKED])
    ordered = [
        replace(hit, stages=(*hit.stages, ("reranker", rank, hit.score)))
        for rank, hit in enumerate(reranked, start=1)
    ]
    # One list, one scale: what was not reranked keeps its order below what was.
    whole = [*kept, *ordered, *read[RERANKED:]]
    return [replace(hit, score=1 / rank) for rank, hit in enumerate(whole, start=1)]


def _weigh(everything: Sequence[Gathered], weights: Weights) -> Weights:
    """Return what each stage is worth for this question."""
    if not any(asks_for_figures(gathered.query.text) for gathered in everything):
        return weights
    dense, pair = weights.dense * weights.figures_dense, weights.pair * weights.figures_pair
    return replace(weights, dense=dense, pair=pair)


def _rank(
    everything: Sequence[Gathered], weights: Weights, most: int, watch: Watch
) -> list[Scored]:
    """Return the best chunks of all collections, best first.

    Each stage scores all chunks that any stage found: a chunk that only one of them brought up is
    not a chunk that the others gave nothing. Whole pages are scored for the best by the rest.
    """
    words = _join(gathered.words() for gathered in everything)
    cosines = _join(gathered.cosines() for gathered in everything)
    named = _join(gathered.names() for gathered in everything)
    coded = _join(gathered.codes() for gathered in everything)
    alike = _join(iter([gathered.alike for gathered in everything]))
    # A question in another language shares a number or a name with some chunk: that is noise.
    sure = min(1.0, max(words.values(), default=0.0) / weights.sure)
    by_words, by_meaning = scale(words, floor=0.0), scale(cosines, worst=DEPTH)
    foreign = frozenset[int]().union(*(gathered.foreign for gathered in everything))

    def credited(values: Mapping[int, float]) -> Mapping[int, float]:
        return credit(values, foreign, by_meaning, weights.across)

    told_by_words = credited(by_words)
    scores = {
        key: weights.lexical * sure * told_by_words.get(key, 0.0)
        + weights.dense * by_meaning.get(key, 0.0)
        + weights.name * named.get(key, 0.0)
        + weights.code * coded.get(key, 0.0)
        + weights.statement * alike.get(key, 0.0)
        for gathered in everything
        for key in gathered.chunk_ids
    }
    verbatim = _verbatim(everything)
    best = sorted(scores, key=lambda key: (key not in verbatim, -scores[key], key))
    best = best[: most + len(verbatim)]
    with watch.step("pages") as looked_at:
        looked_at += best
        whole = (
            (
                weights.page * sure,
                credited(scale(_join(g.pages(_of(g, best)) for g in everything), floor=0.0)),
            ),
            (weights.pair * sure, credited(_join(g.pairs(_of(g, best)) for g in everything))),
            (weights.rarest * sure, credited(_join(g.rarest(_of(g, best)) for g in everything))),
            (weights.year, _join(g.years(_of(g, best)) for g in everything)),
        )
    scores = {
        key: scores[key] + sum(weight * of_pages.get(key, 0.0) for weight, of_pages in whole)
        for key in best
    }
    places: dict[int, Place] = _join(g.snapshot.places(_of(g, best)) for g in everything)
    for gathered in everything:
        if asks_for_figures(gathered.query.text):
            own = _of(gathered, best)
            shares = shares_of_labels([places[key].text for key in own], gathered.asked_worth())
            for key, share in zip(own, shares, strict=True):
                scores[key] += weights.label * share
    return spread(scores, places, verbatim)


def _join(parts: Iterator[Mapping[int, Value]]) -> dict[int, Value]:
    """Put the parts of several collections together; a chunk's number is unique among all."""
    return {key: value for part in parts for key, value in part.items()}


def _of(gathered: Gathered, chunk_ids: Sequence[int]) -> list[int]:
    own = set(gathered.chunk_ids)
    return [chunk_id for chunk_id in chunk_ids if chunk_id in own]


def _verbatim(everything: Sequence[Gathered]) -> set[int]:
    return {scored.chunk_id for g in everything for scored in g.stages["verbatim"]}


def _read(everything: Sequence[Gathered], ranked: Sequence[Scored]) -> list[Hit]:
    hits: dict[int, Hit] = {}
    for gathered in everything:
        own = set(gathered.chunk_ids)
        read = gathered.snapshot.hits([scored for scored in ranked if scored.chunk_id in own])
        hits |= {hit.chunk_id.number: hit for hit in read}
    return [hits[scored.chunk_id] for scored in ranked if scored.chunk_id in hits]


def _standing(
    everything: Sequence[Gathered], ranked: Sequence[Scored], hits: Sequence[Hit]
) -> dict[int, tuple[tuple[str, int, float], ...]]:
    """Return where each stage put each hit; ranks are those of the hit's own collection."""
    shown = {hit.chunk_id.number for hit in hits}
    standing: dict[int, list[tuple[str, int, float]]] = {chunk_id: [] for chunk_id in shown}
    lists = [item for gathered in everything for item in gathered.stages.items()]
    for stage, found in [*lists, ("fusion", ranked)]:
        for rank, scored in enumerate(found, start=1):
            if scored.chunk_id in shown:
                standing[scored.chunk_id].append((stage, rank, scored.score))
    return {chunk_id: tuple(stages) for chunk_id, stages in standing.items()}
