"""From text to terms: what must meet meets, what must not does not."""

from __future__ import annotations

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.retrieval.folding import find_squeezed, fold, simplify, squeeze
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.retrieval.question import question_terms

TEXT = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("中文韓國ＡＢ①ﬁßİ 　\n,.1２")),
    max_size=60,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("１，２３４．５０", "1234.5"),
        ("policies", "policy"),
        ("making", "make"),
        ("U.S.", "US"),
        ("韓國總統", "韩国总统"),
        ("Café", "cafe"),
        ("Boeing's", "Boeing"),
        ("FY2022", "fy2022"),
    ],
)
def test_two_ways_to_write_one_thing_have_one_term(one: str, other: str) -> None:
    assert set(analyze(one)) & set(analyze(other))


def test_chinese_is_cut_into_pairs_and_longer_words() -> None:
    terms = analyze("印度野驴")
    assert terms[:3] == ["印度", "度野", "野驴"]
    assert "人工智能" in analyze("什么是人工智能")
    assert analyze("水") == ["水"]


def test_terms_repeat_as_often_as_they_occur() -> None:
    assert analyze("red red green").count("red") == 2


def test_university_and_universe_do_not_meet() -> None:
    assert not set(analyze("universe")) & set(analyze("university"))


def test_programming_languages_keep_their_signs() -> None:
    assert analyze("C++") != analyze("C")


def test_question_words_are_dropped_and_a_question_of_nothing_else_is_kept() -> None:
    assert "什么" not in question_terms("锣鼓经是什么？")
    assert {"锣鼓", "鼓经"} <= set(question_terms("锣鼓经是什么？"))
    assert question_terms("“六片”指的是什么？") == analyze("六片")
    assert question_terms("瓦良格号又被称为什么？") == analyze("瓦良格号又")
    assert question_terms("保修期多长时间") == analyze("保修期")
    assert question_terms("What is it?") == analyze("What is it?")


def test_a_word_of_the_lexicon_counts_twice() -> None:
    plain = question_terms("量子纠缠的应用")
    taught = question_terms("量子纠缠的应用", lexicon=["量子纠缠", "苹果"])
    assert taught.count("子纠") == plain.count("子纠") + 1
    assert "苹果" not in taught


@given(TEXT, TEXT)
def test_squeezing_parts_gives_the_parts_of_the_squeezed_whole(one: str, other: str) -> None:
    assert squeeze(one + other) == squeeze(one) + squeeze(other)
    assert fold(one + other) == fold(one) + fold(other)


@given(TEXT, st.integers(0, 60), st.integers(1, 20))
def test_any_piece_of_a_text_is_found_in_it(text: str, start: int, length: int) -> None:
    piece = text[start : start + length]
    squeezed = squeeze(piece)
    ranges = find_squeezed(text, squeezed)
    assert bool(ranges) == bool(squeezed)
    for first, last in ranges:
        assert squeezed in squeeze(text[first:last])


@given(TEXT)
def test_hashes_fit_postgres_and_repeat(text: str) -> None:
    for term in analyze(text):
        assert -(2**31) <= hash_term(term) < 2**31
        assert hash_term(term) == hash_term(term)


def test_hashes_never_change() -> None:
    # Terms that are stored already would no longer be found.
    assert (hash_term("apple"), hash_term("印度")) == (-1698079341, -61991526)


def test_every_character_is_simplified_as_opencc_does_it() -> None:
    converter = opencc.OpenCC("t2s")
    han = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    expected = {one: converter.convert(one) for one in han}

    assert {one: simplify(one) for one in han} == {
        one: simple if len(simple) == 1 else one for one, simple in expected.items()
    }
