"""Where a short answer stands: the embedder reads sentences together with the question.

An adapter changes the embedder's upper blocks for this one purpose, and a small network over their
output, and over marks that anyone can look up, says of each token how likely the answer begins or
ends there. Both were fitted for one embedder; another one leaves sentences as they are.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from ragqa.answering.quantities import clause_number, find_other_quantities, names_clause
from ragqa.answering.questions import CAUSE, NAME, NUMBER, TIME, TYPES, answer_type
from ragqa.answering.terms import HAN, language_of, stem
from ragqa.answering.wordlists import ENGLISH_STOP
from ragqa.ports import PairReader
from ragqa.retrieval.folding import fold
from ragqa.types import Adapter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.types import Language

    Floats = NDArray[np.float32]

FITTED_FOR = "multilingual-e5-small"
"""Part of the name of the embedder that the adapter and the network were fitted for."""
LONGEST = 48
"""Tokens of the longest short answer."""
_PUNCTUATION = re.compile(r"[\s，。、；：？！,.;:?!()（）“”\"'《》「」\-–—]+")
_NEAR = 6
"""Tokens on either side in which words of the question count as beside."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Of each token of a text, how likely a short answer begins or ends there."""

    offsets: NDArray[np.int64]
    """Shape ``(tokens, 2)``: where each token stands in the text."""
    starts: Floats
    """Shape ``(tokens,)``: logits; 0 is as likely as that there is no answer."""
    ends: Floats
    parts: NDArray[np.int64]
    """Shape ``(tokens,)``: which part of the text each token is in; no answer spans two."""
    other: NDArray[np.bool_] | None = None
    """Shape ``(tokens,)``: measures what is not asked for, or is the number of a clause; no answer
    has such tokens alone. None: there are none."""
    measures: NDArray[np.bool_] | None = None
    """Shape ``(tokens,)``: any other number."""

    @property
    def logit(self) -> float:
        """Of the likeliest span that the answer stands there at all."""
        return float(_spans(self).max())

    def likelihood(self) -> NDArray[np.float64]:
        """Return how likely each span is, given that one is right.

        Shape: ``(tokens, tokens)``, first and last token; the sum is 1.
        """
        logits = _spans(self)
        weights: NDArray[np.float64] = np.exp(logits - logits.max())
        weights /= weights.sum()
        return weights


def read_texts(
    question: str, texts: Sequence[Sequence[str]], embedder: Embedder
) -> list[Reading] | None:
    """Read ``texts`` for a short answer; None when the embedder is not one that can be read.

    Args:
        question: As asked.
        texts: Each in parts that belong together in this order: a sentence and its neighbours.
        embedder: What reads.
    """
    if not isinstance(embedder, PairReader) or FITTED_FOR not in embedder.name:
        return None
    network, adapter = _fitted()
    found: list[Reading] = []
    whole = ["".join(parts) for parts in texts]
    for text, parts, pair in zip(
        whole, texts, embedder.read_pairs(question, whole, adapter), strict=True
    ):
        if not len(pair.offsets):
            return None
        logits = network.apply(pair.states, mark(question, text, pair.offsets))
        ends = np.cumsum([len(part) for part in parts])
        # A token begins with the space before it, which may be the last of the part before.
        inside = np.searchsorted(ends, pair.offsets[:, 1] - 1, side="right")
        other, measures = _quantities(question, parts, pair.offsets)
        found.append(Reading(pair.offsets, logits[:, 0], logits[:, 1], inside, other, measures))
    return found


def _quantities(
    question: str, parts: Sequence[str], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | tuple[None, None]:
    """Return which tokens are no answer by themselves, and which are other numbers."""
    clauses: list[tuple[int, int]] = []
    begin = 0
    for part in parts:
        if not names_clause(question) and (number := clause_number(part)):
            clauses.append((begin, begin + number))
        begin += len(part)
    other, numbers = find_other_quantities("".join(parts), question)
    others = [*clauses, *_outside(clauses, other)]
    numbers = _outside(clauses, numbers)
    if not others:
        return None, None
    return _covered(others, offsets), _covered(numbers, offsets)


def _outside(
    clauses: Sequence[tuple[int, int]], places: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    return [(a, b) for a, b in places if not any(start <= a < end for start, end in clauses)]


def _covered(ranges: Sequence[tuple[int, int]], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    found = np.zeros(len(offsets), dtype=bool)
    for start, end in ranges:
        found |= (offsets[:, 0] < end) & (offsets[:, 1] > start)
    return found


def find_answers(question: str, texts: Sequence[str], embedder: Embedder) -> list[float]:
    """Return for each text the logit of there being a short answer in it.

    Nothing when the embedder is not one that can be read.
    """
    readings = read_texts(question, [[text] for text in texts], embedder) or []
    return [reading.logit for reading in readings]


def _spans(reading: Reading) -> NDArray[np.float64]:
    sums = reading.starts[:, None].astype(np.float64) + reading.ends[None, :]
    first, last = np.indices(sums.shape)
    one = reading.parts[:, None] == reading.parts[None, :]
    allowed = one & (first <= last) & (last - first <= LONGEST)
    if reading.other is not None and reading.measures is not None:
        begins = np.concatenate([[0], np.cumsum(reading.other)])
        counts = np.concatenate([[0], np.cumsum(reading.measures)])
        clear = (begins[last + 1] == begins[first]) | (counts[last + 1] > counts[first])
        allowed = allowed & clear if (allowed & clear).any() else allowed
    return np.where(allowed, sums, -np.inf)


@dataclass(frozen=True, slots=True)
class Network:
    """One hidden layer, and a straight way past it. Written by ``benchmarks/answers_spans.py``."""

    states: Floats
    """Shape ``(units, dimension)``."""
    marks: Floats
    """Shape ``(units, marks)``."""
    bias: Floats
    out: Floats
    """Shape ``(2, units)``: for where answers begin, and end."""
    straight: Floats
    """Shape ``(2, dimension)``: from the states to the same two."""
    out_bias: Floats

    def apply(self, states: Floats, marks: Floats) -> Floats:
        """Return logits. Shape: ``(tokens, 2)``."""
        hidden = states @ self.states.T + marks @ self.marks.T + self.bias
        active = 0.5 * hidden * (1 + _erf(hidden / math.sqrt(2)))
        logits = active @ self.out.T + states @ self.straight.T + self.out_bias
        told: Floats = logits.astype(np.float32)
        return told


_erf = np.vectorize(math.erf, otypes=[np.float64])


@cache
def _fitted() -> tuple[Network, Adapter]:
    """Return what ``benchmarks/answers_spans.py`` wrote."""
    with files("ragqa.answering").joinpath("reading.npz").open("rb") as file, np.load(file) as read:
        told = {name: read[name].astype(np.float32) for name in read.files}
    network = Network(**{name.name: told.pop(name.name) for name in fields(Network)})
    first = int(told.pop("first"))
    blocks: dict[int, dict[str, tuple[Floats, Floats]]] = defaultdict(dict)
    for key in told:
        block, name, part = key.split(".")
        if part == "down":
            blocks[int(block)][name] = told[key], told[f"{block}.{name}.up"]
    return network, Adapter(first, tuple(blocks[at] for at in sorted(blocks)))


def mark(question: str, sentence: str, offsets: NDArray[np.int64]) -> Floats:
    """Return what can be said of each token without a model.

    Shape: ``(tokens, marks)``: whether it is a word of the question, how near such words are, what
    kind of word it is, and each kind again where the question asks for each type of answer.
    """
    kind = answer_type(question)
    characters = _mark_characters(question, sentence, language_of(sentence))
    tokens = np.array(
        [
            [*row, float(bool(_PUNCTUATION.fullmatch(sentence[start:end] or " ")))]
            for row, (start, end) in zip(
                (characters[:, a:b].max(axis=1, initial=0) for a, b in offsets),
                offsets,
                strict=True,
            )
        ]
    )
    asked, punctuation = tokens[:, 0], tokens[:, -1]
    places = np.arange(len(tokens))
    there = np.flatnonzero(asked > 0.5)
    apart = there[None, :] - places[:, None]
    far = np.abs(apart).min(axis=1) if len(there) else np.full(len(tokens), 20)
    before = ((apart < 0) & (apart >= -_NEAR)).any(axis=1)
    behind = ((apart > 0) & (apart <= _NEAR)).any(axis=1)
    density = [asked[max(0, at - 8) : at + 9].mean() for at in places]
    types = np.array([float(kind == one) for one in TYPES])
    by_type = (tokens[:, 3:11, None] * types[None, None]).reshape(len(tokens), -1)
    columns = (
        tokens, 1 / (1 + far), before, behind, density, places / len(tokens),
        np.roll(asked, 1), np.roll(punctuation, 1), np.roll(punctuation, -1), np.roll(asked, -1),
        np.tile(types, (len(tokens), 1)), by_type,
    )  # fmt: skip
    return np.column_stack(columns).astype(np.float32)


def _mark_characters(question: str, sentence: str, language: Language) -> NDArray[np.float64]:
    """Return the marks of each character. Shape: ``(11, len(sentence))``."""
    marks = np.zeros((11, len(sentence)))
    asked, begins, ends, people, places, times, numbers, names, causes, verbs, nouns = marks
    _mark_asked(fold(question), fold(sentence), asked)
    if language == "zh":
        for start, end, tag in _tagged(sentence):
            begins[start] = ends[end - 1] = 1
            for row, tags in (
                (people, ("nr",)), (places, ("ns", "nt")), (verbs, ("v",)), (nouns, ("n",)),
            ):  # fmt: skip
                if tag.startswith(tags):
                    row[start:end] = 1
    else:
        for word in re.finditer(r"\w+", sentence):
            begins[word.start()] = ends[word.end() - 1] = 1
            if word.group()[0].isupper() and word.start() > 0:
                people[slice(*word.span())] = 1
            if word.group().lower() in ENGLISH_STOP:
                verbs[slice(*word.span())] = 1
    for pattern, row in ((TIME, times), (NUMBER, numbers), (NAME, names), (CAUSE, causes)):
        for found in pattern.finditer(sentence):
            row[slice(*found.span())] = 1
    return marks


def _mark_asked(question: str, sentence: str, asked: NDArray[np.float64]) -> None:
    """Mark the characters of words that the question has too; both texts are folded."""
    if len(sentence) != len(asked):
        return  # folding changed the length: offsets would be wrong
    pairs = {question[at : at + 2] for at in range(len(question) - 1)}
    for at in range(len(sentence) - 1):
        if HAN.match(sentence[at]) and sentence[at : at + 2] in pairs:
            asked[at : at + 2] = 1
    stems = {stem(word) for word in re.findall(r"[a-z0-9]+", question)}
    for word in re.finditer(r"[a-z0-9]+", sentence):
        if stem(word.group()) in stems:
            asked[slice(*word.span())] = 0.3 if word.group() in ENGLISH_STOP else 1


def _tagged(sentence: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each word stands, and its part of speech."""
    import rjieba

    at = 0
    for word, tag in rjieba.tag(sentence):
        if not sentence.startswith(word, at):
            return
        yield at, at + len(word), tag
        at += len(word)
