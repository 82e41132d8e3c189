"""What a question asks to compute over a table, and what is left of it: the thing it is about."""

from __future__ import annotations

import re
from typing import Literal

from ragqa.answering.grids import YEAR, years_of
from ragqa.answering.keywords import keywords
from ragqa.answering.terms import language_of, question_terms, terms
from ragqa.retrieval.folding import fold

Operation = Literal["growth", "change", "average", "sum", "part", "most", "least", "read"]

_OPERATIONS: tuple[tuple[Operation, re.Pattern[str]], ...] = (
    (
        "growth",
        re.compile(
            r"\b(?:percent(?:age)?|%) (?:change|increase|decrease|growth|decline|reduction)|"
            r"\b(?:how many|(?:by|in) (?:what|which)|what|which) percent(?:age)?\b(?! of).+"
            r"\b(?:gr[eo]w|grown|increased?|decreased?|changed?|declined?|f[ae]ll|fallen|r[io]se)\b|"
            r"\bgrowth rate|\brate of (?:growth|change|increase)|\bpercent(?:age)? of change|"
            r"增长率|增幅|降幅|(?:增[长加]|减少|下降|上升)了?(?:百分之|多少个?百分)|同比|变化率|增速"
        ),
    ),
    (
        "part",
        re.compile(
            r"\bas a (?:percentage|percent|%|proportion|share) of|\bpercentage constitution|"
            r"\b(?:percentage|proportion|share|percent|ratio) of\b.+"
            r"\b(?:out|over|among|in|to|of)\b|"
            r"占.+(?:比例|比重|百分|份额|多少)"
        ),
    ),
    ("average", re.compile(r"\baverage\b|\bmean\b|平均")),
    (
        "change",
        re.compile(
            r"\bchanges?\b|\bdifference\b|\bincreased?\b|\bdecreased?\b|\bgr[eo]w\b|\bdeclined?\b|"
            r"\bhow much (?:more|less|higher|lower)\b|变化|相差|差额|差距|之差|"
            r"(?:增加|减少|增长|下降|上升)(?:了|额)?|比.+(?:多|少|高|低)(?:了)?多少"
        ),
    ),
    (
        "most",
        re.compile(
            r"\b(?:highest|largest|greatest|most|higher|larger|greater|maximum|max)\b|最[高多大]"
        ),
    ),
    (
        "least",
        re.compile(r"\b(?:lowest|smallest|least|lower|smaller|minimum|min|fewest)\b|最[低少小]"),
    ),
    (
        "sum",
        re.compile(
            r"\bsum\b|\btotal\b.+\band\b|\bcombined\b|\baltogether\b|合计|总和|一共|之和|加起来"
        ),
    ),
)
_ASKS = frozenset(
    terms(
        "percentage percent change increase decrease growth rate average mean difference between "
        "sum total respective respectively year years amount value number figure what how "
        "much many fiscal end ended period highest largest lowest smallest greatest most least "
        "higher lower larger smaller constitution proportion ratio share compared million thousand "
        "billion dollars annual both over nominal 平均 变化 相差 差额 合计 总和 增长率 同比 比例 "
        "多少 增长 增加 减少 下降 比 最高 最低 哪一年 数额 金额 百分之"
    )
)
_RANGE = re.compile(r"((?:19|20)\d{2})\s*(?:to|through|until|[-–—~至到])\s*((?:19|20)\d{2})")
WHICH = re.compile(
    r"\b(?:which|what) (?:fiscal )?(?:year|period|quarter)|哪一?年|哪个(?:年度|季度|月)"
)
_NO_SUM = re.compile(
    r"\bwhy\b|\breasons?\b|\bcaused?\b|\bled to\b|\bdue to\b|\bdriven\b|\bdrove\b|\bexplain|"
    r"\brespectively\b|\bhow (?:is|are|was|were|did|does|do)\b|为什么|为何|原因|导致|分别"
)
_READS = re.compile(
    r"^(?:in .+?, |for .+?, |as of .+?, |at .+?, )?(?:what|how much|how many)\b.+|多少|几|是什么"
)
CHANGE_COLUMN = re.compile(
    r"\bchanges?\b|\bvariance\b|\bversus\b|\bvs\b|\bincrease\b|变动|增减|同比|变化"
)
PERCENT = re.compile(r"%|\bpercent|百分|比例|占比|率")


def operation_of(question: str) -> Operation | None:
    """Return what a question asks to compute; None when it asks for no computation."""
    folded = fold(question)
    if _NO_SUM.search(folded):
        return None
    found = [name for name, pattern in _OPERATIONS if pattern.search(folded)]
    if "average" in found and {"change", "growth", "part"} & {*found}:
        return None  # two computations in one
    return found[0] if found else "read" if _READS.search(folded) else None


def item_terms(question: str) -> frozenset[str]:
    """Return the terms of a question that name things, not what to do with them."""
    bare = YEAR.sub(" ", fold(question))
    if language_of(bare) == "zh":
        bare = " ".join(keywords(bare).words)  # pairs of characters must not cross words
    return frozenset(
        term for term in question_terms(bare) if term not in _ASKS and not term.isdigit()
    )


def asked_years(question: str) -> list[int]:
    """Return the years of a question, the ones inside a range too, oldest first."""
    folded = fold(question)
    years = years_of(question)
    for match in _RANGE.finditer(folded):
        first, last = int(match.group(1)), int(match.group(2))
        if 0 < last - first <= 10:
            years += [year for year in range(first, last) if year not in years]
    return sorted(years)
