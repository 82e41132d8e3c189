"""The seams: what the service needs from models, as structural protocols.

A port is filled by an adapter, or by any object of the same shape; ``ragqa.wiring`` chooses.
"""

# Longer than 300 lines: every port in one place, to be looked up.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set
    from collections.abc import Generator as Stream
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.types import (
        Adapter,
        Box,
        CollectionId,
        Filter,
        Hit,
        Message,
        ReadPair,
        Span,
        Token,
        Usage,
        Words,
    )


class Embedder(Protocol):
    """Turns text into unit vectors. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model name and revision, stored with each collection."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector this embedder returns."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads of one text; what lies beyond is not seen by it."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many of the model's tokens ``text`` has, special tokens left out."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages.

        Shape: ``(len(texts), dimension)``; every row has L2 norm 1.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query. Shape: ``(dimension,)``, L2 norm 1."""
        ...


@runtime_checkable
class WordEmbedder(Protocol):
    """An embedder that also tells the vector of each token of a text, where it stands."""

    def embed_words(self, texts: Sequence[str], *, query: bool = False) -> list[Words]:
        """Embed texts and their tokens in one pass."""
        ...


@runtime_checkable
class PairReader(Protocol):
    """An embedder that also reads a question and a text together, and tells what it saw inside."""

    @property
    def name(self) -> str:
        """Model name and revision."""
        ...

    def read_pairs(self, question: str, texts: Sequence[str], adapter: Adapter) -> list[ReadPair]:
        """Read each of ``texts`` after ``question``, changed by ``adapter``."""
        ...


class Reranker(Protocol):
    """Scores (question, passage) pairs jointly."""

    @property
    def name(self) -> str:
        """Model name, written into answers."""
        ...

    def rerank(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits with new scores, best first."""
        ...


class Retriever(Protocol):
    """Finds the chunks that may answer a question."""

    def retrieve(
        self,
        question: str,
        collection: str | Sequence[str],
        *,
        limit: int,
        only: Filter | None = None,
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first.

        Args:
            question: What is asked.
            collection: Where to search: one collection, or several at once.
            limit: Most hits to return.
            only: What the search may see.

        Raises:
            NotFound: If there is no such collection.
        """
        ...


class QuoteCutter(Protocol):
    """Cuts quotes out of stored pages: no quote is ever written by a model."""

    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        """Return the stored page's text inside ``span`` and where it stands, a box per line.

        Args:
            hit: Names the page.
            span: In the page's text (not the chunk's), inside the hit's chunk.

        Raises:
            NotFound: If the page is no longer stored.
        """
        ...


class Scored(NamedTuple):
    """A chunk of the collection being searched, and one stage's score."""

    chunk_id: int
    score: float


class Place(NamedTuple):
    """Where a chunk stands, and its text."""

    document: int
    page: int
    text: str


class Names(Protocol):
    """The names of a collection's documents."""

    @property
    def by_number(self) -> Mapping[int, str]:
        """The names by the documents' numbers."""
        ...

    def match(self, question: str) -> dict[int, float]:
        """Return how well the question bears out the names that it mentions, in (0, 1]."""
        ...


class Snapshot(Protocol):
    """One collection as it is at one moment: every search of it sees the same chunks."""

    @property
    def collection_id(self) -> CollectionId:
        """Number of the collection."""
        ...

    @property
    def collection_name(self) -> str:
        """Name of the collection."""
        ...

    @property
    def size(self) -> int:
        """Chunks of the collection."""
        ...

    def names(self) -> Names:
        """Return the names of the documents; of none when they are too many to look at."""
        ...

    def respell(self, asked: Sequence[str]) -> dict[str, str]:
        """Return for words that the collection does not have the ones that they must mean."""
        ...

    def narrow(self, only: Filter | None) -> Filter | None:
        """Return the filter with its metadata and dates replaced by the documents they mean."""
        ...

    def lexicon(self) -> Sequence[str]:
        """Return the words that the collection was taught."""
        ...

    def lexical(
        self, counts: Mapping[int, float], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the best chunks by BM25, best first; every one has a term of the query.

        Args:
            counts: Each term's hash and how much the query asks for it.
            limit: Most chunks to return.
            only: What the search may see.
        """
        ...

    def dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> list[Scored]:
        """Return the nearest chunks by cosine, best first; scores lie in [-1, 1].

        Raises:
            DimensionMismatch: If the vector is not as long as the stored ones.
        """
        ...

    def begin_dense(
        self, vector: NDArray[np.float32], *, limit: int, only: Filter | None = None
    ) -> Callable[[], list[Scored]]:
        """Begin the same where it can be done beside what follows; call what is returned for it."""
        ...

    def verbatim(self, text: str, *, limit: int, only: Filter | None = None) -> list[Scored]:
        """Return chunks in which ``text`` stands as it is, or a part of it; case and width aside.

        The score is the number of characters covered; one more when it is there to the letter.
        """
        ...

    def lexical_of(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> Mapping[int, float]:
        """Return each chunk's BM25 score."""
        ...

    def pages_under(self, chunk_ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        """Return the document and the page that each chunk stands on."""
        ...

    def page_terms(self, chunk_ids: Sequence[int]) -> Mapping[tuple[int, int], NDArray[np.int32]]:
        """Return the terms of the pages that the chunks stand on, in the order of the text."""
        ...

    def pages_of(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> Mapping[int, float]:
        """Return for each chunk the BM25 score of the whole page it stands on."""
        ...

    def pairs_of(
        self,
        chunk_ids: Sequence[int],
        terms: Sequence[int],
        counts: Mapping[int, float],
        *,
        names: Set[int] = frozenset(),
    ) -> Mapping[int, float]:
        """Return for each chunk the share of the terms' neighbours that its page has as such.

        ``terms`` are hashes in the question's order, ``counts`` how much it asks for each, and
        ``names`` those that may be a name by themselves where they have no neighbours.
        """
        ...

    def shares_of(self, chunk_ids: Sequence[int], terms: Sequence[int]) -> Mapping[int, float]:
        """Return for each chunk the share of the terms that its page has, in [0, 1]."""
        ...

    def worth(self, counts: Mapping[int, float]) -> Mapping[int, tuple[int, float]]:
        """Return in how many chunks each term is, and what it is worth."""
        ...

    def terms_in(
        self, chunk_ids: Sequence[int], counts: Mapping[int, float]
    ) -> Mapping[int, frozenset[int]]:
        """Return which of the terms are in each chunk."""
        ...

    def best_lexical(self, counts: Mapping[int, float]) -> float:
        """Return the BM25 score that no chunk can exceed, terms that no chunk has included."""
        ...

    def dense_of(
        self, chunk_ids: Sequence[int], vector: NDArray[np.float32]
    ) -> Mapping[int, float]:
        """Return the cosine of each chunk's vector."""
        ...

    def places(self, chunk_ids: Sequence[int]) -> Mapping[int, Place]:
        """Return where each chunk stands."""
        ...

    def hits(self, scored: Sequence[Scored]) -> list[Hit]:
        """Return the chunks with all that a reader needs, in the order given."""
        ...


class ChunkSearch(Protocol):
    """Where chunks are searched."""

    def open(
        self, collections: Sequence[str], *, model: str
    ) -> AbstractContextManager[Sequence[Snapshot]]:
        """Look at collections through the vectors of one embedding model, all at one moment.

        Raises:
            NotFound: If there is no such collection.
            Conflict: If a collection has chunks, but no vectors of that model.
        """
        ...


class Generator(Protocol):
    """Continues a chat prompt. Safe to call from several threads (calls may wait)."""

    @property
    def name(self) -> str:
        """Model name, written into answers."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and completion may have together."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of ``text`` (an estimate where no tokenizer is at hand)."""
        ...

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Stream[Token, None, Usage]:
        """Yield the completion piece by piece; the generator's return value is the usage.

        Deterministic: greedy decoding with a fixed seed. Closing the generator stops the work
        within one token. A piece may be empty: who has left meanwhile may close it then.

        Raises:
            GenerationFailed: If the model or the server behind it breaks.
        """
        ...
