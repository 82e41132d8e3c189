"""Passages that come out nearly alike are read, and only those."""

from __future__ import annotations

import math

from ragqa.retrieval.closeness import MOST, SOFT, WORTH, CloseReader, find_close, read_closely
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

QUESTION = "How long is the warranty?"


def hit(number: int, score: float, page: int) -> Hit:
    one, text = CollectionId(1), f"text {number}"
    chunk = Chunk(page, Span(0, len(text)), text)
    return Hit(ChunkId(Id(one, number)), DocumentId(Id(one, 1)), "a.pdf", chunk, "text", score)


def numbers(hits: list[Hit]) -> list[int]:
    return [one.chunk_id.number for one in hits]


def reader(logits: dict[str, float]) -> CloseReader:
    return CloseReader(lambda _, texts: [logits[text] for text in texts], 100)


def test_the_first_hit_of_each_page_that_comes_near_is_read() -> None:
    hits = [hit(1, 1.0, 1), hit(2, 0.97, 1), hit(3, 0.96, 2), hit(4, 0.99 - WORTH, 3)]
    assert find_close(hits) == [0, 2]


def test_nothing_is_read_where_one_page_is_ahead_or_too_many_are_near() -> None:
    assert find_close([]) == []
    assert find_close([hit(1, 1.0, 1), hit(2, 0.99, 1), hit(3, 1.0 - 2 * WORTH, 2)]) == []
    assert find_close([hit(n, 1.0, n) for n in range(MOST + 1)]) == []


def test_of_two_passages_that_come_near_the_one_with_the_answer_comes_first() -> None:
    hits = [hit(1, 1.0, 1), hit(2, 0.95, 2), hit(3, 0.5, 3)]
    read = read_closely(QUESTION, hits, reader({"text 1": -SOFT, "text 2": 2 * SOFT}))
    assert numbers(read) == [2, 1, 3]
    sure = 1 / (1 + math.exp(-2))
    assert math.isclose(read[0].score, 0.95 + WORTH * sure)
    assert read[0].stages == (("reader", 1, sure),)
    assert read[2] == hits[2]


def test_what_is_a_little_ahead_stays_there_where_both_have_an_answer() -> None:
    hits = [hit(1, 1.0, 1), hit(2, 0.95, 2)]
    assert numbers(read_closely(QUESTION, hits, reader({"text 1": 5.0, "text 2": 6.0}))) == [1, 2]


def test_an_embedder_that_cannot_be_read_leaves_the_order() -> None:
    hits = [hit(1, 1.0, 1), hit(2, 0.95, 2)]
    assert read_closely(QUESTION, hits, CloseReader(lambda *_: [], 100)) == hits
