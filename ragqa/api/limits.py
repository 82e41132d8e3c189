"""How much one request may send, and how slowly; and how long it may take to be answered."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ragqa.api.problems import MEDIA_TYPE, answer_known, problem
from ragqa.errors import Busy

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BYTES = 1 << 20
"""Of a body that is not an upload."""
FILES_A_REQUEST = 4
"""An upload may be as long as this many files of the largest size."""
PIECE_SECONDS = 30.0
"""A body whose next piece takes longer holds nothing of ours any more."""
DISCARDED_BYTES = 8 << 20
"""Of a refused body: who listens only once it is sent would else find the connection broken."""
DISCARDED_SECONDS = 1.0
"""For which the next piece of it is waited."""
UPLOAD = "multipart/form-data"


class LimitBodies:
    """Refuses bodies that are too long or too slow; those without a length are counted."""

    def __init__(self, app: ASGIApp, largest_file: int) -> None:
        self._app = app
        self._largest_upload = FILES_A_REQUEST * largest_file + JSON_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while its body is short enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").casefold().startswith(UPLOAD)
        limit = self._largest_upload if upload else JSON_BYTES
        told = headers.get("content-length", "")
        if told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > limit):
            document = problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _sentence(limit, upload=upload)
            )
            response = JSONResponse(document, document["status"], media_type=MEDIA_TYPE)
            response.headers["Connection"] = "close"
            if len(told) <= 18 and int(told) <= DISCARDED_BYTES:
                await _discard(receive)
            await response(scope, receive, send)
            return
        got, whole = 0, False

        async def receive_counted() -> Message:
            nonlocal got, whole
            # Once all of it came, what is waited for is that the caller leaves.
            message = await (receive() if whole else _in_time(receive))
            if message["type"] == "http.request":
                whole = not message.get("more_body", False)
                got += len(message.get("body", b""))
                if got > limit:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _sentence(limit, upload=upload)
                    )
            return message

        await self._app(scope, receive_counted, send)


class LimitTime:
    """Tells callers that it takes too long, while what they asked for ends behind them.

    The time counts from the last piece of a request's body; a stream that has begun may go on.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer in its place when its time is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = asyncio.get_running_loop().time
        came, begun, over = clock(), False, False

        async def receive_timed() -> Message:
            nonlocal came
            message = await receive()
            came = clock()
            return message

        async def send_in_time(message: Message) -> None:
            nonlocal begun
            if not over:
                begun = True
                await send(message)

        async def answer_late() -> None:
            nonlocal over
            while (left := came + self._seconds - clock()) > 0:  # noqa: ASYNC110  (the end moves)
                await asyncio.sleep(left)
            if not begun:
                over = True
                # Sent, it also is what tells whoever makes an answer that nobody waits any more.
                await answer_known(Request(scope), _too_late(self._seconds))(scope, receive, send)

        late = asyncio.create_task(answer_late())
        try:
            await self._app(scope, receive_timed, send_in_time)
        finally:
            late.cancel()


def _too_late(seconds: float) -> Busy:
    return Busy(
        f"there was no answer within {seconds:g} s (RAGQA_REQUEST_SECONDS): ask again later. "
        f"{seconds:g} 秒内没有完成，请稍后再试。",
        code="out_of_time",
    )


async def _in_time(receive: Receive) -> Message:
    try:
        with anyio.fail_after(PIECE_SECONDS):
            return await receive()
    except TimeoutError as error:
        raise HTTPException(
            HTTPStatus.REQUEST_TIMEOUT,
            f"nothing more of the body came for {PIECE_SECONDS:g} s: send it again, at once",
            headers={"Connection": "close"},
        ) from error


async def _discard(receive: Receive) -> None:
    """Take the rest of a body that nobody reads, as long as it keeps coming."""
    more = True
    while more:
        with anyio.move_on_after(DISCARDED_SECONDS) as late:
            message = await receive()
        more = not late.cancelled_caught and message.get("more_body", False)


def _sentence(limit: int, *, upload: bool) -> str:
    advice = "send fewer files at once" if upload else "shorten it"
    return f"the body of this request may have {limit:,} bytes, it has more: {advice}"
