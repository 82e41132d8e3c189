from __future__ import annotations

import pytest

from ragqa.answering.extractive import rank_sentences
from ragqa.answering.titles import without_name
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

ONE = CollectionId(1)


def passage(filename: str, text: str = "合同总价为24万元。") -> Hit:
    return Hit(
        ChunkId(Id(ONE, 1)),
        DocumentId(Id(ONE, 1)),
        filename,
        Chunk(1, Span(0, len(text)), text),
        "text",
        score=1.0,
    )


@pytest.mark.parametrize(
    ("filename", "question", "rest"),
    [
        ("设备采购合同-扫描件.pdf", "设备采购合同的总价是多少？", "总价是多少？"),
        ("设备采购合同-扫描件.pdf", "《设备采购合同》里规定的交货地点在哪？", "交货地点在哪？"),
        ("LX-260使用与维护手册.pdf", "LX-260使用与维护手册里E07是什么？", "E07是什么？"),
        (
            "Travel-and-Expenses-Policy.pdf",
            "What is the meal limit in the travel and expenses policy?",
            "What is the meal limit?",
        ),
        (
            "Travel-and-Expenses-Policy.pdf",
            "What does the Travel and Expenses Policy say about gifts?",
            "What does the Travel and Expenses Policy say about gifts?",
        ),
        ("设备采购合同.pdf", "合同总价是多少？", "合同总价是多少？"),
        ("设备采购合同.pdf", "什么是设备采购合同？", "什么是设备采购合同？"),
        ("云岭.pdf", "云岭有多高？", "云岭有多高？"),
    ],
)
def test_a_file_is_asked_without_its_name(filename: str, question: str, rest: str) -> None:
    assert without_name(question, passage(filename)) == rest


def test_a_sentence_is_no_nearer_for_having_the_name_of_its_file() -> None:
    text = "全部设备验收合格后付14万元。总价为24万元。"
    question = "设备采购合同的总价是多少？"

    other, right = sorted(
        rank_sentences(question, [passage("设备采购合同.pdf", text)]), key=lambda one: one.span
    )

    assert right.features[0] > other.features[0]
