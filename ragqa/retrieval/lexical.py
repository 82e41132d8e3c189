"""From text to the terms of lexical search, in Chinese and English.

Width, case and traditional characters are folded; Chinese is cut into words and into pairs of
characters, so that a term is found however its neighbours were cut; English words lose their
commonest endings; ``1,234`` and ``1234`` are one number.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import cache, lru_cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path

from ragqa.retrieval.folding import CJK, fold

_PIECE = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+(?:[.'’&][^\W_{CJK}]+)*[+#]*")
_IS_CJK = re.compile(rf"[{CJK}]")
_GROUPED = re.compile(r"(?<![\d,.])\d{1,3}(?:[,，]\d{3})+(?![\d,])")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_DECIMAL = re.compile(r"(\d+\.\d*?)0+")
_LONGEST = 64
"""Characters of a piece that count; what is longer is no word but data."""

_ENDINGS = (
    ("ational", "ate"),
    ("ization", "ize"),
    ("fulness", "ful"),
    ("iveness", "ive"),
    ("sses", "ss"),
    ("ies", "y"),
    ("ied", "y"),
    ("ing", ""),
    ("ed", ""),
    ("es", "e"),
    ("s", ""),
)


def analyze(text: str) -> list[str]:
    """Return the terms of ``text``, repeated as often as they occur.

    The order is the text's for words and pairs alike; nothing in it depends on the collection.
    """
    found: list[str] = []
    plain = _GROUPED.sub(lambda number: re.sub("[,，]", "", number.group()), fold(text))
    for match in _PIECE.finditer(plain):
        piece = match.group()[:_LONGEST]
        if _IS_CJK.match(piece):
            found.extend(cut_chinese(match.group()))
        else:
            found.extend(_cut_word(piece))
    return found


@cache
def analysis_key() -> str:
    """Return what changes whenever the same chunk might get other terms: code or dictionaries."""
    digest = hashlib.sha256(unicodedata.unidata_version.encode())
    for module in ("lexical", "folding", "context"):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for package in ("rjieba", "opencc-python-reimplemented"):
        digest.update(metadata.version(package).encode())
    return digest.hexdigest()[:16]


def cut_chinese(run: str) -> list[str]:
    """Return the pairs of characters of a run of Chinese, and its longer words.

    A run of one character is that character.
    """
    if len(run) == 1:
        return [run]
    import rjieba

    pairs = [first + second for first, second in pairwise(run)]
    words = [word for word in rjieba.cut(run) if len(word) > 2]
    return pairs + words


@lru_cache(maxsize=1 << 16)
def _cut_word(piece: str) -> tuple[str, ...]:
    """Return the terms of a run of letters and digits: the whole, and its parts if it has any."""
    piece = piece.replace("’", "'").removesuffix("'s")
    if _INITIALS.fullmatch(piece):
        return (piece.replace(".", ""),)
    if piece[0].isdigit():
        whole = _DECIMAL.fullmatch(piece)
        return (whole.group(1).rstrip(".") if whole else piece,)
    parts = [part for part in re.split(r"[.'&]", piece) if part]
    if len(parts) > 1:
        return (piece, *(stem(part) for part in parts if len(part) > 1))
    return (stem(piece),)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return an English word without its commonest ending, and without accents.

    Light on purpose: ``policies`` and ``policy`` meet, ``universe`` and ``university`` do not.
    """
    word = _without_accents(word)
    if (
        len(word) <= 3
        or not word.isascii()
        or not word.isalpha()
        or word.endswith(("ss", "us", "is"))
    ):
        return word
    for ending, put in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _even_out(word[: -len(ending)] + put)
    return _even_out(word)


def _even_out(word: str) -> str:
    """Drop the doubled consonant and the final e that endings leave or take: make, making."""
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFKD", word)
    return "".join(c for c in apart if not unicodedata.combining(c)) or word


@lru_cache(maxsize=1 << 18)
def hash_term(term: str) -> int:
    """Return the number a term is stored as: 32 bits, signed, the same on every machine."""
    digest = hashlib.blake2b(term.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)
