"""What is told whole or not at all: dates, numbers with units, brackets, what "and" joins."""

from __future__ import annotations

import pytest

from ragqa.answering.completing import choose_told, joins, widen
from ragqa.answering.extractive import Candidate
from ragqa.answering.shortening import Short
from ragqa.types import Answer, Models, Sentence, Span, Timings, Usage


@pytest.mark.parametrize(
    ("told", "sentence", "whole"),
    [
        ("18", "客运方面，现有18趟列车停车。", "18趟"),
        ("1997", "频道于1997年开始播出。", "1997年"),
        ("2015", "2015年6月26日判定。", "2015年"),
        ("2015年", "2015年6月26日判定。", "2015年"),
        ("1185", "He lived 1185–1226 in the north.", "1185"),
        ("243,000.00", "合同总价为（￥243,000.00）元整。", "￥243,000.00"),
        ("「歐洲國家盃", "经常稱為「歐洲國家盃」。", "「歐洲國家盃」"),
        ("2.3", "It grew by 2.3 thousand.", "2.3 thousand"),
        ("茶厂", "茶厂在山上，茶厂很大。", "茶厂"),
        ("不在句中", "茶厂在山上。", "不在句中"),
        ("红茶", "主要产品是红茶和普洱茶。", "红茶"),
    ],
)
def test_a_number_gets_its_unit_and_a_bracket_its_other_half(
    told: str, sentence: str, whole: str
) -> None:
    assert widen(told, sentence) == whole


@pytest.mark.parametrize(
    ("member", "whole", "joined"),
    [
        ("pH", "pH or available iron", True),
        ("proteases", "gastric acid and proteases", True),
        ("1945", "between 1945 and 1970", True),
        ("self molecules", "self and non-self molecules", True),
        ("红茶", "红茶和普洱茶", True),
        ("microorganisms", "conserved among broad groups of microorganisms, or when", False),
        ("法学", "法学专业", False),
    ],
)
def test_what_and_joins_belongs_together(member: str, whole: str, joined: bool) -> None:
    assert joins(member, whole) == joined


def drafted(text: str, question: str) -> Answer:
    told = (Sentence(text, (1,), supported=True),)
    return Answer(
        question, "qa", text, None, (), told, (), Timings(0.0, 0.0), Usage(), Models("e", None, "g")
    )


@pytest.mark.parametrize(
    ("question", "draft", "span", "told"),
    [
        ("主要产品是什么？", "红茶", "红茶和普洱茶", "红茶和普洱茶"),
        ("哪个队选中了他？", "NBA子弹队", "子弹队", "子弹队"),
        ("隶属于什么地方？", "浙江省嘉兴市", "浙江省嘉兴市海盐县", "浙江省嘉兴市海盐县"),
        ("隶属于哪个省？", "浙江省", "浙江省嘉兴市海盐县", None),
        ("What can it change?", "pH or available iron", "pH", None),
        (
            "What is combined with geophysical data?",
            "well logs",
            "geophysical data and well logs",
            None,
        ),
        ("谁发现的？", "大村智", "日本有机化学家大村智所", None),
        ("为什么？", "因为下雨", "下雨", None),
        ("是谁？", "阿蒙森", "羅爾德·阿蒙森", "羅爾德·阿蒙森"),
        ("When did it begin?", "1700", "around 1700", "around 1700"),
        ("有多少人？", "300人", "不到300人", "不到300人"),
        ("When did it begin?", "1700", "In 1700", None),
    ],
)
def test_of_a_draft_and_a_span_the_whole_and_only_the_whole_is_told(
    question: str, draft: str, span: str, told: str | None
) -> None:
    sentence = Candidate(0, Span(0, len(span)), span, 0.0, ())

    chosen = choose_told(drafted(draft, question), Short(span, sentence))

    assert (chosen.text if chosen else None) == told
