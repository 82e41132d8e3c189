"""The official client and LangChain's, unchanged, against a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.wiring import Services

QUESTION = "保修期是多久？"


@pytest.fixture
def official(live: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_the_official_client_lists_collections_as_models(
    official: openai.OpenAI, demo: dict[str, Any]
) -> None:
    assert [model.id for model in official.models.list()] == ["demo"]


def test_the_official_client_gets_an_answer_with_citations(
    official: openai.OpenAI, demo: dict[str, Any]
) -> None:
    done = official.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": QUESTION}], temperature=0.2
    )

    text = done.choices[0].message.content
    assert text is not None
    assert "三十六个月" in text
    assert "[1] manual.pdf, p. 1" in text
    assert done.choices[0].finish_reason == "stop"
    assert done.model_extra is not None
    assert done.model_extra["citations"][0]["document_id"] == demo["id"]


def test_the_official_client_streams_the_same_answer(
    official: openai.OpenAI, demo: dict[str, Any]
) -> None:
    chunks = list(
        official.chat.completions.create(
            model="demo",
            messages=[{"role": "user", "content": QUESTION}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "三十六个月" in text
    assert "[1] manual.pdf, p. 1" in text
    cited = [c.model_extra["citations"] for c in chunks if c.model_extra and c.choices]
    assert cited[-1][0]["filename"] == "manual.pdf"
    assert chunks[-1].usage is not None


def test_the_official_client_gets_its_kind_of_errors(
    official: openai.OpenAI, demo: dict[str, Any]
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        official.chat.completions.create(
            model="nowhere", messages=[{"role": "user", "content": QUESTION}]
        )
    assert caught.value.code == "collection_not_found"
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        official.chat.completions.create(model="demo", messages=[])
    assert "messages" in str(refused.value)


def test_the_question_may_lean_on_the_messages_before_it(
    official: openai.OpenAI, services: Services, demo: dict[str, Any]
) -> None:
    done = official.chat.completions.create(
        model="demo",
        messages=[
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": "本产品的额定功率是多少？"},
            {"role": "assistant", "content": "额定功率为 1500 瓦。[1]"},
            {"role": "user", "content": "那它的保修期呢？"},
        ],
    )
    assert "三十六个月" in str(done.choices[0].message.content)
    with services.database.transaction() as conn:
        row = conn.execute("SELECT record FROM answers").fetchone()
    assert row is not None
    assert row["record"]["standalone_question"].startswith("本产品的额定功率是多少；")


def test_open_webui_s_requests_are_answered(live: str, demo: dict[str, Any]) -> None:
    # As its connection settings make them: base URL and key, then models, then streams.
    with httpx.Client(base_url=f"{live}/v1", headers={"Authorization": "Bearer any"}) as http:
        assert [one["id"] for one in http.get("/models").json()["data"]] == ["demo"]
        body = {
            "stream": True,
            "model": "demo",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
            ],
            "temperature": 0.7,
            "max_tokens": 500,
            "stop": ["###"],
            "stream_options": {"include_usage": True},
            "user": {"name": "Wang", "id": "7", "email": "w@example.com", "role": "user"},
            "tools": [],
        }
        got = http.post("/chat/completions", json=body)
    assert got.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in got.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    told = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert "三十六个月" in told
    assert "[1] manual.pdf, p. 1" in told


def test_langchain_chats_and_streams(live: str, demo: dict[str, Any]) -> None:
    chat = ChatOpenAI(model="demo", base_url=f"{live}/v1", api_key=SecretStr("any"), max_retries=0)

    assert "三十六个月" in str(chat.invoke(QUESTION).content)
    assert "三十六个月" in "".join(str(piece.content) for piece in chat.stream(QUESTION))


def test_embeddings_are_those_of_the_collection(
    official: openai.OpenAI, services: Services, demo: dict[str, Any]
) -> None:
    texts = ["保修期", "The device weighs 12 kilograms."]
    wanted = services.embedder().embed_passages(texts)
    for model in ("demo", "hashing"):
        got = official.embeddings.create(model=model, input=texts)  # the client asks for base64
        assert [one.index for one in got.data] == [0, 1]
        np.testing.assert_allclose([one.embedding for one in got.data], wanted, atol=1e-6)
    plain = official.embeddings.create(model="demo", input=texts[0], encoding_format="float")
    np.testing.assert_allclose(plain.data[0].embedding, wanted[0], atol=1e-6)
    with pytest.raises(openai.NotFoundError):
        official.embeddings.create(model="nowhere", input="a")


def test_langchain_embeds(live: str, services: Services, demo: dict[str, Any]) -> None:
    embeddings = OpenAIEmbeddings(
        model="demo",
        openai_api_base=f"{live}/v1",
        openai_api_key=SecretStr("any"),
        check_embedding_ctx_length=False,
    )

    wanted = services.embedder().embed_passages(["保修期"])
    np.testing.assert_allclose(embeddings.embed_documents(["保修期"]), wanted, atol=1e-6)
