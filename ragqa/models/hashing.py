"""The light embedder: hashed words and character pairs. Needs no weights."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
PIECE = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
IS_CJK = re.compile(rf"[{CJK}]")
DIMENSION = 512


class HashingEmbedder:
    """Signed feature hashing of words, and of character pairs where no spaces part the words.

    Texts that share words are near each other; it knows nothing of meaning. Stable across
    processes and machines. Counts are dampened by their square root, so that a repeated word does
    not drown the others.

    Source: Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009.
    """

    def __init__(self, dimension: int = DIMENSION) -> None:
        if dimension < 1:
            raise ValueError(f"dimension must be positive, was {dimension}")
        self._dimension = dimension

    @property
    def name(self) -> str:
        """Name stored with the collection; it states a dimension that is not the usual one."""
        return "hashing" if self._dimension == DIMENSION else f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Every term is seen, but beyond a few hundred a vector says little."""
        return 512

    def count_tokens(self, text: str) -> int:
        """Return the number of terms of ``text``."""
        return sum(1 for _ in terms(text))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages. Shape: ``(len(texts), dimension)``."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.embed_query(text)
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query. Shape: ``(dimension,)``."""
        counts = np.zeros(self._dimension, dtype=np.float32)
        for term in terms(text):
            place, sign = _place(term)
            counts[place % self._dimension] += sign
        vector = np.sign(counts) * np.sqrt(np.abs(counts))
        norm = float(np.linalg.norm(vector))
        if norm == 0:  # no terms, or they cancelled: any fixed unit vector will do
            vector[0], norm = 1, 1
        unit: NDArray[np.float32] = (vector / np.float32(norm)).astype(np.float32)
        return unit


def terms(text: str) -> Iterator[str]:
    """Yield the words of ``text``, and the character pairs of runs of Chinese or Japanese."""
    for match in PIECE.finditer(unicodedata.normalize("NFKC", text).casefold()):
        piece = match.group()
        if len(piece) > 1 and IS_CJK.match(piece):
            yield from (first + second for first, second in pairwise(piece))
        else:
            yield piece


@lru_cache(maxsize=1 << 16)
def _place(term: str) -> tuple[int, int]:
    digest = hashlib.blake2b(term.encode("utf-8", "replace"), digest_size=9).digest()
    return int.from_bytes(digest[1:], "big"), 1 if digest[0] & 1 else -1
