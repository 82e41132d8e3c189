"""Tokens counted word by word are as many as tokens counted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from ragqa.models.counting import BLANKS, CHARACTERS, MOST_WORDS, TokenCounter, parts_at_blanks

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.sampled_from(CHARACTERS + BLANKS * 4 + "<>é合　\u0301…\r")) | st.lists(
    st.sampled_from(["the", "12,345.6", "(a)", "Company’s", "<s>", "</s>", "</", "—", "x" * 90])
).map(" ".join)


@pytest.fixture(scope="module")
def e5(models_folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(models_folder / "multilingual-e5-small-q4/tokenizer.json"))


def at_once(backend: Tokenizer, text: str) -> int:
    return len(backend.encode(text, add_special_tokens=False))


def test_every_text_has_as_many_tokens_as_when_it_is_counted_at_once(e5: Tokenizer) -> None:
    counter = TokenCounter(e5)

    @given(TEXTS)
    def same(text: str) -> None:
        assert counter(text) == at_once(e5, text)

    same()
    assert parts_at_blanks(e5)
    for text in (
        "",
        " ",
        "\n\t ",
        " a",
        "a ",
        "a \n",
        "a  b",
        "a\n\nb",
        "<s> a",
        "don’t",
        "’",
        "a\u0301",
    ):
        assert counter(text) == at_once(e5, text), text


def test_a_document_of_more_words_than_are_kept_is_counted_too(
    e5: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.models.counting.MOST_WORDS", 3)
    counter = TokenCounter(e5)
    assert MOST_WORDS > 3
    for start in range(5):
        text = " ".join(f"word{number}" for number in range(start, start + 6))
        assert counter(text) == at_once(e5, text)


def test_a_tokenizer_that_sees_words_beside_others_is_asked_for_whole_texts(
    e5: Tokenizer,
) -> None:
    bert = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]"))
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    bert.normalizer = normalizers.BertNormalizer()
    unparted = Tokenizer.from_str(e5.to_str())
    unparted.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    unfolded = Tokenizer.from_str(e5.to_str())
    unfolded.normalizer = normalizers.NFKC()
    bare = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    for other in (bert, unparted, unfolded, bare):
        assert not parts_at_blanks(other)
        assert TokenCounter(other)("a  b a") == at_once(other, "a  b a")
    extended = Tokenizer.from_str(e5.to_str())
    extended.add_tokens(["the end"])
    assert not parts_at_blanks(extended)
