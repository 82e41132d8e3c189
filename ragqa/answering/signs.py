"""The signs for and against an answer, which anyone can look up."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ragqa.answering.agreement import LONGEST, agreement, plain, repetition
from ragqa.answering.contacts import lacks_contact
from ragqa.answering.figures import is_other_figure
from ragqa.answering.keywords import (
    CODE,
    CODE_COUNTS,
    Keywords,
    keywords,
    own_words,
    presence,
    stems_of,
)
from ragqa.answering.periods import is_of_other_period
from ragqa.answering.quantities import is_other_quantity
from ragqa.answering.questions import (
    answer_type,
    asks_description,
    bears,
    lacks_quantity,
    misses_type,
)
from ragqa.answering.refusal import declines
from ragqa.answering.shortening import EVEN
from ragqa.answering.tables import head_of
from ragqa.answering.terms import language_of
from ragqa.answering.titles import name_of, titles_of
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.types import Hit

Signs = dict[str, float]
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
NEAR = frozenset({"near", "near_lead", "near_words"})
"""Signs of the embedder, on the scale of ``ragqa.answering.nearness``."""
LOGIT = 12.0
"""More than this, or less, is told by no reading (``ragqa.answering.shortening``)."""
ON_SUBJECT = 0.6
"""Share of the words of a question from which on a passage is about the same."""
AGREED = 0.65
"""Agreement of a draft with what was read that speaks neither for an answer nor against it."""
UNSURE, DESCRIBED = {"zh": -1.3, "en": 2.5}, 6.0
"""The log odds that a model fitted to refuse does so, where they speak neither way, and what is
added where more than a few words are asked for: it was fitted to tell few."""


def signs_of(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Candidate],
    *,
    draft: str | None = None,
    doubt: float | None = None,
) -> Signs:
    """Return the signs for and against an answer, each about 0 to 1.

    Args:
        question: The standalone question.
        hits: The hits that were read.
        ranked: Their sentences, likeliest answer first.
        draft: What the model wrote; None: it was not asked.
        doubt: How near it was to writing that there is no answer; None: that is not known.
    """
    if not ranked:
        return {}
    best = next((c for c in ranked if _says_more(c.text, question)), ranked[0])
    asked = keywords(question)
    passages = [fold(" ".join((*titles_of(hit), hit.chunk.text))) for hit in hits]
    inside = passages[best.hit]
    near = fold(" ".join((*_heads(hits[best.hit]), *_close(ranked, best.hit))))
    kind = answer_type(question)
    other = next((c.score for c in ranked if c.hit != best.hit), best.score - 3)
    unreachable = {"other_type": float(all(lacks_contact(text, question) for text in passages))}
    if language_of(question) != language_of(inside):
        return _across(asked.words, ranked, inside, doubt) | unreachable
    signs = (
        _signs(asked, best, inside, near, passages)
        | unreachable
        | {
            "margin": min(3.0, best.score - other) / 3,
            "kind_missing": float(
                kind in ("when", "number", "who", "where")
                and not any(bears(c.text, kind, question) for c in ranked[:3])
            ),
        }
    )
    if hits[best.hit].chunk.kind == "text":  # a row of a table is read without its heads
        if not any(CODE.search(word) for word in asked.words):
            signs |= _nearest(ranked)  # to an embedder one code is like another
        if best.seen is not None:
            signs["seen"] = (max(-LOGIT, min(LOGIT, best.seen)) - EVEN) / 10
        if best.told is not None:
            signs["other_type"] = float(misses_type(best.told, question))
            signs["other_quantity"] = float(
                is_other_quantity(best.told, question)
                or is_other_figure(best.told, best.text, question)
                or lacks_quantity(best.told, question)
            )
            signs["other_period"] = float(is_of_other_period(inside, question))
            texts = [fold(" ".join((*hit.chunk.headings, hit.chunk.text))) for hit in hits]
            signs |= _told_again(question, best, texts, asked, draft)
    signs["numbers"] = _numbers_met(question, best.text)
    if doubt is not None:
        unsure = UNSURE[language_of(question)] + DESCRIBED * asks_description(question)
        signs["doubt"] = (log_odds(doubt) - unsure) / 10
    elif draft is not None:
        signs["declined"] = float(declines(draft))
    return signs


def _signs(
    asked: Keywords, best: Candidate, inside: str, near: str, passages: Sequence[str]
) -> Signs:
    words, close = _share(asked.words, inside), _share(asked.words, near)
    return {
        "sentence": best.features[0],
        "around": best.features[1],
        "first": best.features[3],
        "stands_out": best.features[5],
        "phrase": best.features[7],
        "words": words,
        "words_squared": words**2,
        "words_near": close,
        "words_near_squared": close**2,
        "words_anywhere": max(_share(asked.words, text) for text in passages),
        "names": _share(asked.names, inside) if asked.names else 0.0,
        "names_anywhere": max(_share(asked.names, text) for text in passages),
    }


def _told_again(
    question: str, best: Candidate, passages: Sequence[str], asked: Keywords, draft: str | None
) -> Signs:
    """Return who else tells what was read: other passages, and a model that read them by itself.

    Where many passages are about what is asked and none of them tells it, it is less likely. What
    is told at length is told in other words by everybody.
    """
    told = best.told or ""
    others = [text for number, text in enumerate(passages) if number != best.hit]
    repeated = repetition(told, question, others)
    if draft is None:
        return {"repeated": repeated}
    drafted = repetition(plain(draft), question, passages)
    about = sum(_share(asked.words, text) >= ON_SUBJECT for text in others) if asked.words else 0
    return {
        "repeated": repeated,
        "draft_repeated": drafted,
        "agreed": agreement(draft, told, question) - AGREED if len(told) <= LONGEST else 0.0,
        "told_once": about / max(1, len(others)) * (1 - max(repeated, drafted)),
    }


def _nearest(ranked: Sequence[Candidate]) -> Signs:
    """Return how near the sentences are; nothing where that is not known of their words."""
    whole = [c.near.whole for c in ranked if c.near is not None]
    words = next((c.near.words for c in ranked if c.near is not None), None)
    if words is None:
        return {}
    return {
        "near": max(whole),
        "near_lead": max(whole) - sum(whole) / len(whole),
        "near_words": words,
    }


def _says_more(text: str, question: str) -> bool:
    """Say whether a text has a word that the question lacks: a bare "CVPR2022" answers nothing."""
    known = fold(question)
    return any(word not in known for word in own_words(text))


def _across(
    words: Sequence[str], ranked: Sequence[Candidate], inside: str, doubt: float | None
) -> Signs:
    """Return the signs of passages in another language: how near, and codes and numbers in common.

    Nothing else is written alike in both: the more telling of the two is what tokens mean. What a
    model doubts that was fitted to do so is known of both languages.
    """
    near = [c.near.whole if c.near.words is None else c.near.words for c in ranked if c.near]
    alike = [word for word in words if word.isascii() and _NUMBER.search(word)]
    shared = 2 * _share(alike, inside) - 1 if alike else 0.0
    signs = {"across": max(near, default=0.0), "alike": shared}
    return signs if doubt is None else signs | {"doubt": log_odds(doubt) / 10}


def _numbers_met(question: str, sentence: str) -> float:
    """Return the share of the question's numbers, years above all, that a sentence has."""
    numbers = _NUMBER.findall(fold(question))
    return sum(number in fold(sentence) for number in numbers) / len(numbers) if numbers else 1.0


def _close(ranked: Sequence[Candidate], hit: int) -> list[str]:
    return [candidate.text for candidate in ranked[:3] if candidate.hit == hit]


def _heads(hit: Hit) -> tuple[str, ...]:
    """Return the name of the file, and what a row of a table is read under besides."""
    head = head_of(hit)
    return (name_of(hit),) if head is None else (*titles_of(hit), head.of(hit.chunk.text))


def log_odds(share: float) -> float:
    """Return the log odds of a share, as if it were never quite 0 or 1."""
    share = min(1 - 1e-5, max(1e-5, share))
    return math.log(share / (1 - share))


def _share(words: Sequence[str], text: str) -> float:
    """Return how much of ``words`` a folded text has, 0 to 1; 1 when there are none."""
    stems = stems_of(text)
    weights = {word: CODE_COUNTS if CODE.search(word) else 1.0 for word in words}
    found = sum(weight * presence(word, text, stems) for word, weight in weights.items())
    return found / sum(weights.values()) if words else 1.0
