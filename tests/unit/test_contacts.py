"""Asked how to reach somebody, only what reaches them is an answer."""

from __future__ import annotations

import pytest

from ragqa.answering.contacts import contact_of, lacks_contact
from ragqa.answering.questions import bears, misses_type

HOURS = "服务电话的受理时间为每天 8:00 至 20:00。"


@pytest.mark.parametrize(
    ("question", "reaches"),
    [
        ("服务电话是多少？", "服务电话：0517-5550 2186"),
        ("甲方的联系电话", "联系电话 13800138000"),
        ("他的手机号是多少", "手机 13800138000"),
        ("传真号码是什么？", "传真（０１０）６５５０２１８６"),
        ("What is the company's phone number?", "Call +44 20 7946 0018."),
        ("What number do I call?", "Call 999 555 111."),
        ("客服邮箱是什么？", "help@example.org"),
        ("What is the e-mail address of the desk?", "Write to desk@example.co.uk."),
        ("公司的网址是什么？", "www.example.com"),
    ],
)
def test_only_what_reaches_somebody_is_an_answer(question: str, reaches: str) -> None:
    assert not lacks_contact(reaches, question)
    assert not misses_type(reaches, question)
    assert bears(reaches, "number", question)
    assert lacks_contact(HOURS, question)
    assert misses_type(HOURS, question)
    assert not bears(HOURS, "number", question)


@pytest.mark.parametrize(
    "question",
    [
        "服务电话几点到几点有人接？",
        "手机的价格是多少？",
        "春季发布会的新手机",
        "这款手机多少钱？",
        "一部电话多少钱？",
        "1977年改为哪一种形式的电话？",
        "How many telephone calls were made?",
    ],
)
def test_other_questions_about_telephones_ask_for_something_else(question: str) -> None:
    assert contact_of(question) is None
    assert not lacks_contact(HOURS, question)
