"""From chosen sentences or a draft to an answer: text, sentences, markers, citations."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.citations import Citer, Evidence, find_evidence, read_draft
from ragqa.answering.completing import widen
from ragqa.answering.contacts import lacks_contact
from ragqa.answering.extractive import choose
from ragqa.answering.keywords import CODE, own_words, presence, stems_of
from ragqa.answering.mistakes import find_mistake
from ragqa.answering.quantities import clause_number, clause_of, names_clause
from ragqa.answering.questions import AnswerType, answer_type, asks_way, bears
from ragqa.answering.refusal import refuse
from ragqa.answering.sentences import flow
from ragqa.answering.tables import beside_number, needs_row, read_row, tell
from ragqa.answering.terms import language_of, question_terms, terms
from ragqa.answering.verification import lacking_figures, verify
from ragqa.retrieval.folding import fold
from ragqa.types import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.answering.shortening import Short
    from ragqa.ports import QuoteCutter
    from ragqa.types import Answer, Hit


_DISAGREE = {"zh": "文档对此说法不一：", "en": "The documents disagree on this: "}
SECTION = re.compile(
    r"(?:§\s*)?\d+(?:\.\d+){2,}[.。]?|第?[一二三四五六七八九十百\d]+[章节節条條款][。.]?"
)
"""A claim that is only the number of a section: no time and no quantity."""
FRAGMENT = 3
"""Words up to which a draft does not tell how something is done: its sentence is told."""
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

    It is a refusal where they only ask, or are about another thing than the question.

    Args:
        answer: What is known of it so far.
        ranked: Sentences, likeliest answer first.
        quotes: Cuts the quotes.
        conflict: A sentence that contradicts the best one; then both are told, and that they do.
    """
    citer = Citer(answer.hits, quotes)
    question = answer.standalone_question or answer.question
    sentences = []
    chosen = choose(ranked) if conflict is None else (ranked[0], conflict)
    if not chosen:
        refusal = refuse("no_evidence", language_of(answer.question), answer.hits)
        return replace(answer, refusal=refusal)
    for candidate in chosen:
        hit = answer.hits[candidate.hit]
        markers: tuple[int, ...] = (citer.cite(candidate.hit, candidate.span),)
        text = flow(candidate.text)
        if not names_clause(question):
            text = text[clause_number(text) :].strip() or text
        if hit.chunk.kind == "table":
            row = read_row(hit, candidate.span)
            text = tell(row, question)
            if row.head is not None:
                markers = (*markers, citer.cite(candidate.hit, row.head))
        sentences.append(Sentence(text, markers, supported=True))
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
    to give a place when asked for a year. One figure of a row that has others is told as the row,
    and a name that is all there is said of how something is done as its sentence.
    """
    citer = Citer(answer.hits, quotes)
    sentences = []
    for claim in read_draft(draft):
        named = tuple(shown[n - 1] + 1 for n in claim.markers if 1 <= n <= len(shown))
        evidence = find_evidence(replace(claim, markers=named), answer.hits, ranked)
        if isinstance(evidence, Evidence):
            off = misses(claim.text, question, evidence, ranked, answer.hits)
            if off is not None:
                sentences.append(Sentence(claim.text, (), supported=False, reasons=(off,)))
                continue
            hit = answer.hits[evidence.hit]
            markers: tuple[int, ...] = (citer.cite(evidence.hit, evidence.span),)
            row = read_row(hit, evidence.span)
            if row.head is not None:
                markers = (*markers, citer.cite(evidence.hit, row.head))
            source = flow(evidence.span.of(hit.chunk.text))
            text = widen(claim.text, source)
            if asks_way(question) and len(own_words(text)) <= FRAGMENT:
                text = source[clause_number(source) :].strip()
            if hit.chunk.kind == "table" and needs_row(row, text, question):
                text = tell(row, question)
            sentences.append(Sentence(text, markers, supported=True))
        else:
            sentences.append(Sentence(claim.text, (), supported=False, reasons=evidence.reasons))
    return replace(
        answer,
        text=compose([sentence for sentence in sentences if sentence.supported]),
        sentences=tuple(sentences),
        citations=tuple(citer.citations),
    )


def tell_short(answer: Answer, short: Short, quotes: QuoteCutter) -> Answer | None:
    """Return ``answer`` as a span of a stored sentence, which is cited whole.

    None when the checks that every sentence goes through do not pass the span.
    """
    source, question = short.candidate.text, answer.standalone_question or answer.question
    if not verify(short.text, [source]).supported or find_mistake(short.text, source, question):
        return None
    citer = Citer(answer.hits, quotes)
    marker = citer.cite(short.candidate.hit, short.candidate.span)
    sentence = Sentence(flow(short.text), (marker,), supported=True)
    return replace(
        answer,
        text=compose([sentence]),
        sentences=(sentence,),
        citations=tuple(citer.citations),
    )


def misses(
    claim: str,
    question: str,
    evidence: Evidence,
    ranked: Sequence[Candidate],
    hits: Sequence[Hit],
) -> str | None:
    """Say why a claim that the documents bear out is still no answer; None when it may be one."""
    kind = answer_type(question)
    hit = hits[evidence.hit]
    source = evidence.span.of(hit.chunk.text)
    if hit.chunk.kind == "table":
        lacking = lacking_figures(claim, beside_number(read_row(hit, evidence.span)))
        if lacking:
            return lacking[0]
    clause = clause_of(source)
    if clause and claim.strip(" .") == clause and not names_clause(question):
        return "it is only the number of a clause"
    mistaken = find_mistake(claim, source, question, row=hit.chunk.kind == "table")
    if mistaken is not None:
        return mistaken
    if lacks_contact(claim, question):
        return "the question asks for a number or an address to reach somebody at"
    if kind != "yes_no" and not any(
        presence(word, fold(question), stems_of(fold(question))) < 1 for word in own_words(claim)
    ):
        return "repeats the question"
    if kind in ("when", "number") and (
        SECTION.fullmatch(claim.strip()) or not bears(claim, kind, question)
    ):
        return f"the question asks for a {'time' if kind == 'when' else 'number'}"
    # Sentences in another language have no words in common with the question, unless it be a code.
    ranks = language_of(question) == language_of(source) or CODE.search(fold(question))
    if ranks and evidence.likelihood < ranked[0].score - FAR:
        return "its passage is about something else than the question"
    if kind in ("when", "number") and _beside(claim, question, kind, evidence, hits):
        return "another part of the sentence is nearer to the question"
    return None


def _beside(
    claim: str, question: str, kind: AnswerType, evidence: Evidence, hits: Sequence[Hit]
) -> bool:
    """Say whether a short claim was taken from the wrong half of its sentence.

    "The boiler is under warranty for 36 months, everything else for 24": asked about the boiler,
    24 months stands in the sentence and is still wrong.
    """
    asked = set(question_terms(question))
    text = flow(evidence.span.of(hits[evidence.hit].chunk.text))
    clauses = [part for part in re.split(r"[，,；;：:]\s*(?!\d)", text) if part]
    wanted = re.sub(r"[\s。.]", "", fold(claim))
    ours = [part for part in clauses if wanted in re.sub(r"\s", "", fold(part))]
    if not ours:
        return False
    nearness = max(len(asked & set(terms(part))) for part in ours)
    return any(
        bears(part, kind, question) and len(asked & set(terms(part))) > nearness
        for part in clauses
        if part not in ours
    )


def compose(sentences: Sequence[Sentence]) -> str:
    """Join sentences with their markers behind them."""
    parts = [s.text + "".join(f"[{marker}]" for marker in s.markers) for s in sentences]
    return " ".join(parts)
