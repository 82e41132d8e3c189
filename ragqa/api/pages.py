"""Routes of pages: what was read, and how the page looks."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from ragqa.api.access import Given
from ragqa.api.caching import ASK_AGAIN, NOT_MODIFIED, has_already, not_modified, tag_of
from ragqa.api.documents import parse_id
from ragqa.errors import InvalidInput
from ragqa.shapes import page_to_json
from ragqa.store import documents, highlights
from ragqa.store.pages import read_page
from ragqa.store.rendering import render_png
from ragqa.types import AnswerId, ChunkId, Id

if TYPE_CHECKING:
    from ragqa.types import Box, DocumentId
    from ragqa.wiring import Services

router = APIRouter(prefix="/documents/{document_id}/pages/{number}", tags=["pages"])

A_MINUTE = "private, max-age=60"
PageNumber = Annotated[int, Path(ge=1, le=1_000_000)]


@router.get("", responses={200: {"model": dict[str, Any]}, **NOT_MODIFIED})
def show(request: Request, document_id: str, number: PageNumber, services: Given) -> Response:
    """Show what was read on a page."""
    with services.database.transaction() as conn:
        record = page_to_json(read_page(conn, parse_id(document_id), number))
    tag = tag_of(record)
    if has_already(request, tag):
        return not_modified(tag, ASK_AGAIN)
    return JSONResponse(record, headers={"ETag": tag, "Cache-Control": ASK_AGAIN})


@router.get(
    "/image",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **NOT_MODIFIED},
)
def draw(
    request: Request,
    document_id: str,
    number: PageNumber,
    services: Given,
    dpi: Annotated[int, Query(ge=36, le=300)] = 110,
    chunk: Annotated[str | None, Query(max_length=40)] = None,
    answer: Annotated[str | None, Query(max_length=40)] = None,
    marker: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:
    """Draw a page as PNG, with the boxes of a chunk or of an answer's citation highlighted."""
    key = parse_id(document_id)
    if answer is not None and marker is None:
        raise InvalidInput("`answer` needs `marker`: the number of the citation in that answer")
    boxes = _boxes(services, key, chunk, answer, marker)
    with services.database.transaction() as conn:
        name, sha256 = documents.served_file(conn, key)
    on_page = [box.bbox for box in boxes if box.page == number]
    tag = tag_of(sha256, number, dpi, on_page)
    if has_already(request, tag):
        return not_modified(tag, A_MINUTE)
    with services.files.local(key.collection_id, sha256) as path:
        image = render_png(path, number, dpi, boxes=on_page, suffix=PurePath(name).suffix)
    return Response(image, media_type="image/png", headers={"ETag": tag, "Cache-Control": A_MINUTE})


def _boxes(
    services: Services,
    document_id: DocumentId,
    chunk: str | None,
    answer: str | None,
    marker: int | None,
) -> list[Box]:
    with services.database.transaction() as conn:
        if chunk is not None:
            return highlights.chunk_boxes(conn, document_id, ChunkId(Id.parse(chunk, "chunk")))
        if answer is not None and marker is not None:
            return highlights.citation_boxes(
                conn, document_id, AnswerId(Id.parse(answer, "answer")), marker
            )
    return []
