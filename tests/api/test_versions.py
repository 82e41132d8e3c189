"""Routes of versions: what is kept is listed, and one of them is brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


def test_an_older_version_is_listed_and_brought_back(
    client: TestClient, services: Services, make_pdf: MakePdf
) -> None:
    services.create_collection("papers")
    sent = None
    for text in ("The price is 100 dollars.", "The price is 250 dollars."):
        sent = client.post(
            "/v1/collections/papers/documents", files={"files": ("a.pdf", make_pdf(text))}
        )
        run_worker(services, until_idle=True)
    assert sent is not None
    route = f"/v1/documents/{sent.json()['documents'][0]['id']}/versions"
    listed = client.get(route).json()["versions"]
    assert [(one["version"], one["served"]) for one in listed] == [(2, True), (1, False)]

    restored = client.post(f"{route}/1/restore")
    assert (restored.status_code, restored.json()["version"]) == (202, 3)
    run_worker(services, until_idle=True)

    hits = client.post("/v1/search", json={"query": "price", "collection": "papers"}).json()["hits"]
    assert [hit["text"] for hit in hits] == ["The price is 100 dollars."]
    missing = client.post(f"{route}/9/restore")
    assert (missing.status_code, missing.json()["code"]) == (404, "version_not_found")
