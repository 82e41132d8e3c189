"""Passages that say different things about the same: found by laying one over the other."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from ragqa.answering.alignment import displaced, negates
from ragqa.answering.mentions import Mentions, find_mentions, missing_dates, missing_numbers
from ragqa.answering.tables import label_of
from ragqa.answering.terms import HAN, question_terms, terms
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate

COMPARED = 10
"""Sentences, likeliest first, that are compared with the best one."""
NEAR = 2.5
"""How much less likely an answer than the best sentence a contradiction may be."""
_FIGURE = re.compile(r"\d+(?:\.\d+)?")
_NAMED = ("nr", "ns", "nt", "nz")
"""Tags of words that name a person, a place, an organization or a thing."""


def find_conflict(question: str, ranked: Sequence[Candidate]) -> Candidate | None:
    """Return the likeliest sentence of another passage that contradicts the best one.

    Two sentences contradict each other when they say the same but for a number, a date or a name
    in the same place, and that is not something the question itself tells apart. Another word
    (founded, set up), a rounded number and a date without its year contradict nothing. Where an
    answer was seen in both sentences, the difference has to be in it: what nobody asked for may be
    told as anyone likes.
    """
    if not ranked or ranked[0].aside:
        return None
    best = ranked[0]
    ours = find_mentions(best.text)
    asked = set(question_terms(question))
    for other in ranked[1:COMPARED]:
        far = other.aside or other.hit == best.hit or other.score < best.score - NEAR
        if far or _about_another(best.text, other.text):
            continue
        theirs = find_mentions(other.text)
        # Either may be the longer one, with more around what both say.
        differences = displaced(ours, [theirs])
        if not differences:
            differences = [(here, there) for there, here in displaced(theirs, [ours])]
        if any(asked & {*terms(here), *terms(there)} for here, there in differences):
            continue
        told, instead = _seen(best), _seen(other)
        for here, there in differences:
            one, two = find_mentions(here), find_mentions(there)
            if told and instead:
                if _meet(here, told) and _meet(there, instead) and _differ(one, two):
                    return other
            elif _differ(one, two) and (_facts(one, two) or _named(one, ours, two, theirs)):
                return other
    return None


def _about_another(best: str, other: str) -> bool:
    """Say whether both are rows of tables, about two things."""
    ours, theirs = label_of(best), label_of(other)
    return bool(ours and theirs) and ours != theirs


def _seen(one: Candidate) -> str | None:
    """Return the answer that was read in a sentence, where it is likelier than none."""
    return one.told if one.seen is not None and one.seen > 0 else None


def _facts(here: Mentions, there: Mentions) -> bool:
    """Say whether both have a number, a date, a code or a Latin name; or one turns it around."""
    both = all(one.dates or one.numbers or one.codes or one.names for one in (here, there))
    return both or negates(here.text) != negates(there.text)


def _differ(here: Mentions, there: Mentions) -> bool:
    """Say whether two texts in the same place cannot both be right."""
    if here.dates and there.dates:
        return bool(missing_dates(here, there)) and bool(missing_dates(there, here))
    if here.numbers and there.numbers:
        differ = missing_numbers(here, there) and missing_numbers(there, here)
        return bool(differ) and not _rounded(here, there)
    if here.dates or there.dates or here.numbers or there.numbers:
        return False
    within = here.text in there.text or there.text in here.text
    return not within and not {*map(fold, here.names)} & {*map(fold, there.names)}


def _named(here: Mentions, ours: Mentions, there: Mentions, theirs: Mentions) -> bool:
    """Say whether both parts of Chinese sentences are names, and not only other words."""
    return _names_one(here.text, ours.text) and _names_one(there.text, theirs.text)


def _rounded(here: Mentions, there: Mentions) -> bool:
    """Say whether one number is the other with fewer decimals: 3474万 and 3473.6万."""
    written = [one.text[one.numbers[0].start : one.numbers[0].end] for one in (here, there)]
    figures = [_FIGURE.search(text.replace(",", "")) for text in written]
    if figures[0] is None or figures[1] is None:
        return False
    if len({_FIGURE.sub("", text.replace(",", "")).strip() for text in written}) > 1:
        return False
    fine, coarse = sorted(
        (f.group() for f in figures if f), key=lambda f: -len(f.partition(".")[2])
    )
    places = len(coarse.partition(".")[2])
    return places < len(fine.partition(".")[2]) and round(Decimal(fine), places) == Decimal(coarse)


def _names_one(part: str, sentence: str) -> bool:
    """Say whether a part of a Chinese sentence is, or has, a name."""
    if not HAN.search(part):
        return False
    import rjieba

    named = (word for word, tag in rjieba.tag(sentence) if tag.startswith(_NAMED) and len(word) > 1)
    return any(name in part or part in name for name in named)


def _meet(part: str, answer: str) -> bool:
    """Say whether two texts share a word, or one is in the other."""
    one, other = (fold(find_mentions(text).text).replace(" ", "") for text in (part, answer))
    if not one or not other:
        return False
    return one in other or other in one or bool({*terms(part)} & {*terms(answer)})
