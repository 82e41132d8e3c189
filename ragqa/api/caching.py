"""Representations that have not changed are not sent again (RFC 9110, ``If-None-Match``)."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


ASK_AGAIN = "private, no-cache"
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "unchanged: `If-None-Match` names what would be sent"}
}


def tag_of(*parts: Any) -> str:
    """Return the entity tag of what these parts determine; weak, as it may travel compressed."""
    text = json.dumps(parts, ensure_ascii=True, default=str)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def has_already(request: Request, tag: str) -> bool:
    """Tell whether the caller holds the representation with that tag."""
    held = [one.strip().removeprefix("W/") for one in _held(request).split(",")]
    return "*" in held or tag.removeprefix("W/") in held


def _held(request: Request) -> str:
    return request.headers.get("if-none-match", "")


def not_modified(tag: str, caching: str) -> Response:
    """Return the answer for a caller who has it already."""
    return Response(
        status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, "Cache-Control": caching}
    )
