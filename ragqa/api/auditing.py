"""What changes something, or asks something, is written down with who did it."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from ragqa.api.warden import READS
from ragqa.errors import RagqaError
from ragqa.logs import request_id
from ragqa.store import audit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ragqa.callers import Caller
    from ragqa.wiring import Services

logger = logging.getLogger(__name__)

UNREMARKABLE = {"/v1/search", "/v1/embeddings"}
"""They change nothing, and there are many."""


class KeepAudit:
    """Writes the audit log; plain ASGI, so that streams pass untouched."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; when it is over, write down what it was."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        state = scope.setdefault("state", {})
        try:
            await self._app(scope, receive, send_seen)
        finally:
            # Only of those whose name we know: strangers must not fill the disk.
            caller: Caller | None = state.get("caller")
            kept = not self._services.database.read_only
            if kept and caller is not None and _is_remarkable(scope, status):
                await run_in_threadpool(self._write, scope, caller, status)

    def _write(self, scope: Scope, caller: Caller, status: int) -> None:
        route = str(getattr(scope.get("route"), "path", scope["path"]))
        client = scope.get("client")
        try:
            with self._services.database.transaction() as conn:
                audit.record(
                    conn,
                    caller.name,
                    f"{scope['method']} {_full(route, scope['path'])}",
                    key_id=caller.key_id,
                    target=str(scope["state"].get("target", scope["path"])),
                    outcome=str(status) if status else "gone",
                    request_id=request_id.get(),
                    address=str(client[0]) if client else "",
                )
        except RagqaError:
            logger.exception("the audit log could not be written")


def _is_remarkable(scope: Scope, status: int) -> bool:
    if status == HTTPStatus.FORBIDDEN:
        return True
    return scope["method"] not in READS and scope["path"] not in UNREMARKABLE


def _full(route: str, path: str) -> str:
    """Return a route with the prefix it was included under."""
    return f"/v1{route}" if path.startswith("/v1/") and not route.startswith("/v1/") else route
