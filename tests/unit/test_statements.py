"""Which financial statement a question needs, and which page looks like one."""

from __future__ import annotations

import numpy as np
import pytest

from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.retrieval.statements import (
    STATEMENTS,
    UNTITLED,
    asked_statements,
    asks_for_figures,
    like_asked,
    likeness,
)

INCOME, BALANCE, CASH = STATEMENTS
SHEET = """Northwind Ltd
Consolidated Balance Sheets (in millions)
Cash and cash equivalents 120
Accounts receivable, net 77
Total current assets 300
Property, plant and equipment, net 410
Total assets 710
Accounts payable 55
Total current liabilities 140
Long-term debt 200
Total liabilities 340
Retained earnings 250
Total shareholders' equity 370"""
SHEET_ZH = """合并资产负债表
货币资金 120 应收账款 77
流动资产合计 300 固定资产 410
资产总计 710
应付账款 55 流动负债合计 140 长期借款 200
负债合计 340
未分配利润 250 所有者权益合计 370"""
NOTE = """Note 7. Debt
Long-term debt is shown in the consolidated balance sheets at amortised cost. The company
was in compliance with its covenants, and total liabilities did not exceed the limit."""


def terms_of(text: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([hash_term(term) for term in analyze(text)], np.int32)


@pytest.mark.parametrize(
    ("question", "needed"),
    [
        ("Is Boeing a capital-intensive business?", {INCOME, BALANCE, CASH}),
        ("What is the FY2018 net PPNE for 3M?", {BALANCE}),
        ("What is Adobe's operating margin?", {INCOME}),
        ("What was the FY2019 capital expenditure amount?", {CASH}),
        ("腾讯2023年的毛利率是多少？", {INCOME}),
        ("公司的流动比率和自由现金流如何？", {BALANCE, CASH}),
        ("Who sits on the board of directors?", set()),
        ("How long is the warranty?", set()),
    ],
)
def test_a_question_needs_the_statements_that_its_figure_is_computed_from(
    question: str, needed: set[object]
) -> None:
    assert set(asked_statements(question)) == needed


def test_a_question_about_reasons_needs_a_statement_less() -> None:
    assert asked_statements("What drove the change in gross margin?")[INCOME] < 1
    plain = "What is the gross margin? If that is not useful, then state so and explain why."
    assert asked_statements(plain)[INCOME] == 1


def test_a_page_is_like_a_statement_when_it_has_its_title_and_its_rows() -> None:
    untitled = SHEET.replace("Consolidated Balance Sheets", "")
    pages = [terms_of(text) for text in (SHEET, SHEET_ZH, untitled, NOTE, "")]
    sheet, sheet_zh, without_title, note, empty = likeness(pages, BALANCE)
    assert sheet == sheet_zh == 1
    assert without_title == pytest.approx(UNTITLED)
    assert note == empty == 0
    assert likeness(pages, CASH) == pytest.approx([0] * 5)


def test_of_several_statements_the_likest_counts() -> None:
    pages = [terms_of(SHEET), terms_of(NOTE)]
    assert like_asked(pages, {INCOME: 1.0, BALANCE: 0.5}) == pytest.approx([0.5, 0])
    assert like_asked(pages, {}) == pytest.approx([0, 0])
    assert like_asked([], {BALANCE: 1.0}).shape == (0,)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What was the net income in 2019?", True),
        ("What is the percentage change in revenue?", True),
        ("What is Boeing's gross margin?", True),
        ("2022年的营业收入是多少？", True),
        ("In which year was the amount of investments higher?", True),
        ("How many years did the income tax benefit exceed $1,500 thousand?", True),
        ("哪一年的研发费用最高？", True),
        ("净利润最高的是哪一年？", True),
        ("In which year was the company founded?", False),
        ("Which river is the longest, and which the largest?", False),
        ("最高法院在哪一年作出判决？", False),
        ("Who won the cup in 2015?", False),
        ("谁在2015年夺冠？", False),
        ("What is the first line of defense?", False),
    ],
)
def test_questions_for_a_figure_are_told_from_others(question: str, expected: bool) -> None:
    assert asks_for_figures(question) is expected
