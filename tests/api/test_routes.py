"""The contract's routes, over the real application."""

# Longer than 300 lines: the contract, route by route.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingest.worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient
    from httpx2 import Response

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


@pytest.fixture
def papers(client: TestClient) -> str:
    assert client.post("/v1/collections", json={"name": "papers"}).status_code == 201
    return "papers"


def upload(client: TestClient, collection: str, *files: tuple[str, bytes]) -> Response:
    parts = [("files", (name, data, "application/pdf")) for name, data in files]
    response: Response = client.post(f"/v1/collections/{collection}/documents", files=parts)
    return response


@pytest.fixture
def manual(
    client: TestClient, services: Services, papers: str, make_pdf: MakePdf
) -> dict[str, Any]:
    data = make_pdf(
        "产品说明书\n本产品的保修期为三十六个月。\n额定功率为 1500 瓦。",
        "The device weighs 12 kilograms.",
    )
    response = upload(client, papers, ("manual.pdf", data))
    assert response.status_code == 202
    run_worker(services, until_idle=True)
    document: dict[str, Any] = client.get(
        f"/v1/documents/{response.json()['documents'][0]['id']}"
    ).json()
    assert document["status"] == "ready", document
    return document


def problem(response: Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["code"]
    assert len(body["detail"]) > 10
    return body


def test_a_collection_is_made_listed_and_deleted(client: TestClient) -> None:
    made = client.post("/v1/collections", json={"name": "合同"})
    assert made.status_code == 201
    assert made.json()["name"] == "合同"
    assert problem(client.post("/v1/collections", json={"name": "合同"}))["code"] == "conflict"
    names = [one["name"] for one in client.get("/v1/collections").json()["collections"]]
    assert names == ["合同"]

    assert client.delete("/v1/collections/合同").status_code == 204
    assert problem(client.get("/v1/collections/合同"))["code"] == "collection_not_found"


def test_an_upload_becomes_a_document(client: TestClient, manual: dict[str, Any]) -> None:
    assert manual["filename"] == "manual.pdf"
    assert manual["pages"] == 2
    assert manual["error"] is None
    listed = client.get("/v1/collections/papers/documents").json()
    assert [one["id"] for one in listed["documents"]] == [manual["id"]]
    assert listed["next"] is None


def test_documents_are_listed_a_page_at_a_time(
    client: TestClient, papers: str, make_pdf: MakePdf
) -> None:
    upload(client, papers, *[(f"{n}.pdf", make_pdf(f"Document {n}.")) for n in range(5)])
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(
            f"/v1/collections/{papers}/documents",
            params={"limit": 2} | ({"cursor": cursor} if cursor else {}),
        ).json()
        seen += [one["filename"] for one in page["documents"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == [f"{n}.pdf" for n in range(5)]


def test_a_page_is_shown_with_its_blocks_and_image(
    client: TestClient, manual: dict[str, Any]
) -> None:
    page = client.get(f"/v1/documents/{manual['id']}/pages/1").json()
    assert page["number"] == 1
    assert "三十六个月" in page["text"]
    for block in page["blocks"]:
        if block["span"]:
            assert page["text"][slice(*block["span"])] == block["text"]

    image = client.get(f"/v1/documents/{manual['id']}/pages/1/image")
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    address = f"/v1/documents/{manual['id']}/pages/9"
    assert problem(client.get(address))["code"] == "page_not_found"
    assert problem(client.get(f"{address}/image"))["code"] == "page_not_found"
    assert problem(client.get("/v1/documents/1-99/pages/1"))["code"] == "document_not_found"


def test_a_search_hit_is_a_slice_of_its_page_and_can_be_highlighted(
    client: TestClient, manual: dict[str, Any]
) -> None:
    found = client.post("/v1/search", json={"query": "保修期", "collection": "papers"}).json()
    hit = found["hits"][0]

    assert hit["rank"] == 1
    assert hit["filename"] == "manual.pdf"
    page = client.get(f"/v1/documents/{hit['document_id']}/pages/{hit['page']}").json()
    assert page["text"][slice(*hit["span"])] == hit["text"]
    route = f"/v1/documents/{manual['id']}/pages/1/image"
    plain = client.get(route).content
    boxed = client.get(route, params={"chunk": hit["chunk_id"]}).content
    assert plain != boxed


def test_an_answer_cites_stored_text(client: TestClient, manual: dict[str, Any]) -> None:
    answer = client.post(
        "/v1/ask", json={"question": "保修期是多久？", "collection": "papers"}
    ).json()

    assert answer["answered"]
    assert "三十六个月" in answer["text"]
    assert answer["citations"]
    for citation in answer["citations"]:
        page = client.get(
            f"/v1/documents/{citation['document_id']}/pages/{citation['page']}"
        ).json()
        assert page["text"][slice(*citation["span"])] == citation["quote"]
        assert citation["boxes"]
    again = client.get(f"/v1/answers/{answer['id']}").json()
    assert again["text"] == answer["text"]
    assert "prompt" in again
    route = f"/v1/documents/{manual['id']}/pages/1/image"
    image = client.get(route, params={"answer": answer["id"], "marker": 1})
    assert image.status_code == 200
    rated = client.post(f"/v1/answers/{answer['id']}/feedback", json={"rating": 1})
    assert rated.status_code == 204


def test_a_streamed_answer_begins_with_evidence_and_ends_with_the_answer(
    client: TestClient, manual: dict[str, Any]
) -> None:
    response = client.post(
        "/v1/ask",
        json={"question": "额定功率是多少？", "collection": manual["collection"]},
        headers={"Accept": "text/event-stream"},
    )
    events = [line[7:] for line in response.text.splitlines() if line.startswith("event: ")]

    assert events[0] == "evidence"
    assert events[-1] == "answer"
    assert set(events[1:-1]) <= {"token"}


def test_a_question_to_an_empty_collection_is_refused(client: TestClient, papers: str) -> None:
    answer = client.post("/v1/ask", json={"question": "保修期？", "collection": papers}).json()

    assert not answer["answered"]
    assert answer["refusal"]["reason"] == "no_documents"
    assert answer["citations"] == []


def test_events_end_when_the_document_is_ready(client: TestClient, manual: dict[str, Any]) -> None:
    body = client.get(f"/v1/documents/{manual['id']}/events").text

    assert body.startswith("event: progress\n")
    assert '"status": "ready"' in body


def test_the_original_bytes_come_back(
    client: TestClient, services: Services, papers: str, make_pdf: MakePdf
) -> None:
    data = make_pdf("Bytes in, bytes out.")
    document = upload(client, papers, ("合同 1.pdf", data)).json()["documents"][0]
    run_worker(services, until_idle=True)

    response = client.get(f"/v1/documents/{document['id']}/file")
    assert response.content == data
    assert "attachment" in response.headers["content-disposition"]


def test_after_delete_nothing_is_found(client: TestClient, manual: dict[str, Any]) -> None:
    answer = client.post(
        "/v1/ask", json={"question": "保修期多久？", "collection": "papers"}
    ).json()
    assert client.delete(f"/v1/documents/{manual['id']}").status_code == 204

    assert client.get(f"/v1/documents/{manual['id']}").status_code == 404
    found = client.post("/v1/search", json={"query": "保修期", "collection": "papers"}).json()
    assert found["hits"] == []
    assert client.get(f"/v1/answers/{answer['id']}").status_code == 404


def test_the_openai_door_answers_with_citations(client: TestClient, manual: dict[str, Any]) -> None:
    assert [m["id"] for m in client.get("/v1/models").json()["data"]] == [manual["collection"]]
    body = {"model": "papers", "messages": [{"role": "user", "content": "保修期是多久？"}]}
    done = client.post("/v1/chat/completions", json=body).json()

    assert "三十六个月" in done["choices"][0]["message"]["content"]
    assert done["citations"][0]["filename"] == "manual.pdf"
    streamed = client.post("/v1/chat/completions", json=body | {"stream": True}).text
    assert streamed.rstrip().endswith("data: [DONE]")
    assert "三十六个月" in streamed


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("post", "/v1/ask", {"json": {"question": "q" * 2000, "collection": "papers"}}, 422),
        ("post", "/v1/ask", {"json": {"question": "  ", "collection": "papers"}}, 422),
        ("post", "/v1/ask", {"json": {"collection": "papers"}}, 422),
        ("post", "/v1/ask", {"json": {"question": "q", "collection": "nowhere"}}, 404),
        (
            "post",
            "/v1/ask",
            {"content": b"{not json", "headers": {"content-type": "application/json"}},
            422,
        ),
        (
            "post",
            "/v1/ask",
            {"content": b"[1]", "headers": {"content-type": "application/json"}},
            422,
        ),
        ("post", "/v1/search", {"json": {"query": "q", "collection": "nowhere"}}, 404),
        ("post", "/v1/search", {"json": {"query": "q", "collection": "papers", "top_k": 0}}, 422),
        ("post", "/v1/collections", {"json": {"name": ""}}, 422),
        ("post", "/v1/collections", {"json": {"name": "a/b"}}, 422),
        ("post", "/v1/collections/papers/documents", {}, 422),
        ("post", "/v1/collections/papers/documents", {"data": {"other": "1"}}, 422),
        ("post", "/v1/collections/papers/documents", {"files": {"files": ("a.pdf", b"")}}, 422),
        ("post", "/v1/collections/nowhere/documents", {"files": {"files": ("a.pdf", b"x")}}, 404),
        ("get", "/v1/collections/papers/documents?cursor=nonsense!", {}, 422),
        ("get", "/v1/collections/papers/documents?status=lost", {}, 422),
        ("get", "/v1/documents/99-99", {}, 404),
        ("get", "/v1/documents/nonsense", {}, 404),
        ("get", "/v1/documents/99-99/file", {}, 404),
        ("get", "/v1/documents/99-99/events", {}, 404),
        ("get", "/v1/documents/99-99/pages/1/image", {}, 404),
        ("post", "/v1/documents/99-99/cancel", {}, 404),
        ("post", "/v1/documents/99-99/retry", {}, 404),
        ("delete", "/v1/documents/99999999999999999999-1", {}, 404),
        ("get", "/v1/answers/1-1", {}, 404),
        ("post", "/v1/answers/1-1/feedback", {"json": {"rating": 5}}, 422),
        ("post", "/v1/chat/completions", {"json": {"model": "papers", "messages": []}}, 422),
        ("get", "/v1/nowhere", {}, 404),
        ("put", "/v1/ask", {}, 405),
    ],
)
def test_a_bad_request_is_a_problem_document(
    client: TestClient, papers: str, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    response = client.request(method, path, **sent)

    assert response.status_code == status, response.text
    assert problem(response)["status"] == status


def test_one_bad_file_does_not_stop_the_others(
    client: TestClient, papers: str, make_pdf: MakePdf
) -> None:
    response = upload(client, papers, ("empty.pdf", b""), ("good.pdf", make_pdf("Good.")))

    assert response.status_code == 202
    body = response.json()
    assert [one["filename"] for one in body["documents"]] == ["good.pdf"]
    assert body["rejected"][0]["code"] == "empty_file"


def test_the_service_says_that_it_lives_and_how_it_does(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["checks"]["database"] == "ok"
    assert "ragqa_request_seconds" in client.get("/metrics").text
    assert client.get("/openapi.json").json()["info"]["title"] == "ragqa"
    assert "<html" in client.get("/").text


def test_the_tables_of_a_page_are_taken_away_as_json_csv_and_markdown(
    client: TestClient, services: Services, papers: str
) -> None:
    data = (Path(__file__).parents[1] / "data" / "manual_zh.pdf").read_bytes()
    document = upload(client, papers, ("manual_zh.pdf", data)).json()["documents"][0]["id"]
    run_worker(services, until_idle=True)
    address = f"/v1/documents/{document}/pages/2/tables"
    (table,) = client.get(address).json()["tables"]
    assert (table["number"], table["head"], table["rows"][0]) == (1, None, ["名称", "型号", "数量"])
    taken = client.get(address, params={"format": "csv"})
    assert taken.headers["content-type"] == "text/csv; charset=utf-8"
    assert taken.text.splitlines()[:2] == ["名称,型号,数量", "密封圈,MF-20,4"]
    shown = client.get(address, params={"format": "markdown"}).text
    assert shown.startswith("| 名称 | 型号 | 数量 |\n| --- |")
    missing = client.get(address, params={"format": "csv", "table": 2})
    assert missing.status_code == 404
    assert "1 tables" in problem(missing)["detail"]
