"""Terms of a question that stand next to each other on a page, years it names, the rarest one.

A bag keeps the order of the text: what BM25 does not look at, and what tells "net income of 2019"
from a page that has the three words in three places.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence, Set

    from numpy.typing import NDArray

NEAR = 3
"""Places that the second term of a pair may stand behind the first: small words lie between."""
ALONE = 2.0
"""What a term is worth that is a name by itself, to one that is half of a pair."""


def pair_up(
    terms: Sequence[int], weights: Mapping[int, float], *, names: Set[int] = frozenset()
) -> dict[tuple[int, int], float]:
    """Return the neighbours among a question's terms with what finding them together is worth.

    A pair of Chinese characters whose neighbours no chunk has may be a whole name: what is beside
    it in the question reaches across its ends. It is paired with itself, as it would count for
    nothing beside a phrase that many pages have.

    Args:
        terms: The question's terms in its order, as hashes.
        weights: What each known term is worth; an unknown one makes no pair.
        names: Terms that may be a name by themselves.
    """
    pairs = {
        (first, second): float(np.sqrt(weights[first] * weights[second]))
        for first, second in pairwise(terms)
        if first != second and weights.get(first, 0) > 0 and weights.get(second, 0) > 0
    }
    paired = {term for pair in pairs for term in pair}
    for term in dict.fromkeys(terms) if pairs else ():
        if term in names and term not in paired and weights.get(term, 0) > 0:
            pairs[term, term] = ALONE * weights[term]
    return pairs


def share_of_pairs(
    pages: Sequence[NDArray[np.int32]], pairs: Mapping[tuple[int, int], float]
) -> NDArray[np.float64]:
    """Return how much of the pairs' worth each page has, in [0, 1]. Shape: ``(len(pages),)``.

    A term that is paired with itself need only be there.

    Source: after Metzler and Croft, "A Markov random field model for term dependencies", 2005.
    """
    shares = np.zeros(len(pages))
    if not pages or not pairs:
        return shares
    owners = np.repeat(np.arange(len(pages)), [len(page) for page in pages])
    terms = np.concatenate(pages).astype(np.int32, copy=False)
    places = {term: np.flatnonzero(terms == term) for pair in pairs for term in pair}
    for (first, second), worth in pairs.items():
        if first == second:
            shares[np.unique(owners[places[first]])] += worth
            continue
        is_second = np.zeros(len(terms) + NEAR, dtype=bool)
        is_second[places[second]] = True
        met = np.zeros(len(pages), dtype=bool)
        for distance in range(1, NEAR + 1):
            starts = places[first][is_second[places[first] + distance]]
            met[owners[starts[owners[starts] == owners[starts + distance]]]] = True
        shares[met] += worth
    return shares / sum(pairs.values())


def share_of_terms(pages: Sequence[NDArray[np.int32]], terms: Sequence[int]) -> NDArray[np.float64]:
    """Return which share of the terms each page has, in [0, 1]; 0 where there are none."""
    wanted = set(terms)
    return np.array([len(found) / max(1, len(wanted)) for found in terms_among(pages, wanted)])


def terms_among(bags: Sequence[NDArray[np.int32]], wanted: Collection[int]) -> list[frozenset[int]]:
    """Return which of the terms that are looked for each bag has."""
    found: list[set[int]] = [set() for _ in bags]
    if bags and wanted:
        known = np.array(sorted(wanted), dtype=np.int32)
        owners = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
        terms = np.concatenate(bags).astype(np.int32, copy=False)
        there = known[np.searchsorted(known, terms).clip(max=len(known) - 1)] == terms
        for owner, term in zip(owners[there].tolist(), terms[there].tolist(), strict=True):
            found[owner].add(term)
    return [frozenset(terms) for terms in found]


def worth_of_rarest(pages: Sequence[NDArray[np.int32]], worth: Mapping[int, float]) -> list[float]:
    """Return what the worthiest term on each page is worth, in [0, 1]: the worthiest of all is 1.

    Args:
        pages: The terms of each page, as hashes.
        worth: What each of the terms that are looked for is worth, above 0; at least one.
    """
    most, best = max(worth.values()), [0.0] * len(pages)
    for number, terms in enumerate(terms_among(pages, worth)):
        best[number] = max((worth[term] / most for term in terms), default=0.0)
    return best
