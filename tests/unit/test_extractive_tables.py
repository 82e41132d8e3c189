from __future__ import annotations

import pytest

from ragqa.answering.extractive import rank_sentences
from ragqa.answering.tables import Row, beside_number, head_of, label_of, needs_row, read_row, tell
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

LIMITS = (
    "Destination\tHotel, per night\tDaily meals\nLondon\t£185\t£42\n"
    "Paris, Zurich, Geneva\t£210\t£58"
)
FAULTS = "E07\t净水 TDS 过高\t更换滤芯\nE08\t通信故障\t断电 1 分钟后重启"
MODELS = "项目\tLX-260\tLX-260S（带冷水）\n额定功率\t2,150 W\t2,480 W\n净重\t47 kg\t58 kg"
ORDERS = "显微镜\tBY-M40\t台\n投影机\tHT-850U\t台\n水浴箱\tWB-12\t台"
YEARS = "| \t2019\t2018\nSales\t1,200\t1,100\nCosts\t900\t(850)"


def table(text: str) -> Hit:
    one = CollectionId(1)
    return Hit(
        ChunkId(Id(one, 1)),
        DocumentId(Id(one, 1)),
        "a.pdf",
        Chunk(1, Span(0, len(text)), text, "table"),
        "text",
        score=1.0,
    )


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (
            "What may a hotel cost per night in Zurich?",
            "Paris, Zurich, Geneva: Hotel, per night £210",
        ),
        ("How much are daily meals in London?", "London: Daily meals £42"),
        ("What are the limits for London?", "London: Hotel, per night £185; Daily meals £42"),
    ],
)
def test_a_cell_is_told_with_the_heads_of_its_row_and_column(question: str, told: str) -> None:
    hit = table(LIMITS)

    best = rank_sentences(question, [hit])[0]

    assert tell(read_row(hit, best.span), question) == told


def test_heads_of_columns_are_never_the_answer() -> None:
    hit = table(LIMITS)

    texts = [c.text for c in rank_sentences("Hotel, per night in each destination?", [hit])]

    assert not any(text.startswith("Destination") for text in texts)
    assert len(texts) == 2


def test_years_and_models_make_heads_and_codes_do_not() -> None:
    assert head_of(table(YEARS)) is not None
    assert head_of(table(MODELS)) is not None
    assert head_of(table(FAULTS)) is None
    assert head_of(table(ORDERS)) is None


def test_a_row_without_heads_is_told_as_it_stands() -> None:
    hit = table(FAULTS)
    best = rank_sentences("E07 是什么意思？", [hit])[0]

    assert tell(read_row(hit, best.span)) == "E07，净水 TDS 过高，更换滤芯"


PRICES = "序号\t设备\t数量\t单价（元）\n2\t投影机\t6台\t11,800\n3\t水浴箱\t10台\t1,960"
"""Rows with a number of their own."""


def row(text: str, number: int) -> Row:
    lines = text.splitlines()
    start = sum(len(line) + 1 for line in lines[:number])
    return read_row(table(text), Span(start, start + len(lines[number])))


def test_the_number_of_a_row_does_not_name_it() -> None:
    projector = row(PRICES, 1)

    assert tell(projector, "投影机的单价是多少？") == "2 投影机：单价（元） 11,800"
    assert beside_number(projector) == "投影机 6台 11,800"
    assert label_of(PRICES.splitlines()[1]) == "2投影机"
    assert label_of("没有表格的句子。") == ""


@pytest.mark.parametrize(
    ("text", "number", "question", "claim", "needed"),
    [
        (LIMITS, 2, "How much is a hotel in Paris, Zurich or Geneva?", "£58", True),
        (LIMITS, 1, "What may a hotel cost per night in London?", "£185", False),
        (LIMITS, 2, "What may a hotel cost per night in Zurich?", "£210", True),
        (PRICES, 1, "投影机单价是多少元？", "11,800", False),
        ("额定功率\t2,150 W\t2,480 W", 0, "额定功率是多少？", "2,480 W", True),
        ("额定功率\t2,150 W\t2,150 W", 0, "额定功率是多少？", "2,150 W", False),
        (FAULTS, 0, "E07 是什么意思？", "净水 TDS 过高", False),
    ],
)
def test_one_of_several_figures_is_told_with_its_row(
    text: str, number: int, question: str, claim: str, needed: bool
) -> None:
    assert needs_row(row(text, number), claim, question) == needed
