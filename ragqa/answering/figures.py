"""What a figure of a sentence is: a level, a change, a share of a whole, a part's, or a plan.

Two figures of one kind measure the same and answer different questions: how many there are, and
how many more there are than a year ago.
"""

from __future__ import annotations

import re

from ragqa.answering.numbers import find_numbers
from ragqa.answering.periods import names_part
from ragqa.answering.quantities import SHARES, asks_change, in_place
from ragqa.answering.questions import answer_type
from ragqa.retrieval.folding import fold, simplify

_CLAUSE = r"[^\d，,、；;。]"
_LEVEL = re.compile(
    r"(?:从|由|自|增加到|增长到|提高到|上升到|上涨到|下降到|减少到|下跌到|降低到|增至|升至|涨至|降至|跌至|"
    rf"\bfrom){_CLAUSE}{{0,8}}$",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"(?:新增|增加了?|增长了?|减少了?|下降了?|提高了?|上升了?|上涨了?)(?![至到为])"
    r"[^\d，,、；;。至到为]{0,6}$"
)
_ASKS_OTHER = re.compile(
    r"[增减涨降跌扩]|提高|提升|上升|变化|变动|幅度|同比|环比|多[少大]了|超过|[相之]差|差[额距值]"
)
"""What asks for a change in one way or another, or may."""
_SHARE = re.compile(rf"(?:占|比重|贡献率|份额|[是为]\w{{1,5}}的){_CLAUSE}{{0,8}}$")
_PLAN = re.compile(
    r"(?:预计|预测|原?计划|目标|有望|拟|原定|力争|\b(?:expected|planned|projected|forecast) to|"
    r"\bplans? to|\btargets?)[^，,；;。]{0,14}$",
    re.IGNORECASE,
)
_ASKS_PLAN = re.compile(
    r"预|计划|规划|目标|有望|将|会|要|拟|原定|应|需|估计|"
    r"\b(?:will|plan|expect|forecast|target|goal|estimat|should|project)"
)
_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_SHORTER = re.compile(
    r"季|半年|月|日|号|天|周|\b(?:quarter|half|month|day|week|january|february|march|april|may|june|"
    r"july|august|september|october|november|december)"
)
"""What names less than a year."""
_NEAR = 30
"""Characters before a figure in which the part of the year stands that it is of."""


def is_other_figure(told: str, sentence: str, question: str) -> bool:
    """Say whether ``told`` is a figure of another kind than the one that is asked for.

    Of 8,140 gold answers (cmrc2018, drcd, xquad-zh, squad2, rgb) it is said of one.

    Args:
        told: The likeliest answer.
        sentence: In which it stands.
        question: The standalone question.
    """
    at = sentence.find(told)
    if at < 0:
        return False
    before, asked = in_place(sentence[:at]), simplify(fold(question))
    kind = answer_type(question)
    if kind in ("number", "when") and _PLAN.search(before) and not _ASKS_PLAN.search(asked):
        return True
    if kind != "number":
        return False
    numbers = find_numbers(in_place(told))
    if not numbers:
        return False
    whole_year = _YEAR.search(asked) and not _SHORTER.search(asked)
    if whole_year and names_part(before[-_NEAR:]) and not names_part(told):
        return True
    first = in_place(sentence[: at + numbers[0].start])
    if asks_change(question):
        # From 16 to 31 is no growth of 16, nor of 31.
        alone = len(numbers) == 1 and numbers[0].unit not in SHARES
        return bool(_SHARE.search(first) or (alone and _LEVEL.search(first)))
    return bool(_CHANGE.search(first)) and not _ASKS_OTHER.search(asked)
