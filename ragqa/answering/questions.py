"""What kind of thing a question asks for, and whether a sentence has one."""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal["who", "when", "where", "number", "why", "yes_no", "other"]

_PATTERNS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "when",
        re.compile(
            r"何时|何時|什么时候|什麼時候|甚麼時候|哪[一]?年|哪[一]?天|哪[一]?日|几月|幾月|几年|幾年|哪个月|何年|年份|年代|"
            r"什么时间|什麼時間|日期|时间$|世纪|\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
        ),
    ),
    (
        "number",
        re.compile(
            r"多少|几|幾|多[大高长長远遠重深宽寬快久厚]|人数|人數|数量|數量|面积|面積|比例|百分|"
            r"\bhow (?:many|much|long|tall|old|far|large|big|high|deep|often|fast)\b|\bwhat (?:percent\w*|number|proportion|amount|age)\b"
        ),
    ),
    ("who", re.compile(r"谁|誰|哪位|哪[一]?个人|何人|\bwho\b|\bwhom\b|\bwhose\b|姓名|哪些人")),
    (
        "where",
        re.compile(
            r"哪里|哪裡|哪儿|何处|何處|何地|什么地方|什麼地方|哪[一]?[个個]?[国國省市县縣州城区區]|位于|位於|\bwhere\b|\b(?:what|which) (?:country|city|state|place|continent|town)\b"
        ),
    ),
    ("why", re.compile(r"为什么|為什麼|为何|為何|原因|\bwhy\b|\breason\b")),
    (
        "yes_no",
        re.compile(
            r"[吗嗎][？?]?\s*$|是否|是不是|有没有|有沒有|"
            r"^(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should)\b"
        ),
    ),
)
_NUMBER = re.compile(
    r"\d|[一二三四五六七八九十百千万萬亿億两兩][一二三四五六七八九十百千万萬亿億余多]*(?=[\u4e00-\u9fff])|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|third|percent)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d{2,4}\s*年|\d{1,2}\s*月|\d{1,2}\s*[日号號]|世纪|世紀|年代|[〇零一二三四五六七八九十]{1,4}年|初年|元年|"
    r"\b(?:1[0-9]|20)\d{2}s?\b|\bcentury\b|\b\d{1,3}(?:st|nd|rd|th)\b|"
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_NAME = re.compile(r"\b[A-Z][a-z]+|·|[《“「]")
_PLACE = re.compile(
    r"[国國省市县縣州城区區镇鎮村山河湖岛島路街东東西南北]|\b(?:in|at|near|from|to)\s+(?:the\s+)?[A-Z]"
)
_CAUSE = re.compile(
    r"因[为為]?|由[于於]|所以|因此|导致|導致|使得|为了|為了|\bbecause\b|\bdue to\b|\bsince\b|\btherefore\b|\bin order to\b|\bso that\b|\bcaus",
    re.IGNORECASE,
)


def answer_type(question: str) -> AnswerType:
    """Return what a question asks for."""
    lowered = question.casefold().strip()
    for kind, pattern in _PATTERNS:
        if pattern.search(lowered):
            return kind
    return "other"


def bears(sentence: str, kind: AnswerType, question: str) -> bool:
    """Say whether ``sentence`` has something of ``kind`` that the question does not have already."""
    pattern = {"when": _TIME, "number": _NUMBER, "who": _NAME, "where": _PLACE, "why": _CAUSE}.get(
        kind
    )
    if pattern is None:
        return False
    return any(found.group() not in question for found in pattern.finditer(sentence))
