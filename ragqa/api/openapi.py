"""The OpenAPI document: what each route gives and how it fails, with an example of everything.

FastAPI knows what the routes take. What they give is made by ``ragqa.shapes`` without being
checked on the way out, so its types stand here; the tests hold real responses to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ragqa.api import examples, replies
from ragqa.api.problems import MEDIA_TYPE, problem
from ragqa.api.streams import EVENT_STREAM
from ragqa.records import Answer, Collection, Document, Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

JSON = "application/json"
SCHEMAS = "#/components/schemas/"
RESPONSES = "#/components/responses/"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a route: the type and an example of its JSON, and what else it speaks."""

    gives: Any = None
    example: Any = None
    takes: Any = None
    """Example of the body it takes."""
    other: Mapping[str, Any] = field(default_factory=dict)
    """Example, or None for bytes, by media type."""


ROUTES: dict[str, Said] = {
    "GET /healthz": Said(replies.Alive, {"status": "ok"}),
    "GET /readyz": Said(
        replies.Readiness,
        {"status": "ok", "checks": {"embedder": "ok", "generator": "ok", "database": "ok"}},
    ),
    "GET /metrics": Said(other={"text/plain": 'ragqa_answers_total{outcome="answered"} 12.0\n'}),
    "GET /v1/session": Said(replies.Session, examples.SESSION),
    "POST /v1/session": Said(replies.Session, examples.SESSION, {"key": "rq_aaaaaaaaaa_…"}),
    "DELETE /v1/session": Said(),
    "GET /v1/collections": Said(replies.Collections, {"collections": [examples.COLLECTION]}),
    "POST /v1/collections": Said(Collection, examples.COLLECTION, {"name": "manuals"}),
    "GET /v1/collections/{collection}": Said(Collection, examples.COLLECTION),
    "DELETE /v1/collections/{collection}": Said(),
    "GET /v1/collections/{collection}/runs": Said(replies.Runs, {"runs": [examples.RUN]}),
    "POST /v1/collections/{collection}/documents": Said(
        replies.Upload, examples.UPLOAD, examples.FORM
    ),
    "GET /v1/collections/{collection}/documents": Said(
        replies.Documents, {"documents": [examples.DOCUMENT], "next": "MQ"}
    ),
    "GET /v1/documents/{document_id}": Said(Document, examples.DOCUMENT),
    "PATCH /v1/documents/{document_id}": Said(
        Document, examples.DOCUMENT, {"metadata": {"year": "2024"}}
    ),
    "DELETE /v1/documents/{document_id}": Said(),
    "GET /v1/documents/{document_id}/events": Said(other={EVENT_STREAM: examples.PROGRESS_EVENTS}),
    "POST /v1/documents/{document_id}/cancel": Said(Document, examples.QUEUED),
    "POST /v1/documents/{document_id}/retry": Said(Document, examples.QUEUED, {"password": "…"}),
    "GET /v1/documents/{document_id}/file": Said(other={"application/octet-stream": None}),
    "GET /v1/documents/{document_id}/versions": Said(
        replies.Versions, {"versions": [examples.VERSION]}
    ),
    "POST /v1/documents/{document_id}/versions/{version}/restore": Said(
        Document, examples.QUEUED, {"password": "…"}
    ),
    "GET /v1/documents/{document_id}/pages": Said(replies.PageLots, {"pages": [examples.LOT]}),
    "GET /v1/documents/{document_id}/pages/{number}": Said(Page, examples.PAGE),
    "GET /v1/documents/{document_id}/pages/{number}/image": Said(other={"image/png": None}),
    "GET /v1/documents/{document_id}/pages/{number}/chunks": Said(
        replies.Pieces, {"chunks": [examples.PIECE]}
    ),
    "GET /v1/documents/{document_id}/pages/{number}/recognition": Said(
        replies.Recognition, examples.RECOGNITION
    ),
    "GET /v1/documents/{document_id}/corrections": Said(
        replies.Corrections, {"corrections": examples.CORRECTIONS}
    ),
    "PUT /v1/documents/{document_id}/pages/{number}/corrections": Said(
        replies.Corrected,
        examples.CORRECTED,
        {"lines": [{"line": 1, "text": examples.QUOTE, "before": None}]},
    ),
    "DELETE /v1/documents/{document_id}/pages/{number}/corrections": Said(
        replies.Corrected, {**examples.CORRECTED, "corrections": []}
    ),
    "GET /v1/documents/{document_id}/pages/{number}/tables": Said(
        replies.Tables,
        {"tables": [examples.TABLE]},
        other={
            "text/csv": "项目,数值\n额定功率,1500 W\n",
            "text/markdown": "| 项目 | 数值 |\n|---|---|\n| 额定功率 | 1500 W |\n",
        },
    ),
    "POST /v1/search": Said(replies.Found, examples.FOUND, examples.SEARCH),
    "POST /v1/ask": Said(
        Answer, examples.ANSWER, examples.ASKED, other={EVENT_STREAM: examples.EVENTS}
    ),
    "GET /v1/answers/{answer_id}": Said(replies.TracedAnswer, examples.TRACED),
    "POST /v1/answers/{answer_id}/feedback": Said(takes={"rating": 1, "comment": "好"}),
    "GET /v1/models": Said(replies.ModelList, {"object": "list", "data": [examples.MODEL]}),
    "POST /v1/chat/completions": Said(
        replies.Completion,
        examples.COMPLETION,
        examples.CHAT,
        other={EVENT_STREAM: examples.COMPLETION_EVENTS},
    ),
    "POST /v1/embeddings": Said(
        replies.Embeddings, examples.EMBEDDINGS, {"model": "demo", "input": ["保修期多久"]}
    ),
    "GET /v1/keys": Said(replies.Keys, {"keys": [examples.KEY]}),
    "POST /v1/keys": Said(replies.MadeKey, examples.MADE_KEY, examples.NEW_KEY),
    "POST /v1/keys/{key}/revoke": Said(replies.Key, {**examples.KEY, "revoked_at": examples.NOW}),
    "DELETE /v1/keys/{key}": Said(),
    "GET /v1/audit": Said(replies.Deeds, {"records": [examples.DEED], "next": None}),
    "GET /v1/settings": Said(replies.SettingList, {"settings": [examples.SETTING]}),
}
"""Every route, by method and path."""

PLACES: dict[str, Any] = {
    "collection": "demo",
    "document_id": "1-1",
    "answer_id": "1-1",
    "number": 1,
    "version": 1,
    "key": "reading room",
    "chunk": "1-1",
    "answer": "1-1",
    "cursor": "MQ",
    "actor": "reading room",
}
"""Examples of what stands in paths and queries."""
DELETED: dict[str, Any] = {"collection": "old manuals", "document_id": "1-99"}
"""Those of routes that delete: whoever tries the examples out keeps what the others are about."""

PROBLEMS: dict[str, tuple[str, str, str, str]] = {
    "401": ("Unauthorized", "no key, or one that is not known", "unauthorized", "a key is needed"),
    "403": ("Forbidden", "a key that may not do this", "forbidden", "this takes another role"),
    "404": ("NotFound", "it is not there, or not yours", "document_not_found", "no document 1-99"),
    "409": ("Conflict", "it contradicts what is there", "conflict", "there is one of that name"),
    "413": ("TooLarge", "more than the limit", "too_large", "the body may have 1,048,576 bytes"),
    "422": ("Invalid", "it cannot be processed", "invalid_input", "`query` is missing in the body"),
    "429": ("Limited", "the key had its share: `Retry-After`", "rate_limited", "wait 12 s"),
    "502": ("Failed", "the language model broke", "generation_failed", "the model's server failed"),
    "503": ("Busy", "try again later: `Retry-After`", "busy", "16 questions wait: come later"),
    "default": ("Other", "another problem; see `code`", "internal", "an error nobody foresaw"),
}
"""By status: name, meaning, and code and detail of the example."""
MAKES = {"POST /v1/collections", "POST /v1/keys", "POST /v1/collections/{collection}/documents"}
GENERATES = {"POST /v1/ask", "POST /v1/chat/completions"}


def describe(app: FastAPI) -> None:
    """Let the OpenAPI document of an application say all of this."""
    made = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(made())
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    types = [(name, "serialization", TypeAdapter(said.gives)) for name, said in _giving().items()]
    refs, shared = TypeAdapter.json_schemas(
        [*types, ("problem", "serialization", TypeAdapter(replies.Problem))],  # type: ignore[list-item]
        ref_template=SCHEMAS + "{model}",
    )
    schemas = document["components"]["schemas"]
    assert not schemas.keys() & shared["$defs"].keys(), "one name, one type"
    schemas |= shared["$defs"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we never send
        schemas.pop(name, None)
    document["components"]["responses"] = {
        name: _problem(status, told, code, detail)
        for status, (name, told, code, detail) in PROBLEMS.items()
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            operation["summary"] = operation["description"].splitlines()[0].rstrip(".")
            _tell_problems(name, operation)
            _show_places(method, operation)
            if said := ROUTES.get(name):
                _tell(operation, said, refs.get((name, "serialization")))
    return document


def _giving() -> dict[str, Said]:
    return {name: said for name, said in ROUTES.items() if said.gives is not None}


def _tell(operation: dict[str, Any], said: Said, schema: Any) -> None:
    status = next(code for code in operation["responses"] if code.startswith("2"))
    content: dict[str, Any] = {}
    if schema is not None:
        content[JSON] = {"schema": schema, "example": said.example}
    for media_type, example in said.other.items():
        shown = {"example": example} if example is not None else {}
        # Checkers of streams hold the schema against each event, not against the whole.
        schema_of = {} if media_type == EVENT_STREAM else {"type": "string"}
        content[media_type] = {"schema": schema_of, **shown}
    response = operation["responses"][status]
    response["description"] = "done" if status == "204" else "as asked"
    if content:
        response["content"] = content
    if "503" in operation["responses"] and "$ref" not in operation["responses"]["503"]:
        operation["responses"]["503"]["content"] = {JSON: {"schema": schema}}
    for body in operation.get("requestBody", {}).get("content", {}).values():
        if said.takes is not None:
            body["example"] = said.takes


def _tell_problems(name: str, operation: dict[str, Any]) -> None:
    """Replace what FastAPI says of errors by what happens."""
    path = name.split()[1]
    statuses = ["401", "403", "429"] if "security" in operation else []
    takes = "requestBody" in operation
    if "{" in path or name in GENERATES | {"POST /v1/search", "POST /v1/embeddings"}:
        statuses.append("404")
    if name in MAKES or path.endswith(("/restore", "/retry", "/cancel", "/corrections")):
        statuses.append("409")
    statuses += ["413"] if takes else []
    statuses += ["422"] if takes or operation.get("parameters") else []
    statuses += ["502", "503"] if name in GENERATES else []
    operation["responses"].pop("422", None)
    for status in [*statuses, "default"]:
        reference = {"$ref": RESPONSES + PROBLEMS[status][0]}
        operation["responses"].setdefault(status, reference)


def _problem(status: str, told: str, code: str, detail: str) -> dict[str, Any]:
    example = problem(HTTPStatus(500 if status == "default" else int(status)), code, detail)
    schema = {"$ref": SCHEMAS + "Problem"}
    return {
        "description": told,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def _show_places(method: str, operation: dict[str, Any]) -> None:
    known = PLACES | DELETED if method == "delete" else PLACES
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in known and parameter["in"] != "header":
            parameter["example"] = known[parameter["name"]]
