"""Is the same told more than once: by other passages, and by what a model drafted?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.citations import MARKER
from ragqa.answering.terms import language_of, terms
from ragqa.retrieval.folding import fold, squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOUGH = 4
"""Passages that tell the same; more say nothing more."""
LONGEST = 40
"""Characters of a text that may be told in the very same words elsewhere."""
_EDGES = " \t\n。，、,;；.:：!！?？“”\"'"


def repetition(told: str, question: str, passages: Sequence[str]) -> float:
    """Return how many of ``passages`` have ``told`` word for word, 0 to 1 (``ENOUGH`` of them).

    What only says again what the question says counts for nothing.
    """
    told = told.strip(_EDGES)
    if len(told) > LONGEST or not _news(told, question):
        return 0.0
    chinese = language_of(told) == "zh"
    wanted = _even(told, chinese=chinese)
    if len(wanted) < 2:
        return 0.0
    before = r"(?<![0-9a-z])" if re.match(r"[0-9a-z]", wanted) else ""
    behind = r"(?![0-9a-z])" if re.search(r"[0-9a-z]$", wanted) else ""
    pattern = re.compile(before + re.escape(wanted) + behind)
    found = sum(pattern.search(_even(text, chinese=chinese)) is not None for text in passages)
    return min(ENOUGH, found) / ENOUGH


def agreement(draft: str, told: str, question: str) -> float:
    """Return how much of the shorter of two answers the other one has, 0 to 1, in terms.

    Terms of the question count for neither.
    """
    one, other = _news(plain(draft), question), _news(told, question)
    if not one or not other:
        return 0.0
    return len(one & other) / min(len(one), len(other))


def plain(draft: str) -> str:
    """Return a draft without its markers."""
    return MARKER.sub("", draft)


def _news(text: str, question: str) -> set[str]:
    return set(terms(text)) - set(terms(question))


def _even(text: str, *, chinese: bool) -> str:
    return squeeze(text) if chinese else " ".join(fold(text).split())
