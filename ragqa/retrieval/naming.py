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


class NameIndex:
    """The names of a collection's documents, looked up by the words that set them apart."""

    def __init__(self, names: Mapping[int, str]) -> None:
        """Cut the names.

        Args:
            names: The documents of the collection by number.
        """
        self.by_number = dict(names)
        tokens = {number: _tokens(name) for number, name in names.items()}
        self._count = Counter(token for found in tokens.values() for token in found)
        most = math.ceil(_COMMON * len(names))
        self._telling: dict[str, list[int]] = {}
        self._apart: dict[int, int] = {}
        for number, found in tokens.items():
            # "example" must not stand for the whole of asymptote-by-example.pdf.
            apart = [token for token in found if self._count[token] <= most]
            self._apart[number] = len(apart)
            for token in apart:
                self._telling.setdefault(token, []).append(number)
        self._joinable = [token for token in self._telling if _may_be_joined(token)]
        self._years = {number: years_of(name) for number, name in names.items()}

    def match(self, question: str) -> dict[int, float]:
        """Return how well each document's name is borne out by the question, in (0, 1].

        A document counts only when a word of its name that sets it apart is in the question; a
        year alone names nothing. Among those, the years of the question decide.
        """
        folded = fold(question)
        words = set(_TOKEN.findall(folded))
        joined = re.sub(r"[\W_]+", "", folded)
        said: dict[int, list[str]] = {}
        spoken = {token for token in words if token in self._telling}
        spoken.update(token for token in self._joinable if token in joined)
        for token in spoken:
            for number in self._telling[token]:
                said.setdefault(number, []).append(token)
        years = years_of(question) if said else frozenset()
        matched: dict[int, float] = {}
        for number, found in said.items():
            rarity = max(1 / math.sqrt(self._count[token]) for token in found)
            agreement = _agreement(years, self._years[number])
            share = len(found) / self._apart[number]
            matched[number] = share * ((1 - YEAR_SHARE) * (0.5 + 0.5 * rarity) + agreement)
        return matched


def match_names(question: str, names: Mapping[int, str]) -> dict[int, float]:
    """Return how well each document's name is borne out by the question, in (0, 1]."""
    return NameIndex(names).match(question)


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


def _may_be_joined(token: str) -> bool:
    """Say whether a word is recognised wherever its letters stand in the question."""
    if re.fullmatch(rf"[{CJK}]+", token):
        return True
    return len(token) >= _JOINED and token.isalpha()
