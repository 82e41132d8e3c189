"""BM25 over arrays of hashed terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

K1 = 0.6
B = 0.75


def inverse_document_frequency(df: float, chunks: int) -> float:
    """Return how much a term that is in ``df`` of ``chunks`` says; never negative.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
    2009, with the + 1 inside the logarithm that keeps very common terms above zero.
    """
    return float(np.log1p((chunks - df + 0.5) / (df + 0.5))) if df <= chunks else 0.0


def score_bm25(
    bags: Sequence[NDArray[np.int32]],
    weights: Mapping[int, float],
    *,
    average_length: float,
    k1: float = K1,
    b: float = B,
) -> NDArray[np.float64]:
    """Score bags of terms against a query.

    Args:
        bags: The terms of each chunk as hashes, repeated as often as they occur.
        weights: Each query term's hash with its inverse document frequency times how much the
            query asks for it.
        average_length: Mean number of terms of a chunk in the collection.
        k1: How soon more occurrences stop counting.
        b: How much longer chunks are held back, 0 to 1.

    Returns:
        Shape ``(len(bags),)``, higher is better, 0 where no term occurs.
    """
    if not bags or not weights:
        return np.zeros(len(bags))
    terms = np.array(sorted(weights), dtype=np.int32)
    weight = np.array([weights[int(term)] for term in terms])
    lengths = np.fromiter(map(len, bags), np.int64, len(bags))
    everything = np.concatenate(bags).astype(np.int32, copy=False)
    # Most terms are not the query's: their low bits tell that faster than a search does.
    wanted = np.zeros(1 << 16, dtype=bool)
    wanted[terms & 0xFFFF] = True
    places = np.flatnonzero(wanted[everything & 0xFFFF])
    columns = np.minimum(np.searchsorted(terms, everything[places]), len(terms) - 1)
    matching = terms[columns] == everything[places]
    rows = np.repeat(np.arange(len(bags)), lengths)[places[matching]]
    cells = rows * len(terms) + columns[matching]
    counts = np.bincount(cells, minlength=len(bags) * len(terms))
    counts = counts.reshape(len(bags), len(terms))
    held_back = k1 * (1 - b + b * lengths / max(average_length, 1.0))
    scores: NDArray[np.float64] = (counts * (k1 + 1) / (counts + held_back[:, None])) @ weight
    return scores
