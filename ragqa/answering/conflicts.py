"""Passages that say different things about the same: found by laying one over the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.answering.alignment import displaced
from ragqa.answering.mentions import find_mentions
from ragqa.answering.terms import question_terms, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate

COMPARED = 10
"""Sentences, likeliest first, that are compared with the best one."""
NEAR = 2.5
"""How much less likely an answer than the best sentence a contradiction may be."""


def find_conflict(question: str, ranked: Sequence[Candidate]) -> Candidate | None:
    """Return the likeliest sentence of another passage that contradicts the best one.

    Two sentences contradict each other when they say the same but for a number, a date or a name
    in the same place, and that is not something the question itself tells apart.
    """
    if not ranked:
        return None
    best = ranked[0]
    ours = find_mentions(best.text)
    asked = set(question_terms(question))
    for other in ranked[1:COMPARED]:
        if other.hit == best.hit or other.score < best.score - NEAR:
            continue
        theirs = find_mentions(other.text)
        # Either may be the longer one, with more around what both say.
        differences = displaced(ours, [theirs]) or displaced(theirs, [ours])
        if differences and not any(
            asked & {*terms(here), *terms(there)} for here, there in differences
        ):
            return other
    return None
