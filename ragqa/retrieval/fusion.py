"""Merging rankings: by rank, or by normalised score."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key = TypeVar("Key")

RRF_K = 60


def fuse_by_rank(rankings: Iterable[Sequence[Key]], *, k: int = RRF_K) -> dict[Key, float]:
    """Return for each key the sum of ``1 / (k + rank)`` over the rankings, rank from 1.

    Source: Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods", SIGIR 2009.
    """
    fused: defaultdict[Key, float] = defaultdict(float)
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            fused[key] += 1 / (k + rank)
    return dict(fused)


def scale(
    scores: Mapping[Key, float], *, floor: float | None = None, worst: int = 0
) -> dict[Key, float]:
    """Return scores scaled to [0, 1]: the greatest is 1, the least, or ``floor``, is 0.

    Args:
        scores: Higher is better.
        floor: A score that is worth nothing, where there is one: 0 for BM25.
        worst: Rank whose score is worth nothing, for scores without a zero of their own; what
            lies below it is worth nothing either. 0: the last.

    Source: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", 2023.
    """
    if not scores:
        return {}
    ranked = sorted(scores.values(), reverse=True)
    low = ranked[min(worst or len(ranked), len(ranked)) - 1] if floor is None else floor
    reach = ranked[0] - low
    return {
        key: max(0.0, (score - low) / reach) if reach > 0 else 1.0 for key, score in scores.items()
    }
