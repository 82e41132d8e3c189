"""Which sentences of different passages contradict each other, and which only say it otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragqa.answering.conflicts import find_conflict
from ragqa.answering.extractive import Candidate, rank_sentences
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

ONE = CollectionId(1)


def hit(text: str) -> Hit:
    chunk = Chunk(1, Span(0, len(text)), text)
    return Hit(ChunkId(Id(ONE, 1)), DocumentId(Id(ONE, 1)), "a.pdf", chunk, "text", score=1.0)


def read(one: Candidate, answer: str) -> Candidate:
    return replace(one, seen=5.0, told=answer)


FOUNDED = "茶厂建于哪一年？"


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (FOUNDED, "云岭茶厂建于1958年。", "云岭茶厂建于1962年。"),
        (
            "Who designed the bridge?",
            "Anna Reed designed the long bridge over the river.",
            "Tom Hill designed the long bridge over the river.",
        ),
        ("茶厂的厂长是谁？", "云岭茶厂的厂长是李明华。", "云岭茶厂的厂长是张艺谋。"),
        ("Which unit drives the pump?", "The pump is driven by unit C-170A at the side.",
         "The pump is driven by unit C-175A at the side."),
        ("茶厂的产品出口吗？", "云岭茶厂的产品可以出口。", "云岭茶厂的产品不可以出口。"),
    ],
)  # fmt: skip
def test_where_only_a_value_differs_two_passages_contradict_each_other(
    question: str, one: str, other: str
) -> None:
    ranked = rank_sentences(question, [hit(one), hit(other)])

    found = find_conflict(question, ranked)

    assert found is not None
    assert {ranked[0].text, found.text} == {one, other}


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (FOUNDED, "云岭茶厂建于1958年。", "云岭茶厂建于一九五八年。"),
        (FOUNDED, "云岭茶厂建于1958年。", "海河大桥全长2.3公里。"),
        (FOUNDED, "前身为云岭县制茶所，成立于1958年。", "前身为云岭县制茶所，创立于1958年。"),
        (FOUNDED, "云岭茶厂于五月一日建成投产。", "云岭茶厂于1958年5月1日建成投产。"),
        (
            "茶厂2019年的产量是多少？",
            "2019年云岭茶厂的产量是30吨。",
            "2018年云岭茶厂的产量是30吨。",
        ),
        ("春运发送多少人？", "春运首日共发送旅客3473.6万人次。", "春运首日共发送旅客3474万人次。"),
        ("净利润是多少？", "公司全年实现净利润23.92亿元。", "公司全年实现净利润23.92亿。"),
        ("谁任厂长？", "茶厂发布重磅公告，李明任厂长。", "茶厂发布人事任命公告，李明任厂长。"),
        ("When was it built?", "The bridge was built in 1911.", "The bridge was set up in 1911."),
    ],
)  # fmt: skip
def test_other_words_other_forms_and_rounded_numbers_contradict_nothing(
    question: str, one: str, other: str
) -> None:
    ranked = rank_sentences(question, [hit(one), hit(other)])

    assert find_conflict(question, ranked) is None


@pytest.mark.parametrize(
    ("asked", "one", "other", "contradict"),
    [
        ("厂长是谁？", "李明华", "大村智", True),
        ("职工有多少人？", "四百人", "四百人", False),
    ],
)
def test_a_difference_counts_where_the_answers_were_read(
    asked: str, one: str, other: str, *, contradict: bool
) -> None:
    texts = [f"云岭茶厂有职工四百人，厂长是{name}先生。" for name in ("李明华", "大村智")]
    ranked = rank_sentences(asked, [hit(text) for text in texts])
    in_order = sorted(ranked, key=lambda candidate: texts.index(candidate.text))
    seen = [read(c, told) for c, told in zip(in_order, (one, other), strict=True)]

    assert (find_conflict(asked, seen) is not None) == contradict


def test_rows_about_two_things_contradict_nothing() -> None:
    rows = ["前置滤芯\t更换\t8 个月\t12,000 L", "后置滤芯\t更换\t12 个月\t18,000 L"]
    ranked = rank_sentences("滤芯多久更换一次？", [hit(text) for text in rows], None)
    same = rank_sentences(
        "前置滤芯多久更换一次？", [hit(rows[0]), hit(rows[0].replace("8 个", "9 个"))]
    )

    assert find_conflict("滤芯多久更换一次？", ranked) is None
    assert find_conflict("前置滤芯多久更换一次？", same) is not None
