"""Callers that leave, and more of them than can be served."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from typing_extensions import override

from ingest.worker import run_worker
from ragqa.api.app import create_app
from ragqa.models.turns import Turns
from ragqa.wiring import Services
from tests.api.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakePdf = Callable[..., bytes]

QUESTION = {"question": "保修期是多久？", "collection": "demo"}
WAIT = 15.0


class SlowModel:
    """An OpenAI-compatible server that writes a word every 50 ms, and sees who hangs up."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.begun = threading.Semaphore(0)
        self.left = threading.Event()
        self.finished = 0
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                model.begun.release()
                try:
                    for _ in range(model.words):
                        self._send({"choices": [{"index": 0, "delta": {"content": "保修 "}}]})
                        time.sleep(0.05)
                    self.wfile.write(b"data: [DONE]\n\n")
                    model.finished += 1
                except OSError:
                    model.left.set()

            def _send(self, more: dict[str, object]) -> None:
                head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
                self.wfile.write(b"data: " + json.dumps(head | more).encode() + b"\n\n")
                self.wfile.flush()

            def do_GET(self) -> None:
                body = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]})
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(body.encode())

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    @contextlib.contextmanager
    def running(self) -> Iterator[SlowModel]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@pytest.fixture
def slow() -> Iterator[SlowModel]:
    with SlowModel(words=400).running() as model:
        yield model


@pytest.fixture
def url(services: Services, slow: SlowModel, make_pdf: MakePdf) -> Iterator[str]:
    settings = services.settings.model_copy(
        update={"llm_base_url": slow.url, "llm_model": "m", "max_questions": 2}
    )
    slowed = Services(settings, services.database, services.files)
    with serving(create_app(slowed)) as url:
        httpx.post(f"{url}/v1/collections", json={"name": "demo"}).raise_for_status()
        data = make_pdf("本产品的保修期为三十六个月。")
        files = [("files", ("manual.pdf", data, "application/pdf"))]
        httpx.post(f"{url}/v1/collections/demo/documents", files=files).raise_for_status()
        run_worker(slowed, until_idle=True)
        yield url


def test_a_reader_who_leaves_a_stream_stops_the_model(url: str, slow: SlowModel) -> None:
    headers = {"accept": "text/event-stream"}
    with httpx.stream("POST", f"{url}/v1/ask", json=QUESTION, headers=headers, timeout=WAIT) as got:
        for line in got.iter_lines():
            if line == "event: token":
                break

    assert slow.left.wait(WAIT)
    assert slow.finished == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", QUESTION),
        (
            "/v1/chat/completions",
            {"model": "demo", "messages": [{"role": "user", "content": "保修期是多久？"}]},
        ),
    ],
)
def test_a_caller_who_hangs_up_before_the_answer_stops_the_model(
    url: str, slow: SlowModel, path: str, body: dict[str, object]
) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}{path}", json=body, timeout=httpx.Timeout(WAIT, read=1.5))

    assert slow.left.wait(WAIT)
    assert slow.finished == 0


def test_one_question_too_many_is_told_when_to_come_back(url: str, slow: SlowModel) -> None:
    with ThreadPoolExecutor(2) as callers, contextlib.ExitStack() as open_streams:
        headers = {"accept": "text/event-stream"}

        def ask() -> httpx.Response:
            stream = httpx.stream("POST", f"{url}/v1/ask", json=QUESTION, headers=headers)
            return open_streams.enter_context(stream)

        for asked in [callers.submit(ask) for _ in range(2)]:
            assert asked.result(WAIT).status_code == 200
        refused = httpx.post(f"{url}/v1/ask", json=QUESTION, timeout=WAIT)
        assert refused.status_code == 503
        assert refused.json()["code"] == "busy"
        assert int(refused.headers["retry-after"]) >= 1
        # What needs no generator is served meanwhile.
        search = {"query": "保修期", "collection": "demo"}
        assert httpx.post(f"{url}/v1/search", json=search, timeout=WAIT).json()["hits"]

    # The two have left: their places are free.
    assert slow.left.wait(WAIT)
    deadline = time.monotonic() + WAIT
    status = 503
    while status == 503 and time.monotonic() < deadline:
        headers = {"accept": "text/event-stream"}
        with httpx.stream("POST", f"{url}/v1/ask", json=QUESTION, headers=headers) as got:
            status = got.status_code
        time.sleep(0.1)
    assert status == 200


def test_a_hundred_watchers_leave_room_for_readers(url: str, services: Services) -> None:
    files = [("files", ("late.txt", b"nobody reads this", "text/plain"))]
    sent = httpx.post(f"{url}/v1/collections/demo/documents", files=files).json()
    route = f"{url}/v1/documents/{sent['documents'][0]['id']}/events"
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(timeout=WAIT, limits=limits) as watcher, contextlib.ExitStack() as watching:
        for _ in range(100):
            got = watching.enter_context(watcher.stream("GET", route))
            assert got.status_code == 200
        began = time.monotonic()
        search = {"query": "保修期", "collection": "demo"}
        assert httpx.post(f"{url}/v1/search", json=search, timeout=WAIT).json()["hits"]
        assert time.monotonic() - began < 5


def test_turns_are_given_in_the_order_they_were_asked_for() -> None:
    turns, served = Turns(), list[int]()

    def take(number: int) -> None:
        with turns:
            served.append(number)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(8)]
    with turns:
        for n, thread in enumerate(threads):
            thread.start()
            while len(turns._waiting) <= n:
                time.sleep(0.001)
    for thread in threads:
        thread.join(WAIT)

    assert served == list(range(8))
