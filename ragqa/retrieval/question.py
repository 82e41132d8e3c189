"""What a question asks about: its terms without the words that only make it a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.retrieval.folding import CJK, fold
from ragqa.retrieval.lexical import analyze

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKING_ZH = re.compile(
    "请问|指的是什么|指的是|是指什么|是指|[被又也]?(?:称为|称作|叫做|叫)什么(?:名字)?"
    "|什么时候|什么样|什么地方|什么意思|什么名字|什么|怎么样|怎么|怎样|如何|为何"
    "|多少|多久|多长时间|多长|哪一年|哪一个|哪一|哪些|哪个|哪里|哪儿|哪年|哪位"
    "|哪种|哪|几个|几年|几|谁|何时|何处|何地|何人|何|是否|有没有|能否|吗|呢|叫做"
)
STOP_EN = frozenset(
    "a an and are as at be been being but by can could did do does for from had has have how in "  # noqa: SIM905
    "into is it its of on or that the their them there these they this those to was were what "
    "when where which who whom whose why will with would".split()
)
"""English words that say nothing about what a text is about."""

# What asks for the form of an answer, not for its matter.
_MANNERS_EN = re.compile(
    r"\bif [^.?!]*\bnot\b[^.?!]*\b(?:state|say|return|answer|explain)\b[^.?!]*[.?!]?"
    r"|\b(?:please|give (?:a|your) (?:response|answer)|answer (?:the|this)(?: following)? question"
    r"|bas(?:ed|ing) (?:your (?:answers?|judge?ments?) )?(?:off of|on|upon)|relying on)\b"
)

# What is to be computed from figures: pages print the figures, not these words.
_COMPUTED_EN = re.compile(
    r"\b(?:percent(?:age)?|%) (?:change|increase|decrease|difference|growth|rise|drop)\b"
    r"|\b(?:what|how much) (?:is|was|were) the (?:average|change|difference|sum|mean|ratio)\b"
    r"|\brespectively\b"
)
_COMPUTED_ZH = re.compile(
    "同比|环比|增长率|增长了多少|下降了多少|平均值|相差多少|分别(?:是|为)多少"
)

_CODE = re.compile(r"(?!(?:fy|cy)\d)[a-z]{1,5}\d{2,}[a-z0-9]*")
_SHORT_NAME = re.compile(rf"[{CJK}]{{2}}")
_TELLING = re.compile(rf"(?:(?![的是在了与和于有为被])[{CJK}])+")


def codes_of(terms: Sequence[str]) -> list[str]:
    """Return the terms that name one thing among many like it: an error, a part, a norm, a type.

    They are letters and then two digits or more: E07, A320, GB50016; a fiscal year is none.
    """
    return [term for term in dict.fromkeys(terms) if _CODE.fullmatch(term)]


def short_names_of(terms: Sequence[str]) -> list[str]:
    """Return the terms that may each be a whole name: two Chinese characters (鲁迅, 赫姓)."""
    return [term for term in dict.fromkeys(terms) if _SHORT_NAME.fullmatch(term)]


def telling_of(terms: Sequence[str]) -> list[str]:
    """Return the Chinese terms that may tell one text from all others: no pairs such as 的导."""
    return [term for term in dict.fromkeys(terms) if _TELLING.fullmatch(term)]


def asks_to_compute(question: str) -> bool:
    """Say whether the answer is computed from figures, or is a row of them."""
    folded = fold(question)
    return bool(_COMPUTED_EN.search(folded) or _COMPUTED_ZH.search(folded))


def question_terms(question: str, *, lexicon: Sequence[str] = ()) -> list[str]:
    """Return the lexical terms of a question that say what it is about.

    All its terms, when it has only words that ask. A word of the collection's ``lexicon`` is cut
    off from its neighbours and counts twice: it is one thing, not a chance of pairs.
    """
    folded = fold(question)
    taught = sorted({fold(word) for word in lexicon} - {""}, key=len, reverse=True)
    known = re.compile("|".join(map(re.escape, taught))) if taught else None
    said = known.findall(folded) if known else []
    apart = known.sub(lambda word: f" {word.group()} ", folded) if known else folded
    plain = _ASKING_ZH.sub(" ", _COMPUTED_EN.sub(" ", _MANNERS_EN.sub(" ", apart)))
    words = re.sub(r"[a-z']+", lambda m: " " if m.group() in STOP_EN else m.group(), plain)
    terms = analyze(words) or analyze(apart)
    return terms + [term for word in said for term in analyze(word)]
