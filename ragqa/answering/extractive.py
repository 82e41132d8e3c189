"""The extractive answer: the verbatim sentences that most likely answer a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ragqa.answering.keywords import CODE, CODE_COUNTS
from ragqa.answering.nearness import measure
from ragqa.answering.others import is_of_another
from ragqa.answering.questions import answer_type, asks_itself, bears
from ragqa.answering.sentences import split_sentences
from ragqa.answering.tables import head_of
from ragqa.answering.terms import document_frequencies, question_terms, terms
from ragqa.answering.titles import name_of, titles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.nearness import Nearness
    from ragqa.ports import Embedder
    from ragqa.types import Hit, Span

EMBEDDED = 12
"""Sentences that are embedded: the best ones by words. Each costs about 10 ms on a CPU."""
ASIDE = 2.0
"""What is taken from the score of a sentence about another year, model or opposite."""
CONTENTS = 3
"""Entries from which on a list may be one of contents."""
_LEADERS = re.compile(r"(?:[.．·․‥…]\s?){6,}\s*(\d{1,4}(?![\d.,]))?")
"""The dots that lead from an entry of a list to what it has, a number maybe."""
_ASKS_PAGE = re.compile(r"页|頁|\bpages?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit, and how likely it answers the question."""

    hit: int
    """Index into the hits, from 0."""
    span: Span
    """In the chunk's text."""
    text: str
    score: float
    features: tuple[float, ...]
    near: Nearness | None = None
    """To the question; None when it was not embedded."""
    seen: float | None = None
    """Logit that the answer stands in it or beside it; None when it was not read."""
    told: str | None = None
    """The likeliest short answer in what was read."""
    row: bool = False
    """Whether it is a row of a table."""
    aside: bool = False
    """Whether it is about another thing of the kind than the question."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each sign of an answer counts; the score is their weighted sum.

    Fitted by ``python benchmarks/answers_fit.py sentences``.
    """

    coverage: float = 3.0
    around: float = 1.0
    passage: float = 1.0
    rank: float = 0.5
    kind: float = 0.7
    similarity: float = 4.0
    brevity: float = 0.2
    phrase: float = 1.0

    def score(self, features: Sequence[float]) -> float:
        """Return the weighted sum of ``features``, given in the order of the fields."""
        weights = (
            self.coverage,
            self.around,
            self.passage,
            self.rank,
            self.kind,
            self.similarity,
            self.brevity,
            self.phrase,
        )
        return sum(weight * feature for weight, feature in zip(weights, features, strict=True))


WEIGHTS = Weights()


def rank_sentences(
    question: str,
    hits: Sequence[Hit],
    embedder: Embedder | None = None,
    *,
    weights: Weights = WEIGHTS,
) -> list[Candidate]:
    """Rank every sentence of ``hits`` as an answer to ``question``, best first.

    Args:
        question: The standalone question.
        hits: Best first; the order is a sign too.
        embedder: When given, the best sentences by words are compared by meaning as well.
        weights: What each sign counts.
    """
    candidates = _lexical(question, hits, weights)
    if embedder is not None and candidates:
        candidates = _with_similarity(question, candidates, embedder, weights)
    candidates = [_set_aside(candidate, question) for candidate in candidates]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _set_aside(candidate: Candidate, question: str) -> Candidate:
    """Mark a sentence about another thing; rows of tables have their years in their heads."""
    if candidate.row or not is_of_another(candidate.text, question):
        return candidate
    return replace(candidate, score=candidate.score - ASIDE, aside=True)


def _lexical(question: str, hits: Sequence[Hit], weights: Weights) -> list[Candidate]:
    asked = question_terms(question)
    kind = answer_type(question)
    asks_page = _ASKS_PAGE.search(question)
    split = [split_sentences(hit.chunk.text, hit.chunk.kind) for hit in hits]
    bags = [
        [Counter(terms(span.of(hit.chunk.text))) for span in spans]
        for hit, spans in zip(hits, split, strict=True)
    ]
    everything = [bag for inside in bags for bag in inside]
    frequency = document_frequencies(everything)
    idf = {term: math.log(1 + (len(everything) + 1) / (frequency[term] + 0.5)) for term in asked}
    for term in asked:
        if CODE.search(term):
            idf[term] *= CODE_COUNTS
    total = sum(idf.values()) or 1.0
    pairs = list(zip(terms(question), terms(question)[1:], strict=False))
    found: list[Candidate] = []
    for number, (hit, spans, inside) in enumerate(zip(hits, split, bags, strict=True)):
        titles = Counter(terms(" ".join(titles_of(hit))))
        whole = titles.copy()
        for bag in inside:
            whole.update(bag)
        passage = sum(idf[term] for term in asked if whole[term]) / total
        headings = {_solid(one) for one in hit.chunk.headings}
        contents = not asks_page and _lists_contents(hit.chunk.text)
        head = head_of(hit)
        heads = Counter(terms(head.of(hit.chunk.text))) if head is not None else Counter()
        # Of a file that the question names, one sentence is no nearer for having the name.
        said = heads | Counter(terms(name_of(hit)))
        own = [
            sum(idf[term] for term in asked if bag[term] or said[term]) / total for bag in inside
        ]
        for at, span in enumerate(spans):
            if span == head:
                continue  # heads of columns say what is asked for, never the answer
            text = span.of(hit.chunk.text)
            if len(spans) > 1 and _solid(text) in headings:
                continue  # says what is told below it, and nothing of that
            if contents and _LEADERS.search(text):
                continue  # says on which page it is told
            near = inside[at] | (inside[at - 1] if at else Counter()) | heads
            near |= titles
            around = sum(idf[term] for term in asked if near[term]) / total
            sequence = terms(text)
            adjacent = set(pairwise(sequence))
            phrase = sum(pair in adjacent for pair in pairs) / max(1, len(pairs))
            features = (
                own[at],
                around,
                passage,
                1 / (1 + number),
                float(bears(text, kind, question)),
                0.0,
                1 / (1 + len(sequence) / 20),
                phrase,
            )
            row = hit.chunk.kind == "table"
            found.append(Candidate(number, span, text, weights.score(features), features, row=row))
    return found


def _lists_contents(text: str) -> bool:
    """Say whether a passage lists what is on which page: its numbers never fall, as prices do."""
    numbers = [found[1] for found in _LEADERS.finditer(text)]
    pages = [int(number) for number in numbers if number]
    return len(numbers) >= CONTENTS and len(pages) >= len(numbers) - 1 and pages == sorted(pages)


def _solid(text: str) -> str:
    return "".join(text.split())


def _with_similarity(
    question: str, candidates: Sequence[Candidate], embedder: Embedder, weights: Weights
) -> list[Candidate]:
    ordered = sorted(candidates, key=lambda candidate: -candidate.score)
    chosen = ordered[:EMBEDDED]
    near = measure(question, [c.text for c in chosen], embedder)
    similarities = np.array([one.cosine for one in near])
    # Cosines of one model are comparable only among themselves: what counts is who stands out.
    middle = float(similarities.mean())
    spread = max(float(similarities.std()), 0.01)
    compared: list[Candidate] = []
    for candidate, nearness in zip(chosen, near, strict=True):
        features = (
            *candidate.features[:5],
            (nearness.cosine - middle) / spread / 4,
            *candidate.features[6:],
        )
        compared.append(
            replace(
                candidate,
                features=features,
                score=weights.score(features),
                near=nearness,
            )
        )
    floor = min((float(similarities.min()) - middle) / spread / 4, 0.0)
    rest = [replace(c, score=c.score + weights.similarity * floor) for c in ordered[EMBEDDED:]]
    return compared + rest


def choose(candidates: Sequence[Candidate], *, at_most: int = 2) -> list[Candidate]:
    """Return the sentences of the extractive answer: the best, and one that is nearly as good.

    None is about another thing or only asks; without others there are none.
    """
    candidates = [one for one in candidates if not (one.aside or asks_itself(one.text))]
    if not candidates:
        return []
    best = candidates[0]
    chosen = [best]
    for candidate in candidates[1:]:
        if len(chosen) == at_most or candidate.score < best.score - 1.0:
            break
        if all(candidate.text != other.text for other in chosen):
            chosen.append(candidate)
    return (
        sorted(chosen, key=lambda c: (c.hit, c.span)) if chosen[0].hit == chosen[-1].hit else chosen
    )
