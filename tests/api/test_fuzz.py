"""Whatever a caller sends, the service answers, and never with an error of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ragqa.api import limits
from ragqa.api.app import create_app
from ragqa.wiring import Services
from tests.api.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    MakePdf = Callable[..., bytes]

SECONDS = 20
HOSTILE = [
    "\ud800",
    "a\x00b",
    "\u202egpj.exe",
    "\x1b[31mred\x07",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "{{7*7}} %s %(x)s {0}",
    "字" * 10_000,
    "\ufeff\u200b\u2028",
]


def test_no_generated_request_makes_the_service_fail_or_answer_in_another_shape(
    services: Services, demo: dict[str, Any]
) -> None:
    program = Path(sys.executable).with_name("st")
    # One of the first requests makes a key: without this one, all others would be turned away.
    settings = services.settings.model_copy(update={"api_key": "fuzz"})
    app = create_app(Services(settings, services.database, services.files))
    with serving(app) as url:
        run = subprocess.run(
            [
                *(program, "run", f"{url}/openapi.json", "--max-time", str(SECONDS)),
                *("--checks", "not_a_server_error,response_schema_conformance"),
                *("--header", "Authorization: Bearer fuzz", "--seed", "7", "--no-color"),
                *("--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"),
            ],
            capture_output=True,
            text=True,
            timeout=SECONDS * 5,
            check=False,
        )

        assert run.returncode == 0, run.stdout[-6000:]
        assert "Test cases:" in run.stdout
        assert httpx.get(f"{url}/healthz", timeout=5).json() == {"status": "ok"}
        metrics = httpx.get(f"{url}/metrics").text
    answered = re.findall(r'ragqa_request_seconds_count{.*status="2..".*} (\d+)', metrics)
    refused = re.findall(r'ragqa_request_seconds_count{.*status="401".*} (\d+)', metrics)
    assert sum(map(int, answered)) > 2 * sum(map(int, refused))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_answered_or_refused_but_breaks_nothing(
    client: TestClient, demo: dict[str, Any], text: str
) -> None:
    # Written as JSON escapes: a lone surrogate is legal JSON.
    body = "".join(f"\\u{unit:04x}" for unit in _units(text))
    # 3,000 characters make the longest path that a client sends.
    part = urllib.parse.quote(text[:3000].encode("utf-8", "replace"), safe="")
    head = {"content-type": "application/json"}
    routes = [
        ("POST", "/v1/search", f'{{"query": "{body}", "collection": "demo"}}'),
        ("POST", "/v1/search", f'{{"query": "a", "collection": "{body}"}}'),
        ("POST", "/v1/ask", f'{{"question": "{body}", "collection": "demo"}}'),
        (
            "POST",
            "/v1/ask",
            f'{{"question": "a", "collection": "demo", "conversation_id": "{body}"}}',
        ),
        ("POST", "/v1/collections", f'{{"name": "{body}"}}'),
        (
            "POST",
            "/v1/chat/completions",
            f'{{"model": "demo", "messages": [{{"role": "user", "content": "{body}"}}]}}',
        ),
        (
            "POST",
            "/v1/chat/completions",
            '{"model": "demo", "messages": '
            f'[{{"role": "user", "content": [{{"type": "text", "text": "{body}"}}]}}]}}',
        ),
        ("GET", f"/v1/collections/{part}", ""),
        ("GET", f"/v1/documents/{part}", ""),
        ("GET", f"/v1/collections/demo/documents?cursor={part}", ""),
        ("GET", f"/v1/documents/{demo['id']}/pages/1/image?chunk={part}", ""),
    ]
    for method, path, sent in routes:
        response = client.request(method, path, content=sent, headers=head)
        assert response.status_code < 500, (method, path[:80], response.text[:300])
        response.json() if "json" in response.headers["content-type"] else None


def test_feedback_may_hold_any_text(client: TestClient, demo: dict[str, Any]) -> None:
    asked = client.post("/v1/ask", json={"question": "保修期多久？", "collection": "demo"}).json()
    for text in HOSTILE:
        body = "".join(f"\\u{unit:04x}" for unit in _units(text))
        response = client.post(
            f"/v1/answers/{asked['id']}/feedback",
            content=f'{{"rating": 1, "comment": "{body}"}}',
            headers={"content-type": "application/json"},
        )
        assert response.status_code < 500, (text[:20], response.text[:300])


@pytest.mark.parametrize(
    "name",
    [
        "长" * 10_000 + ".pdf",
        "\u202egnp.fdp.pdf",
        "a\x07b.pdf",
        "<img src=x onerror=alert(1)>.pdf",
        "../../../etc/passwd.pdf",
        "C:\\Users\\x\\合同.pdf",
        "....pdf",
        " ",
    ],
)
def test_hostile_file_names_are_taken_or_refused(
    live: str, client: TestClient, demo: dict[str, Any], make_pdf: MakePdf, name: str
) -> None:
    # By hand, as clients clean up names before they send them.
    boundary = "x" * 20
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        ).encode()
        + make_pdf("Hostile.")
        + f"\r\n--{boundary}--\r\n".encode()
    )
    response = httpx.post(
        f"{live}/v1/collections/demo/documents",
        content=body,
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )

    assert response.status_code in {202, 400, 413, 422}, response.text[:300]
    if response.status_code == 202:
        document = response.json()["documents"][0]
        assert document["filename"]
        assert not document["filename"].startswith(("../", "/"))
        assert "\x07" not in document["filename"]
        got = client.get(f"/v1/documents/{document['id']}/file")
        assert got.headers["content-disposition"].isascii()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"\xff\xfe\x00"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"query": ' + b"9" * 5000 + b', "collection": "demo"}'),
        ("application/json", b'{"query": "a", "collection": "demo", "top_k": 1e999}'),
        ("application/json", b'{"query": "a", "collection": "demo", "top_k": NaN}'),
        ("text/plain", b'{"query": "a", "collection": "demo"}'),
        ("application/xml", b"<a/>"),
        ("multipart/form-data", b"--no boundary"),
        ("application/x-www-form-urlencoded", b"query=a&collection=demo"),
        ("", b""),
    ],
)
def test_bodies_that_are_no_json_are_problems_of_the_caller(
    client: TestClient, kind: str, body: bytes
) -> None:
    response = client.post("/v1/search", content=body, headers={"content-type": kind})

    assert 400 <= response.status_code < 500, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_long_is_refused_before_it_is_read(live: str) -> None:
    url = urllib.parse.urlsplit(live)
    assert url.port is not None
    with socket.create_connection((str(url.hostname), url.port), timeout=10) as caller:
        caller.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n{"
        )
        answer = caller.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413")


def test_a_caller_who_sends_all_of_too_long_a_body_hears_that_it_is_too_long(live: str) -> None:
    url = urllib.parse.urlsplit(live)
    body = b"a" * (6 << 20)
    head = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as caller:
        caller.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 1 << 18):
            caller.sendall(body[start : start + (1 << 18)])
            time.sleep(0.01)
        answer = caller.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("path", "kind", "begun"),
    [
        ("/v1/search", "application/json", '{"query": '),
        ("/v1/collections/demo/documents", "multipart/form-data; boundary=x", "--x\r\n"),
    ],
)
def test_a_body_that_stops_coming_is_not_waited_for(
    live: str, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, begun: str
) -> None:
    monkeypatch.setattr(limits, "PIECE_SECONDS", 0.3)
    url = urllib.parse.urlsplit(live)
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as caller:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        caller.sendall(f"{head}Content-Length: 1000\r\n\r\n{begun}".encode())
        answer = b"".join(iter(lambda: caller.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert b'"code":"request_timeout"' in answer


def test_a_body_without_a_length_is_counted_as_it_comes(live: str) -> None:
    response = httpx.post(
        f"{live}/v1/search",
        content=(b'{"query": "' if n == 0 else b"a" * 65536 for n in range(40)),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]
