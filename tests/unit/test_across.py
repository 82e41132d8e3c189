"""Passages in another language than the question: told apart, and compared with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from ragqa.models.hashing import HashingEmbedder
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder
from ragqa.retrieval.across import (
    bridge_of,
    build_bridge,
    credit,
    even_out,
    is_foreign,
    language_asked,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@pytest.mark.parametrize(
    ("text", "to_chinese", "to_english"),
    [
        ("整机保修期为二十四个月。", False, True),
        ("The warranty lasts for two years.", True, False),
        ("型号 LX-260，额定功率 2,150 W", False, False),  # too little to say
        ("London: Hotel £185", False, False),
        ("4.2 2,150 47.5", False, False),
    ],
)
def test_a_passage_is_foreign_to_questions_in_the_other_language(
    text: str, *, to_chinese: bool, to_english: bool
) -> None:
    assert is_foreign(text, "zh") is to_chinese
    assert is_foreign(text, "en") is to_english


def test_a_question_is_chinese_as_soon_as_it_has_a_chinese_character() -> None:
    assert language_asked("LX-260 的功率?") == "zh"
    assert language_asked("What is its power?") == "en"


def test_the_nearest_of_both_languages_are_equally_near_on_the_whole() -> None:
    even = even_out({1: 0.8, 2: 0.7, 3: 0.6, 4: 0.5}, {3, 4})
    assert even == pytest.approx({1: 0.8, 2: 0.7, 3: 0.8, 4: 0.7})
    assert even_out({1: 0.8, 2: 0.7}, set()) == {1: 0.8, 2: 0.7}
    assert even_out({1: 0.8, 2: 0.7}, {1, 2}) == {1: 0.8, 2: 0.7}


def test_words_that_a_passage_cannot_have_are_credited_by_nearness() -> None:
    values = {1: 1.0, 2: 0.4, 3: 0.1}
    given = credit(values, {3, 4}, {3: 1.0, 4: 0.5}, 0.8)
    assert given == pytest.approx({1: 1.0, 2: 0.4, 3: 0.8, 4: 0.2})
    assert credit(values, set(), {}, 0.8) == values


def test_a_model_that_does_not_know_both_languages_leads_to_neither(models_folder: Path) -> None:
    known = SentenceTransformerEmbedder(
        "multilingual-e5-small-q4", models_folder=models_folder, offline=True
    )
    bridge = build_bridge(known)
    assert build_bridge(HashingEmbedder()) is None
    assert bridge is not None

    asked = known.embed_query("会议在哪里举行？")
    chinese, english = known.embed_passages(
        ["软件修复了几个错误。", "The meeting is held in Beijing."]
    )
    turned = bridge.turn(asked, "zh")
    assert turned @ english > turned @ chinese


def test_a_model_is_asked_about_the_languages_only_once() -> None:
    class Counting(HashingEmbedder):
        calls = 0

        @override
        def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.calls += 1
            return super().embed_passages(texts)

    counting = Counting()
    assert bridge_of(counting) is None
    asked = counting.calls
    assert bridge_of(counting) is None
    assert counting.calls == asked > 0
