"""LangChain's and LlamaIndex's own parts over both Python doors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from llama_index.core import get_response_synthesizer
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine

import ragqa
from ragqa.langchain import DoorRetriever, build_chain
from ragqa.llama_index import RagqaRetriever

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.wiring import Services

ROOT = Path(__file__).parents[2]
QUESTION = "保修期是多久？"


@pytest.fixture(params=["service", "in process"])
def door(
    request: pytest.FixtureRequest, live: str, services: Services
) -> Iterator[ragqa.Client | ragqa.Local]:
    names = ("home", "database_url", "embedding_model", "llm_model", "models")
    chosen = {name: getattr(services.settings, name) for name in names}
    opened = (
        ragqa.Client(live) if request.param == "service" else ragqa.Local(worker=False, **chosen)
    )
    with opened:
        yield opened


def test_langchain_finds_what_the_door_finds(
    door: ragqa.Client | ragqa.Local, demo: dict[str, Any]
) -> None:
    hits = door.search(QUESTION, "demo", top_k=2)
    retriever = DoorRetriever(door=door, collection="demo", limit=2)
    found = retriever.invoke(QUESTION)

    assert [one.id for one in found] == [hit["chunk_id"] for hit in hits]
    page = door.page(demo["id"], found[0].metadata["page"])
    assert page["text"][slice(*found[0].metadata["span"])] == found[0].page_content
    answer = build_chain(retriever, FakeListChatModel(responses=["三年 [1]。"])).invoke(QUESTION)
    assert answer["answer"] == "三年 [1]。"
    second = DoorRetriever(door=door, collection="demo", only={"pages": [2, 2]}).invoke(QUESTION)
    assert {one.metadata["page"] for one in second} == {2}


def test_llama_index_finds_what_the_door_finds(
    door: ragqa.Client | ragqa.Local, demo: dict[str, Any]
) -> None:
    hits = door.search(QUESTION, "demo", top_k=2)
    retriever = RagqaRetriever(door, "demo", limit=2)
    found = retriever.retrieve(QUESTION)

    assert [one.node.node_id for one in found] == [hit["chunk_id"] for hit in hits]
    assert [one.score for one in found] == [hit["score"] for hit in hits]
    first = found[0].node
    page = door.page(demo["id"], first.metadata["page"])
    assert page["text"][slice(*first.metadata["span"])] == first.get_content()
    assert first.source_node.node_id == demo["id"]
    second = RagqaRetriever(door, "demo", only={"pages": [2, 2]}).retrieve(QUESTION)
    assert {one.node.metadata["page"] for one in second} == {2}


def test_llama_index_asks_with_its_own_engine(
    door: ragqa.Client | ragqa.Local, demo: dict[str, Any]
) -> None:
    # Its echoing model answers with the prompt that it was given.
    engine = RetrieverQueryEngine(
        RagqaRetriever(door, "demo", limit=1),
        get_response_synthesizer(llm=MockLLM()),
    )
    answer = engine.query(QUESTION)

    assert "三十六个月" in str(answer)
    assert "filename: manual.pdf" in str(answer)
    assert "chunk_id" not in str(answer)
    assert [one.node.metadata["filename"] for one in answer.source_nodes] == ["manual.pdf"]


def test_without_llama_index_it_is_said_what_is_missing() -> None:
    code = "import sys; sys.modules['llama_index'] = None\nimport ragqa.llama_index"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert run.returncode == 1
    assert "ImportError: ragqa.llama_index needs LlamaIndex: pip install" in run.stderr


def test_the_example_runs(live: str, demo: dict[str, Any]) -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "examples/llama_index_qa.py"), QUESTION, "--url", live],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert run.returncode == 0, run.stderr
    assert "manual.pdf, p. 1: " in run.stdout
