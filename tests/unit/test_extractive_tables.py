from __future__ import annotations

import pytest

from ragqa.answering.extractive import rank_sentences
from ragqa.answering.tables import head_of, read_row, tell
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

LIMITS = (
    "Destination\tHotel, per night\tDaily meals\nLondon\t£185\t£42\n"
    "Paris, Zurich, Geneva\t£210\t£58"
)
FAULTS = "E07\t净水 TDS 过高\t更换滤芯\nE08\t通信故障\t断电 1 分钟后重启"
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


def test_years_make_heads_and_codes_do_not() -> None:
    assert head_of(table(YEARS)) is not None
    assert head_of(table(FAULTS)) is None


def test_a_row_without_heads_is_told_as_it_stands() -> None:
    hit = table(FAULTS)
    best = rank_sentences("E07 是什么意思？", [hit])[0]

    assert tell(read_row(hit, best.span)) == "E07，净水 TDS 过高，更换滤芯"
