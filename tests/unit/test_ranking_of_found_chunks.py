"""Fusion, names and the final order, on numbers that can be checked by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.ports import Place
from ragqa.retrieval.bm25 import inverse_document_frequency, score_bm25
from ragqa.retrieval.context import title_of
from ragqa.retrieval.fusion import fuse_by_rank, scale
from ragqa.retrieval.labels import shares_of_labels
from ragqa.retrieval.lexical import stem
from ragqa.retrieval.naming import match_names, years_of
from ragqa.retrieval.nearness import (
    pair_up,
    share_of_pairs,
    share_of_terms,
    worth_of_rarest,
)
from ragqa.retrieval.question import (
    asks_to_compute,
    codes_of,
    question_terms,
    short_names_of,
    telling_of,
)
from ragqa.retrieval.spread import spread

FILINGS = {
    1: "BOEING_2022_10K.pdf",
    2: "BESTBUY_2023_10K.pdf",
    3: "3M_2018_10K.pdf",
    4: "3M_2022_10K.pdf",
    5: "asymptote-by-example.pdf",
}


def test_bm25_is_the_formula() -> None:
    bag = np.array([7, 7, 8], np.int32)
    # One query term that occurs twice, in a chunk one and a half times as long as the average.
    weight = inverse_document_frequency(1, 2)
    assert weight == pytest.approx(np.log(1 + (2 - 1 + 0.5) / (1 + 0.5)))
    expected = weight * 2 * 2.2 / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2))
    other = np.array([9], np.int32)
    scores = score_bm25([bag, other], {7: weight}, average_length=2, k1=1.2, b=0.75)
    assert scores == pytest.approx([expected, 0])


def test_neighbours_of_the_question_count_where_they_stand_together() -> None:
    weights = {1: 4.0, 2: 1.0, 3: 9.0}
    pairs = pair_up([1, 2, 2, 3, 7], weights)
    assert pairs == {(1, 2): 2.0, (2, 3): 3.0}
    pages = [[1, 2, 3], [1, 9, 9, 2], [1, 9, 9, 9, 2], [2, 1], [9, 2], [3, 1, 1, 2], []]
    shares = share_of_pairs([np.array(page, np.int32) for page in pages], pairs)
    # The last of one page is no neighbour of the first of the next.
    assert shares == pytest.approx([1, 0.4, 0, 0, 0, 0.4, 0])
    assert share_of_pairs([], pairs).shape == (0,)


def test_a_name_whose_neighbours_no_page_has_counts_by_itself() -> None:
    # 7 is known and 8 is not; 1 and 2 are neighbours.
    pairs = pair_up([7, 8, 1, 2, 9], {1: 4.0, 2: 1.0, 7: 4.0, 9: 0.0}, names={1, 7, 8, 9})
    assert pairs == {(1, 2): 2.0, (7, 7): 8.0}
    pages = [np.array(page, np.int32) for page in ([7], [1, 2], [2, 7, 1, 7])]
    assert share_of_pairs(pages, pairs) == pytest.approx([0.8, 0.2, 0.8])
    assert pair_up([7, 8, 1, 2, 9], {1: 4.0, 2: 1.0, 7: 4.0}) == {(1, 2): 2.0}
    assert pair_up([7, 8], {7: 4.0}, names={7}) == {}


def test_a_short_name_is_two_chinese_characters() -> None:
    terms = question_terms("赫姓可以追溯到什么时候? 1998 NASA")
    assert short_names_of(terms)[0] == "赫姓"
    assert all(len(name) == 2 for name in short_names_of(terms))
    assert not {"1998", "nasa", "追溯到"} & set(short_names_of(terms))


def test_years_count_by_the_share_of_them_that_a_page_has() -> None:
    pages = [np.array(page, np.int32) for page in ([5, 6, 1], [6, 6], [])]
    assert share_of_terms(pages, [5, 6, 6]) == pytest.approx([1, 0.5, 0])
    assert share_of_terms(pages, []) == pytest.approx([0, 0, 0])


def test_of_the_terms_on_a_page_the_rarest_counts() -> None:
    pages = [np.array(page, np.int32) for page in ([5, 6, 1], [6, 6], [9], [])]
    assert worth_of_rarest(pages, {6: 2.0, 5: 8.0, 7: 4.0}) == pytest.approx([1, 0.25, 0, 0])
    assert worth_of_rarest([], {6: 2.0}) == []


def test_pairs_with_a_word_that_says_nothing_tell_no_text_from_another() -> None:
    assert telling_of(["螭头", "头的", "的主", "主要", "功能", "e07"]) == ["螭头", "主要", "功能"]


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("屏幕上显示 E07 是什么意思？", ["e07"]),
        ("Which norm is it, GB50016 or ISO9001:2015?", ["gb50016", "iso9001"]),
        ("What did 3M earn in FY2018 and FY22, and in Q3 2019?", []),
        ("H2O at 30GB, 1990s, 3rd", []),
    ],
)
def test_codes_are_letters_and_then_digits(question: str, codes: list[str]) -> None:
    assert codes_of(question_terms(question)) == codes


@pytest.mark.parametrize(
    ("question", "computed"),
    [
        ("What is the percentage change in tax fees from 2018 to 2019?", True),
        ("What was the average discount rate in 2018 and 2019?", True),
        ("2023年净利润的增长率是多少？", True),
        ("Why did the tax fees change?", False),
        ("Who wrote the average man's guide?", False),
        ("保修期是多久？", False),
    ],
)
def test_a_question_for_something_computed_is_known(question: str, computed: bool) -> None:
    assert asks_to_compute(question) is computed


def test_what_is_to_be_computed_is_not_looked_for() -> None:
    terms = question_terms("What is the percentage change in tax fees from 2018 to 2019?")
    assert terms == ["tax", "fee", "2018", "2019"]


def test_fusion_by_rank_counts_from_one() -> None:
    assert fuse_by_rank([["a", "b"], ["b"]]) == {"a": 1 / 61, "b": 1 / 62 + 1 / 61}


def test_scaling_puts_the_best_at_one_and_the_floor_at_nothing() -> None:
    assert scale({"a": 4.0, "b": 2.0}, floor=0.0) == {"a": 1.0, "b": 0.5}
    assert scale({"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.1}, worst=3) == pytest.approx(
        {"a": 1.0, "b": 0.5, "c": 0.0, "d": 0.0}
    )
    assert scale({"a": 3.0}) == {"a": 1.0}


@given(st.dictionaries(st.integers(), st.floats(0, 1e6), min_size=2))
def test_scaling_keeps_the_order(scores: dict[int, float]) -> None:
    scaled = scale(scores)
    ranked = sorted(scores, key=lambda key: scores[key])
    assert all(scaled[low] <= scaled[high] for low, high in pairwise(ranked))


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("Is Boeing's business subject to cyclicality in FY2022?", 1),
        ("What did Best Buy sell?", 2),
        ("What is the FY2018 capital expenditure for 3M?", 3),
        ("What is the FY22 capital expenditure for 3M?", 4),
    ],
)
def test_a_question_names_its_document(question: str, number: int) -> None:
    matched = match_names(question, FILINGS)
    assert max(matched, key=lambda key: matched[key]) == number


def test_a_year_alone_and_small_words_name_nothing() -> None:
    assert match_names("What happened by 2022?", FILINGS) == {}


def test_a_common_word_of_names_names_nothing() -> None:
    names = {n: f"report {n}.pdf" for n in range(10)}
    assert match_names("what does the report say", names) == {}


def test_years_are_read_in_every_form() -> None:
    assert years_of("FY2022, FY 21 and ２０２０年") == {2022, 2021, 2020}
    assert years_of("12022 items") == frozenset()


def test_a_title_is_the_name_without_folder_and_suffix() -> None:
    assert title_of("reports/3M_2018-annual.pdf") == "3M 2018 annual"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("deed_008149bc-f997-49d9-a981-f01f19579451.txt", "deed"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709.pdf", ""),
        ("deadbeefdeadbeef 1234567890123456.pdf", "deadbeefdeadbeef 1234567890123456"),
    ],
)
def test_identifiers_and_digests_are_no_part_of_a_title(name: str, title: str) -> None:
    assert title_of(name) == title


def test_a_row_is_named_by_what_its_label_has_of_the_question_and_nothing_else() -> None:
    worth = {stem("policies"): 2.0, stem("incomes"): 6.0}
    table = "| (In millions) | 2019 |\n| Policy loss | 5 |\n| The income of policies 1 | 9 |"
    prose = "Income was 5 in 2019."
    texts = [table, "Income from leases\t3\t4", prose]
    assert shares_of_labels(texts, worth) == pytest.approx([1, 6 / 8 * 1 / 2, 0])
    assert shares_of_labels([table], {}) == [0]


def test_a_label_is_read_with_that_of_its_section() -> None:
    worth = {stem("deferred"): 1.0, "其他": 1.0}
    tables = ["Deferred:\t\n其他\t3\t4", "其他\t3\t4", "Deferred:\t\nRest\t\n其他\t3\t4"]
    assert shares_of_labels(tables, worth) == [1, 1 / 2, 1 / 2]


def test_a_second_chunk_of_a_page_comes_after_another_page_of_about_the_same_score() -> None:
    places = {1: Place(1, 1, "a"), 2: Place(1, 1, "b"), 3: Place(1, 2, "c"), 4: Place(2, 1, "a")}
    ranked = spread({1: 1.0, 2: 0.9, 3: 0.8, 4: 0.95}, places, set())
    assert [scored.chunk_id for scored in ranked] == [1, 3, 2, 4]


def test_verbatim_chunks_come_first_and_every_document_has_its_turn() -> None:
    places = {n: Place(1, n, str(n)) for n in range(30)} | {99: Place(2, 1, "x")}
    scores = dict.fromkeys(places, 0.5) | {99: 0.1, 29: 0.9}
    ranked = [s.chunk_id for s in spread(scores, places, set(places) - {29})]
    assert ranked.index(99) == 10
    assert ranked[-1] == 29


@given(st.dictionaries(st.integers(0, 50), st.floats(0, 1), min_size=1))
def test_shown_scores_fall_and_no_chunk_is_lost(scores: dict[int, float]) -> None:
    places = {n: Place(n % 7, n % 3, str(n % 5)) for n in scores}
    ranked = spread(scores, places, {n for n in scores if n % 4 == 0})
    assert {s.chunk_id for s in ranked} == set(scores)
    assert all(a.score >= b.score for a, b in pairwise(ranked))
