"""Facts that stand where the quote has others: found by laying a claim over the quote."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from ragqa.answering.coverage import SMALL_CHARACTERS
from ragqa.answering.mentions import find_mentions
from ragqa.answering.terms import stem
from ragqa.answering.wordlists import ENGLISH_STOP, SENTENCE_STARTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.mentions import Mentions

_PIECE = re.compile(r"[A-Za-z0-9]+(?:['.&-][A-Za-z0-9]+)*|[\u3400-\u9fff]")
_NEGATIONS = frozenset("不没未无非") | frozenset(["not", "never", "no", "cannot", "n't", "without"])
ALIKE = 0.7
"""Share of the claim that must agree with a sentence before places are compared."""
SHORTEST = 4
"""Pieces a claim must have for places to mean anything."""
LONGEST = 10
"""Pieces of a difference that can be one fact in the place of another."""


class Piece(NamedTuple):
    """A word, a character or a whole fact of a text; ``key`` is what is compared."""

    key: str
    text: str
    fact: bool


def displaced(claim: Mentions, sentences: Sequence[Mentions]) -> list[tuple[str, str]]:
    """Return ``(in the claim, in the quote)`` for facts that took the place of others.

    Every fact of the claim may occur in the quotes and the claim still be false: the year of
    another event, the name of the other party. It shows when all around it is the same.

    Args:
        claim: One sentence of an answer.
        sentences: The sentences of the quotes, each read by itself.
    """
    ours = _pieces(claim)
    if len(ours) < SHORTEST:
        return []
    laid = [_lay(ours, _pieces(sentence)) for sentence in sentences]
    most = max((share for share, _ in laid), default=0.0)
    if most < ALIKE:
        return []
    differences = [found for share, found in laid if share >= max(ALIKE, most - 0.05)]
    return [] if [] in differences else differences[0]


def _lay(ours: list[Piece], theirs: list[Piece]) -> tuple[float, list[tuple[str, str]]]:
    """Lay a claim over one sentence: the share of it that agrees, and what differs in place."""
    matcher = SequenceMatcher(None, [p.key for p in ours], [p.key for p in theirs], autojunk=False)
    blocks = matcher.get_opcodes()
    share = sum(i2 - i1 for tag, i1, i2, _, _ in blocks if tag == "equal") / len(ours)
    found: list[tuple[str, str]] = []
    for number, (tag, i1, i2, j1, j2) in enumerate(blocks):
        if tag == "equal":
            continue
        mine, other = ours[i1:i2], theirs[j1:j2]
        inside = 0 < number < len(blocks) - 1
        short = len(other) <= LONGEST and len(mine) <= LONGEST
        negated = inside and short and _negates(mine) != _negates(other)
        if negated or (tag == "replace" and short and _names_other(mine, other)):
            found.append((_text(mine) or "-", _text(other) or "-"))
    return share, found


def _names_other(mine: list[Piece], other: list[Piece]) -> bool:
    facts, others = [p for p in mine if p.fact], [p for p in other if p.fact]
    if facts and others:
        return {p.key for p in facts} != {p.key for p in others}
    said = [p for p in mine if _says(p)]
    instead = [p for p in other if _says(p)]
    capital = any(p.text[:1].isupper() for p in said) and any(p.text[:1].isupper() for p in instead)
    chinese = any(p.text >= "\u3400" for p in said) and any(p.text >= "\u3400" for p in instead)
    return capital or chinese


def negates(text: str) -> bool:
    """Say whether a text turns around what stands beside it."""
    return _negates(_pieces(find_mentions(text)))


def _says(piece: Piece) -> bool:
    return (
        piece.key not in SMALL_CHARACTERS
        and piece.key not in ENGLISH_STOP
        and piece.key not in SENTENCE_STARTERS
    )


def _negates(pieces: list[Piece]) -> bool:
    return sum(p.key in _NEGATIONS for p in pieces) % 2 == 1


def _text(pieces: list[Piece]) -> str:
    return "".join(p.text + (" " if p.text.isascii() else "") for p in pieces).strip()


def _pieces(mentions: Mentions) -> list[Piece]:
    numbers = [(n.start, n.end, f"#{n.value.normalize()}{n.unit}") for n in mentions.numbers]
    dates = [(date.start, date.end, f"@{date.parts()}") for date in mentions.dates]
    facts = sorted(numbers + dates)
    pieces: list[Piece] = []
    at = 0
    for start, end, key in [*facts, (len(mentions.text), len(mentions.text), "")]:
        for match in _PIECE.finditer(mentions.text, at, max(at, start)):
            word = match.group()
            pieces.append(Piece(stem(word.casefold()), word, fact=False))
        if key:
            pieces.append(Piece(key, mentions.text[start:end].strip(), fact=True))
        at = max(at, end)
    return pieces
