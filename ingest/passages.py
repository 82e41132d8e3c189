"""Pages to passages: what is stored, embedded and indexed of each chunk of a document."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ingest.chunking import chunk_page, headings_after
from ingest.surroundings import look_around
from ragqa.retrieval.context import embedded_text, lexical_text, title_of
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.store.chunks import NewChunk
from ragqa.store.moves import terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.store.moves import Analyzed
    from ragqa.types import Chunk, Page

Item = TypeVar("Item")

CHUNK_TOKENS = 128
"""Of the chunk's own text; a model that reads little keeps a quarter for title and headings."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk on its way: its place in the document, and what it is to be found by."""

    ordinal: int
    chunk: Chunk
    embedded: str
    embedded_hash: bytes
    terms: array[int]

    def stored_with(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> NewChunk:
        """Return the row to store; without a vector it takes over the one it had before."""
        return NewChunk(
            ordinal=self.ordinal,
            chunk=self.chunk,
            embedded_hash=self.embedded_hash,
            terms=self.terms,
            embedding=vectors.get(self.embedded_hash),
        )


class State(NamedTuple):
    """What reaches from one page to the next."""

    headings: tuple[str, ...] = ()
    """The path in force at the page's bottom; an empty title holds the place of a level."""
    head: str = ""
    """Heads of the table that the page begins within."""


class Passages:
    """Cuts the pages of one document in their order.

    Headings, heads of tables and broken sentences reach from page to page.
    """

    def __init__(self, name: str, embedder: Embedder, analyzed: Analyzed | None = None) -> None:
        """Cut for ``embedder``; ``name`` gives every passage its title.

        What ``analyzed`` holds is not analyzed again.
        """
        self.model = embedder.name
        self._name = name
        self._analyzed = analyzed or {}
        self._count_tokens = embedder.count_tokens
        self._most = min(CHUNK_TOKENS, (embedder.max_tokens - 2) * 3 // 4)
        self._headings: tuple[str, ...] = ()
        self._before: Page | None = None
        self._head = ""
        self.made = 0

    @property
    def title(self) -> str:
        """The document's title, which every passage begins with."""
        return title_of(self._name)

    @property
    def state(self) -> State:
        """What of the pages so far the next one's passages depend on."""
        return State(self._headings, self._head)

    def pass_by(self, made: int, state: State) -> None:
        """Leave out a page that has ``made`` passages already; ``state`` is what it leaves."""
        self._headings, self._head = state
        self._before = None
        self.made += made

    def of_page(
        self, page: Page, after: Page | None = None, before: Page | None = None
    ) -> list[Passage]:
        """Return the passages of the next page.

        Args:
            page: The page.
            after: The one that follows it.
            before: The one before it, to be told where that one was passed by.
        """
        around = look_around(page, before or self._before, after, self._head)
        chunks = chunk_page(
            page,
            self._count_tokens,
            max_tokens=self._most,
            headings=self._headings,
            around=around,
        )
        made = [
            passage_of(self._name, self.made + n, chunk, self._analyzed)
            for n, chunk in enumerate(chunks)
        ]
        self._headings = headings_after(page, self._headings)
        self._before, self._head = page, around.head
        self.made += len(made)
        return made


def passage_of(name: str, ordinal: int, chunk: Chunk, analyzed: Analyzed | None = None) -> Passage:
    """Return a chunk with all that it is found by in a document of that name."""
    embedded = embedded_text(name, chunk)
    hash_ = hashlib.sha256(embedded.encode("utf-8", "surrogatepass")).digest()
    headings, bag = (analyzed or {}).get(hash_, (None, b""))
    if headings == tuple(chunk.headings):
        terms = terms_of(bag)
    else:
        terms = array("i", (hash_term(term) for term in analyze(lexical_text(name, chunk))))
    return Passage(
        ordinal=ordinal, chunk=chunk, embedded=embedded, embedded_hash=hash_, terms=terms
    )


def with_next(items: Iterable[Item]) -> Iterator[tuple[Item, Item | None]]:
    """Yield each item with the one that follows it; None behind the last."""
    ahead = chain(items, [None])
    held = next(ahead)
    for item in ahead:
        assert held is not None
        yield held, item
        held = item
