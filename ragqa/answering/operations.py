"""What a question asks to compute over a table, and what is left of it: the thing it is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from ragqa.answering.grids import YEAR, years_of
from ragqa.answering.keywords import keywords
from ragqa.answering.terms import language_of, question_terms, terms
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

Operation = Literal["growth", "change", "average", "sum", "part", "most", "least", "read"]

_OPERATIONS: tuple[tuple[Operation, re.Pattern[str]], ...] = (
    (
        "growth",
        re.compile(
            r"(?:\bpercent(?:age)?|%) (?:change|increase|decrease|growth|decline|reduction)|"
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
            r"\b(?:percentage|proportion|share|percent|ratio)(?: \([a-z ]+\))? of\b.+"
            r"\b(?:out|over|among|in|to|of)\b|\bas a ratio of\b|"
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


def _key(term: str) -> str:
    """Return a term so that expense and expenses are one."""
    return term.removesuffix("e") if len(term) > 3 and term.isascii() else term


_ASKS = frozenset(
    _key(term)
    for term in terms(
        "percentage percent change increase decrease growth rate average mean difference between "
        "sum total respective respectively year years amount value number figure what how "
        "much many fiscal end ended period highest largest lowest smallest greatest most least "
        "higher lower larger smaller constitution proportion ratio share compared million thousand "
        "billion dollars annual both over nominal company overall fys 平均 "
        "变化 相差 差额 合计 总和 增长率 同比 比例 多少 增长 "
        "增加 减少 下降 比 最高 最低 哪一年 数额 金额 百分之"
    )
)
TOTAL = "total"
"""Names a row, or says to add up: what it is shows in the table."""
MONTHS = frozenset(
    terms("january february march april may june july august september october november december")
)
_FOOTNOTE = re.compile(r"(?<=[a-z)])\d$|\s*[(（]\w{1,2}[)）]$|\s*\*+$")
_SHARE_OF = re.compile(
    r"(?P<part>.+?)\b(?:expressed )?as an? (?:percentage|percent|%|proportion|share|ratio) of\b"
    r"(?P<whole>.+)"
)
_OUT_OF = re.compile(
    r"(?:percentage|proportion|share|percent|%|ratio)(?: constitution)?(?: \([a-z ]+\))? of\b"
    r"(?P<rest>.+)"
)
_JOINS = re.compile(r"\b(?:out of|over|among|in|to|of|from)\b")
_DASH = re.compile(r"(?<=[^\W\d])\s*[\u2010-\u2015\u2212]\s*(?=[^\W\d])")
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
_NO_CELL = re.compile(
    r"\bratio\b|\b(?:proportion|percentage|share) of\b|\bof all\b|\bacross\b|"
    r"\bwithin (?:\d+|[a-z]+) (?:year|month)s\b|\bbetween\b"
)
"""Asks for more than one cell, though no computation is seen."""
CHANGE_COLUMN = re.compile(
    r"\bchanges?\b|\bvariance\b|\bversus\b|\bvs\b|\bincrease\b|变动|增减|同比|变化"
)
PERCENT = re.compile(r"%|\bpercent|百分|比例|占比|率")


def operation_of(question: str, names: Iterable[str] = ()) -> Operation | None:
    """Return what a question asks to compute; None when it asks for no computation.

    Args:
        question: As asked.
        names: Of rows and columns. What such a name says is nothing to do: "average price paid".
    """
    folded = fold(question)
    if _NO_SUM.search(folded):
        return None
    said = [name for one in names if (name := fold(bare(one))) in folded and len(terms(name)) > 1]
    for name in sorted(said, key=len, reverse=True):
        folded = folded.replace(name, " ")
    found = [name for name, pattern in _OPERATIONS if pattern.search(folded)]
    if WHICH.search(folded) and {"most", "least"} & {*found}:
        return "most" if "most" in found else "least"
    if "average" in found and {"change", "growth", "part"} & {*found}:
        return None  # two computations in one
    if not found and (_NO_CELL.search(folded) or not _READS.search(folded)):
        return None
    return found[0] if found else "read"


def halves_of(question: str) -> list[tuple[str, str]]:
    """Return how a question for a share may be cut into what is a part and what it is a part of."""
    folded = fold(question)
    if (cut := _SHARE_OF.search(folded)) is not None:
        return [(cut.group("part"), cut.group("whole"))]
    if (cut := _OUT_OF.search(folded)) is None:
        return []
    rest = cut.group("rest")
    return [(rest[: one.start()], rest[one.end() :]) for one in _JOINS.finditer(rest)]


def bare(name: str) -> str:
    """Return the name of a row or a column without colons, dots and the marks of footnotes."""
    return _FOOTNOTE.sub("", name.strip(" :：.")).strip(" :：.,")


def words(text: str) -> list[str]:
    """Return the terms of a text as names are compared by: expense and expenses are one."""
    return [_key(term) for term in terms(_DASH.sub("-", text))]


def item_terms(question: str) -> frozenset[str]:
    """Return the terms of a question that name things, not what to do with them."""
    undated = _DASH.sub("-", YEAR.sub(" ", fold(question)))
    if language_of(undated) == "zh":
        undated = " ".join(keywords(undated).words)  # pairs of characters must not cross words
    named = (_key(term) for term in question_terms(undated) if not term.isdigit())
    return frozenset(term for term in named if term not in _ASKS or term == TOTAL)


def asked_years(question: str) -> list[int]:
    """Return the years of a question, the ones inside a range too, oldest first."""
    folded = fold(question)
    years = years_of(question)
    for match in _RANGE.finditer(folded):
        first, last = int(match.group(1)), int(match.group(2))
        if 0 < last - first <= 10:
            years += [year for year in range(first, last) if year not in years]
    return sorted(years)
