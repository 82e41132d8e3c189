"""Is it alive, is it ready, how does it do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ragqa.store.jobs import count_stored

if TYPE_CHECKING:
    from ragqa.api.admission import Admission
    from ragqa.api.measures import Measures
    from ragqa.api.warmth import Warmth
    from ragqa.wiring import Services

router = APIRouter(tags=["health"])


@router.get("/healthz")
def is_alive() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "not ready yet; see `checks`"}})
def is_ready(request: Request) -> JSONResponse:
    """Tell whether questions can be answered now; 503 while models load."""
    warmth: Warmth = request.app.state.warmth
    checks = warmth.checks()
    ready = all(state == "ok" for state in checks.values())
    body: dict[str, Any] = {"status": "ok" if ready else "not ready", "checks": checks}
    return JSONResponse(body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/metrics", response_class=Response)
def show_metrics(request: Request) -> Response:
    """Give the measures of this process in Prometheus' text format."""
    measures: Measures = request.app.state.measures
    services: Services = request.app.state.services
    with services.database.transaction() as conn:
        measures.note_stored(count_stored(conn))
    measures.note_pool(services.database.occupancy())
    admission: Admission = request.app.state.admission
    measures.questions.set(admission.inside)
    body, media_type = measures.render()
    return Response(body, media_type=media_type)
