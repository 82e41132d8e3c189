"""The seams: what the service needs from models, as structural protocols.

A port is filled by an adapter in ``ragqa.models`` (or by any object of the same shape);
``ragqa.wiring`` is the only module that chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.types import Filter, Hit, Message, Token, Usage


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
    """Finds the chunks of one collection that may answer a question."""

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return at most ``limit`` hits, best first.

        Raises:
            NotFound: If there is no such collection.
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
        within one token.

        Raises:
            GenerationFailed: If the model or the server behind it breaks.
        """
        ...
