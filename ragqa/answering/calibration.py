"""Is the evidence enough to answer? A small logistic model over signs that anyone can look up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.keywords import keywords, presence, stems_of
from ragqa.answering.questions import answer_type, bears
from ragqa.answering.terms import language_of
from ragqa.retrieval.folding import fold

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
    if not ranked:
        return {}
    best = ranked[0]
    asked = keywords(question)
    passages = [fold(" ".join((*hit.chunk.headings, hit.chunk.text))) for hit in hits]
    inside = passages[best.hit]
    near = fold(" ".join(c.text for c in ranked[:3] if c.hit == best.hit))
    kind = answer_type(question)
    other = next((c.score for c in ranked if c.hit != best.hit), best.score - 3)
    signs = {
        "sentence": best.features[0],
        "around": best.features[1],
        "passage": best.features[2],
        "first": best.features[3],
        "phrase": best.features[7],
        "margin": min(3.0, best.score - other) / 3,
        "words": _share(asked.words, inside),
        "words_near": _share(asked.words, near),
        "words_anywhere": max(_share(asked.words, text) for text in passages),
        "names": _share(asked.names, inside),
        "names_anywhere": max(_share(asked.names, text) for text in passages),
        "named": float(bool(asked.names)),
        "kind_missing": float(
            kind in ("when", "number", "who", "where")
            and not any(bears(c.text, kind, question) for c in ranked[:3])
        ),
        "stands_out": best.features[5],
        "cosine": best.cosine if best.cosine is not None else 0.85,
        "foreign": float(language_of(question) != language_of(inside)),
    }
    if declined is not None:
        signs["declined"] = float(declined)
    if supported is not None:
        signs["supported"] = float(supported)
    return signs


def _share(words: Sequence[str], text: str) -> float:
    """Return how much of ``words`` a folded text has, 0 to 1; 1 when there are none."""
    stems = stems_of(text)
    return sum(presence(word, text, stems) for word in words) / len(words) if words else 1.0


CALIBRATION = Calibration(
    weights={"passage": 6.0, "sentence": 3.0, "declined": -1.5, "supported": 0.5},
    bias=-4.0,
    threshold=0.5,
)
