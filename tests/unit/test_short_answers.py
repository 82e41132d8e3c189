from __future__ import annotations

import numpy as np
import pytest

from ragqa.answering.extractive import Candidate
from ragqa.answering.reading import Reading, mark, read_sentences
from ragqa.answering.shortening import cut_short, read_ranked
from ragqa.models.hashing import HashingEmbedder
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

ONE = CollectionId(1)
BRIDGE = "海河大桥于2011年9月通车，全长2.3公里。"
TEA = "云岭茶厂的主要产品是红茶和普洱茶。"


def candidate(text: str, score: float = 0.0) -> Candidate:
    return Candidate(0, Span(0, len(text)), text, score, ())


def reading(text: str, span: str = "", logit: float = 9.0) -> Reading:
    """Read every character as a token; sure of ``span`` by ``logit``."""
    offsets = np.array([(at, at + 1) for at in range(len(text))])
    starts, ends = np.zeros(len(text), np.float32), np.zeros(len(text), np.float32)
    if span:
        starts[text.index(span)] = ends[text.index(span) + len(span) - 1] = logit
    return Reading(offsets, starts, ends)


def passage(text: str, kind: str = "text") -> Hit:
    return Hit(
        ChunkId(Id(ONE, 1)),
        DocumentId(Id(ONE, 1)),
        "a.pdf",
        Chunk(1, Span(0, len(text)), text, kind=kind),  # type: ignore[arg-type]
        "text",
        score=1.0,
    )


def test_a_sure_reading_is_cut_out_of_its_sentence() -> None:
    short = cut_short([candidate(BRIDGE)], [reading(BRIDGE, "2011年9月")])

    assert short is not None
    assert short.text == "2011年9月"
    assert short.candidate.text == BRIDGE


def test_where_nothing_is_known_nothing_is_cut() -> None:
    assert cut_short([candidate(BRIDGE)], [reading(BRIDGE)]) is None


def test_the_likelier_of_two_sentences_is_cut() -> None:
    sentences = [candidate(BRIDGE, 1.0), candidate(TEA, 4.0)]
    readings = [reading(BRIDGE, "2011年9月"), reading(TEA, "红茶和普洱茶")]

    short = cut_short(sentences, readings)

    assert short is not None
    assert short.text == "红茶和普洱茶"


def test_nothing_is_cut_from_tables_other_languages_or_for_yes_and_no() -> None:
    embedder = HashingEmbedder()
    row = [candidate("通车\t2011年9月")]

    assert read_ranked("何时通车？", [passage(row[0].text, "table")], row, embedder) is None
    for question in ("When did the bridge open?", "海河大桥通车了吗？"):
        assert read_ranked(question, [passage(BRIDGE)], [candidate(BRIDGE)], embedder) is None


def test_an_embedder_that_cannot_be_read_leaves_sentences_whole() -> None:
    assert read_sentences("何时通车？", [BRIDGE], HashingEmbedder()) is None


@pytest.mark.parametrize("sentence", [BRIDGE, "The bridge opened in 2011.", "…", "\u0130 1"])
def test_every_token_gets_the_same_marks_whatever_stands_there(sentence: str) -> None:
    offsets = np.array([(at, at + 1) for at in range(len(sentence))])

    marks = mark("海河大桥何时通车？", sentence, offsets)

    assert marks.shape == (len(sentence), 84)
    assert np.isfinite(marks).all()


def test_a_word_of_the_question_is_marked_and_what_it_asks_for_is_not() -> None:
    offsets = np.array([(at, at + 1) for at in range(len(BRIDGE))])

    asked = mark("海河大桥何时通车？", BRIDGE, offsets)[:, 0]

    assert asked[: len("海河大桥")].all()
    assert not asked[BRIDGE.index("2011") : BRIDGE.index("通车")].any()
