"""Rows of tables that a question names: "What was the net income of 2019?" asks for a row."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ragqa.retrieval.folding import fold
from ragqa.retrieval.lexical import analyze
from ragqa.retrieval.question import STOP_EN
from ragqa.tables import CELL_ENDS, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NUMBER = re.compile(r"[\d.,%]+")


def shares_of_labels(texts: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """Return for each text how well the question names one row of a table in it, in [0, 1].

    A row is named the better, the more of the question is in its label (and in that of its
    section), and the less of the label is not in the question. 0 for prose.

    Args:
        texts: Texts of chunks, a row a line.
        weights: What each term of the question is worth, years left out.
    """
    whole = sum(weights.values())
    if whole <= 0:
        return [0.0] * len(texts)
    # Most rows have nothing of the question: that is seen before they are cut into terms. What
    # endings change is the end: "policies" begins as "policy" does.
    begins = re.compile("|".join(re.escape(term[: max(2, len(term) - 1)]) for term in weights))
    return [_share(text, weights, begins) / whole for text in texts]


def _share(text: str, weights: Mapping[str, float], begins: re.Pattern[str]) -> float:
    best = 0.0
    section: frozenset[str] = frozenset()
    for label, figures in _rows(text):
        terms = _terms(label) if begins.search(fold(label)) else frozenset()
        if not figures:
            section = terms
            continue
        said = terms & weights.keys()
        if said:
            named = sum(weights[term] for term in said | (section & weights.keys()))
            best = max(best, named * len(said) / len(terms))
    return best


def _rows(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the label of each row, and whether there is more in the row."""
    if not CELL_ENDS.search(text):
        return
    for line in text.split("\n"):
        cells = cells_of(line)
        if len(cells) > 1 or (cells and CELL_ENDS.search(line)):
            yield cells[0], len(cells) > 1


@lru_cache(maxsize=1 << 14)
def _terms(label: str) -> frozenset[str]:
    words = re.sub(r"[a-z']+", lambda m: " " if m.group() in STOP_EN else m.group(), fold(label))
    return frozenset(term for term in analyze(words) if not _NUMBER.fullmatch(term))
