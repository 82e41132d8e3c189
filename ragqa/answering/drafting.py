"""From chosen sentences or a draft to an answer: text, sentences, markers, citations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.citations import Citer, Evidence, find_evidence, read_draft
from ragqa.answering.extractive import choose
from ragqa.answering.sentences import flow
from ragqa.types import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.ports import QuoteCutter
    from ragqa.types import Answer


def extract(answer: Answer, ranked: Sequence[Candidate], quotes: QuoteCutter) -> Answer:
    """Return ``answer`` in the documents' own words: its best sentences, each with its marker."""
    citer = Citer(answer.hits, quotes)
    sentences = []
    for candidate in choose(ranked):
        marker = citer.cite(candidate.hit, candidate.span)
        sentences.append(Sentence(flow(candidate.text), (marker,), supported=True))
    return replace(
        answer,
        text=compose(sentences),
        sentences=tuple(sentences),
        citations=tuple(citer.citations),
    )


def assemble(
    answer: Answer,
    draft: str,
    ranked: Sequence[Candidate],
    shown: Sequence[int],
    quotes: QuoteCutter,
) -> Answer:
    """Return ``answer`` with a draft's sentences, each cited where it is borne out or flagged.

    The text has only what is borne out; ``sentences`` has everything.
    """
    citer = Citer(answer.hits, quotes)
    sentences = []
    for claim in read_draft(draft):
        named = tuple(shown[n - 1] + 1 for n in claim.markers if 1 <= n <= len(shown))
        evidence = find_evidence(replace(claim, markers=named), answer.hits, ranked)
        if isinstance(evidence, Evidence):
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


def compose(sentences: Sequence[Sentence]) -> str:
    """Join sentences with their markers behind them."""
    parts = [s.text + "".join(f"[{marker}]" for marker in s.markers) for s in sentences]
    return " ".join(parts)
