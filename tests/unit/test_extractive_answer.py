from __future__ import annotations

from dataclasses import replace

import pytest

from ragqa.answering.drafting import extract
from ragqa.answering.extractive import choose, rank_sentences
from ragqa.answering.questions import answer_type, bears
from ragqa.models.hashing import HashingEmbedder
from ragqa.types import (
    Answer,
    BBox,
    Box,
    Chunk,
    ChunkId,
    CollectionId,
    DocumentId,
    Hit,
    Id,
    Models,
    Span,
    Timings,
    Usage,
)

ONE = CollectionId(1)


def hits(*texts: str) -> list[Hit]:
    return [
        Hit(
            ChunkId(Id(ONE, number)),
            DocumentId(Id(ONE, 1)),
            "a.pdf",
            Chunk(number, Span(0, len(text)), text),
            "text",
            score=1 / number,
        )
        for number, text in enumerate(texts, 1)
    ]


PLANT = hits(
    "云岭茶厂位于云岭县。云岭茶厂建于1958年。厂长是王建国。现有职工四百余人。",
    "海河大桥由李文清设计。海河大桥于2011年9月通车，全长2.3公里。",
)
MILL = hits(
    "Oakfield Mill stands in Ohio. The mill was built in 1858. It employs some 400 people.",
    "The Harwell Bridge was designed by Anna Reed. The bridge opened in September 2011.",
)


@pytest.mark.parametrize("with_vectors", [False, True])
@pytest.mark.parametrize(
    ("question", "found", "answer"),
    [
        ("云岭茶厂是哪一年建的？", PLANT, "1958"),
        ("云岭茶厂的厂长是谁？", PLANT, "王建国"),
        ("海河大桥何时通车？", PLANT, "2011年9月"),
        ("海河大橋有多長？", PLANT, "2.3公里"),
        ("When was the mill built?", MILL, "1858"),
        ("Who designed the Harwell Bridge?", MILL, "Anna Reed"),
    ],
)
def test_the_best_sentence_has_the_answer(
    question: str, found: list[Hit], answer: str, *, with_vectors: bool
) -> None:
    ranked = rank_sentences(question, found, HashingEmbedder() if with_vectors else None)

    assert answer in ranked[0].text


def test_a_heading_is_no_answer_unless_there_is_nothing_else() -> None:
    told = "7.1 保修期限\n自购机发票开具之日起，整机保修24个月。"
    for text, first in ((told, "自购机发票开具之日起，整机保修24个月。"), (told[:8], told[:8])):
        chunk = Chunk(1, Span(0, len(text)), text, headings=("第七章 保修", "7.1 保修期限"))
        hit = replace(hits(text)[0], chunk=chunk)

        ranked = rank_sentences("保修期是多久？", [hit])

        assert ranked[0].text.strip() == first


def test_an_entry_of_a_list_of_contents_answers_only_on_which_page() -> None:
    entries = "3.1 安装............5\n3.3 首次冲洗............6\n4.1 取水............7"
    (hit,) = hits(entries)

    assert rank_sentences("首次冲洗要多久？", [hit]) == []
    assert "首次冲洗" in rank_sentences("首次冲洗在第几页？", [hit])[0].text


def test_a_list_of_prices_is_none_of_contents() -> None:
    (hit,) = hits("机油............85\n机油滤芯............30\n空气滤芯............46")

    assert rank_sentences("机油滤芯多少钱？", [hit])


def test_sentences_are_slices_of_their_chunk() -> None:
    for candidate in rank_sentences("云岭茶厂建于何时？", PLANT):
        assert candidate.span.of(PLANT[candidate.hit].chunk.text) == candidate.text


def test_the_second_sentence_is_given_only_when_it_is_nearly_as_good() -> None:
    ranked = rank_sentences("云岭茶厂是哪一年建的？", PLANT)

    assert [c.text for c in choose(ranked, at_most=1)] == ["云岭茶厂建于1958年。"]
    assert len(choose(ranked)) <= 2
    assert choose([]) == []


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("他是什么时候去世的？", "when"),
        ("它是幾年開業的？", "when"),
        ("面积是多少？", "number"),
        ("How many people live there?", "number"),
        ("作者是誰？", "who"),
        ("公司位于哪里？", "where"),
        ("为什么停产？", "why"),
        ("Is it raining?", "yes_no"),
        ("这能退货吗？", "yes_no"),
        ("What does it make?", "other"),
        ("哪一种米的比例最多？", "other"),
        ("什么原因使数量变少？", "why"),
        ("What goal does it have when it comes to law?", "other"),
        ("When a fuse blows, it was overloaded by what?", "other"),
        ("What is the name of the man who built it?", "other"),
        ("They were considered worse when compared to whom?", "who"),
        ("In what year was the mill built by those who owned it?", "when"),
    ],
)
def test_questions_tell_what_they_ask_for(question: str, kind: str) -> None:
    assert answer_type(question) == kind


class Cutter:
    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        return span.of(hit.chunk.text), (Box(1, BBox(0, 0, 1, 1)),)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("交货地点在哪里？", "交货地点：云台市。[1]"),
        ("交货地点写在第几条？", "2. 交货地点：云台市。[1]"),
    ],
)
def test_a_clause_is_told_without_its_number_unless_that_is_asked_for(
    question: str, told: str
) -> None:
    found = tuple(hits("2. 交货地点：云台市。"))
    asked = Answer(
        question, "c", "", None, (), (), found, Timings(0, 0), Usage(), Models("e", None, "g")
    )

    answer = extract(asked, rank_sentences(question, found), Cutter())

    assert answer.text == told
    assert answer.citations[0].quote == "2. 交货地点：云台市。"


def test_what_the_question_has_already_is_no_answer_to_it() -> None:
    assert bears("建于1958年", "when", "茶厂何时建立？")
    assert not bears("建于1958年", "when", "1958年之后茶厂何时扩建？")
