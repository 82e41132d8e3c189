"""LangChain around real parts: a real embedder, real chains, the example as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from typing_extensions import override

from ragqa.errors import DimensionMismatch
from ragqa.langchain import PROMPT, LangChainEmbedder, RagqaRetriever, build_chain, number_passages
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Filter, Hit, Id, Span

if TYPE_CHECKING:
    from langchain_core.prompt_values import PromptValue

ROOT = Path(__file__).parents[2]
TEXTS = ["保修期为两年。", "水箱容量为1.8升。", "滤芯每六个月更换一次。"]


class TwoPages:
    """A retriever of our port: always the same passages, so that a chain can be followed."""

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        one = CollectionId(1)
        return [
            Hit(
                ChunkId(Id(one, number)),
                DocumentId(Id(one, 9)),
                f"{collection}.pdf",
                Chunk(number, Span(4, 4 + len(text)), text),
                "text",
                score=1 / number,
            )
            for number, text in enumerate(TEXTS, start=1)
        ][:limit]


def test_hits_become_documents_that_know_their_place() -> None:
    first, second = RagqaRetriever(retriever=TwoPages(), collection="manuals", limit=2).invoke("?")

    assert first.page_content == TEXTS[0]
    assert second.id == "1-2"
    assert second.metadata == {
        "chunk_id": "1-2",
        "document_id": "1-9",
        "filename": "manuals.pdf",
        "page": 2,
        "span": [4, 14],
        "score": 0.5,
    }


def test_a_chain_numbers_the_passages_and_gives_them_back_with_the_answer() -> None:
    retriever = RagqaRetriever(retriever=TwoPages(), collection="manuals", limit=2)
    model = FakeListChatModel(responses=["两年 [1]。"])
    prompts: list[str] = []

    def listen(prompt: PromptValue) -> PromptValue:
        prompts.append(str(prompt.to_messages()[-1].content))
        return prompt

    result = build_chain(retriever, model, prompt=PROMPT | RunnableLambda(listen)).invoke(
        "保修期多长？"
    )

    assert result["answer"] == "两年 [1]。"
    assert result["question"] == "保修期多长？"
    assert [d.metadata["page"] for d in result["documents"]] == [1, 2]
    assert prompts == [
        "[1] (manuals.pdf, p. 1)\n保修期为两年。\n\n"
        "[2] (manuals.pdf, p. 2)\n水箱容量为1.8升。\n\n保修期多长？"
    ]
    assert number_passages([]) == ""


def test_the_dimension_of_langchain_embeddings_is_found_out() -> None:
    embedder = LangChainEmbedder(DeterministicFakeEmbedding(size=24))

    assert embedder.dimension == 24
    assert embedder.name == "DeterministicFakeEmbedding"
    vectors = embedder.embed_passages(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_embeddings_that_change_their_dimension_are_refused() -> None:
    class Wavering(Embeddings):
        @override
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [[1.0, 2.0] for _ in texts]

        @override
        def embed_query(self, text: str) -> list[float]:
            return [1.0, 2.0, 3.0]

    with pytest.raises(DimensionMismatch, match="2 dimensions, collection expects 3"):
        LangChainEmbedder(Wavering()).embed_passages(["x"])


def test_the_example_runs_on_its_own() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples/langchain_qa.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "每六个月更换一次 [1]。",
        "[1] 净水器说明书.pdf, p. 1: 滤芯每六个月更换一次。",
    ]
