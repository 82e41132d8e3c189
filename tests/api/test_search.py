"""Searching over HTTP: filters, several collections, explanations, metadata of uploads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingest.worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

WARRANTY = "The warranty of this product lasts"


@pytest.fixture
def years(client: TestClient, services: Services, make_pdf: MakePdf) -> dict[str, str]:
    """Ids of three documents that differ in their metadata; the third is in ``others``."""
    ids: dict[str, str] = {}
    for collection, year in (("contracts", 2023), ("contracts", 2024), ("others", 2024)):
        client.post("/v1/collections", json={"name": collection})
        name = f"{collection}-{year}.pdf"
        pages = (f"{WARRANTY} {year - 2000} months.", f"Page two of {year}.")
        sent = client.post(
            f"/v1/collections/{collection}/documents",
            files=[("files", (name, make_pdf(*pages), "application/pdf"))],
            data={"metadata": json.dumps({"year": year, "部门": "法务", "draft": False})},
        )
        assert sent.status_code == 202, sent.text
        (document,) = sent.json()["documents"]
        assert document["metadata"] == {"year": str(year), "部门": "法务", "draft": "false"}
        ids[name] = document["id"]
    run_worker(services, until_idle=True)
    return ids


@pytest.fixture
def papers(client: TestClient) -> str:
    client.post("/v1/collections", json={"name": "papers"}).raise_for_status()
    return "papers"


def search(client: TestClient, **body: Any) -> list[str]:
    response = client.post(
        "/v1/search", json={"query": "warranty months", "collection": "contracts", **body}
    )
    assert response.status_code == 200, response.text
    return [f"{hit['filename']} {hit['page']}" for hit in response.json()["hits"]]


def refused(client: TestClient, **body: Any) -> str:
    response = client.post("/v1/search", json={"query": "warranty", **body})
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_input"
    detail: str = response.json()["detail"]
    return detail


def test_what_an_upload_was_given_filters_searches(
    client: TestClient, years: dict[str, str]
) -> None:
    assert "contracts-2023.pdf 1" in search(client)
    found = search(client, filter={"metadata": {"year": 2024}})
    assert set(found) == {"contracts-2024.pdf 1", "contracts-2024.pdf 2"}
    found = search(client, filter={"metadata": {"year": "2024", "部门": "法务"}, "pages": [2, 2]})
    assert found == ["contracts-2024.pdf 2"]
    assert search(client, filter={"metadata": {"year": "1999"}}) == []
    only = {"document": years["contracts-2023.pdf"], "pages": [1, 1], "kind": "text"}
    assert search(client, filter=only) == ["contracts-2023.pdf 1"]


def test_dates_choose_the_documents_that_were_taken_in_between_them(
    client: TestClient, years: dict[str, str]
) -> None:
    assert search(client, filter={"until": "2020-01-01T00:00:00Z"}) == []
    assert len(search(client, filter={"since": "2020-01-01", "until": "2999-01-01T00:00"})) == 4


def test_the_same_file_sent_again_takes_its_new_metadata(
    client: TestClient, services: Services, years: dict[str, str]
) -> None:
    data = client.get(f"/v1/documents/{years['contracts-2023.pdf']}/file").content
    sent = client.post(
        "/v1/collections/contracts/documents",
        files=[("files", ("contracts-2023.pdf", data, "application/pdf"))],
        data={"metadata": '{"year": "2022"}'},
    )
    assert sent.json()["documents"][0]["id"] == years["contracts-2023.pdf"]
    found = search(client, filter={"metadata": {"year": "2022"}})
    assert found[0] == "contracts-2023.pdf 1"
    assert search(client, filter={"metadata": {"year": "2023"}}) == []


def test_metadata_is_replaced_without_sending_the_file_again(
    client: TestClient, services: Services, years: dict[str, str]
) -> None:
    address = f"/v1/documents/{years['contracts-2024.pdf']}"
    changed = client.patch(address, json={"metadata": {"year": 2021, "draft": False}})
    assert changed.json()["metadata"] == {"year": "2021", "draft": "false"}
    assert search(client, filter={"metadata": {"year": "2021"}})[0] == "contracts-2024.pdf 1"
    assert search(client, filter={"metadata": {"year": "2024"}}) == []
    for wrong in ({"year": ["2021"]}, {"": "2021"}, "2021", None):
        refused = client.patch(address, json={"metadata": wrong})
        assert refused.status_code == 422, wrong
    assert client.patch(address, json={}).status_code == 422
    missing = client.patch("/v1/documents/1-99", json={"metadata": {}})
    assert missing.json()["code"] == "document_not_found"


@pytest.mark.parametrize(
    "metadata", ["year=2024", "[1]", '{"a": [1]}', '{"a": null}', '{"": "a"}', "[" * 5000]
)
def test_metadata_that_is_no_object_of_values_is_refused_in_both_languages(
    client: TestClient, papers: str, metadata: str
) -> None:
    response = client.post(
        f"/v1/collections/{papers}/documents",
        files=[("files", ("a.txt", b"apples", "text/plain"))],
        data={"metadata": metadata},
    )
    assert response.status_code == 422
    assert response.json()["code"] == "bad_metadata"
    assert "JSON object was expected" in response.json()["detail"]
    assert "应为 JSON 对象" in response.json()["detail"]


def test_several_collections_are_searched_as_one(client: TestClient, years: dict[str, str]) -> None:
    both = {"collection": None, "collections": ["contracts", "others", "contracts"]}
    found = search(client, **both, filter={"metadata": {"year": 2024}, "pages": [1, 1]})
    assert set(found) == {"contracts-2024.pdf 1", "others-2024.pdf 1"}
    missing = client.post("/v1/search", json={"query": "x", "collections": ["contracts", "none"]})
    assert missing.json()["code"] == "collection_not_found"


def test_an_explanation_tells_terms_stages_and_times(
    client: TestClient, years: dict[str, str]
) -> None:
    body = {"query": "warranty lasts", "collection": "contracts", "explain": True}
    answer = client.post("/v1/search", json=body).json()
    told = answer["explain"]
    assert [term["text"] for term in told["terms"]] == ["warranty", "last"]
    assert [term["chunks"] for term in told["terms"][:1]] == [2]
    assert told["matched"][0] == ["warranty", "last"]
    assert {"lexical", "dense", "verbatim", "fusion"} <= {s["name"] for s in told["stages"]}
    assert all(stage["milliseconds"] >= 0 for stage in told["stages"])
    assert told["weights"]["dense"] > 0
    plain = client.post("/v1/search", json=body | {"explain": False}).json()
    assert "explain" not in plain
    assert plain["hits"] == answer["hits"]
    assert answer["hits"][0]["stages"]


@pytest.mark.parametrize(
    ("body", "english", "chinese"),
    [
        ({}, "where to search", "在哪个集合中搜索"),
        ({"filter": {"documnet": "1-1"}}, "no such filter", "没有这种筛选条件"),
        ({"filter": {"pages": [3, 2]}}, "must not be after", "起始页"),
        (
            {"filter": {"since": "2024-01-02", "until": "2024-01-01T00:00Z"}},
            "since must be before until",
            "起始时间必须早于",
        ),
        ({"filter": {"metadata": ["a"]}}, "JSON object was expected", "应为 JSON 对象"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_with_what_was_expected(
    client: TestClient, papers: str, body: dict[str, Any], english: str, chinese: str
) -> None:
    detail = refused(client, **({"collection": papers} if body else {}), **body)
    assert english in detail
    assert chinese in detail
