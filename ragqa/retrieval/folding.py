"""Folding: what counts as the same character when texts are compared.

Characters are folded one by one. That makes folding a homomorphism: the folded form of a part of a
text is part of the folded form of the whole, which is what lets any piece of a document find it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import ClassVar

CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
"""Scripts that put no space between words, as the inside of a regular expression's class."""


_HAN = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00))


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that fills itself."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


class _Squeezing(dict[int, str]):
    """Like folding, and white space and characters without a shape vanish."""

    invisible: ClassVar[frozenset[str]] = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})

    def __missing__(self, code: int) -> str:
        kept = (c for c in _FOLDING[code] if unicodedata.category(c) not in self.invisible)
        squeezed = self[code] = "".join(kept)
        return squeezed


def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    # Reading the table takes time: only a character that may be in it asks for it.
    return "".join(_simplified().get(c, c) if _may_be_traditional(c) else c for c in folded)


def _may_be_traditional(character: str) -> bool:
    return any(ord(character) in part for part in _HAN)


@cache
def _simplified() -> dict[str, str]:
    """Return traditional characters with the simplified one each folds to.

    Source: the character table of OpenCC, whose first choice is what it makes of a character that
    stands alone. Asking it for each of 28,000 characters takes six times as long.
    """
    table = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    rows = (line.partition("\t") for line in table.splitlines())
    return {
        character: simple
        for character, _, choices in rows
        if (simple := choices.split(" ")[0]) != character
        and len(character) == len(simple) == 1
        and _may_be_traditional(character)
    }


_FOLDING = _Folding()
_SQUEEZING = _Squeezing()


def fold(text: str) -> str:
    """Return ``text`` in half width, lower case and simplified characters."""
    return text.translate(_FOLDING)


def simplify(text: str) -> str:
    """Return ``text`` in simplified characters, character by character; all else stays."""
    table = _simplified()
    return "".join(table.get(character, character) for character in text)


def squeeze(text: str) -> str:
    """Return ``text`` folded and without white space: what verbatim search compares.

    ``squeeze(a + b) == squeeze(a) + squeeze(b)`` for all ``a`` and ``b``.
    """
    return text.translate(_SQUEEZING)


def find_squeezed(text: str, squeezed: str) -> list[tuple[int, int]]:
    """Return the ranges of ``text`` that squeeze to ``squeezed``; none overlaps another."""
    if not squeezed:
        return []
    origins: list[int] = []
    pieces: list[str] = []
    for index, character in enumerate(text):
        piece = character.translate(_SQUEEZING)
        pieces.append(piece)
        origins.extend([index] * len(piece))
    whole = "".join(pieces)
    ranges = []
    at = whole.find(squeezed)
    while at >= 0:
        ranges.append((origins[at], origins[at + len(squeezed) - 1] + 1))
        at = whole.find(squeezed, at + len(squeezed))
    return ranges
