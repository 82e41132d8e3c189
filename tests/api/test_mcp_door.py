"""The SDK's own client, over stdio and over HTTP."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from ragqa.api.app import create_app
from ragqa.wiring import Services
from tests.api.conftest import serving

if TYPE_CHECKING:
    from mcp_types import CallToolResult

TOOLS = {"search", "ask", "read_page", "list_documents"}


def _data(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    data: dict[str, Any] = result.structured_content
    return data


async def _use_every_tool(client: Client, document: dict[str, Any]) -> None:
    listed = await client.list_tools()
    assert {tool.name for tool in listed.tools} == TOOLS

    assert _data(await client.call_tool("list_documents", {})) == {"collections": ["demo"]}
    inside = _data(await client.call_tool("list_documents", {"collection": "demo"}))
    assert [one["id"] for one in inside["documents"]] == [document["id"]]

    asked = {"query": "保修期", "collection": "demo", "top_k": 3}
    hit = _data(await client.call_tool("search", asked))["hits"][0]
    place = {"document_id": hit["document_id"], "page": hit["page"]}
    page = _data(await client.call_tool("read_page", place))
    assert page["text"][slice(*hit["span"])] == hit["text"]

    question = {"question": "保修期是多久？", "collection": "demo"}
    answer = _data(await client.call_tool("ask", question))
    assert "三十六个月" in answer["text"]
    assert page["text"][slice(*answer["citations"][0]["span"])] == answer["citations"][0]["quote"]

    wrong = await client.call_tool("search", {"query": "a", "collection": "nowhere"})
    assert wrong.is_error
    assert "collection_not_found" in str(wrong.content)


def test_an_assistant_uses_every_tool_over_http(live: str, demo: dict[str, Any]) -> None:
    async def use() -> None:
        async with Client(f"{live}/mcp") as client:
            await _use_every_tool(client, demo)

    anyio.run(use)


def test_an_assistant_uses_every_tool_over_stdio(services: Services, demo: dict[str, Any]) -> None:
    settings = services.settings
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ragqa", "mcp"],
        env={
            **os.environ,
            "RAGQA_HOME": str(settings.home),
            "RAGQA_DATABASE_URL": settings.database_url,
            "RAGQA_EMBEDDING_MODEL": settings.embedding_model,
            "RAGQA_LLM_MODEL": settings.llm_model,
        },
    )

    async def use() -> None:
        async with Client(program) as client:
            await _use_every_tool(client, demo)

    anyio.run(use)


def test_over_http_the_key_is_needed(services: Services, demo: dict[str, Any]) -> None:
    settings = services.settings.model_copy(update={"api_key": "s3cret"})
    locked = Services(settings, services.database, services.files)

    async def use(url: str) -> None:
        key = {"Authorization": "Bearer s3cret"}
        async with (
            httpx2.AsyncClient(headers=key) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
        ):
            await _use_every_tool(client, demo)

    with serving(create_app(locked)) as url:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            refused = httpx.post(f"{url}/mcp", json={}, headers=headers)
            assert refused.status_code == 401
            assert refused.json()["code"] == "unauthorized"
        anyio.run(use, url)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_strangers_page_finds_the_open_door_closed(live: str, headers: dict[str, str]) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}

    assert httpx.post(f"{live}/mcp", json=hello, headers=accept | headers).status_code in {403, 421}
