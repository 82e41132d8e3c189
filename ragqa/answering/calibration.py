"""Is the evidence enough to answer? A small logistic model over signs that anyone can look up."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.questions import answer_type, bears
from ragqa.answering.terms import question_terms, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.types import Hit

Signs = dict[str, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Coefficients of the decision, and the probability from which on we answer."""

    weights: Mapping[str, float]
    bias: float
    threshold: float

    def probability(self, signs: Mapping[str, float]) -> float:
        """Return how likely the documents have the answer, 0 to 1."""
        total = self.bias + sum(
            self.weights.get(name, 0.0) * value for name, value in signs.items()
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def suffices(self, signs: Mapping[str, float]) -> bool:
        """Say whether to answer."""
        return self.probability(signs) >= self.threshold


def signs_of(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Candidate],
    *,
    declined: bool | None = None,
    supported: bool | None = None,
) -> Signs:
    """Return the signs for and against an answer, each about 0 to 1.

    Args:
        question: The standalone question.
        hits: The hits that were read.
        ranked: Their sentences, likeliest answer first.
        declined: Whether the model said that there is no answer; None: it was not asked.
        supported: Whether any sentence of its draft is borne out; None: there is no draft.
    """
    asked = question_terms(question)
    if not asked or not ranked:
        return {"empty": 1.0}
    best = ranked[0]
    bags = [Counter(terms(" ".join((*hit.chunk.headings, hit.chunk.text)))) for hit in hits]
    in_best = sum(1 for term in asked if bags[best.hit][term]) / len(asked)
    anywhere = sum(1 for term in asked if any(bag[term] for bag in bags)) / len(asked)
    kind = answer_type(question)
    signs = {
        "sentence_coverage": best.features[0],
        "around": best.features[1],
        "passage_coverage": best.features[2],
        "passage_terms": in_best,
        "anywhere": anywhere,
        "rank": best.features[3],
        "kind": best.features[4],
        "kind_asked": float(kind in ("when", "number", "who", "where")),
        "margin": best.score - next((c.score for c in ranked if c.hit != best.hit), 0.0),
        "phrase": best.features[7],
        "kind_anywhere": float(any(bears(c.text, kind, question) for c in ranked[:3])),
    }
    if declined is not None:
        signs["drafted"] = 1.0
        signs["declined"] = float(declined)
    if supported is not None:
        signs["supported"] = float(supported)
    return signs


CALIBRATION = Calibration(
    weights={"passage_coverage": 6.0, "sentence_coverage": 3.0, "declined": -1.5, "supported": 0.5},
    bias=-4.0,
    threshold=0.5,
)
