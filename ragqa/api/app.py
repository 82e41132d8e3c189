"""The application: routes put together around ready-made services."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from ragqa.api import (
    answers,
    ask,
    collections,
    corrections,
    documents,
    embeddings,
    health,
    keys,
    layers,
    openai,
    pages,
    search,
    session,
    tables,
    versions,
)
from ragqa.api.access import caller_of
from ragqa.api.admission import Admission
from ragqa.api.auditing import KeepAudit
from ragqa.api.limits import LimitBodies, LimitTime
from ragqa.api.mcp_door import Door
from ragqa.api.measures import Measures
from ragqa.api.openapi import describe
from ragqa.api.problems import answer_with_problems
from ragqa.api.telemetry import Telemetry
from ragqa.api.tracing import TraceRequests
from ragqa.api.warden import Warden
from ragqa.api.warmth import Warmth
from ragqa.web import mount

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ragqa.wiring import Services

ABOUT = """\
Ask questions of your own PDFs. Every sentence of an answer cites a place on a page.

Errors are `application/problem+json` (RFC 9457) with a stable `code`.
"""


GUARDED = (
    collections,
    documents,
    versions,
    pages,
    layers,
    corrections,
    tables,
    search,
    ask,
    answers,
    openai,
    embeddings,
    keys,
)


def create_app(
    services: Services, warmth: Warmth | None = None, *, may_be_open: bool = True
) -> FastAPI:
    """Build the HTTP application; with ``may_be_open``, it needs no key while there are none."""
    warden = Warden(services, may_be_open=may_be_open)
    admission = Admission(services.settings.max_questions)
    door = Door(warden, admission)
    endpoint = services.settings.otlp_endpoint
    telemetry = Telemetry(endpoint) if endpoint else None

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        async with door.waiting():
            yield
        if telemetry is not None:
            await run_in_threadpool(telemetry.stop)

    app = FastAPI(title="ragqa", version="0.1.0", description=ABOUT, lifespan=live)
    app.state.services = services
    app.state.warden = warden
    app.state.warmth = warmth or Warmth(services)
    app.state.measures = Measures()
    services.note_stages = app.state.measures.note_search
    app.state.admission = admission
    # The last one added is the outermost.
    app.add_middleware(LimitBodies, largest_file=services.settings.max_upload_bytes)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(LimitTime, seconds=services.settings.request_seconds)
    app.add_middleware(KeepAudit, services=services)
    app.add_middleware(TraceRequests, measures=app.state.measures, telemetry=telemetry)
    answer_with_problems(app)
    app.include_router(health.router)
    # Signing in is how one gets past the guard.
    app.include_router(session.router, prefix="/v1")
    for module in GUARDED:
        app.include_router(module.router, prefix="/v1", dependencies=[Depends(caller_of)])
    app.router.routes.append(door.route)
    mount(app)
    describe(app)
    return app
