"""What was fitted to the default language model: it answers in few words, or says there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import ANSWER_TOKENS, NOT_FOUND, STOP, write_prompt
from ragqa.answering.refusal import declines
from ragqa.answering.signs import signs_of
from ragqa.answering.terms import language_of
from ragqa.errors import ModelMissing
from ragqa.models.adapters import adapter_of
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.merging import find_fitted
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTRACT = (
    "设备到货后由买方组织验收。整机保修期限为十八个月，自验收合格之日起算。"
    "卖方开户行为江南银行城东支行。"
)
RULES = "Expense claims are due within 21 days of the trip. Rail travel is in second class."


@pytest.fixture(scope="module", params=["merged", "beside"])
def fitted(
    request: pytest.FixtureRequest, llm_file: Path, threads: int
) -> Iterator[LlamaCppGenerator]:
    """The model with its adapter added to its weights, as it is pulled, and with it beside them."""
    path, adapter = llm_file, adapter_of(llm_file.stem)
    if request.param == "merged":
        path, adapter = find_fitted(path, adapter)
        assert adapter is None, "not merged: run `.venv/bin/ragqa models pull`"
    generator = LlamaCppGenerator(
        path,
        context_tokens=2048,
        threads=threads,
        adapter=adapter,
        refusals=tuple(NOT_FOUND.values()),
    )
    yield generator
    generator.close()


def hit(text: str) -> Hit:
    one = CollectionId(1)
    chunk = Chunk(1, Span(0, len(text)), text)
    return Hit(ChunkId(Id(one, 1)), DocumentId(Id(one, 1)), "a.pdf", chunk, "text", 1.0)


def ask(generator: LlamaCppGenerator, question: str, text: str) -> tuple[str, Usage]:
    hits = [hit(text)]
    prompt = write_prompt(
        question,
        hits,
        rank_sentences(question, hits),
        language=language_of(question),
        generator=generator,
    )
    stream = generator.generate(prompt.messages, max_tokens=ANSWER_TOKENS, stop=STOP)
    pieces = []
    while True:
        try:
            pieces.append(next(stream).text)
        except StopIteration as end:
            return "".join(pieces), end.value


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("质保多久？", CONTRACT, "十八个月"),
        ("钱打到哪家银行？", CONTRACT, "江南银行城东支行"),
        ("How long do I have to hand in my expenses?", RULES, "21 days"),
    ],
)
def test_it_understands_a_question_in_other_words(
    fitted: LlamaCppGenerator, question: str, text: str, answer: str
) -> None:
    said, usage = ask(fitted, question, text)

    assert answer in said
    assert usage.doubt is not None
    assert usage.doubt < 0.5


@pytest.mark.parametrize(
    ("question", "text"),
    [("卖方的电话是多少？", CONTRACT), ("Who may fly business class?", RULES)],
)
def test_it_says_when_there_is_no_answer(
    fitted: LlamaCppGenerator, question: str, text: str
) -> None:
    said, usage = ask(fitted, question, text)

    assert declines(said)
    assert usage.doubt is not None
    assert usage.doubt > 0.5


def test_doubt_speaks_against_an_answer_and_certainty_for_it() -> None:
    question = "整机的保修期限是多久？"
    hits = [hit(CONTRACT)]
    ranked = rank_sentences(question, hits)

    sure, torn, unsure = (
        CALIBRATION.probability(signs_of(question, hits, ranked, draft="十八个月", doubt=doubt))
        for doubt in (0.001, 0.05, 0.99)
    )

    assert unsure < CALIBRATION.threshold < sure
    assert unsure < torn < sure


def test_receipts_tell_which_adapter_it_was(fitted: LlamaCppGenerator, llm_file: Path) -> None:
    assert fitted.name.startswith(f"{llm_file.stem}+")


def test_only_its_own_model_has_it(llm_file: Path, threads: int) -> None:
    assert adapter_of("qwen2.5-coder-1.5b-instruct-q4_k_m") is None
    with pytest.raises(ModelMissing, match="cannot use the adapter"):
        LlamaCppGenerator(llm_file, context_tokens=512, threads=threads, adapter=llm_file)


def test_doubt_about_a_description_counts_less() -> None:
    hits = [hit("榅桲的果实呈梨形，成熟后金黄色，味甘酸。")]

    def judged(question: str) -> float:
        signs = signs_of(question, hits, rank_sentences(question, hits), draft="梨形", doubt=0.3)
        return signs["doubt"]

    assert judged("榅桲的果实有什么特点？") < judged("榅桲的果实是什么颜色？")
