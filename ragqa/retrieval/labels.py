"""Rows of tables that a question names: "What was the net income of 2019?" asks for a row."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ragqa.retrieval.folding import fold
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.retrieval.question import STOP_EN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CELLS = re.compile(r"\t|(?<!\\)\|")
_NUMBER = re.compile(r"[\d.,%]+")


def share_of_label(text: str, weights: Mapping[int, float]) -> float:
    """Return how well the question names one row of a table, in [0, 1]; 0 for prose.

    A row is named the better, the more of the question is in its label (and in that of its
    section), and the less of the label is not in the question.

    Args:
        text: The text of a chunk, a row a line.
        weights: What each term of the question is worth, years left out.
    """
    whole = sum(weights.values())
    if whole <= 0 or not _CELLS.search(text):
        return 0.0
    best = 0.0
    section: frozenset[int] = frozenset()
    for label, figures in _rows(text):
        terms = _terms(label)
        if not figures:
            section = terms
            continue
        said = [term for term in terms if term in weights]
        if said:
            named = sum(weights[term] for term in {*said, *(section & weights.keys())})
            best = max(best, named / whole * len(said) / len(terms))
    return best


def _rows(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the label of each row, and whether there is more in the row."""
    for line in text.split("\n"):
        cells = [cell for piece in _CELLS.split(line) if (cell := piece.strip())]
        if len(cells) > 1 or (cells and _CELLS.search(line)):
            yield cells[0], len(cells) > 1


@lru_cache(maxsize=1 << 14)
def _terms(label: str) -> frozenset[int]:
    words = re.sub(r"[a-z']+", lambda m: " " if m.group() in STOP_EN else m.group(), fold(label))
    return frozenset(hash_term(term) for term in analyze(words) if not _NUMBER.fullmatch(term))
