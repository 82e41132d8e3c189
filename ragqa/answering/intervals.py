"""How often something is done, which is not how long it takes."""

from __future__ import annotations

import re
from functools import lru_cache

from ragqa.retrieval.folding import fold, simplify

_ASKS = re.compile(
    r"(?:多久|多长时间|(?:多少|几)个?[天日周月年])[^，,。？?]{0,12}[一1][次回遍]|每?隔(?:多久|多长|多少|几)|"
    r"(?:更?换|保养|清洗|维护|检[查修验]|校准|消毒)周期|\bhow (?:often|frequently)\b"
)
_THEN = re.compile(
    r"[后後](?![^\d，,、；;。]*(?:[每隔约第满]|使用|运行))\s*[^\s\d，,、；;。][^\d，,、；;。]{1,8}$|"
    r"\b(?:for|takes?|lasts?)\s(?:about |at least )?$",
    re.IGNORECASE,
)
"""What stands before a number that tells how long something takes once it is done."""
_OFTEN = re.compile(
    r"每[天日周月年季]|每个?(?:星期|月|季)|\b(?:every|daily|weekly|monthly|quarterly|yearly|annually)\b|"
    r"\b(?:once|twice) an?\b|\beach (?:day|week|month|quarter|year)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def asks_interval(question: str) -> bool:
    """Say whether a question asks after how long something is done again."""
    return bool(_ASKS.search(simplify(fold(question))))


def tells_interval(text: str, question: str) -> bool:
    """Say whether ``text`` tells how often what is asked for is done, be it without a number."""
    return bool(_OFTEN.search(text)) and asks_interval(question)


def is_lasting(text: str, start: int) -> bool:
    """Say whether the number at ``start`` tells how long something takes (更换后冲洗40分钟)."""
    return bool(_THEN.search(text, 0, start))
