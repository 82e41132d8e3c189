"""Sentences read for a short answer: which one has it, and where; as short as it may be.

``ragqa.answering.reading`` says of the likeliest sentences, each with its neighbours, whether the
answer stands there and where. Of all spans the one is taken that is expected to fit best: a word
too many costs little, a wrong one costs all. Where it is unsure, that would be most of the
sentence, and nothing is cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ragqa.answering.completing import joins, widen
from ragqa.answering.quantities import clause_of
from ragqa.answering.questions import answer_type
from ragqa.answering.reading import read_texts
from ragqa.answering.sentences import split_sentences
from ragqa.answering.terms import language_of, terms
from ragqa.answering.titles import without_name
from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.answering.extractive import Candidate
    from ragqa.answering.reading import Reading
    from ragqa.ports import Embedder
    from ragqa.types import Answer, ChunkKind, Hit

    Floats = NDArray[np.float64]

READ = 6
"""Sentences, likeliest first, in which a short answer is looked for. Each costs about 50 ms."""
AROUND = {"zh": 170, "en": 480}
"""Characters that a sentence and its neighbours may have together."""
SEEN = 0.5
"""How much it counts that an answer is seen in a sentence, beside the sentence's own score."""
EVEN = -1.0
"""The logit of a reading that speaks neither for an answer nor against it."""
NEARLY = 1.0
"""How much lower the score of a row may be than that of a sentence in which no answer is seen."""
HOLDING = 0.8
"""What it counts that a span has all of the right answer, beside how well it fits (F1)."""
WEIGHED = 120
"""Spans, likeliest first, against which every span is weighed."""
CONSIDERED = 1000
"""Spans, likeliest first, of which one is chosen."""
WHOLE = 0.6
"""Share of a sentence from which a span is no short answer."""
LENGTHY = 3
"""Times the length of what was read from which on a draft says too much."""
_EXPLAINED = re.compile(
    r"如何|怎么|怎样|怎麼|怎樣|\bhow (?:to|do|does|did|can|should|is|are|was|were)\b", re.I
)
_WORDS = re.compile(
    r"(?=[A-Za-z\d-]*\d)(?=[A-Za-z\d-]*[A-Za-z])[A-Za-z\d]+(?:-[A-Za-z\d]+)*|"
    r"[A-Za-z\u00c0-\u024f]+|\d+(?:[.,:]\d+)*"
)
"""A code (C-170A), a word, a number."""
_EDGES = " \t\n。，、,;；"


@dataclass(frozen=True, slots=True)
class Read:
    """A sentence that was read together with its neighbours."""

    candidate: Candidate
    parts: tuple[Span, ...]
    """The sentences that were read, in the chunk's text; they follow one another."""
    text: str
    reading: Reading
    likelihood: Floats
    """Of each span, as the reading tells it."""


@dataclass(frozen=True, slots=True)
class Short:
    """A short answer, and the sentence that it was cut from."""

    text: str
    candidate: Candidate


def read_ranked(
    question: str, hits: Sequence[Hit], ranked: Sequence[Candidate], embedder: Embedder
) -> list[Read]:
    """Read the best sentences for a short answer, best first; nothing where none can be cut.

    Rows of tables have cells, sentences in another language are told in the asker's by the model,
    and yes or no stands nowhere.
    """
    language = language_of(question)
    if not ranked or answer_type(question) == "yes_no" or not _readable(hits, ranked[0], language):
        return []
    chosen = [one for one in ranked[:READ] if _readable(hits, one, language)]
    chunks = [hits[one.hit].chunk for one in chosen]
    around = [
        with_neighbours(chunk.text, one.span, chunk.kind)
        for chunk, one in zip(chunks, chosen, strict=True)
    ]
    parts = [
        [span.of(chunk.text) for span in spans] for chunk, spans in zip(chunks, around, strict=True)
    ]
    asked = without_name(question, hits[ranked[0].hit])
    readings = read_texts(asked, parts, embedder) or []
    return [
        _read(one, spans, "".join(told), reading)
        for one, spans, told, reading in zip(chosen, around, parts, readings, strict=False)
    ]


def _read(one: Candidate, spans: tuple[Span, ...], text: str, reading: Reading) -> Read:
    likelihood = reading.likelihood()
    first, last = np.unravel_index(likelihood.argmax(), likelihood.shape)
    told = text[reading.offsets[first][0] : reading.offsets[last][1]].strip(_EDGES)
    seen = replace(one, seen=reading.logit, told=told)
    return Read(seen, spans, text, reading, likelihood)


def rank_again(ranked: Sequence[Candidate], read: Sequence[Read]) -> list[Candidate]:
    """Return ``ranked`` with those first in which an answer is seen, as far as they were read.

    Rows of tables are not read, which speaks neither for an answer in them nor against it: those
    that have nearly as much else to be said for them may come before all.
    """
    if not read:
        return list(ranked)
    seen = sorted(read, key=lambda one: -_liking(one))
    known = {(one.candidate.hit, one.candidate.span) for one in read}
    rest = [one for one in ranked if (one.hit, one.span) not in known]
    least = max(_liking(seen[0]) - SEEN * EVEN, max(one.candidate.score for one in read) - NEARLY)
    rows = [one for one in rest if one.row and one.score > least]
    return [*rows, *(one.candidate for one in seen), *(one for one in rest if one not in rows)]


def cut_short(ranked: Sequence[Candidate], read: Sequence[Read]) -> Short | None:
    """Return the span that is expected to fit the right answer best.

    Args:
        ranked: Every sentence of the hits.
        read: Those that were read.

    Returns:
        The span, or None when none that is much shorter than its sentence is worth as much.
    """
    if not read:
        return None
    liking = np.array([_liking(one) for one in read])
    liking = np.exp(liking - liking.max())
    liking /= liking.sum()
    fits = [
        _fit(one.text, one.reading, share * one.likelihood)
        for one, share in zip(read, liking, strict=True)
    ]
    best = max(range(len(fits)), key=lambda at: fits[at][1])
    span = _whole_words(read[best].text, fits[best][0])
    home = _home(ranked, read[best], span)
    text = span.of(read[best].text).strip(_EDGES)
    if not text or home is None or len(text) > WHOLE * len(home.text):
        return None
    if text.strip(".") == clause_of(home.text):
        return None  # not a number that the clause tells
    return Short(widen(text, home.text), home)


def agrees(drafted: Answer, short: Short) -> bool:
    """Say whether a draft tells what was read, and not much more around it.

    Ways and reasons are told at any length. Rows of tables are not read: they stand as drafted.
    """
    tables = {hit.chunk_id for hit in drafted.hits if hit.chunk.kind == "table"}
    if any(citation.chunk_id in tables for citation in drafted.citations):
        return True
    question = drafted.standalone_question or drafted.question
    if _EXPLAINED.search(question) or answer_type(question) == "why":
        return True
    told = " ".join(one.text for one in drafted.sentences if one.supported)
    shared = set(terms(told)) & set(terms(short.text))
    brief = len(told) <= LENGTHY * len(short.text) or joins(short.text, told)
    return bool(shared) and brief


def _readable(hits: Sequence[Hit], one: Candidate, language: str) -> bool:
    return hits[one.hit].chunk.kind != "table" and language_of(one.text) == language


def with_neighbours(text: str, sentence: Span, kind: ChunkKind = "text") -> tuple[Span, ...]:
    """Return a sentence of ``text`` with the one behind and the one before it, if they are short.

    What lies between two sentences goes with the first of them.
    """
    spans = split_sentences(text, kind)
    at = next((n for n, span in enumerate(spans) if span.start == sentence.start), None)
    if at is None:
        return (sentence,)
    first = last = at
    limit = AROUND[language_of(sentence.of(text))]
    if at + 1 < len(spans) and spans[at + 1].end - spans[first].start <= limit:
        last = at + 1
    if at > 0 and spans[last].end - spans[at - 1].start <= limit:
        first = at - 1
    starts = [spans[n].start for n in range(first, last + 1)] + [spans[last].end]
    return tuple(Span(a, b) for a, b in pairwise(starts))


def _whole_words(text: str, span: Span) -> Span:
    """Return ``span`` with the rest of the words and numbers that it begins or ends in."""
    inside = [word.span() for word in _WORDS.finditer(text)]
    start = next((a for a, b in inside if a < span.start < b), span.start)
    end = next((b for a, b in inside if a < span.end < b), span.end)
    return Span(start, end)


def _home(ranked: Sequence[Candidate], read: Read, span: Span) -> Candidate | None:
    """Return the sentence that a span of what was read stands in."""
    told = span.of(read.text)
    at = read.parts[0].start + span.end - len(told.lstrip())
    return next(
        (
            one
            for one in ranked
            if one.hit == read.candidate.hit and one.span.start <= at < one.span.end
        ),
        None,
    )


def _liking(read: Read) -> float:
    return read.candidate.score + SEEN * read.reading.logit


def _fit(text: str, reading: Reading, likelihood: Floats) -> tuple[Span, float]:
    """Return the span that is worth most: its F1 against the right one, and whether it holds it.

    Source: Kumar and Byrne, "Minimum Bayes-risk decoding for statistical machine translation",
    2004, of the decision; the measure is that of extractive question answering.
    """
    chinese = language_of(text) == "zh"
    lengths = [
        max(1, sum(map(str.isalnum, text[start:end]))) if chinese else 1
        for start, end in reading.offsets
    ]
    upto = np.concatenate([[0], np.cumsum(lengths)])
    first, last = np.nonzero(likelihood)
    likeliest = np.argsort(-likelihood[first, last])[:CONSIDERED]
    first, last = first[likeliest], last[likeliest]
    chances = likelihood[first, last]
    right = np.arange(min(WEIGHED, len(first)))
    begins, ends = first[right], last[right]
    common = upto[np.minimum(last[:, None], ends) + 1] - upto[np.maximum(first[:, None], begins)]
    both = (upto[last + 1] - upto[first])[:, None] + (upto[ends + 1] - upto[begins])
    holds = (first[:, None] <= begins) & (last[:, None] >= ends)
    worth = (2 * np.maximum(common, 0) / both + HOLDING * holds) @ chances[right]
    best = int(worth.argmax())
    start, end = reading.offsets[first[best]][0], reading.offsets[last[best]][1]
    return Span(int(start), int(end)), float(worth[best])
