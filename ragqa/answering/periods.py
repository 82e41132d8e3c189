"""Parts of a year that a question names: what is told of a whole year is told of no half of it."""

from __future__ import annotations

import re

from ragqa.retrieval.folding import fold, simplify

_TO = r"\s*月?\s*(?:[-~—–至到]|\bto\b)\s*"
_ORDINALS = ("1一", "2二", "3三", "4四")
_ENGLISH = ("first", "second", "third", "fourth|last|final")


def _quarter(number: int) -> re.Pattern[str]:
    first, ordinals, english = 3 * number + 1, _ORDINALS[number], _ENGLISH[number]
    months = rf"(?<!\d){first}{_TO}{first + 2}\s*月"
    also = (r"|首季|前[3三]个?月", "", "", "")[number]
    return re.compile(
        rf"[{ordinals}]\s*季度|第[{ordinals}]\s*季|[{ordinals}]季报|\bq{number + 1}\b|"
        rf"\b{number + 1}q|"
        rf"\b(?:{english})[ -](?:fiscal )?quarter|{months}{also}"
    )


_PERIODS = (
    re.compile(
        rf"上半年|前[6六]个?月|半年报|中报|(?<!\d)1{_TO}6\s*月|\bh1\b|\b1h|\bfirst[ -]half|"
        r"\b(?:six|6) months|\bhalf[ -]?year"
    ),
    re.compile(
        rf"下半年|后[6六]个?月|(?<!\d)7{_TO}12\s*月|\bh2\b|\b2h|\b(?:second|latter|last)[ -]half"
    ),
    *map(_quarter, range(4)),
)
_MONTHS = re.compile(
    rf"前[一二三四五六七八九十\d]+个?(?:月|季度)|(?<!\d)1{_TO}\d+\s*月|"
    r"\b(?:first|last) (?:two|three|four|five|nine|ten|\d+) months"
)


def is_of_other_period(passage: str, question: str) -> bool:
    """Say whether a question is about a part of a year that a passage does not name."""
    named = named_parts(question)
    return bool(named) and not named & named_parts(passage)


def names_part(text: str) -> bool:
    """Say whether a text names a part of a year: a quarter, a half, its first months."""
    return bool(named_parts(text)) or bool(_MONTHS.search(simplify(fold(text))))


def named_parts(text: str) -> frozenset[int]:
    """Return the halves and quarters that a text names, each by a number of its own."""
    folded = simplify(fold(text))
    return frozenset(at for at, period in enumerate(_PERIODS) if period.search(folded))
