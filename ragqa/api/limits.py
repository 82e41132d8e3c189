"""How much one request may send, and how slowly; refused unread where its length is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ragqa.api.problems import MEDIA_TYPE, problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BYTES = 1 << 20
"""Of a body that is not an upload."""
FILES_A_REQUEST = 4
"""An upload may be as long as this many files of the largest size."""
PIECE_SECONDS = 30.0
"""A body whose next piece takes longer holds nothing of ours any more."""
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


def _sentence(limit: int, *, upload: bool) -> str:
    advice = "send fewer files at once" if upload else "shorten it"
    return f"the body of this request may have {limit:,} bytes, it has more: {advice}"
