"""What a question asks to measure, and what is measured in something else."""

from __future__ import annotations

import numpy as np
import pytest

from ragqa.answering.figures import is_other_figure
from ragqa.answering.periods import is_of_other_period
from ragqa.answering.quantities import (
    asked_quantity,
    asks_amount,
    clause_number,
    find_other_quantities,
    is_other_quantity,
)
from ragqa.answering.questions import bears, lacks_quantity, misses_type
from ragqa.answering.reading import Reading


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("合同总价是多少？", "人民币贰拾肆万叁仟元整（￥243,000.00）", "10%"),
        ("投影机多少钱一台？", "11,800 元", "五年"),
        ("出口额是多少美元？", "4.2 万亿美元", "24.08 万亿元"),
        ("奖金有多少万欧元？", "3 万欧元", "2021年5月"),
        ("How many dollars does it cost?", "$ 12", "12 pounds"),
        ("How much does the ticket cost?", "£42", "25 per cent"),
        ("How much is the daily meal allowance?", "$ 30", "30 minutes"),
        ("预付款是百分之几？", "30%", "3,000 元"),
        ("What percentage of the fare is refunded?", "40 per cent", "£40"),
        ("保修期是多久？", "24 个月", "680 元"),
        ("多少天内要报销？", "30 天", "15%"),
        ("How long is the warranty?", "three years", "5%"),
        ("How far is the station?", "3 km", "40 euros"),
        ("开机温度是多少？", "40 ℃", "40 分钟"),
        ("滤芯多久换一次？", "4 个月", "3.3 节"),
        ("How long is the warranty?", "two years", "section 4.2"),
        ("进出口规模是多少美元？", "6.05 万亿美元", "56.7 万家"),
        ("培训花了多少钱？", "3 万元", "12 人"),
        ("他们花了多少钱收购它？", "687 亿美元", "每股 95 美元"),
        ("How much did they pay for it?", "$68.7 billion", "$95 per share"),
        ("2022年全国棉花产量", "597.7 万吨", "单产 132.8 公斤/亩"),
        ("那年生产了多少吨？总产量多少？", "597.7 万吨", "增长 5.3%"),
        ("这部电影的票房", "43.44 亿元", "12%"),
        ("膜多久要换一次？", "24 个月", "更换膜后冲洗 40 分钟"),
        ("滤网多长时间清洗一次？", "使用满 3 个月后每 2 周", "清洗后晾干 30 分钟"),
        ("How often must the filter be cleaned?", "every 3 months", "rinse it for 10 minutes"),
    ],
)
def test_one_quantity_is_not_answered_by_another(question: str, right: str, wrong: str) -> None:
    assert not is_other_quantity(right, question)
    assert is_other_quantity(wrong, question)
    assert not misses_type(right, question) or "°" in right
    assert not bears(f"合同另有约定：{wrong}", "number", question)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("合同总价是多少？", "243,000"),
        ("合同总价是多少？", "按附件一计算"),
        ("合同总价是多少？", "总价 ￥243,000，其中预付 30%"),
        ("How many people work there?", "10%"),
        ("哪种产业的比例最低？", "一级产业"),
        ("他在那里工作了多久？", "1991年至1995年"),
        ("去年分红是多少元？", "每股 0.5 元"),
        ("住宿费是多少？", "每人 300 元"),
        ("他们花了多少钱收购它？", "每股 95 美元，共 687 亿美元"),
        ("棉花的亩产量是多少？", "132.8 公斤/亩"),
        ("2022年手机销量", "2.8 亿台"),
        ("2022年汽车销量冠军", "比亚迪，市场份额 12%"),
        ("汽车销量同比增长多少？", "14.8%"),
        ("谁是首个票房达到300亿元的演员？", "60%"),
        ("电脑销量全球第几？", "10%"),
    ],
)
def test_bare_numbers_words_and_what_has_both_may_answer(question: str, told: str) -> None:
    assert not is_other_quantity(told, question)


def test_shares_are_asked_for_only_where_no_thing_is() -> None:
    assert asked_quantity("质保金的比例是多少？") == frozenset({"percent"})
    assert asked_quantity("哪种产业的比例最低？") is None


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("6.2 The daily meal allowance is paid.", "6.2"),
        ("2.合同总价为人民币贰拾肆万元。", "2."),
        ("4.2 沸点档温度", "4.2"),
        ("（2）交货地点", "（2）"),
        ("3) The keys are returned.", "3)"),
        ("28间分店", ""),
        ("3.5 万人参加", ""),
        ("2.5 million people came.", ""),
        ("1,200 L", ""),
    ],
)
def test_a_clause_begins_with_its_number(sentence: str, number: str) -> None:
    assert sentence[: clause_number(sentence)] == number


def test_the_number_of_a_clause_answers_no_question_for_a_number() -> None:
    question = "How much is the daily meal allowance?"

    assert not bears("6.2 The daily meal allowance is paid.", "number", question)
    assert bears("6.2 The daily meal allowance is £42.", "number", question)


def test_places_are_told_in_the_text_as_it_was_given() -> None:
    text = "违约金不超过１０％\n总价的\n￥200。"

    other, fitting = find_other_quantities(text, "合同总价是多少？")

    assert [text[a:b] for a, b in other] == ["１０％"]
    assert [text[a:b] for a, b in fitting] == ["￥200"]


def test_what_measures_something_else_is_not_read_as_the_answer() -> None:
    text = "10% 243000"
    offsets = np.array([(at, at + 1) for at in range(len(text))])
    starts = np.zeros(len(text), np.float32)
    ends = np.zeros(len(text), np.float32)
    starts[0] = ends[2] = 9.0
    other = np.array([True] * 3 + [False] * 7)
    parts = np.zeros(len(text), np.int64)

    free = Reading(offsets, starts, ends, parts).likelihood()
    barred = Reading(offsets, starts, ends, parts, other, ~other).likelihood()

    assert free.argmax() == 2
    assert barred[0, 2] == 0
    assert barred[0, 9] > 0


def test_a_limit_is_an_amount_and_a_colour_is_none() -> None:
    assert asks_amount("What is the daily meal limit?")
    assert asks_amount("餐费标准是多少？")
    assert not asks_amount("What is the colour of the lamp?")


FINE = "每逾期一日，按货款的千分之五支付违约金；总额不超过合同总价的10%。"


@pytest.mark.parametrize(
    ("text", "question", "other", "fitting"),
    [
        (FINE, "违约金的比例是多少？", ["一日", "10%"], ["千分之五"]),
        (FINE, "违约金最高是百分之几？", ["一日"], ["千分之五", "10%"]),
        ("违约金不超过合同总价的10%。", "违约金的比例是多少？", [], ["10%"]),
        (
            "The fee is 2 per cent and never exceeds 5 per cent.",
            "What percentage is the fee?",
            ["5 per cent"],
            ["2 per cent"],
        ),
    ],
)
def test_the_most_that_something_may_be_is_not_what_it_is(
    text: str, question: str, other: list[str], fitting: list[str]
) -> None:
    found = find_other_quantities(text, question)

    assert [[text[a:b] for a, b in places] for places in found] == [other, fitting]


@pytest.mark.parametrize(
    ("told", "sentence", "question", "level"),
    [
        ("16.98万亿元", "增加值从16.98万亿元增加到31.4万亿元", "增加值增长了多少？", True),
        ("31.4万亿元", "增加值从16.98万亿元增加到31.4万亿元", "增加值增长了多少？", True),
        ("16.98万亿元", "增加值从16.98万亿元增加到31.4万亿元", "起初的增加值是多少？", False),
        ("3.6万家", "达到56.7万家，增加3.6万家", "企业增加了多少？", False),
        ("9.6%", "增速升至9.6%", "增加值增长了多少？", False),
        (
            "$16 million",
            "Sales grew from $16 million to $31 million.",
            "How much did sales grow?",
            True,
        ),
        ("$15", "Sales grew by $15.", "How much did sales grow?", False),
    ],
)
def test_what_something_grew_from_is_no_growth(
    told: str, sentence: str, question: str, *, level: bool
) -> None:
    assert is_other_figure(told, sentence, question) == level


@pytest.mark.parametrize(
    ("passage", "question", "other"),
    [
        ("2022年累计销量12.77万辆", "2022年上半年销量", True),
        ("2022年1至6月销量8.5万辆", "2022年上半年销量", False),
        ("2022年前六个月销量8.5万辆", "2022年上半年销量", False),
        ("下半年销量4万辆", "2022年上半年销量", True),
        ("首季营收463亿元", "第一季度营收是多少？", False),
        ("Revenue rose in the third quarter.", "What was the revenue in Q3 2019?", False),
        ("Revenue for the whole year was $24 billion.", "What was the revenue in Q3 2019?", True),
        ("全年营收", "2022年营收是多少？", False),
    ],
)
def test_a_whole_year_is_not_what_is_asked_of_a_part_of_it(
    passage: str, question: str, *, other: bool
) -> None:
    assert is_of_other_period(passage, question) == other


@pytest.mark.parametrize(
    ("question", "told", "lacks"),
    [
        ("2022年全国棉花产量", "全国棉花单产", True),
        ("培训花了多少钱？", "三万元", False),
        ("保修期是多久？", "由厂家规定", True),
        ("How long is the warranty?", "half a year", False),
        ("谁生产棉花？", "合作社", False),
    ],
)
def test_how_much_is_not_told_without_a_number(question: str, told: str, *, lacks: bool) -> None:
    assert lacks_quantity(told, question) == lacks


@pytest.mark.parametrize(
    ("question", "told"),
    [("托盘多长时间清洗一次？", "每天"), ("How often is the tray cleaned?", "weekly")],
)
def test_how_often_is_told_without_a_number(question: str, told: str) -> None:
    assert bears(f"托盘 | 清洗 | {told}", "number", question)
    assert not misses_type(told, question)
    assert not lacks_quantity(told, question)
    assert not bears(f"托盘 | 清洗 | {told}", "number", "冲洗需要多久？")


def test_how_long_something_takes_is_told_as_before() -> None:
    assert not is_other_quantity("更换膜后冲洗 40 分钟", "更换膜后要冲洗多久？")
    assert not is_other_quantity("rinse it for 10 minutes", "How long must it be rinsed?")
