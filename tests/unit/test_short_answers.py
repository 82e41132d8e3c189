from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ragqa.answering.extractive import Candidate
from ragqa.answering.reading import Reading, mark, read_texts
from ragqa.answering.shortening import Read, cut_short, rank_again, read_ranked, with_neighbours
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
    return Reading(offsets, starts, ends, np.zeros(len(text), np.int64))


def read(one: Candidate, span: str = "", logit: float = 9.0) -> Read:
    return told(one, (one.span,), one.text, reading(one.text, span, logit))


def told(one: Candidate, parts: tuple[Span, ...], text: str, found: Reading) -> Read:
    return Read(one, parts, text, found, found.likelihood())


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
    bridge = candidate(BRIDGE)

    short = cut_short([bridge], [read(bridge, "2011年9月")])

    assert short is not None
    assert short.text == "2011年9月"
    assert short.candidate == bridge


def test_where_nothing_is_known_nothing_is_cut() -> None:
    bridge = candidate(BRIDGE)

    assert cut_short([bridge], [read(bridge)]) is None
    assert cut_short([bridge], []) is None


def test_the_likelier_of_two_sentences_is_cut() -> None:
    bridge, tea = candidate(BRIDGE, 1.0), candidate(TEA, 4.0)

    short = cut_short([tea, bridge], [read(tea, "红茶和普洱茶"), read(bridge, "2011年9月")])

    assert short is not None
    assert short.text == "红茶和普洱茶"


def test_sentences_in_which_an_answer_is_seen_come_first_and_those_not_read_last() -> None:
    bridge, tea = candidate(BRIDGE, 1.0), candidate(TEA, 1.5)
    unread = replace(candidate(TEA, 9.0), hit=1)

    ranked = rank_again([unread, tea, bridge], [read(tea), read(bridge, "2011年9月")])

    assert [one.text for one in ranked] == [BRIDGE, TEA, TEA]
    assert ranked[-1] == unread


def test_a_row_of_a_table_comes_before_sentences_in_which_no_answer_is_seen() -> None:
    bridge = candidate(BRIDGE, 1.5)
    row = replace(candidate("海河大桥\t2.3公里", 2.5), hit=1, row=True)

    assert rank_again([bridge, row], [read(bridge, logit=0.0)])[0] == row
    assert rank_again([bridge, row], [read(bridge, "2.3公里")])[-1] == row


def test_an_answer_beside_the_sentence_that_was_looked_at_is_cited_where_it_stands() -> None:
    first, second = Span(0, len(BRIDGE)), Span(len(BRIDGE), len(BRIDGE + TEA))
    bridge, tea = Candidate(0, first, BRIDGE, 1.0, ()), Candidate(0, second, TEA, 0.0, ())
    both = BRIDGE + TEA

    short = cut_short([bridge, tea], [told(bridge, (first, second), both, reading(both, "红茶"))])

    assert short is not None
    assert short.text == "红茶"
    assert short.candidate == tea


def test_no_answer_reaches_over_the_end_of_a_sentence() -> None:
    offsets = np.array([(0, 1), (1, 2), (2, 3), (3, 4)])
    logits = np.array([9.0, 0, 0, 9], np.float32)

    spans = Reading(offsets, logits, logits[::-1], np.array([0, 0, 1, 1])).likelihood()

    assert spans[0, :2].sum() + spans[2, 2:].sum() + spans[1, 1] + spans[3, 3] == pytest.approx(1)
    assert spans[0, 3] == 0


def test_an_answer_begins_and_ends_with_a_word() -> None:
    text = "Inflammation is one of the first responses of 2.3 thousand."
    one = candidate(text)

    for span, whole in (("flamma", "Inflammation"), ("3", "2.3 thousand")):
        short = cut_short([one], [read(one, span)])
        assert short is not None
        assert short.text == whole


def test_a_code_is_told_to_its_end() -> None:
    one = candidate("1949年，公司提出了改良型号C-170A，产量很大。")

    short = cut_short([one], [read(one, "C-170")])

    assert short is not None
    assert short.text == "C-170A"


def test_the_number_of_a_clause_is_no_answer() -> None:
    one = candidate("6.2 The daily allowance is 46 pounds, or 6.2 hours of pay.")

    assert cut_short([one], [read(one, "6.2")]) is None
    short = cut_short([one], [read(one, "46")])
    assert short is not None
    assert short.text == "46 pounds"


def test_a_sentence_is_read_with_its_neighbours_as_far_as_they_are_short() -> None:
    long = "很长的一句话" * 40 + "。"
    text = BRIDGE + TEA + long
    around = with_neighbours(text, Span(len(BRIDGE), len(BRIDGE + TEA)))

    assert [span.of(text) for span in around] == [BRIDGE, TEA]
    assert [span.of(text) for span in with_neighbours(text, Span(0, len(BRIDGE)))] == [BRIDGE, TEA]


def test_nothing_is_cut_from_tables_other_languages_or_for_yes_and_no() -> None:
    embedder = HashingEmbedder()
    row = [candidate("通车\t2011年9月")]

    assert read_ranked("何时通车？", [passage(row[0].text, "table")], row, embedder) == []
    for question in ("When did the bridge open?", "海河大桥通车了吗？"):
        assert read_ranked(question, [passage(BRIDGE)], [candidate(BRIDGE)], embedder) == []


def test_an_embedder_that_cannot_be_read_leaves_sentences_whole() -> None:
    assert read_texts("何时通车？", [[BRIDGE]], HashingEmbedder()) is None


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
