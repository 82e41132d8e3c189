"""What kind of thing a question asks for, and whether a sentence has one."""

from __future__ import annotations

import re
from typing import Literal, get_args

from ragqa.answering.terms import HAN
from ragqa.retrieval.folding import fold

AnswerType = Literal["who", "when", "where", "number", "why", "yes_no", "other"]
TYPES = get_args(AnswerType)

_PATTERNS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "when",
        re.compile(
            r"何时|什么时候|甚么时候|哪一?年|哪一?天|哪一?日|几月|几年|哪个月|何年|年份|年代|什么时间|"
            r"日期|时间$|世纪|\bwhen\b|"
            r"\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
        ),
    ),
    (
        "number",
        re.compile(
            r"多少|几|多[大高长远重深宽快久厚]|人数|数量|面积|比例|百分|"
            r"\bhow (?:many|much|long|tall|old|far|large|big|high|deep|often|fast)\b|"
            r"\bwhat (?:percent\w*|number|proportion|amount|age)\b"
        ),
    ),
    ("who", re.compile(r"谁|哪位|哪一?个人|何人|\bwho\b|\bwhom\b|\bwhose\b|姓名|哪些人")),
    (
        "where",
        re.compile(
            r"哪里|哪儿|何处|何地|什么地方|哪一?个?[国省市县州城区]|位于|\bwhere\b|"
            r"\b(?:what|which) (?:country|city|state|place|continent|town)\b"
        ),
    ),
    ("why", re.compile(r"为什么|为何|原因|\bwhy\b|\breason\b")),
    (
        "yes_no",
        re.compile(
            r"吗[？?]?\s*$|是否|是不是|有没有|"
            r"^(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should)\b"
        ),
    ),
)
NUMBER = re.compile(
    r"\d|[一二三四五六七八九十百千万萬亿億两兩][一二三四五六七八九十百千万萬亿億余多]*(?=[\u4e00-\u9fff])|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|third|percent)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\d{2,4}\s*年|\d{1,2}\s*月|\d{1,2}\s*[日号號]|世纪|世紀|年代|[〇零一二三四五六七八九十]{1,4}年|初年|元年|"
    r"\b(?:1[0-9]|20)\d{2}s?\b|\bcentury\b|\b\d{1,3}(?:st|nd|rd|th)\b|"
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
NAME = re.compile(r"\b[A-Z][a-z]+|·|[《“「]")
_PLACE = re.compile(
    r"[国國省市县縣州城区區镇鎮村山河湖岛島路街东東西南北]|\b(?:in|at|near|from|to)\s+(?:the\s+)?[A-Z]"
)
CAUSE = re.compile(
    r"因[为為]?|由[于於]|所以|因此|导致|導致|使得|为了|為了|\bbecause\b|\bdue to\b|\bsince\b|"
    r"\btherefore\b|\bin order to\b|\bso that\b|\bcaus",
    re.IGNORECASE,
)


def answer_type(question: str) -> AnswerType:
    """Return what a question asks for."""
    lowered = fold(question).strip()
    for kind, pattern in _PATTERNS:
        if pattern.search(lowered):
            return kind
    return "other"


def bears(sentence: str, kind: AnswerType, question: str) -> bool:
    """Say whether ``sentence`` has something of ``kind`` that the question does not have."""
    if kind == "who" and any(name not in fold(question) for name in _people(sentence)):
        return True
    pattern = {"when": TIME, "number": NUMBER, "who": NAME, "where": _PLACE, "why": CAUSE}.get(kind)
    if pattern is None:
        return False
    return any(found.group() not in question for found in pattern.finditer(sentence))


def _people(sentence: str) -> list[str]:
    """Return the Chinese names of people in a sentence, folded."""
    if not HAN.search(sentence):
        return []
    import rjieba

    return [word for word, tag in rjieba.tag(fold(sentence)) if tag.startswith("nr")]
