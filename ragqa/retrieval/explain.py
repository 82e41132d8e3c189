"""Why a search found what it found, as plain data."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ragqa.retrieval.lexical import hash_term

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ragqa.retrieval.gathering import Gathered
    from ragqa.types import Hit


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the question as lexical search takes it."""

    text: str
    collection: str
    times: float
    """How often the question asks for it."""
    chunks: int
    """Chunks of the collection that have it."""
    weight: float
    """What a chunk that has it gains by it: its inverse document frequency times ``times``."""


@dataclass(frozen=True, slots=True)
class Named:
    """A document whose name the question mentions."""

    filename: str
    score: float
    """How well the question bears the name out, in (0, 1]."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the search."""

    name: str
    collection: str
    found: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Explained:
    """Hits, best first, and how they came about."""

    hits: tuple[Hit, ...]
    terms: tuple[Term, ...] = ()
    respelt: tuple[tuple[str, str], ...] = ()
    """Words of the question that no chunk has, with the words taken instead."""
    named: tuple[Named, ...] = ()
    stages: tuple[Stage, ...] = ()
    matched: tuple[tuple[str, ...], ...] = ()
    """For each hit the terms of the question that are in it."""
    weights: tuple[tuple[str, float], ...] = ()
    """What each stage is worth in the sum that orders the hits."""
    milliseconds: float = 0.0


def explained_to_json(explained: Explained) -> dict[str, Any]:
    """Return the explanation without the hits; each hit carries its stages itself."""
    return {
        "terms": [asdict(term) for term in explained.terms],
        "respelt": dict(explained.respelt),
        "named": [asdict(named) for named in explained.named],
        "stages": [asdict(stage) for stage in explained.stages],
        "matched": [list(terms) for terms in explained.matched],
        "weights": dict(explained.weights),
        "milliseconds": explained.milliseconds,
    }


def tell_terms(everything: Sequence[Gathered]) -> Explained:
    """Return how each collection took the question; no hits yet."""
    terms: list[Term] = []
    named: list[Named] = []
    for gathered in everything:
        counts = gathered.query.counts
        worth = gathered.snapshot.worth(counts)
        for text in dict.fromkeys(gathered.query.terms):
            term = hash_term(text)
            chunks, weight = worth[term]
            name = gathered.snapshot.collection_name
            terms.append(Term(text, name, counts[term], chunks, weight))
        files = gathered.snapshot.names().by_number
        named += [Named(files[number], score) for number, score in gathered.named.items()]
    respelt = {pair: None for g in everything for pair in g.query.respelt.items()}
    ranked = sorted(named, key=lambda one: -one.score)
    return Explained((), terms=tuple(terms), respelt=tuple(respelt), named=tuple(ranked))


def match_terms(everything: Sequence[Gathered], hits: Sequence[Hit]) -> Iterator[tuple[str, ...]]:
    """Yield for each hit the terms of the question that are in it."""
    for hit in hits:
        for gathered in everything:
            if gathered.snapshot.collection_id == hit.chunk_id.collection_id:
                number = hit.chunk_id.number
                there = gathered.snapshot.terms_in([number], gathered.query.counts)[number]
                terms = dict.fromkeys(gathered.query.terms)
                yield tuple(term for term in terms if hash_term(term) in there)


class Watch:
    """Notes how long each step took and how much it found."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._told = 0.0
        self._started = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """Time since the watch was made."""
        return (time.perf_counter() - self._started) * 1000

    @contextmanager
    def step(self, name: str, collection: str = "") -> Iterator[list[Any]]:
        """Time a step; what is put into the list that it gives is counted as found.

        The time of a step inside of it is that one's alone.
        """
        started, told = time.perf_counter(), self._told
        found: list[Any] = []
        yield found
        took = (time.perf_counter() - started) * 1000 - (self._told - told)
        self._told += took
        self.stages.append(Stage(name, collection, len(found), took))
