"""Server-sent events and download headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import Response
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from starlette.types import Receive, Scope, Send

EVENT_STREAM = "text/event-stream"

Event = TypeVar("Event")


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


class LastOnly(Response):
    """Runs events to their end and answers with the last one.

    When the caller goes away meanwhile, the events are closed and nothing is sent: nobody waits
    for an answer that nobody reads.
    """

    def __init__(
        self, events: Generator[Event, None, None], answer: Callable[[Event], Response]
    ) -> None:
        super().__init__()
        self._events = events
        self._answer = answer

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an application of its own."""
        reached: list[Any] = []
        failures: list[Exception] = []
        done = False
        try:
            async with anyio.create_task_group() as group:

                async def leave_when_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(leave_when_gone)
                try:
                    async for event in iterate_in_threadpool(self._events):
                        reached = [event]
                    done = True
                except Exception as error:  # noqa: BLE001  (raised again below, outside of the group)
                    failures.append(error)
                    done = True
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._events.close)
        if failures:
            raise failures[0]
        if done:
            await self._answer(reached[0])(scope, receive, send)


def attachment(name: str, sha256: str) -> dict[str, str]:
    """Return the headers of a download."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.rsplit('/', 1)[-1])}",
        "ETag": f'"{sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
