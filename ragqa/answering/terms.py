"""Words of a text for comparing it with another: English words, Chinese bigrams."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ragqa.answering.wordlists import CHINESE_STOP, ENGLISH_STOP
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.types import Language

HAN = re.compile(r"[\u3400-\u9fff]")
"""A Chinese character."""
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUNS = re.compile(rf"[{CJK}]+|[a-z0-9]+(?:[.'’-][a-z0-9]+)*")
_CJK_CHARACTER = re.compile(rf"[{CJK}]")
_PARTICLES = frozenset(
    "的了是在和与與及被将將于於之其有为為以由曾就都把让讓给給吗嗎呢吧请請问問谁誰何几幾哪么麼什"
)


def terms(text: str) -> list[str]:
    """Return the terms of ``text`` in order: words, stemmed lightly, and CJK bigrams."""
    found: list[str] = []
    for run in _RUNS.findall(fold(text)):
        if _CJK_CHARACTER.match(run):
            found.extend(run[i : i + 2] for i in range(len(run) - 1)) if len(
                run
            ) > 1 else found.append(run)
        elif run not in ENGLISH_STOP:
            found.append(stem(run))
    return found


def question_terms(question: str) -> Counter[str]:
    """Return the terms of a question that say what it is about."""
    return Counter(
        term
        for term in terms(question)
        if term not in CHINESE_STOP and not all(character in _PARTICLES for character in term)
    )


def stem(word: str) -> str:
    """Return an English word without its commonest endings."""
    if len(word) > 4 and not word[-1].isdigit():
        for ending, put in (
            ("ies", "y"),
            ("sses", "ss"),
            ("ing", ""),
            ("ed", ""),
            ("es", ""),
            ("s", ""),
            ("ly", ""),
        ):
            if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
                return word[: -len(ending)] + put
    return word[:-2] if word.endswith(("'s", "’s")) else word


def language_of(text: str) -> Language:
    """Return ``zh`` when a text has any Chinese character, else ``en``."""
    return "zh" if _CJK_CHARACTER.search(text) else "en"


def document_frequencies(bags: Sequence[Counter[str]]) -> Counter[str]:
    """Return in how many of ``bags`` each term occurs."""
    return Counter(term for bag in bags for term in bag)
