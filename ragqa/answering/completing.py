"""Of a draft and a span that was read, which to tell; and neither cut within what belongs together.

A number with its unit, a pair of brackets and what "and" joins are whole or not at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.dates import find_dates
from ragqa.answering.numbers import find_numbers
from ragqa.answering.quantities import in_place
from ragqa.answering.questions import answer_type
from ragqa.answering.terms import question_terms
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from ragqa.answering.shortening import Short
    from ragqa.types import Answer

CLOSING = 40
"""Characters within which the other half of a pair of brackets is looked for."""
_DATED = re.compile(r"\d+\s?[年月日号]?|[〇零一二三四五六七八九十]+[年月日号]")
BESIDE = 12
"""Most characters of what stands on the other side of what is joined: an article, a verb."""
_PAIRS = {
    "「": "」",
    "『": "』",
    "《": "》",
    "“": "”",
    "（": "）",
    "(": ")",
    "〈": "〉",
    "【": "】",
}
_JOINS = re.compile(
    r"\s*(?:[、与與和及或至到~～\-–—－]|以及|或者|，(?=[A-Za-z])|,?\s(?:and|or|to|versus)\s)\s*"
)
"""What joins the members of an enumeration or the ends of a range."""
_JOINED = re.compile(_JOINS.pattern + "$")
_OF_A_NAME = re.compile(r"[·•‧・]\s*$|^\s*[·•‧・]")
_ROUGHLY = re.compile(
    r"(?:about|around|approximately|nearly|almost|over|more than|less than|fewer than|at least|"
    r"at most|up to|no more than|early|mid-?|late|"
    r"大?[约約近]|超[过過]|至[少多]|不到|[高低多少][于於]|左右|以[上下])",
    re.IGNORECASE,
)
"""What makes a number less exact than it is without."""
_PLACES = re.compile(r"(?:[\u4e00-\u9fff\d]{1,9}?[国國省市县縣区區州镇鎮乡鄉村路街号號里])+")
_LEVEL = re.compile(r"哪一?[个個]?[国國省市县縣区區州镇鎮]")
_WHERE = re.compile(r"在哪[里裡儿兒]?|哪[里裡儿兒]|地址|什么地方|甚麼地方|何處|何处|何地|隶属|隸屬")


def widen(told: str, sentence: str) -> str:
    """Return ``told``, which stands once in ``sentence``, with what it was cut off from.

    A number gets its unit, and a bracket or a quotation mark its other half. A year stands alone:
    whoever asks for it need not be told the day.
    """
    told = told.strip()
    start = sentence.find(told)
    if not told or start < 0 or sentence.find(told, start + 1) >= 0:
        return told
    end = start + len(told)
    for first, last in _measures(sentence):
        if first < end and start < last:
            start, end = min(start, first), max(end, last)
    return _balanced(sentence, start, end)


def choose_told(drafted: Answer, short: Short) -> Short | None:
    """Return what to tell instead of a draft that agrees with what was read; None: the draft.

    The span, where the draft has words around it, or has one member of what is joined, or a part
    of a name or a place, or is more exact than what it was drawn from.
    """
    told = [one.text for one in drafted.sentences if one.supported]
    question = drafted.standalone_question or drafted.question
    if len(told) != 1 or answer_type(question) == "why":
        return None
    draft = told[0].strip().rstrip("。.")
    ours, theirs = _solid(draft), _solid(short.text)
    if theirs in ours and theirs != ours:
        return None if joins(short.text, draft) else short
    if ours in theirs and theirs != ours and _more(draft, short.text, question):
        return short
    return None


def joins(member: str, whole: str) -> bool:
    """Say whether ``whole`` is ``member`` and what is joined to it."""
    at = whole.find(member)
    if at < 0:
        return False
    before, behind = whole[:at], whole[at + len(member) :]
    first, last = _JOINED.search(before), _JOINS.match(behind)
    return bool((first and (last or len(behind) <= BESIDE)) or (last and len(before) <= BESIDE))


def _more(draft: str, span: str, question: str) -> bool:
    """Say whether a span has a draft and more of the same.

    What is joined, the rest of a name or a place, and how exact a number is.
    """
    at = span.find(draft)
    rest = (span[:at] + span[at + len(draft) :]) if at >= 0 else ""
    if _OF_A_NAME.search(rest) or _ROUGHLY.fullmatch(rest.strip()):
        return True
    if joins(draft, span):
        added = set(question_terms(rest))
        return not added or not added <= set(question_terms(question))
    asked = _WHERE.search(question) and not _LEVEL.search(question)
    return bool(asked and _PLACES.fullmatch(rest))


def _measures(sentence: str) -> list[tuple[int, int]]:
    """Return where numbers with their units stand; of dates each year, month and day."""
    text = in_place(sentence)
    dates = [(one.start, one.end) for one in find_dates(text)]
    numbers = [
        (one.start, one.end)
        for one in find_numbers(text)
        if not any(a < one.end and one.start < b for a, b in dates)
    ]
    parts = [part.span() for a, b in dates for part in _DATED.finditer(text, a, b)]
    return sorted([*numbers, *parts])


def _balanced(sentence: str, start: int, end: int) -> str:
    """Return the slice with the other half of a bracket that it has one half of."""
    text = sentence[start:end]
    for opens, closes in _PAIRS.items():
        if text.count(opens) > text.count(closes):
            there = sentence.find(closes, end, end + CLOSING)
            end = there + 1 if there >= 0 else end
        elif text.count(closes) > text.count(opens):
            there = sentence.rfind(opens, max(0, start - CLOSING), start)
            start = there if there >= 0 else start
        text = sentence[start:end]
    return text


def _solid(text: str) -> str:
    return "".join(character for character in fold(text) if character.isalnum())
