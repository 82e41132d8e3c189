"""The OpenAPI document keeps its word: its examples are valid, and work; responses fit it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from ragqa.api.app import create_app
from ragqa.api.openapi import DELETED, ROUTES
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx2 import Response

    MakePdf = Callable[..., bytes]

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
JSON = "application/json"
PROBLEM = "application/problem+json"
OTHERWISE = {
    "POST /v1/documents/{document_id}/versions/{version}/restore": 409,  # it is served
    "DELETE /v1/collections/{collection}": 404,
    "DELETE /v1/documents/{document_id}": 404,
    "DELETE /v1/documents/{document_id}/pages/{number}/corrections": 404,
    "POST /v1/session": 401,  # the key of the example opens nothing
}
"""Examples that cannot be answered with what was asked for, and how they are answered."""
LAST = ("DELETE", "POST /v1/keys/{key}/revoke", "DELETE /v1/keys/{key}")


@pytest.fixture
def open_door(services: Services, demo: dict[str, Any]) -> Iterator[TestClient]:
    """A client with the key of the settings, of a service with one document and one answer."""
    settings = services.settings.model_copy(update={"api_key": "boss"})
    app = create_app(Services(settings, services.database, services.files))
    key = {"Authorization": "Bearer boss"}
    with TestClient(app, base_url="http://127.0.0.1", headers=key) as client:
        asked = client.post("/v1/ask", json={"question": "保修期是多久？", "collection": "demo"})
        assert (demo["id"], asked.json()["id"]) == ("1-1", "1-1")  # those of the examples
        yield client


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and operation of every route, those that take things away last."""
    found = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda one: [f"{one[0]} {one[1]}".startswith(start) for start in LAST])


def complain(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return what of ``value`` does not fit ``schema``."""
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def resolved(document: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in told:
        return told
    found: dict[str, Any] = document["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]
    return found


def test_every_route_has_a_summary_and_valid_examples_of_all_it_takes_and_gives(
    client: TestClient,
) -> None:
    document = client.get("/openapi.json").json()
    names = [f"{method} {path}" for method, path, _ in operations(document)]
    assert sorted(names) == sorted(ROUTES), "ragqa/api/openapi.py tells of every route"
    for method, path, told in operations(document):
        name = f"{method} {path}"
        assert len(told["summary"]) > 5, name
        for body in told.get("requestBody", {}).get("content", {}).values():
            assert complain(document, body["schema"], body["example"]) == [], name
        for parameter in told.get("parameters", ()):
            shown = [parameter["example"]] if "example" in parameter else []
            shown += parameter["schema"].get("examples", [])
            assert shown or not parameter["required"], (name, parameter["name"])
            for example in shown:
                assert complain(document, parameter["schema"], example) == [], name
        for status, response in told["responses"].items():
            given = resolved(document, response)
            assert given["description"], name
            for media_type, content in given.get("content", {}).items():
                known = media_type in {"application/octet-stream", "image/png"}
                assert known or status == "503" or "example" in content, (name, status)
                if "example" in content:
                    found = complain(document, content["schema"], content["example"])
                    assert found == [], (name, status)
                if status[0] not in "23" and status != "503":
                    assert media_type == PROBLEM, (name, status)
            if status[0] == "2" and status != "204":
                assert given["content"], name


def test_every_example_is_answered_in_the_shape_that_is_told(
    open_door: TestClient, make_pdf: MakePdf
) -> None:
    document = open_door.get("/openapi.json").json()
    for method, path, told in operations(document):
        name = f"{method} {path}"
        if name == "DELETE /v1/session":
            continue
        response = _try(open_door, method, path, told, make_pdf("新文件。"))
        wanted = OTHERWISE.get(name)
        if wanted is None:
            assert response.is_success, (name, response.text[:300])
        else:
            assert response.status_code == wanted, (name, response.text[:300])
        assert _complain(document, told, response) == [], name


def _try(client: TestClient, method: str, path: str, told: dict[str, Any], file: bytes) -> Response:
    places = {
        parameter["name"]: parameter["example"]
        for parameter in told.get("parameters", ())
        if parameter["in"] == "path"
    }
    if method == "DELETE":
        assert {*places} <= {*DELETED, "key", "number"}
    url = path.format(**places)
    content = told.get("requestBody", {}).get("content", {})
    if JSON in content:
        return client.request(method, url, json=content[JSON]["example"])
    if "multipart/form-data" in content:
        fields = dict(content["multipart/form-data"]["example"])
        fields.pop("files")
        return client.request(method, url, data=fields, files=[("files", ("new.pdf", file))])
    return client.request(method, url)


def _complain(document: dict[str, Any], told: dict[str, Any], response: Response) -> list[str]:
    responses = told["responses"]
    given = resolved(document, responses.get(str(response.status_code), responses["default"]))
    content = given.get("content", {})
    if not content:
        return ["a body"] if response.content else []
    media_type = response.headers["content-type"].split(";")[0]
    if media_type not in content:
        return [f"{media_type}, not one of {list(content)}"]
    if not media_type.endswith("json"):
        return []
    return complain(document, content[media_type]["schema"], response.json())


def test_refusals_explanations_and_tables_fit_what_is_told(open_door: TestClient) -> None:
    document = open_door.get("/openapi.json").json()

    def check(method: str, path: str, url: str, **sent: Any) -> dict[str, Any]:
        response = open_door.request(method, url, **sent)
        assert _complain(document, document["paths"][path][method.lower()], response) == []
        body: dict[str, Any] = response.json()
        return body

    nothing = {"question": "谁写了红楼梦？", "collection": "demo"}
    assert check("POST", "/v1/ask", "/v1/ask", json=nothing)["refusal"]
    search = {"query": "保修期", "collection": "demo", "explain": True}
    assert check("POST", "/v1/search", "/v1/search", json=search)["explain"]["terms"]
    wrong = check("POST", "/v1/search", "/v1/search", json={"query": ""})
    assert wrong["code"] == "invalid_input"
    missing = "/v1/documents/{document_id}"
    assert check("GET", missing, "/v1/documents/1-99")["code"] == "document_not_found"


def test_the_page_about_the_api_lists_every_route_with_its_role(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    table = DOCS.read_text("utf-8").split("<!-- routes -->")[1].split("<!-- /routes -->")[0]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in table.splitlines()[3:]]
    roles = {
        f"{method} {path}": told.get("x-role", "reader" if "security" in told else "anybody")
        for method, path, told in operations(document)
    }
    assert {route: role for route, role, _ in rows} == roles
    assert all(does for _, _, does in rows)
