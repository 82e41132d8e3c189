"""Facts that stand where the quote has others: found by laying a claim over the quote."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from ragqa.answering.coverage import SMALL_CHARACTERS
from ragqa.answering.terms import ENGLISH_STOP, stem

if TYPE_CHECKING:
    from ragqa.answering.mentions import Mentions

_PIECE = re.compile(r"[A-Za-z]+(?:['.&-][A-Za-z]+)*|[\u3400-\u9fff]")
_NEGATIONS = frozenset("不没未无非") | frozenset(["not", "never", "no", "cannot", "n't", "without"])
ALIKE = 0.7
"""Share of the claim that must lie on the quote before places are compared."""


class Piece(NamedTuple):
    """A word, a character or a whole fact of a text; ``key`` is what is compared."""

    key: str
    text: str
    fact: bool


def displaced(claim: Mentions, source: Mentions) -> list[tuple[str, str]]:
    """Return ``(in the claim, in the quote)`` for facts that took the place of others.

    Every fact of the claim may occur in the quote and the claim still be false: the year of
    another event, the name of the other party. It shows when all around it is the same.
    """
    ours, theirs = _pieces(claim), _pieces(source)
    matcher = SequenceMatcher(None, [p.key for p in ours], [p.key for p in theirs], autojunk=False)
    blocks = matcher.get_opcodes()
    same = sum(i2 - i1 for tag, i1, i2, _, _ in blocks if tag == "equal")
    if len(ours) < 4 or same < ALIKE * len(ours):
        return []
    found: list[tuple[str, str]] = []
    for number, (tag, i1, i2, j1, j2) in enumerate(blocks):
        if tag == "equal" or not _held(blocks, number):
            continue
        mine, other = ours[i1:i2], theirs[j1:j2]
        if _negates(mine) != _negates(other):
            found.append((_text(mine) or "-", _text(other) or "-"))
        elif tag == "replace" and len(other) <= 8 and _names_other(mine, other):
            found.append((_text(mine), _text(other)))
    return found


def _held(blocks: list[tuple[str, int, int, int, int]], number: int) -> bool:
    """Say whether the claim agrees with the quote on both sides of a difference."""
    before = number > 0 and blocks[number - 1][2] - blocks[number - 1][1] >= 2
    after = number + 1 < len(blocks) and blocks[number + 1][2] - blocks[number + 1][1] >= 2
    first, last = number == 0, number + 1 == len(blocks)
    return (before or first) and (after or last) and not (first and last)


def _names_other(mine: list[Piece], other: list[Piece]) -> bool:
    facts, others = [p for p in mine if p.fact], [p for p in other if p.fact]
    if facts and others:
        return {p.key for p in facts} != {p.key for p in others}
    said = [p for p in mine if p.key not in SMALL_CHARACTERS and p.key not in ENGLISH_STOP]
    instead = [p for p in other if p.key not in SMALL_CHARACTERS and p.key not in ENGLISH_STOP]
    capital = any(p.text[:1].isupper() for p in said) and any(p.text[:1].isupper() for p in instead)
    chinese = any(p.text >= "\u3400" for p in said) and any(p.text >= "\u3400" for p in instead)
    return bool(said and instead) and (capital or chinese)


def _negates(pieces: list[Piece]) -> bool:
    return sum(p.key in _NEGATIONS for p in pieces) % 2 == 1


def _text(pieces: list[Piece]) -> str:
    return "".join(p.text + (" " if p.text.isascii() else "") for p in pieces).strip()


def _pieces(mentions: Mentions) -> list[Piece]:
    facts: list[tuple[int, int, str]] = []
    for number in mentions.numbers:
        facts.append((number.start, number.end, f"#{number.value.normalize()}{number.unit}"))
    for date in mentions.dates:
        facts.append((date.start, date.end, f"@{date.parts()}"))
    facts.sort()
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
