from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from ragqa.answering.agreement import agreement, repetition
from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.conversation import standalone
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.nearness import Nearness
from ragqa.answering.questions import misses_type
from ragqa.answering.refusal import declines, refuse
from ragqa.answering.signs import signs_of
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, RefusalReason, Span


def hit(text: str) -> Hit:
    one = CollectionId(1)
    return Hit(
        ChunkId(Id(one, 1)),
        DocumentId(Id(one, 1)),
        "a.pdf",
        Chunk(1, Span(0, len(text)), text),
        "text",
        score=1.0,
    )


TEA = [hit("云岭茶厂位于云岭县。云岭茶厂建于1958年。现有职工四百余人。主要产品是红茶。")]


def enough(question: str, hits: list[Hit]) -> bool:
    signs = signs_of(question, hits, rank_sentences(question, hits))
    return CALIBRATION.suffices(signs)


@pytest.mark.parametrize("question", ["云岭茶厂建于哪一年？", "云岭茶厂的主要产品是什么？"])
def test_a_question_about_what_is_written_has_enough_evidence(question: str) -> None:
    assert enough(question, TEA)


@pytest.mark.parametrize(
    "question", ["苏镜宇的原名叫什么？", "珠穆朗玛峰有多高？", "Who founded Oakfield Mill?"]
)
def test_a_question_about_something_else_has_not(question: str) -> None:
    assert not enough(question, TEA)


def test_no_sentence_is_never_enough() -> None:
    assert not enough("云岭茶厂建于哪一年？", [])


def test_a_model_that_declines_makes_an_answer_less_likely() -> None:
    question = "云岭茶厂建于哪一年？"
    ranked = rank_sentences(question, TEA)

    said, declined = (signs_of(question, TEA, ranked, draft=d) for d in ("1958年", "资料中没有。"))

    assert CALIBRATION.probability(declined) < CALIBRATION.probability(said)


def judged(question: str, nearness: Nearness) -> float:
    ranked = [replace(c, near=nearness) for c in rank_sentences(question, TEA)]
    return CALIBRATION.probability(signs_of(question, TEA, ranked))


def test_words_of_the_question_that_no_sentence_comes_near_make_an_answer_less_likely() -> None:
    question = "云岭茶厂建于哪一年？"
    far, near = Nearness(0.85, 0.3, 0.3), Nearness(0.93, 0.65, 0.8)

    assert judged(question, far) < judged(question, near) - 0.2


POLICY = [hit("Hotels cost up to £140 a night. Error E07 means that the filter is old.")]


def across(question: str, words: float) -> bool:
    near = Nearness(0.8, 0.3, words)
    ranked = [replace(c, near=near) for c in rank_sentences(question, POLICY)]
    return CALIBRATION.suffices(signs_of(question, POLICY, ranked))


def test_passages_in_another_language_are_enough_only_where_they_are_near() -> None:
    assert across("酒店每晚最多多少钱？", 0.45)
    assert not across("合同总价是多少？", 0.35)
    assert not enough("合同总价是多少？", POLICY)


def test_a_code_means_the_same_in_every_language() -> None:
    assert across("E07是什么意思？", 0.35)
    assert not across("E08是什么意思？", 0.45)


def test_a_code_alone_is_no_evidence() -> None:
    question = "ICCV2031在哪举办？"
    bare, other = hit("/ICCV2031"), hit("近期举行的计算机视觉会议大家关注了没有？")
    near = Nearness(0.8, 0.3, 0.5)
    ranked = [replace(c, near=near) for c in rank_sentences(question, [bare, other])]
    assert ranked[0].text == "/ICCV2031"

    signs = signs_of(question, [bare, other], ranked, draft="资料中没有。", doubt=0.99)

    assert not CALIBRATION.suffices(signs)


def test_nearness_says_nothing_about_codes() -> None:
    question = "云岭茶厂的E07号车间建于哪一年？"
    far, near = Nearness(0.85, 0.3, 0.3), Nearness(0.93, 0.65, 0.8)

    assert judged(question, far) == judged(question, near)


def told(question: str, passages: list[str], draft: str | None = None) -> float:
    """Return how likely the answer is that was read in the first of ``passages``."""
    hits = [hit(text) for text in passages]
    first, *rest = rank_sentences(question, hits[:1])
    ranked = [replace(first, told="1958年", seen=2.0), *rest]
    return CALIBRATION.probability(signs_of(question, hits, ranked, draft=draft))


def test_what_another_passage_tells_too_is_likelier() -> None:
    question = "云岭茶厂建于哪一年？"
    one = "云岭茶厂建于1958年。"

    told_twice = told(question, [one, "1958 年，县里办起了第一家茶厂。"])

    assert told_twice > told(question, [one, "11958年以前的茶山图。"])


def test_a_model_that_reads_something_else_makes_an_answer_less_likely() -> None:
    question = "云岭茶厂建于哪一年？"
    passages = ["云岭茶厂建于1958年。", "云岭茶厂在云岭县。"]

    assert told(question, passages, "1958年[1]") > told(question, passages, "四百余人[1]") + 0.05


def test_words_of_the_question_said_again_are_no_agreement() -> None:
    question = "云岭茶厂建于哪一年？"

    assert repetition("云岭茶厂", question, ["云岭茶厂"]) == 0
    assert agreement("云岭茶厂[1]", "云岭茶厂", question) == 0


def test_an_answer_is_repeated_in_whole_words_only() -> None:
    assert repetition("10", "How many?", ["of 10 mills", "in 2010"]) == repetition(
        "10", "How many?", ["of 10 mills"]
    )
    assert repetition("tea", "What is it?", ["a steady hand"]) == 0


@pytest.mark.parametrize("reason", get_args(RefusalReason))
def test_every_refusal_is_told_in_the_askers_language_with_the_nearest_hits(
    reason: RefusalReason,
) -> None:
    chinese, english = refuse(reason, "zh", TEA * 5), refuse(reason, "en", TEA)

    assert len(chinese.nearest) == 3
    assert chinese.reason == reason
    assert english.message.isascii()
    assert not chinese.message.isascii()


@pytest.mark.parametrize(
    "draft",
    ["资料中没有。", "資料中沒有提到。", "Not in the passages.", "N/A", "", "I don't know."],
)
def test_a_draft_that_gives_up_is_recognised(draft: str) -> None:
    assert declines(draft)


@pytest.mark.parametrize("draft", ["1958年", "No more than 30 days.", "没有辐射", "Natural gas"])
def test_a_draft_that_answers_is_not_taken_for_giving_up(draft: str) -> None:
    assert not declines(draft)


@pytest.mark.parametrize(
    ("question", "leans"),
    [
        ("它主要生产什么？", True),
        ("那职工呢？", True),
        ("为什么？", True),
        ("海河大桥有多长？", False),
        ("And how long is it?", True),
        ("When did Marie Curie win her second prize?", False),
    ],
)
def test_a_follow_up_gets_the_question_it_leans_on_and_keeps_its_own_words(
    question: str, *, leans: bool
) -> None:
    history = [("云岭茶厂建于哪一年？", "1958年[1]")]

    whole = standalone(question, history)

    assert whole.endswith(question)
    assert ("云岭茶厂" in whole) == leans
    assert "1958" not in whole
    assert standalone(question, []) == question


def test_a_chain_of_follow_ups_leans_on_the_question_that_names_something() -> None:
    history = [("云岭茶厂建于哪一年？", "1958年"), ("它在哪里？", "云岭县")]

    assert standalone("它主要生产什么？", history).startswith("云岭茶厂建于哪一年")


@pytest.mark.parametrize(
    ("question", "told", "misses"),
    [
        ("会议的闭幕时间", "cppcc.gov.cn", True),
        ("会议的闭幕时间", "3月10日下午", False),
        ("知网被罚了多少钱？", "答应赔偿", True),
        ("知网被罚了多少钱？", "八千多万元", False),
        ("2021赛季中超冠军", "猝死", True),
        ("云岭茶厂在哪里？", "云岭县", False),
        ("云岭茶会在哪举办？", "东方茶业集团", True),
        ("云岭茶厂的厂长是谁？", "...", True),
        ("When was the mill built?", "by two brothers", True),
        ("When was the mill built?", "in the first century", False),
        ("How many people work there?", "four hundred", False),
        ("Why was it built?", "for the wool", False),
    ],
)
def test_what_was_read_may_be_of_another_kind_than_what_is_asked(
    question: str, told: str, *, misses: bool
) -> None:
    assert misses_type(told, question) == misses


def test_an_answer_of_another_kind_makes_evidence_less_likely() -> None:
    signs = {"near": 0.7, "near_lead": 0.1, "near_words": 0.7, "other_type": 0.0}

    assert CALIBRATION.probability(signs | {"other_type": 1.0}) < CALIBRATION.probability(signs)
