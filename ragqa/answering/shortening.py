"""A short answer cut out of a stored sentence: as short as it may be, as long as it must be.

For a question whose draft does not stand. ``ragqa.answering.reading`` says where the answer may be;
of all spans the one is taken that is expected to fit best: a word too many costs little, a wrong
one costs all. Where it is unsure, that would be most of the sentence, and nothing is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ragqa.answering.questions import answer_type
from ragqa.answering.reading import read_sentences
from ragqa.answering.terms import language_of
from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ragqa.answering.extractive import Candidate
    from ragqa.answering.reading import Reading
    from ragqa.ports import Embedder
    from ragqa.types import Hit

    Floats = NDArray[np.float64]

READ = 2
"""Sentences, likeliest first, in which a short answer is looked for."""
HOLDING = 0.4
"""What it counts that a span has all of the right answer, beside how well it fits (F1)."""
SURE = 2.0
"""How much more a sentence's own likelihood counts than that an answer is seen in it."""
SEEN = 0.3
WEIGHED = 120
"""Spans, likeliest first, against which every span is weighed."""
WHOLE = 0.6
"""Share of a sentence from which a span is no short answer."""
_EDGES = " \t\n。，、,;；"


@dataclass(frozen=True, slots=True)
class Short:
    """A short answer, and the sentence that it was cut from."""

    text: str
    candidate: Candidate


def read_ranked(
    question: str, hits: Sequence[Hit], ranked: Sequence[Candidate], embedder: Embedder
) -> list[Reading] | None:
    """Read the best sentences for a short answer; None where none can be cut.

    Rows of tables have cells, sentences in another language are told in the asker's by the model,
    and yes or no stands nowhere.
    """
    read = ranked[:READ]
    language = language_of(question)
    if not read or answer_type(question) == "yes_no":
        return None
    if any(
        hits[one.hit].chunk.kind == "table" or language_of(one.text) != language for one in read
    ):
        return None
    return read_sentences(question, [one.text for one in read], embedder)


def cut_short(ranked: Sequence[Candidate], readings: Sequence[Reading]) -> Short | None:
    """Return the span that is expected to fit the right answer best.

    Args:
        ranked: Sentences, likeliest answer first.
        readings: Of the first of them.

    Returns:
        The span, or None when none that is much shorter than its sentence is worth as much.
    """
    pairs = list(zip(ranked, readings, strict=False))
    liking = np.array([SURE * one.score + SEEN * reading.logit for one, reading in pairs])
    liking = np.exp(liking - liking.max())
    liking /= liking.sum()
    best: tuple[float, Short] | None = None
    for (one, reading), share in zip(pairs, liking, strict=True):
        span, value = _fit(one.text, reading, share * reading.likelihood())
        text = span.of(one.text).strip(_EDGES)
        if text and (best is None or value > best[0]):
            best = value, Short(text, one)
    if best is None or len(best[1].text) > WHOLE * len(best[1].candidate.text):
        return None
    return best[1]


def _fit(sentence: str, reading: Reading, likelihood: Floats) -> tuple[Span, float]:
    """Return the span that is worth most: its F1 against the right one, and whether it holds it.

    Source: Kumar and Byrne, "Minimum Bayes-risk decoding for statistical machine translation",
    2004, of the decision; the measure is that of extractive question answering.
    """
    chinese = language_of(sentence) == "zh"
    lengths = [
        max(1, sum(map(str.isalnum, sentence[start:end]))) if chinese else 1
        for start, end in reading.offsets
    ]
    upto = np.concatenate([[0], np.cumsum(lengths)])
    first, last = np.triu_indices(len(lengths))
    chances = likelihood[first, last]
    right = np.argsort(-chances)[:WEIGHED]
    begins, ends = first[right], last[right]
    common = upto[np.minimum(last[:, None], ends) + 1] - upto[np.maximum(first[:, None], begins)]
    both = (upto[last + 1] - upto[first])[:, None] + (upto[ends + 1] - upto[begins])
    holds = (first[:, None] <= begins) & (last[:, None] >= ends)
    worth = (2 * np.maximum(common, 0) / both + HOLDING * holds) @ chances[right]
    best = int(worth.argmax())
    start, end = reading.offsets[first[best]][0], reading.offsets[last[best]][1]
    return Span(int(start), int(end)), float(worth[best])
