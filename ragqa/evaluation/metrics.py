"""Measures of a ranking, with intervals and tests of difference.

A ranking is given as the relevance of what stands at each rank, best first, and the number of
relevant things there are. All measures lie in [0, 1], higher is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

RESAMPLES = 2_000
SEED = 20_240_101


def hit_at(relevant: Sequence[bool], k: int) -> float:
    """Return 1 when something relevant is among the first ``k``, else 0."""
    return float(any(relevant[:k]))


def recall_at(relevant: Sequence[bool], k: int, *, total: int) -> float:
    """Return the share of all ``total`` relevant things that is among the first ``k``."""
    return sum(relevant[:k]) / total if total else 0.0


def reciprocal_rank(relevant: Sequence[bool], k: int = 10) -> float:
    """Return one over the rank of the first relevant thing; 0 when it is beyond ``k``.

    Source: Voorhees, "The TREC-8 Question Answering Track Report", 1999.
    """
    return next((1 / rank for rank, right in enumerate(relevant[:k], start=1) if right), 0.0)


def ndcg_at(relevant: Sequence[bool], k: int, *, total: int) -> float:
    """Return the discounted gain over that of the best possible ranking; gains are 0 or 1.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    gain = sum(1 / math.log2(rank + 1) for rank, right in enumerate(relevant[:k], 1) if right)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, total) + 1))
    return gain / best if best else 0.0


MEASURES: dict[str, Callable[[Sequence[bool], int], float]] = {
    "hit@1": lambda relevant, _: hit_at(relevant, 1),
    "hit@3": lambda relevant, _: hit_at(relevant, 3),
    "hit@5": lambda relevant, _: hit_at(relevant, 5),
    "hit@10": lambda relevant, _: hit_at(relevant, 10),
    "recall@10": lambda relevant, total: recall_at(relevant, 10, total=total),
    "mrr@10": lambda relevant, _: reciprocal_rank(relevant, 10),
    "ndcg@10": lambda relevant, total: ndcg_at(relevant, 10, total=total),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions and the interval that holds it with 95 % confidence."""

    mean: float
    low: float
    high: float
    n: int


def estimate(values: Sequence[float], *, resamples: int = RESAMPLES) -> Estimate:
    """Return the mean and its percentile bootstrap interval; the same for the same values.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979.
    """
    if not values:
        return Estimate(math.nan, math.nan, math.nan, 0)
    means = _resampled_means(np.asarray(values, float), resamples)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high), len(values))


def compare(ours: Sequence[float], theirs: Sequence[float], *, resamples: int = 10_000) -> float:
    """Return the p-value of two configurations doing equally well on the same questions.

    Two-sided randomisation test: under the null each question's two values may be exchanged.

    Source: Smucker, Allan and Carterette, "A comparison of statistical significance tests for
    information retrieval evaluation", 2007.

    Raises:
        ValueError: If the two do not answer the same questions.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} values against {len(theirs)}: not the same questions")
    differences = np.asarray(ours, float) - np.asarray(theirs, float)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    generator = np.random.default_rng(SEED)
    observed = abs(differences.sum())
    extreme = 0
    for start in range(0, resamples, 1_000):
        rows = min(1_000, resamples - start)
        signs = generator.integers(0, 2, size=(rows, len(differences))) * 2 - 1
        extreme += int((np.abs(signs @ differences) >= observed - 1e-12).sum())
    return (extreme + 1) / (resamples + 1)


def _resampled_means(values: NDArray[np.float64], resamples: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(SEED)
    means = np.empty(resamples)
    for index in range(resamples):
        means[index] = values[generator.integers(0, len(values), len(values))].mean()
    return means
