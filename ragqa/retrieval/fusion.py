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


def fuse_by_score(
    scores: Iterable[tuple[float, Mapping[Key, float]]],
) -> dict[Key, float]:
    """Return for each key the weighted sum of its scores, each list scaled to [0, 1].

    A list is scaled by its own least and greatest score; a key that a list lacks gets 0 from it.

    Args:
        scores: Pairs of a weight and one list's scores; higher is better in all of them.

    Source: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", 2023.
    """
    fused: defaultdict[Key, float] = defaultdict(float)
    for weight, listed in scores:
        if not listed:
            continue
        low, high = min(listed.values()), max(listed.values())
        for key, score in listed.items():
            fused[key] += weight * ((score - low) / (high - low) if high > low else 1.0)
    return dict(fused)
