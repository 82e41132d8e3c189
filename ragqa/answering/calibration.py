"""Is the evidence enough to answer? A small logistic model over signs that anyone can look up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.keywords import CODE, CODE_COUNTS, Keywords, keywords, presence, stems_of
from ragqa.answering.questions import answer_type, bears
from ragqa.answering.tables import head_of
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
    near = fold(" ".join((*_heads(hits[best.hit]), *_close(ranked, best.hit))))
    kind = answer_type(question)
    other = next((c.score for c in ranked if c.hit != best.hit), best.score - 3)
    if language_of(question) != language_of(inside):
        # Words cannot be compared across languages, except names and numbers both write alike.
        shared = Keywords(_as_written_in(asked.words), _as_written_in(asked.names))
        return _signs(shared, best, inside, near, passages) | {
            "sentence": UNKNOWN,
            "around": UNKNOWN,
            "margin": min(3.0, best.score - other) / 3,
        }
    signs = _signs(asked, best, inside, near, passages) | {
        "margin": min(3.0, best.score - other) / 3,
        "kind_missing": float(
            kind in ("when", "number", "who", "where")
            and not any(bears(c.text, kind, question) for c in ranked[:3])
        ),
    }
    if declined is not None:
        signs["declined"] = float(declined)
    if supported is not None:
        signs["supported"] = float(supported)
    return signs


def _signs(
    asked: Keywords, best: Candidate, inside: str, near: str, passages: Sequence[str]
) -> Signs:
    words, close = _share(asked.words, inside), _share(asked.words, near)
    return {
        "sentence": best.features[0],
        "around": best.features[1],
        "first": best.features[3],
        "stands_out": best.features[5],
        "phrase": best.features[7],
        "words": words,
        "words_squared": words**2,
        "words_near": close,
        "words_near_squared": close**2,
        "words_anywhere": max(_share(asked.words, text) for text in passages),
        "names": _share(asked.names, inside) if asked.names else 0.0,
        "names_anywhere": max(_share(asked.names, text) for text in passages),
    }


def _close(ranked: Sequence[Candidate], hit: int) -> list[str]:
    return [candidate.text for candidate in ranked[:3] if candidate.hit == hit]


def _heads(hit: Hit) -> tuple[str, ...]:
    """Return what a row of a table is read under: titles and the heads of its columns."""
    head = head_of(hit)
    return () if head is None else (*hit.chunk.headings, head.of(hit.chunk.text))


def _as_written_in(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that any language writes alike: in Latin letters, or numbers."""
    return tuple(word for word in words if word.isascii())


def _share(words: Sequence[str], text: str) -> float:
    """Return how much of ``words`` a folded text has, 0 to 1; 1 when there are none."""
    stems = stems_of(text)
    weights = {word: CODE_COUNTS if CODE.search(word) else 1.0 for word in words}
    found = sum(weight * presence(word, text, stems) for word, weight in weights.items())
    return found / sum(weights.values()) if words else 1.0


UNKNOWN = 0.5
"""Stands for a sign that cannot be had."""

CALIBRATION = Calibration(
    weights={
        "sentence": 1.15,
        "around": 1.16,
        "first": 0.66,
        "phrase": 0.89,
        "margin": 1.14,
        "words": 1.67,
        "words_squared": -1.02,
        "words_near": 2.45,
        "words_near_squared": -0.87,
        "words_anywhere": 2.42,
        "names": 0.39,
        "names_anywhere": 1.55,
        "kind_missing": -0.47,
        "stands_out": 1.64,
        "declined": -2.0,
    },
    bias=-7.86,
    threshold=0.34,
)
"""Fitted by ``python benchmarks/answers_fit.py --embedder multilingual-e5-small-q4`` on 1,160
questions, for answering 92 of 100 answerable ones; all but ``declined``, which is set by hand: the
0.5B model said "not in the passages" to 2 of 16 unanswerable questions and to none of 40 others."""
