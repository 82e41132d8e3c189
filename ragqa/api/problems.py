"""Errors as problem documents (RFC 9457): one place decides status, code and words."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ragqa.errors import RagqaError, Unauthorized
from ragqa.logs import request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE = "about:blank"
OPENAI_PATHS = {"/v1/chat/completions", "/v1/models", "/v1/embeddings"}
CODES = {
    HTTPStatus.NOT_FOUND: "route_not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
}


def answer_with_problems(app: FastAPI) -> None:
    """Let every error of the application leave as a problem document."""
    app.add_exception_handler(RagqaError, answer_known)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unforeseen)


def problem(status: HTTPStatus, code: str, detail: str) -> dict[str, Any]:
    """Return a problem document."""
    return {
        "type": TYPE,
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }


def problem_of(error: RagqaError) -> dict[str, Any]:
    """Return the problem document of one of our errors."""
    return problem(error.status, error.code, str(error))


def _answer(
    request: Request, document: dict[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    if request.url.path in OPENAI_PATHS:
        # Where the clients of that protocol look for it.
        told = {"message": document["detail"], "code": document["code"]}
        document["error"] = told | {"type": "invalid_request_error", "param": None}
    return JSONResponse(document, document["status"], headers=headers, media_type=MEDIA_TYPE)


def answer_known(request: Request, error: Exception) -> JSONResponse:
    """Return the problem document of one of our errors as a response."""
    known = cast("RagqaError", error)
    if known.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s %s failed: %s", request.method, request.url.path, known)
    headers = {}
    if known.retry_after is not None:
        headers["Retry-After"] = str(known.retry_after)
    if isinstance(known, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(request, problem_of(known), headers)


def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    found = cast("RequestValidationError", error).errors()
    sentences = [_sentence(one) for one in found]
    document = problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", "; ".join(sentences))
    return _answer(request, document)


def _sentence(found: Mapping[str, Any]) -> str:
    if found["type"] == "json_invalid":
        reason = found.get("ctx", {}).get("error", "")
        return f"the body is not JSON ({reason}): a JSON object was expected"
    where, *path = [str(part) for part in found["loc"]]
    name = ".".join(path) or where
    if found["type"] == "missing":
        return f"`{name}` is missing in the {where}"
    if found["type"] == "model_attributes_type":
        return f"the {where} is not a JSON object (with Content-Type application/json)"
    return f"`{name}` in the {where}: {found['msg']}"


def _answer_http(request: Request, error: Exception) -> JSONResponse:
    given = cast("HTTPException", error)
    status = HTTPStatus(given.status_code)
    code = CODES.get(status, status.name.lower())
    detail = str(given.detail)
    if detail == status.phrase:
        detail = f"{request.method} {request.url.path}: {status.description or status.phrase}"
    return _answer(request, problem(status, code, detail), given.headers)


def _answer_unforeseen(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    name = request_id.get()
    detail = f"an error nobody foresaw; the log has the details of request {name}"
    # Answered outside of what names requests.
    headers = {"X-Request-Id": name}
    return _answer(request, problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail), headers)
