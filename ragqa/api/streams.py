"""Server-sent events and download headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

EVENT_STREAM = "text/event-stream"


def event(name: str, data: Any) -> str:
    """Return one server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def until_gone(events: Generator[str, None, None]) -> AsyncIterator[str]:
    """Pass events on; when the client goes away, close ``events`` so that its work stops."""
    try:
        async for one in iterate_in_threadpool(events):
            yield one
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(events.close)


def attachment(name: str, sha256: str) -> dict[str, str]:
    """Return the headers of a download."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.rsplit('/', 1)[-1])}",
        "ETag": f'"{sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
