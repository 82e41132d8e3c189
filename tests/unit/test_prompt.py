from __future__ import annotations

import pytest

from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import write_prompt
from ragqa.models.extractive import ExtractiveGenerator
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Language, Span

COUNTER = ExtractiveGenerator()
FILLER = "这一句说的是别的事情，与问题没有关系。" * 30


def hit(number: int, text: str) -> Hit:
    one = CollectionId(1)
    return Hit(
        ChunkId(Id(one, number)),
        DocumentId(Id(one, 1)),
        "a.pdf",
        Chunk(number, Span(0, len(text)), text),
        "text",
        score=1 / number,
    )


HITS = [hit(1, FILLER), hit(2, f"{FILLER}海河大桥于2011年9月通车。{FILLER}")]
QUESTION = "海河大桥何时通车？"


@pytest.mark.parametrize("tokens", [20, 60, 200])
def test_passages_stay_within_their_budget_and_keep_the_best_sentence(tokens: int) -> None:
    ranked = rank_sentences(QUESTION, HITS)

    prompt = write_prompt(
        QUESTION, HITS, ranked, language="zh", generator=COUNTER, passage_tokens=tokens
    )

    last = prompt.messages[-1].content
    passages = last[: last.rindex("问题：")]
    assert "2011年9月" in passages
    assert COUNTER.count_tokens(passages) <= tokens + 20
    assert 1 in prompt.shown


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_constant_part_comes_first_and_the_question_last(language: Language) -> None:
    first, second = (
        write_prompt(
            question, HITS, rank_sentences(question, HITS), language=language, generator=COUNTER
        )
        for question in (QUESTION, "海河大桥有多长？")
    )

    assert first.messages[:-1] == second.messages[:-1]
    assert first.messages[0].role == "system"
    assert QUESTION in first.messages[-1].content.splitlines()[-2]
    assert first.text.startswith("<system>")


def test_a_prompt_without_evidence_still_asks() -> None:
    prompt = write_prompt(QUESTION, [], [], language="zh", generator=COUNTER)

    assert prompt.shown == ()
    assert QUESTION in prompt.messages[-1].content
