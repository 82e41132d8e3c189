"""Which documents a question names: "Boeing … FY2022" means ``BOEING_2022_10K.pdf``."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from ragqa.retrieval.context import title_of
from ragqa.retrieval.folding import CJK, fold
from ragqa.retrieval.question import STOP_EN

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(rf"[{CJK}]+|[a-z0-9]+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SHORT_YEAR = re.compile(r"\b(?:fy|cy|financial year|fiscal)\s?['’]?(\d\d)\b")
_COMMON = 0.4
"""Share of the documents from which on a word of their names names none of them."""
_JOINED = 5
"""Letters a word needs to be recognised with spaces in it: ``BESTBUY`` in "Best Buy"."""
YEAR_SHARE = 0.35


def match_names(question: str, names: Mapping[int, str]) -> dict[int, float]:
    """Return how well each document's name is borne out by the question, in (0, 1].

    A document counts only when a word of its name that sets it apart is in the question; a year
    alone names nothing. Among those, the years of the question decide.

    Args:
        question: The user's question.
        names: The documents of the collection by number.
    """
    if not names:
        return {}
    folded = fold(question)
    words = set(_TOKEN.findall(folded))
    joined = re.sub(r"[\W_]+", "", folded)
    tokens = {number: _tokens(name) for number, name in names.items()}
    in_names = Counter(token for found in tokens.values() for token in found)
    most = math.ceil(_COMMON * len(names))
    telling = {
        token
        for token, count in in_names.items()
        if count <= most and _is_said(token, words, joined)
    }
    if not telling:
        return {}
    years = years_of(question)
    matched: dict[int, float] = {}
    for number, found in tokens.items():
        said = found & telling
        if said:
            # "example" must not stand for the whole of asymptote-by-example.pdf.
            apart = [token for token in found if in_names[token] <= most]
            rarity = max(1 / math.sqrt(in_names[token]) for token in said)
            agreement = _agreement(years, years_of(names[number]))
            share = len(said) / len(apart)
            matched[number] = share * ((1 - YEAR_SHARE) * (0.5 + 0.5 * rarity) + agreement)
    return matched


def years_of(text: str) -> frozenset[int]:
    """Return the years that a text names: 2022, FY2022 and FY22 are one."""
    folded = fold(text)
    full = {int(year) for year in _YEAR.findall(folded)}
    return frozenset(full | {2000 + int(year) for year in _SHORT_YEAR.findall(folded)})


def _agreement(asked: frozenset[int], named: frozenset[int]) -> float:
    """Return what the years are worth: all when they agree, half when one side has none."""
    if not asked or not named:
        return YEAR_SHARE / 2
    if asked & named:
        # A report of 2022 is asked for 2022 and 2021; the latest year is the report's own.
        return YEAR_SHARE if max(asked) in named else YEAR_SHARE * 0.7
    return 0.0


@lru_cache(maxsize=1 << 16)
def _tokens(name: str) -> frozenset[str]:
    """Return the words of a name that may set it apart: no numbers, no small words."""
    plain = fold(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    found = {*_TOKEN.findall(fold(title_of(name))), *re.findall(r"[a-z0-9]+", plain)}
    return frozenset(
        token for token in found if len(token) > 1 and not token.isdigit() and token not in STOP_EN
    )


def _is_said(token: str, words: set[str], joined: str) -> bool:
    if token in words:
        return True
    if re.fullmatch(rf"[{CJK}]+", token):
        return token in joined
    return len(token) >= _JOINED and token.isalpha() and token in joined
