"""From chosen sentences or a draft to an answer: text, sentences, markers, citations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.citations import Citer, Evidence, find_evidence, read_draft
from ragqa.answering.extractive import choose
from ragqa.answering.keywords import own_words, presence, stems_of
from ragqa.answering.questions import answer_type, bears
from ragqa.answering.sentences import flow
from ragqa.answering.terms import language_of
from ragqa.retrieval.folding import fold
from ragqa.types import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.ports import QuoteCutter
    from ragqa.types import Answer


_DISAGREE = {"zh": "文档对此说法不一：", "en": "The documents disagree on this: "}
FAR = 0.8
"""How much less likely than the best sentence a claim's source may be."""


def extract(
    answer: Answer,
    ranked: Sequence[Candidate],
    quotes: QuoteCutter,
    *,
    conflict: Candidate | None = None,
) -> Answer:
    """Return ``answer`` in the documents' own words: its best sentences, each with its marker.

    Args:
        answer: What is known of it so far.
        ranked: Sentences, likeliest answer first.
        quotes: Cuts the quotes.
        conflict: A sentence that contradicts the best one; then both are told, and that they do.
    """
    citer = Citer(answer.hits, quotes)
    sentences = []
    for candidate in choose(ranked) if conflict is None else (ranked[0], conflict):
        marker = citer.cite(candidate.hit, candidate.span)
        sentences.append(Sentence(flow(candidate.text), (marker,), supported=True))
    opening = "" if conflict is None else _DISAGREE[language_of(answer.question)]
    return replace(
        answer,
        text=opening + compose(sentences),
        sentences=tuple(sentences),
        citations=tuple(citer.citations),
    )


def assemble(
    answer: Answer,
    draft: str,
    question: str,
    ranked: Sequence[Candidate],
    shown: Sequence[int],
    quotes: QuoteCutter,
) -> Answer:
    """Return ``answer`` with a draft's sentences, each cited where it is borne out or flagged.

    The text has only what is borne out; ``sentences`` has everything. A sentence that is borne out
    but does not answer the question is flagged too: small models like to repeat the question, or
    to give a place when asked for a year.
    """
    citer = Citer(answer.hits, quotes)
    sentences = []
    for claim in read_draft(draft):
        named = tuple(shown[n - 1] + 1 for n in claim.markers if 1 <= n <= len(shown))
        evidence = find_evidence(replace(claim, markers=named), answer.hits, ranked)
        if isinstance(evidence, Evidence):
            off = misses(claim.text, question, evidence.likelihood, ranked)
            if off is not None:
                sentences.append(Sentence(claim.text, (), supported=False, reasons=(off,)))
                continue
            marker = citer.cite(evidence.hit, evidence.span)
            sentences.append(Sentence(claim.text, (marker,), supported=True))
        else:
            sentences.append(Sentence(claim.text, (), supported=False, reasons=evidence.reasons))
    return replace(
        answer,
        text=compose([sentence for sentence in sentences if sentence.supported]),
        sentences=tuple(sentences),
        citations=tuple(citer.citations),
    )


def misses(claim: str, question: str, likelihood: float, ranked: Sequence[Candidate]) -> str | None:
    """Say why a claim that the documents bear out is still no answer; None when it may be one."""
    kind = answer_type(question)
    if kind != "yes_no" and not any(
        presence(word, fold(question), stems_of(fold(question))) < 1 for word in own_words(claim)
    ):
        return "repeats the question"
    if kind in ("when", "number") and not bears(claim, kind, question):
        return f"the question asks for a {'time' if kind == 'when' else 'number'}"
    if likelihood < ranked[0].score - FAR:
        return "its passage is about something else than the question"
    return None


def compose(sentences: Sequence[Sentence]) -> str:
    """Join sentences with their markers behind them."""
    parts = [s.text + "".join(f"[{marker}]" for marker in s.markers) for s in sentences]
    return " ".join(parts)
