"""Passages are embedded beside passages of as many tokens: what pads a batch is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.embedding import in_order_of_length
from ragqa.models.hashing import HashingEmbedder

if TYPE_CHECKING:
    from ragqa.ports import Embedder

PROSE = b"prose", "consolidated comprehensive undertakings"
FIGURES = b"figures", "1 2 3 4 5 6 7 8 9 10"


def test_figures_go_with_what_has_as_many_tokens_not_as_many_characters() -> None:
    embedder: Embedder = HashingEmbedder()
    texts = dict([FIGURES, PROSE, (b"word", "cash")])

    assert len(texts[b"figures"]) < len(texts[b"prose"])
    assert in_order_of_length(texts, embedder) == [b"word", b"prose", b"figures"]


def test_there_may_be_nothing_to_order() -> None:
    assert in_order_of_length({}, HashingEmbedder()) == []
