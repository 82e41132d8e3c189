from __future__ import annotations

import pytest

from ragqa.answering.citations import Claim, Evidence, find_evidence
from ragqa.answering.drafting import misses
from ragqa.answering.extractive import rank_sentences
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

ONE = CollectionId(1)
TEXT = "机器每天都会自检。若两小时没人取水，机器会自己进入节能模式。按任意键即可唤醒。"
QUESTION = "多长时间没人取水，机器会自己进入节能模式？"


def passage(*headings: str) -> Hit:
    return Hit(
        ChunkId(Id(ONE, 1)),
        DocumentId(Id(ONE, 1)),
        "a.pdf",
        Chunk(1, Span(0, len(TEXT)), TEXT, headings=headings),
        "text",
        score=1.0,
    )


def test_the_number_of_a_heading_is_not_borne_out_by_what_stands_under_it() -> None:
    hits = [passage("4.3.1 节能模式")]

    found = find_evidence(Claim("4.3.1", ()), hits, rank_sentences(QUESTION, hits, None))

    assert not isinstance(found, Evidence)


def test_every_figure_of_a_claim_stands_in_its_quote() -> None:
    hits = [passage("2024 年版 节能模式")]
    ranked = rank_sentences(QUESTION, hits, None)

    told = find_evidence(Claim("若两小时没人取水，机器会进入节能模式", ()), hits, ranked)
    made_up = find_evidence(Claim("2024年起两小时没人取水，机器会进入节能模式", ()), hits, ranked)

    assert isinstance(told, Evidence)
    assert "两小时" in told.span.of(TEXT)
    assert not isinstance(made_up, Evidence)


@pytest.mark.parametrize("claim", ["4.3.1", "§ 4.3.1", "第四条", "第12章。"])
def test_the_number_of_a_section_is_no_time_and_no_quantity(claim: str) -> None:
    hits = [passage()]
    ranked = rank_sentences(QUESTION, hits, None)
    told = find_evidence(Claim("两小时", ()), hits, ranked)
    assert isinstance(told, Evidence)

    assert misses(claim, QUESTION, told, ranked, hits) is not None
    assert misses("两小时", QUESTION, told, ranked, hits) is None
