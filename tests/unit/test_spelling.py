"""Which words are looked at for slips, and what they are taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.retrieval.spelling import choose, count_slips, replace_words, words_to_check

LETTERS = st.text("abcde", max_size=8)


@pytest.mark.parametrize(
    ("first", "second", "slips"),
    [
        ("boeing", "boeing", 0),
        ("boieng", "boeing", 1),  # changed places
        ("boing", "boeing", 1),  # left out
        ("boeinng", "boeing", 1),  # too many
        ("bowing", "boeing", 1),  # wrong
        ("recieveing", "receiving", 2),
        ("", "abc", 3),
    ],
)
def test_slips_are_counted(first: str, second: str, slips: int) -> None:
    assert count_slips(first, second) == slips


@given(LETTERS, LETTERS)
def test_slips_are_the_same_from_either_side(first: str, second: str) -> None:
    assert count_slips(first, second) == count_slips(second, first)
    assert (count_slips(first, second) == 0) == (first == second)


def test_only_longer_words_that_say_something_are_looked_at() -> None:
    assert words_to_check("What was Boieng's ＲＥＶＥＮＵＥ in 2022, and which MMM?") == [
        "boieng",
        "revenue",
    ]
    assert words_to_check("请问Micorsoft的保修期") == ["micorsoft"]
    assert words_to_check("naïveté x86boeing") == []


def test_the_nearest_word_is_taken() -> None:
    assert choose("boieng", {"boeing": 3, "being": 9, "going": 9}) == "boeing"


def test_short_words_may_have_one_thing_wrong_and_long_ones_two() -> None:
    assert choose("bieongs", {"boeing": 3}) is None
    assert choose("depreceation", {"depreciation": 1}) == "depreciation"
    assert choose("depreseatoin", {"depreciation": 1}) is None
    assert choose("aepreceation", {"depreciation": 1}) is None


def test_of_words_equally_near_only_a_far_commoner_one_is_taken() -> None:
    assert choose("marbin", {"martin": 5, "marlin": 5}) is None
    assert choose("marbin", {"martin": 40, "marlin": 5}) == "martin"


def test_what_is_not_misspelt_stays() -> None:
    asked = replace_words("What did Boieng earn?", {"boieng": "boeing"})
    assert asked == "what did boeing earn?"
