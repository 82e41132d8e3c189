"""The application behind a real socket, and a collection with something in it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from ingest.worker import run_worker
from ragqa.api.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

START_SECONDS = 20


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve ``app`` on a free port of this machine and give its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="warning", access_log=False, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    began = time.monotonic()
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() - began < START_SECONDS
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def live(services: Services) -> Iterator[str]:
    """Address of a real server over ``services``."""
    with serving(create_app(services)) as url:
        yield url


@pytest.fixture
def demo(client: TestClient, services: Services, make_pdf: MakePdf) -> dict[str, Any]:
    """A document that is ready, in the collection ``demo``."""
    client.post("/v1/collections", json={"name": "demo"}).raise_for_status()
    data = make_pdf(
        "产品说明书\n本产品的保修期为三十六个月。\n额定功率为 1500 瓦。",
        "The device weighs 12 kilograms.",
    )
    sent = client.post(
        "/v1/collections/demo/documents", files=[("files", ("manual.pdf", data, "application/pdf"))]
    )
    run_worker(services, until_idle=True)
    document: dict[str, Any] = client.get(
        f"/v1/documents/{sent.json()['documents'][0]['id']}"
    ).json()
    assert document["status"] == "ready", document
    return document
