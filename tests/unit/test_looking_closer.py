"""What several readings of one passage each say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.answering.extractive import Candidate
from ragqa.answering.nearness import Nearness
from ragqa.answering.phrasing import ABOUT, Draft, look_closer
from ragqa.answering.prompt import write_prompt
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span, Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from ragqa.types import Message

QUESTION = "产量是多少？"
TEXTS = ("甲厂的产量是三万吨。", "乙厂去年停产。", "丙厂有两条线。", "丁厂生产肥料。")


class Reads:
    """A generator that doubts each passage as it is told to."""

    name = "reads"
    context_tokens = 2048

    def __init__(self, doubts: Mapping[str, float]) -> None:
        self.doubts = doubts
        self.read: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Generator[Token, None, Usage]:
        (text,) = (text for text in self.doubts if text in messages[-1].content)
        self.read.append(text)
        yield Token(text)
        return Usage(10, 1, self.doubts[text])


def looked_at(doubts: Sequence[float], near: Sequence[float], *, first: float) -> tuple[Draft, int]:
    """What comes of a draft that was doubted so much, and how many passages were read for it."""
    one = CollectionId(1)
    hits = [
        Hit(
            ChunkId(Id(one, n)), DocumentId(Id(one, 1)), "a.pdf", Chunk(1, Span(0, len(t)), t),
            "text", score=1.0,
        )
        for n, t in enumerate(TEXTS)
    ]  # fmt: skip
    ranked = [
        Candidate(n, Span(0, len(t)), t, 2.0 - n / 10, (), near=Nearness(0.9, near[n], None))
        for n, t in enumerate(TEXTS[: len(doubts)])
    ]
    generator = Reads(dict(zip(TEXTS, doubts, strict=False)))
    prompt = write_prompt(QUESTION, hits, ranked, language="zh", generator=generator)
    draft = Draft("三万吨", 5.0, Usage(10, 1, first), prompt)
    looking = look_closer(generator, draft, QUESTION, hits, ranked, "zh")
    try:
        while True:
            assert next(looking).text == ""
    except StopIteration as end:
        found: Draft = end.value
        return found, len(generator.read)


def test_a_passage_about_the_same_without_an_answer_speaks_against_one_that_has_it() -> None:
    near, far = ABOUT + 0.1, ABOUT - 0.1

    alike, _ = looked_at([0.02, 0.98, 0.99], [near, near, near], first=0.9)
    apart, _ = looked_at([0.02, 0.98, 0.99], [near, far, far], first=0.9)

    assert apart.usage.doubt == 0.02
    assert alike.usage.doubt == pytest.approx(0.685, abs=0.001)
    assert alike.text == apart.text == TEXTS[0]


def test_no_more_than_three_passages_are_read_and_all_are_counted() -> None:
    found, read = looked_at([0.6, 0.3, 0.4, 0.01], [0.9] * 4, first=0.2)

    assert read == 3
    assert found.text == "三万吨"
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (40, 4)
    assert found.usage.doubt == pytest.approx(0.359, abs=0.001)
    assert found.first_token == 5.0


def test_one_passage_is_not_read_twice() -> None:
    found, read = looked_at([0.7], [0.9], first=0.7)

    assert read == 0
    assert found.usage.doubt == pytest.approx(0.7)
    assert found.text == "三万吨"
