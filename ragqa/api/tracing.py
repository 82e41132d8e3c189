"""Every request has an id: in its response, and in each line of the log that it causes."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from ragqa.api.telemetry import end_request
from ragqa.logs import request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ragqa.api.measures import Measures
    from ragqa.api.telemetry import Telemetry

logger = logging.getLogger(__name__)

HEADER = "X-Request-Id"
ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a caller may choose as an id: nothing that could pass for another line of the log."""
GONE = 499
"""Logged when a caller left before there was a response."""
READS = {"GET", "HEAD", "OPTIONS"}


class TraceRequests:
    """Names, times and logs requests; written as plain ASGI, so that streams pass untouched."""

    def __init__(
        self, app: ASGIApp, measures: Measures, telemetry: Telemetry | None = None
    ) -> None:
        self._app = app
        self._measures = measures
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on under its name, and log how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        name = given if ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        # Never set back: a request has a task, and thus a context, of its own, and what goes wrong
        # is logged outside of here.
        request_id.set(name)
        began = time.perf_counter()
        status = GONE

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
                self._measures.count_request(scope, status, time.perf_counter() - began)
            await send(message)

        traced = self._telemetry
        try:
            if traced is None:
                await self._app(scope, receive, send_named)
                return
            with traced.request(scope, headers, name) as span:
                await self._app(scope, receive, send_named)
                end_request(span, scope, status)
        except Exception:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            raise
        finally:
            _log(scope, status, time.perf_counter() - began)


def _log(scope: Scope, status: int, seconds: float) -> None:
    level = logging.DEBUG if scope["method"] in READS else logging.INFO
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "seconds": round(seconds, 3),
    }
    logger.log(
        level,
        "%s %s: %d after %.3f s",
        scope["method"],
        ascii(scope["path"])[1:-1],
        status,
        seconds,
        extra={"fields": fields},
    )
