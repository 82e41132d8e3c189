"""What is taken over from stored chunks is what they were stored with."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from ingest.passages import passage_of
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.store.moves import terms_of
from ragqa.types import Chunk, Span

if TYPE_CHECKING:
    from ragqa.store.moves import Analyzed

CHUNK = Chunk(3, Span(0, 22), "The pump turns slowly.", "text", ("Pumps",))
MARKED = "00000007fffffff9"  # 7 and -7, four bytes each


def test_terms_are_taken_over_where_hash_and_headings_are_the_same() -> None:
    first = passage_of("manual.pdf", 0, CHUNK)
    assert list(first.terms) == [
        hash_term(t) for t in analyze("manual Pumps The pump turns slowly.")
    ]
    known: Analyzed = {first.embedded_hash: (("Pumps",), bytes.fromhex(MARKED))}

    assert passage_of("manual.pdf", 0, CHUNK, known).terms == array("i", [7, -7])
    others: Analyzed = {first.embedded_hash: (("Engines",), bytes.fromhex(MARKED))}
    assert passage_of("manual.pdf", 0, CHUNK, others) == first
    assert passage_of("other.pdf", 0, CHUNK, known).terms != array("i", [7, -7])


def test_terms_come_out_as_they_were_packed() -> None:
    assert list(terms_of(bytes.fromhex(MARKED))) == [7, -7]
    assert list(terms_of(b"")) == []
