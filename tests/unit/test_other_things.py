"""Sentences that are near to a question and answer another one."""

from __future__ import annotations

import pytest

from ragqa.answering.figures import is_other_figure
from ragqa.answering.mistakes import find_mistake
from ragqa.answering.others import is_of_another, is_of_other_year
from ragqa.answering.questions import asks_itself, is_other_kind


@pytest.mark.parametrize(
    ("question", "about_it", "about_another"),
    [
        # Years: one that something is compared with, or holds since, is no other year.
        ("2021年的营业额是多少？", "2021年营业额为3.2亿元。", "2022年营业额为3.6亿元。"),
        (
            "2021年的营业额是多少？",
            "营业额为3.2亿元，比2020年多一成。",
            "2019年、2020年均为3亿元。",
        ),
        ("2021年的营业额是多少？", "自2018年起每年公布，为3.2亿元。", "2020年度营业额"),
        ("What were sales in 2021?", "Sales were $3m, up from 2020.", "Sales in 2020 were $3m."),
        (
            "What were sales in 2021?",
            "Sales rose to $3m from $2m in 2020.",
            "In 2020, sales were $2m.",
        ),
        ("2021年的营业额是多少？", "营业额为3.2亿元，与2020年相比持平。", "营业额（2020年）"),
        # Parts of a year.
        ("2023年第一季度的销量是多少？", "今年一季度售出500台。", "去年四季度售出500台。"),
        ("What was sold in Q1?", "In the first quarter 500 were sold.", "In Q4 500 were sold."),
        # Names with a number, and those that go on.
        ("小米13多重？", "小米13重185克。", "小米 12 重180克。"),
        ("How heavy is the LX 260?", "The LX 260 weighs 9 kg.", "The LX 280 weighs 11 kg."),
        ("《护林员》的导演是谁？", "《护林员》由李山执导。", "《护林员2》由王海执导。"),
        ("How heavy is the LX 260?", "It weighs 9 kg; see chapter 3.", "LX 280: 11 kg"),
        # Opposites; who names both, or neither, is about either.
        ("女子组的冠军是谁？", "冠军是王芳。", "男子组的冠军是李强。"),
        ("女子组的冠军是谁？", "男子组和女子组的冠军是李强和王芳。", "李强获得男子组冠军。"),
        ("乙方的联系人是谁？", "联系人：王芳", "甲方联系人：李强"),
        ("谁是编剧？", "编剧：王芳", "王芳饰演护林员。"),
        ("谁是法定代表人？", "法定代表人：王芳", "项目经理：李强，联系人：王芳"),
        ("比赛什么时候开始？", "比赛5月3日开始，5月9日结束。", "比赛5月9日结束。"),
        ("What is the maximum load?", "Maximum load: 40 kg", "The minimum load is 2 kg."),
        ("Who pays for repairs, the landlord?", "Repairs are paid for.", "The tenant pays for it."),
        # Who has a role, and who has a lesser one or had it.
        ("总经理是谁？", "总经理：王芳；副总经理：李强", "副总经理：李强"),
        ("Who is the director?", "The director is Ann Lee.", "Bo Day, the deputy director"),
        ("Who is the president?", "President Ann Lee", "Bo Day is a former president."),
        # A name with something put into it.
        ("冬奥会在哪里举行？", "冬奥会在北京举行。", "冬残奥会在北京举行。"),
    ],
)
def test_another_thing_of_the_kind(question: str, about_it: str, about_another: str) -> None:
    assert not is_of_another(about_it, question)
    assert is_of_another(about_another, question)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        # When it was: the answer may have a year of its own.
        ("2022年的展会什么时候报名？", "报名从2021年11月开始。"),
        # Measures and dates are no names with a number.
        ("5月3日卖出多少台？", "5月4日前卖出30台。"),
        ("约300人的工厂在哪里？", "约500人的工厂在苏州。"),
        ("2000米的纪录是多少？", "1500米的纪录是4分钟。"),
        # A year in brackets is the one that is compared with; a yes or no may be the opposite.
        ("What were sales in 2021?", "Sales amounted to $3m (2020: $2m)."),
        ("2021年的营业额是多少？", "营业额为3.2亿元（2020年：3亿元）。"),
        ("Is the counter open on Sundays?", "The counter is closed on Sundays."),
        # Who was it once?
        ("Who was the president in 1990?", "Bo Day is a former president."),
        # Several years: a table of them.
        ("2020年和2021年的营业额各是多少？", "2022年营业额为3.6亿元。"),
    ],
)
def test_nothing_is_told_of_another(question: str, sentence: str) -> None:
    assert not is_of_another(sentence, question)


@pytest.mark.parametrize(
    ("question", "sentence", "told", "other"),
    [
        ("用户有多少？", "较上年新增用户80万。", "80万", True),
        ("用户有多少？", "用户增加到80万。", "80万", False),
        ("新增用户多少？", "较上年新增用户80万。", "80万", False),
        ("用户增长了多少？", "用户增长80万。", "80万", False),
        ("出口增长了多少？", "出口占全部销售额的18%。", "18%", True),
        ("出口增长了多少？", "出口增长18%，占全部的四成。", "18%", False),
        ("出口增长了多少？", "出口从16万元增加到31万元。", "31万元", True),
        ("2022年卖出多少台？", "2022年上半年卖出500台。", "500台", True),
        ("2022年上半年卖出多少台？", "2022年上半年卖出500台。", "500台", False),
        ("2022年卖出多少台？", "全年卖出900台，上半年500台。", "900台", False),
        ("2022年卖出了多少台？", "2022年计划卖出900台。", "900台", True),
        ("2022年计划卖出多少台？", "2022年计划卖出900台。", "900台", False),
        ("How many were sold?", "The company planned to sell 900.", "900", True),
        ("How many will be sold?", "The company is expected to sell 900.", "900", False),
        ("谁卖出了最多？", "2022年计划由王芳卖出900台。", "王芳", False),
    ],
)
def test_figures_that_are_not_asked_for(
    question: str, sentence: str, told: str, *, other: bool
) -> None:
    assert is_other_figure(told, sentence, question) == other


@pytest.mark.parametrize(
    ("question", "told", "other"),
    [
        ("会议在哪里举行？", "下周一（19日）", True),
        ("会议在哪里举行？", "三号楼", False),
        ("会议什么时候举行？", "下周一（19日）", False),
        ("会议什么时候举行？", "三天", True),
        ("会议什么时候结束？", "3天后的上午", False),
        ("会议开了多久？", "13时30分", True),
        ("会议开了多久？", "3小时30分钟", False),
        ("How long did it take?", "9:30 am", True),
        ("How long did it take?", "90 minutes", False),
        ("When does it begin?", "two weeks", False),
        ("When does it begin?", "14 days", True),
        ("会议什么时候举行？", "今天上午", True),
        ("会议什么时候举行？", "每天上午", False),
        ("他当了多久主任？", "10月14日", True),
        ("他当了多久主任？", "2019年至2021年", False),
    ],
)
def test_times_that_are_not_asked_for(question: str, told: str, *, other: bool) -> None:
    assert is_other_kind(told, question) == other


def test_a_figure_is_of_the_year_beside_it() -> None:
    sentence, question = "2022年售出18台，2021年售出15台。", "2021年售出多少台？"
    assert is_of_other_year("18台", sentence, question)
    assert not is_of_other_year("15台", sentence, question)
    assert not is_of_other_year("18台", "2022年6月公布，去年售出18台。", question)
    of_years = "Sales in 2021, 2020 and 2019 were $3m, $2m and $1m."
    assert not is_of_other_year("$3m", of_years, "What were sales in 2021?")


def test_what_is_mistaken_says_why() -> None:
    question = "2021年售出多少台？"
    assert find_mistake("15台", "2021年售出15台。", question) is None
    assert find_mistake("18台", "2022年售出18台，2021年更少。", question) is not None
    assert find_mistake("18台", "2022年\t18台", question) is not None
    assert find_mistake("18台", "2022年\t18台", question, row=True) is None
    assert find_mistake("18台", "2021年售出了18台？", question) == "it is only asked there"


def test_who_only_asks_answers_nothing() -> None:
    assert asks_itself("主角王芳是谁？")
    assert asks_itself("“谁是王芳？”", "王芳")
    assert not asks_itself("主角是王芳，她是谁？", "主角是王芳")
    assert not asks_itself("主角是王芳。")
