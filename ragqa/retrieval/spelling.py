"""Misspelt words of a question: only a word that the collection does not have is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.retrieval.folding import CJK, fold
from ragqa.retrieval.question import STOP_EN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHORTEST = 5
"""Letters of a word that is looked at: shorter ones are a letter away from too many others."""
LONG = 8
"""Letters from which on a word may have two things wrong with it."""

_WORD = re.compile(rf"(?<![^\W{CJK}])[a-z]{{{SHORTEST},24}}(?![^\W{CJK}])")


def words_to_check(question: str) -> list[str]:
    """Return the question's longer words, in lower case, each of them once."""
    found = dict.fromkeys(_WORD.findall(fold(question)))
    return [word for word in found if word not in STOP_EN]


def choose(word: str, known: Mapping[str, int]) -> str | None:
    """Return the known word that ``word`` is a slip of, or None when none or several may be.

    A slip is one letter too many, too few, wrong, or two that changed places; two of them in a
    long word that begins alike. Of several words equally near, one must be far commoner than all
    others.

    Args:
        word: In lower case, not known.
        known: Words, with the number of chunks that have each.
    """
    near: dict[int, list[str]] = {}
    for other in known:
        edits = count_slips(word, other)
        if edits == 1 or (edits == 2 and len(word) >= LONG and other[0] == word[0]):
            near.setdefault(edits, []).append(other)
    if not near:
        return None
    nearest = sorted(near[min(near)], key=lambda other: (-known[other], other))
    if len(nearest) > 1 and known[nearest[0]] < 4 * known[nearest[1]]:
        return None
    return nearest[0]


def count_slips(first: str, second: str) -> int:
    """Return how many letters were added, left out, mistaken or exchanged with the next.

    Source: the optimal string alignment distance, after Damerau, "A technique for computer
    detection and correction of spelling errors", 1964.
    """
    before: Sequence[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        now = [i]
        for j, other in enumerate(second, start=1):
            cost = min(row[j] + 1, now[j - 1] + 1, row[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        before, row = row, now
    return row[-1]


def replace_words(question: str, respelt: Mapping[str, str]) -> str:
    """Return the question, folded, with its misspelt words put right."""
    return _WORD.sub(lambda word: respelt.get(word.group(), word.group()), fold(question))
