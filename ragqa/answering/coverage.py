"""How much of a claim's wording its source has, and which Chinese words of it the source lacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.terms import stem
from ragqa.answering.wordlists import ENGLISH_STOP, PLAIN_WORDS, SENTENCE_STARTERS

if TYPE_CHECKING:
    from ragqa.answering.mentions import Mentions

_CJK = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[a-z]+(?:['.-][a-z]+)*")
SMALL_CHARACTERS = frozenset(
    "的了是在和与及被将于之其有为以由曾就都把也又而且或但并从到对这该那它他她们个等时约则"
)


_FREE_WORDS = ENGLISH_STOP | SENTENCE_STARTERS | {"document", "documents", "passage", "passages"}


def foreign_runs(claim: Mentions, source: Mentions) -> list[str]:
    """Return runs of Chinese characters of ``claim`` that ``source`` has in no such order.

    Numbers, dates and codes are compared elsewhere; small words of grammar are free.
    """
    pairs, single = _pairs(source.text)
    found: list[str] = []
    for run in _chinese_runs(claim):
        strange = ""
        for at, character in enumerate([*run, ""]):
            if character and not _known(run, at, pairs, single):
                strange += character
                continue
            if strange and _says_something(strange):
                found.append(strange)
            strange = ""
    return found


def coverage(claim: Mentions, source: Mentions) -> float:
    """Return the share, 0 to 1, of what ``claim`` says that ``source`` has; hard facts included."""
    pairs, single = _pairs(source.text)
    all_of_it = there = 0
    for run in _chinese_runs(claim):
        for at, character in enumerate(run):
            if character in SMALL_CHARACTERS:
                continue
            all_of_it += 1
            there += _known(run, at, pairs, single)
    for word in _WORD.findall(_uncovered(claim).casefold()):
        if word not in _FREE_WORDS:
            all_of_it += 2
            there += 2 * (stem(word) in source.words)
    return there / all_of_it if all_of_it else 1.0


def _chinese_runs(claim: Mentions) -> list[str]:
    return _CJK.findall(_uncovered(claim))


def _uncovered(claim: Mentions) -> str:
    characters = list(claim.text)
    for start, end in claim.covered:
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def _pairs(text: str) -> tuple[frozenset[str], frozenset[str]]:
    runs = _CJK.findall(text)
    pairs = frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    return pairs, frozenset(character for run in runs for character in run)


def _known(run: str, at: int, pairs: frozenset[str], single: frozenset[str]) -> bool:
    if len(run) == 1:
        return run in single
    return run[at : at + 2] in pairs or (at > 0 and run[at - 1 : at + 1] in pairs)


def _says_something(strange: str) -> bool:
    """Say whether characters are more than grammar."""
    rest = strange
    while rest:
        if rest[:2] in PLAIN_WORDS:
            rest = rest[2:]
        elif rest[0] in SMALL_CHARACTERS:
            rest = rest[1:]
        else:
            return True
    return False
