"""Misread lines are put right over HTTP, by whoever may write, and everybody sees who did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingest.worker import run_worker
from ragqa.store import keys

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

READ = "本产品的保修期为三十六个月。"
TRUE = "本产品的保修期为三十八个月。"


def get(client: TestClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_line_is_corrected_listed_and_put_back(
    client: TestClient, services: Services, demo: dict[str, Any]
) -> None:
    base = f"/v1/documents/{demo['id']}"
    lines = get(client, f"{base}/pages/1/recognition")["lines"]
    assert [line["text"] for line in lines][1] == READ
    assert lines[1]["correction"] is None

    sent = client.put(
        f"{base}/pages/1/corrections", json={"lines": [{"line": 1, "before": READ, "text": TRUE}]}
    )
    assert sent.status_code == 202, sent.text
    assert sent.json()["document"]["status"] == "queued"
    assert [
        (one["page"], one["line"], one["read_as"], one["text"], one["corrected_by"])
        for one in sent.json()["corrections"]
    ] == [(1, 1, READ, TRUE, "local")]
    assert READ in get(client, f"{base}/pages/1")["text"], "the old reading is served until then"
    run_worker(services, until_idle=True)
    page = get(client, f"{base}/pages/1")
    assert TRUE in page["text"]
    hit = client.post("/v1/search", json={"query": "三十八个月", "collection": "demo"}).json()[
        "hits"
    ][0]
    start, end = hit["span"]
    assert page["text"][start:end] == hit["text"]
    assert TRUE in hit["text"]
    line = get(client, f"{base}/pages/1/recognition")["lines"][1]
    assert line["text"] == READ
    assert line["correction"]["text"] == TRUE

    assert client.delete(f"{base}/pages/1/corrections?line=0").status_code == 404
    gone = client.delete(f"{base}/pages/1/corrections?line=1")
    assert gone.status_code == 202
    run_worker(services, until_idle=True)
    assert READ in get(client, f"{base}/pages/1")["text"]
    assert get(client, f"{base}/corrections") == {"corrections": []}
    assert client.delete(f"{base}/pages/1/corrections").status_code == 202
    assert get(client, base)["version"] == 3


def test_a_citation_quotes_the_corrected_text(
    client: TestClient, services: Services, demo: dict[str, Any]
) -> None:
    base = f"/v1/documents/{demo['id']}"
    client.put(f"{base}/pages/1/corrections", json={"lines": [{"line": 1, "text": TRUE}]})
    run_worker(services, until_idle=True)
    answer = client.post(
        "/v1/ask", json={"question": "保修期为几个月？", "collection": "demo"}
    ).json()
    citation = answer["citations"][0]
    start, end = citation["span"]
    assert citation["quote"] == get(client, f"{base}/pages/1")["text"][start:end]
    assert "三十八" in citation["quote"]
    assert citation["boxes"]


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ({"line": 9, "text": "x"}, 404, "line_not_found"),
        ({"line": 1, "text": "x", "before": "y"}, 409, "line_changed"),
        ({"line": -1, "text": "x"}, 422, "invalid_input"),
        ({"line": 1, "text": "x" * 2001}, 422, "invalid_input"),
        ({"line": 1, "text": "x" * 4001}, 422, "invalid_input"),
        ({"line": 1}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_corrected_is_refused_as_a_problem(
    client: TestClient, demo: dict[str, Any], line: dict[str, Any], status: int, code: str
) -> None:
    base = f"/v1/documents/{demo['id']}"
    response = client.put(f"{base}/pages/1/corrections", json={"lines": [line]})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert get(client, base)["version"] == 1
    assert client.put(f"{base}/pages/9/corrections", json={"lines": [line]}).status_code in {
        404,
        422,
    }


def test_a_writer_corrects_a_reader_only_sees_and_the_audit_log_tells(
    client: TestClient, services: Services, demo: dict[str, Any]
) -> None:
    with services.database.transaction() as conn:
        made = {
            role: keys.create_key(conn, f"{role} key", role, collections=["demo"])[1]
            for role in ("reader", "writer")
        } | {"boss": keys.create_key(conn, "boss", "administrator", collections=None)[1]}
    client.app.state.warden.look_again()  # type: ignore[attr-defined]
    base = f"/v1/documents/{demo['id']}"

    def call(who: str, method: str, path: str, **sent: Any) -> Any:
        return client.request(
            method, path, headers={"Authorization": f"Bearer {made[who]}"}, **sent
        )

    told = {"lines": [{"line": 1, "text": "<b>三十八</b> & <script>alert(1)</script>"}]}
    assert call("reader", "PUT", f"{base}/pages/1/corrections", json=told).status_code == 403
    assert call("writer", "PUT", f"{base}/pages/1/corrections", json=told).status_code == 202
    run_worker(services, until_idle=True)
    listed = call("reader", "GET", f"{base}/corrections").json()["corrections"]
    assert [one["corrected_by"] for one in listed] == ["writer key"]
    assert call("reader", "DELETE", f"{base}/pages/1/corrections").status_code == 403
    assert call("writer", "DELETE", f"{base}/pages/1/corrections?line=1").status_code == 202
    log = call("boss", "GET", "/v1/audit").json()["records"]
    done = [(one["actor"], one["action"], one["outcome"]) for one in log]
    route = "/v1/documents/{document_id}/pages/{number}/corrections"
    assert ("writer key", f"PUT {route}", "202") in done
    assert ("reader key", f"PUT {route}", "403") in done
    assert ("writer key", f"DELETE {route}", "202") in done
