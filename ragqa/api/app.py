"""The application: routes put together around ready-made services."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from ragqa.api import (
    answers,
    ask,
    collections,
    documents,
    embeddings,
    health,
    openai,
    pages,
    search,
)
from ragqa.api.access import require_key
from ragqa.api.admission import Admission
from ragqa.api.limits import LimitBodies
from ragqa.api.mcp import Door
from ragqa.api.measures import Measures
from ragqa.api.problems import answer_with_problems
from ragqa.api.tracing import TraceRequests
from ragqa.api.warmth import Warmth
from ragqa.web import mount

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ragqa.wiring import Services

ABOUT = """\
Ask questions of your own PDFs. Every sentence of an answer cites a place on a page.

Errors are `application/problem+json` (RFC 9457) with a stable `code`.
"""


def create_app(services: Services, warmth: Warmth | None = None) -> FastAPI:
    """Build the HTTP application."""
    admission = Admission(services.settings.max_questions)
    door = Door(services, admission)

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        async with door.running():
            yield

    app = FastAPI(title="ragqa", version="0.1.0", description=ABOUT, lifespan=live)
    app.state.services = services
    app.state.warmth = warmth or Warmth(services)
    app.state.measures = Measures()
    app.state.admission = admission
    # The last one added is the outermost.
    app.add_middleware(LimitBodies, largest_file=services.settings.max_upload_bytes)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(TraceRequests, measures=app.state.measures)
    answer_with_problems(app)
    app.include_router(health.router)
    for module in (collections, documents, pages, search, ask, answers, openai, embeddings):
        app.include_router(module.router, prefix="/v1", dependencies=[Depends(require_key)])
    app.router.routes.append(door.route)
    mount(app)
    return app
