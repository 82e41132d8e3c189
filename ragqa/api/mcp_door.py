"""The MCP server behind HTTP, guarded by the same keys as every other route."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from ragqa.api.problems import answer_known
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ragqa.api.admission import Admission
    from ragqa.api.warden import Warden
    from ragqa.callers import Caller

PATH = "/mcp"


class Door:
    """Builds the server when somebody knocks: its packages take a tenth of a start to import."""

    def __init__(self, warden: Warden, admission: Admission) -> None:
        self._warden = warden
        self._admission = admission
        # No default: a tool that runs for nobody in particular fails.
        self._visitor: ContextVar[Caller] = ContextVar("visitor")
        self._knocked = asyncio.Event()
        self._opened: asyncio.Future[ASGIApp] | None = None

    @property
    def route(self) -> Route:
        """The route to add to an application; its lifespan must be within ``waiting()``."""
        return Route(PATH, endpoint=self, include_in_schema=False)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait for the first visitor, and stay open from then on until the end."""
        self._opened = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(self._keep(self._opened))
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a caller with the right key in."""
        request = Request(scope)
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        key = sent.strip() if scheme.casefold() == "bearer" else None
        try:
            caller = await run_in_threadpool(self._warden.identify, key, None)
            request.state.caller = caller
            self._warden.check_origin(request.method, request.headers, with_key=key is not None)
        except RagqaError as error:
            await answer_known(request, error)(scope, receive, send)
            return
        self._visitor.set(caller)
        assert self._opened is not None, "the lifespan of the application is within waiting()"
        self._knocked.set()
        app = await asyncio.shield(self._opened)
        await app(scope, receive, send)

    async def _keep(self, opened: asyncio.Future[ASGIApp]) -> None:
        await self._knocked.wait()
        try:
            app, running = await run_in_threadpool(self._build)
            async with running():
                opened.set_result(app)
                await asyncio.Event().wait()
        except Exception as error:  # the visitors are told, instead of waiting for ever
            if opened.done():
                raise
            opened.set_exception(error)

    def _build(self) -> tuple[ASGIApp, Callable[[], AbstractAsyncContextManager[Any]]]:
        from mcp.server.transport_security import TransportSecuritySettings

        from ragqa.api.mcp import build_server

        server = build_server(
            lambda: self._warden.within(self._visitor.get()),
            self._admission,
            lambda: self._warden.spend(self._visitor.get(), questions=1),
        )
        app: ASGIApp = server.streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            # The warden looks at hosts and origins, as it does for every other route.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return app, server.session_manager.run
