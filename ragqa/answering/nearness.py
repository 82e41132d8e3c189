"""How near a question is to sentences, on a scale that means the same for every embedder.

Cosines of one model lie between .75 and .95, of another between .1 and .8. What they mean shows
against sentences about nothing that anybody asks, in the language of what is compared: 0 is as near
as those, 1 is the same text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ragqa.answering.terms import language_of
from ragqa.answering.wordlists import ASKING, CHINESE_STOP, ENGLISH_STOP
from ragqa.ports import WordEmbedder
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.ports import Embedder
    from ragqa.types import Language, Words

_UNRELATED: dict[Language, tuple[str, ...]] = {
    "zh": (
        "会议决定下周一继续讨论预算问题。",
        "这座桥全长两公里，两端各有一座塔。",
        "他在大学读的是化学，毕业后留校任教。",
        "请先关闭电源，再打开机盖清洁滤网。",
        "球队在下半场连进三球，反败为胜。",
        "这种植物生长在海拔较高的山坡上。",
    ),
    "en": (
        "The committee will discuss the budget again next Monday.",
        "The bridge is two kilometres long and has a tower at each end.",
        "He studied chemistry and stayed at the university as a teacher.",
        "Switch off the power before you open the cover.",
        "The team scored three goals in the second half and won.",
        "This plant grows on mountain slopes at high altitude.",
    ),
}

_LETTERS = re.compile(r"\w")
_FREE = (
    ENGLISH_STOP
    | CHINESE_STOP
    | ASKING
    | frozenset("的了是在和与被将于之其有为以由谁何几哪么什多少个")
)


class Nearness(NamedTuple):
    """How near a sentence is to a question; see the module for the scale of the last three."""

    cosine: float
    """As the model gives it."""
    whole: float
    """Of the whole texts."""
    words: float | None = None
    """Mean over the question's tokens of the nearest token of the sentence; None: not known."""
    least: float | None = None
    """The same of the three tokens of the question that have least of it there."""


def measure(question: str, texts: Sequence[str], embedder: Embedder) -> list[Nearness]:
    """Return how near each of ``texts`` is to ``question``.

    Source of the comparison by tokens: Khattab and Zaharia, "ColBERT: efficient and effective
    passage search via contextualized late interaction over BERT", 2020.
    """
    languages = [language_of(text) for text in texts]
    if not isinstance(embedder, WordEmbedder):
        asked = embedder.embed_query(question)
        null = {
            one: float((embedder.embed_passages(_UNRELATED[one]) @ asked).mean())
            for one in set(languages)
        }
        cosines = embedder.embed_passages(texts) @ asked
        return [
            Nearness(float(c), _above(c, null[one]))
            for c, one in zip(cosines, languages, strict=True)
        ]
    [read] = embedder.embed_words([question], query=True)
    nulls = {
        one: np.mean([_compare(read, words) for words in _unrelated(embedder, one)], axis=0)
        for one in set(languages)
    }
    found: list[Nearness] = []
    for words, one in zip(embedder.embed_words(texts), languages, strict=True):
        raw = _compare(read, words)
        above = (_above(r, null) for r, null in zip(raw, nulls[one], strict=True))
        found.append(Nearness(raw[0], *above))
    return found


def _compare(asked: Words, text: Words) -> tuple[float, float, float]:
    telling = [n for n, token in enumerate(asked.texts) if _says(token)]
    tokens = asked.tokens[telling] if telling else asked.tokens
    nearest = np.sort((tokens @ text.tokens.T).max(axis=1))
    return float(asked.whole @ text.whole), float(nearest.mean()), float(nearest[:3].mean())


def _says(token: str) -> bool:
    """Say whether a token of a question is more than the asking: it has to be answered to."""
    folded = fold(token)
    return bool(_LETTERS.search(folded)) and folded not in _FREE


def _above(value: float, null: float) -> float:
    return float((value - null) / max(1 - null, 0.05))


def _unrelated(embedder: WordEmbedder, language: Language) -> list[Words]:
    known = _embedded.setdefault(embedder, {})
    if language not in known:
        known[language] = embedder.embed_words(_UNRELATED[language])
    return known[language]


# Weak, so that a model that is given up is not kept in memory for the sake of six sentences.
_embedded: WeakKeyDictionary[WordEmbedder, dict[Language, list[Words]]] = WeakKeyDictionary()
