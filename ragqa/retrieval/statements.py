"""Financial statements: which of them a question is about, and how like one a page looks.

Who asks for a margin, a ratio or "capital-intensive" names none of the words that a balance sheet
prints: the figures are computed from its rows. What is looked for then is the statement itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ragqa.retrieval.folding import fold
from ragqa.retrieval.lexical import hash_term
from ragqa.retrieval.naming import years_of
from ragqa.retrieval.nearness import share_of_pairs
from ragqa.retrieval.question import asks_to_compute, question_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST = 0.4
"""Share of a statement's rows from which on a page is like it at all."""
MOST = 0.8
"""Share of a statement's rows from which on a page is as like it as can be."""
UNTITLED = 0.6
"""What a page's likeness is worth that does not carry the statement's title."""
EXPLAINED = 0.5
"""What a statement is worth to a question about reasons: they stand in the text beside it."""

_REASONS = re.compile(r"\b(?:why|drove|driven|drivers?|reasons?|explained? by)\b|为什么|原因|为何")
_STORY = re.compile(r"\b(?:who|whom|whose|where|when|why)\b")
_AMOUNT = re.compile(r"\bhow (?:much|many|large|high)\b|\bwhat (?:is|was|were|are|did)\b|多少|几")
_YEAR_OF = re.compile(
    r"\b(?:which|what) (?:fiscal |financial )?(?:years?|quarters?|periods?)\b"
    r"|\bhow many (?:years|quarters)\b"
)
_COMPARED = re.compile(
    r"\b(?:high|larg|great|low|small)(?:er|est)\b|\b(?:more|less|fewer) than\b"
    r"|\bexceed\w*|\b(?:above|below|most|least)\b"
)
_YEAR_COMPARED_ZH = re.compile(
    "(?:哪一?年|哪几年|何年|哪个季度).*(?:最[高低大小多少]|高于|低于|多于|少于|超过)"
    "|最[高低大小多少]的?是?在?(?:哪一?年|何年|哪个季度)"
)
_MANNERS = re.compile(r"\bif [^.?!]*\bnot\b[^.?!]*\b(?:state|say|explain)\b[^.?!]*[.?!]?")


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of statement: how it is called, what it prints, and what is computed from it."""

    name: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """What its rows are called; a row has several names."""
    asked: re.Pattern[str]
    """What only this statement answers, or what is computed from it."""


def _any(*names: str) -> re.Pattern[str]:
    english = "|".join(name for name in names if name.isascii())
    chinese = "|".join(name for name in names if not name.isascii())
    return re.compile(rf"\b(?:{english})\b|{chinese}")


STATEMENTS = (
    Statement(
        "income",
        (
            "statement of income",
            "statement of operations",
            "statement of earnings",
            "income statement",
            "statement of profit",
            "利润表",
            "损益表",
        ),
        (
            ("revenue", "net sales", "营业收入"),
            ("cost of sales", "cost of revenue", "cost of products", "cost of goods", "营业成本"),
            ("gross profit", "operating expenses", "total expenses", "total costs", "营业利润"),
            ("operating income", "earnings from operations", "income from operations", "利润总额"),
            ("interest expense", "interest income", "财务费用"),
            ("before income taxes", "pretax income", "before income tax", "before taxes"),
            ("provision for income taxes", "income tax provision", "income tax expense", "所得税"),
            ("net income", "net earnings", "net loss", "净利润"),
            ("per share", "per common share", "每股收益"),
            ("average shares outstanding", "weighted average", "basic diluted", "稀释"),
        ),
        _any(
            r"(?:income|earnings|profit and loss) statements?",
            r"statements? of (?:income|operations|earnings|profit)",
            r"p&l",
            r"(?:gross|operating|operation|net|profit|ebit|ebitda|net income|net profit) margins?",
            r"(?:gross|operating|net) profits?",
            r"ebitd?a?",
            r"effective tax rate",
            r"interest coverage",
            r"cogs",
            r"cost of goods sold",
            r"(?:total|net) revenues?",
            r"revenue growth",
            r"capital[- ]intensive",
            r"return on (?:assets|equity|capital)",
            r"roa|roe|roic",
            r"(?:asset|inventory|receivables?|payables?) turnover",
            r"days (?:payable|sales|inventory|receivables?)(?: outstanding)?",
            r"dpo|dso|dio",
            r"cash conversion cycle",
            r"payout ratio",
            "利润表",
            "损益表",
            "毛利率",
            "净利率",
            "营业利润率",
            "周转率",
            "利息保障倍数",
            "净资产收益率",
        ),
    ),
    Statement(
        "balance",
        ("balance sheet", "statement of financial position", "资产负债表", "财务状况表"),
        (
            ("cash equivalents", "货币资金"),
            ("accounts receivable", "receivables net", "receivables less", "应收账款"),
            ("current assets", "流动资产"),
            ("property plant equipment", "property equipment", "premises equipment", "固定资产"),
            ("total assets", "资产总计"),
            ("accounts payable", "customer deposits", "应付账款"),
            ("current liabilities", "流动负债"),
            ("long-term debt", "long-term borrowings", "长期借款"),
            ("total liabilities", "负债合计"),
            ("retained earnings", "accumulated deficit", "未分配利润"),
            ("shareholders equity", "stockholders equity", "total equity", "所有者权益"),
        ),
        _any(
            r"balance sheets?",
            r"statements? of financial position",
            r"(?:total|current) (?:assets|liabilities)",
            r"liabilit(?:y|ies)",
            r"net (?:ppe|ppne|pp&e|property)",
            r"ppe|ppne|pp&e",
            r"property,? plant,? (?:and|&) equipment",
            r"working capital",
            r"(?:quick|current|cash) ratio",
            r"liquidity (?:profile|ratio|position)",
            r"debt[- ]to[- ]equity",
            r"accounts (?:receivable|payable)",
            r"capital[- ]intensive",
            r"return on (?:assets|equity|capital)",
            r"roa|roe|roic",
            r"(?:asset|inventory|receivables?|payables?) turnover",
            r"days (?:payable|sales|inventory|receivables?)(?: outstanding)?",
            r"dpo|dso|dio",
            r"cash conversion cycle",
            "资产负债表",
            "流动比率",
            "速动比率",
            "资产负债率",
            "营运资金",
            "周转率",
            "净资产收益率",
        ),
    ),
    Statement(
        "cash",
        ("statement of cash flows", "cash flow statement", "现金流量表"),
        (
            ("operating activities", "经营活动"),
            ("investing activities", "投资活动"),
            ("financing activities", "筹资活动"),
            ("net income", "net earnings", "净利润"),
            ("depreciation and amortization", "depreciation", "折旧"),
            ("beginning of year", "beginning of period", "期初"),
            ("end of year", "end of period", "期末"),
            ("purchases of property", "capital expenditures", "additions to property", "购建"),
            ("dividends paid", "repurchases", "issuance of", "分配股利"),
            ("increase in cash", "decrease in cash", "change in cash", "现金等价物净增加"),
        ),
        _any(
            r"cash ?flow statements?",
            r"statements? of cash ?flows?",
            r"cash ?flows? from",
            r"(?:free|operating|investing|financing) cash ?flows?",
            r"(?:operations|operating|investing|financing) activities",
            r"capital expenditures?",
            r"capex",
            r"capital[- ]intensive",
            r"ebitda",
            r"d&a",
            r"depreciation and amortization",
            r"payout ratio",
            "现金流量表",
            "自由现金流",
            "资本开支",
            "资本支出",
        ),
    ),
)


def asked_statements(question: str) -> dict[Statement, float]:
    """Return the statements that a question needs, with how much it needs each, in (0, 1]."""
    folded = fold(question)
    plain = _MANNERS.sub(" ", folded)
    worth = EXPLAINED if _REASONS.search(plain) else 1.0
    return {one: worth for one in STATEMENTS if one.asked.search(plain)}


def asks_for_figures(question: str) -> bool:
    """Say whether the answer is a figure of some year, or comes from comparing or computing some.

    Vectors hardly tell the table of one year or company from that of another; words do.
    """
    if asks_to_compute(question) or asked_statements(question):
        return True
    folded = fold(question)
    if (_YEAR_OF.search(folded) and _COMPARED.search(folded)) or _YEAR_COMPARED_ZH.search(folded):
        return True
    amount = _AMOUNT.search(folded) and not _STORY.search(folded)
    return bool(amount and years_of(question))


@cache
def describe(statement: Statement) -> tuple[int, ...]:
    """Return the terms, as hashes, that pages of this kind are found by; each of them once."""
    names = (*statement.titles, *(name for row in statement.rows for name in row))
    return tuple(dict.fromkeys(term for name in names for term in _terms(name)))


def likeness(pages: Sequence[NDArray[np.int32]], statement: Statement) -> NDArray[np.float64]:
    """Return how like the statement each page looks, in [0, 1]. Shape: ``(len(pages),)``.

    Args:
        pages: The terms of each page in the order of the text.
        statement: What they are held against.
    """
    rows = np.mean([_has_any(pages, names) for names in statement.rows], axis=0)
    title = np.where(_has_any(pages, statement.titles), 1.0, UNTITLED)
    alike: NDArray[np.float64] = np.clip((rows - LEAST) / (MOST - LEAST), 0.0, 1.0) * title
    return alike


def like_asked(
    pages: Sequence[NDArray[np.int32]], asked: Mapping[Statement, float]
) -> NDArray[np.float64]:
    """Return how like any of the statements asked for each page looks, in [0, 1]."""
    if not pages or not asked:
        return np.zeros(len(pages))
    alike = np.array([worth * likeness(pages, one) for one, worth in asked.items()])
    best: NDArray[np.float64] = alike.max(axis=0)
    return best


def _has_any(pages: Sequence[NDArray[np.int32]], names: Sequence[str]) -> NDArray[np.bool_]:
    found = np.zeros(len(pages), dtype=bool)
    for name in names:
        found |= _has(pages, _terms(name))
    return found


def _has(pages: Sequence[NDArray[np.int32]], terms: tuple[int, ...]) -> NDArray[np.bool_]:
    """Say which pages have the terms next to each other."""
    if len(terms) == 1:
        return np.array([bool((page == terms[0]).any()) for page in pages])
    return share_of_pairs(pages, dict.fromkeys(pairwise(terms), 1.0)) > 1 - 1e-9


@cache
def _terms(name: str) -> tuple[int, ...]:
    # Of Chinese only the pairs: they stand in the order of the text, the longer words behind them.
    said = [term for term in question_terms(name) if term.isascii() or len(term) == 2]
    return tuple(hash_term(term) for term in said)
