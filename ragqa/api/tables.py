"""The tables of a page, to take away: JSON, CSV or Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from ragqa.api.access import Given
from ragqa.api.documents import parse_id
from ragqa.api.pages import PageNumber
from ragqa.errors import NotFound
from ragqa.shapes import block_to_json
from ragqa.store.pages import read_page
from ragqa.tables import carried_head, tables_of, to_csv, to_markdown, with_head

if TYPE_CHECKING:
    from ragqa.types import Page

router = APIRouter(prefix="/documents/{document_id}/pages/{number}/tables", tags=["pages"])


@router.get(
    "",
    responses={
        200: {"model": dict[str, Any], "content": {"text/csv": {}, "text/markdown": {}}},
    },
)
def take(
    document_id: str,
    number: PageNumber,
    services: Given,
    as_what: Annotated[Literal["json", "csv", "markdown"], Query(alias="format")] = "json",
    table: Annotated[int, Query(ge=1, le=10_000, description="Which one, from the top.")] = 1,
) -> Response:
    """Give the tables of a page: all as JSON, or one as CSV or Markdown.

    A table that goes on from the page before has `head`: that table's first row, which CSV and
    Markdown repeat.
    """
    key = parse_id(document_id)
    with services.database.transaction() as conn:

        def before(wanted: int) -> Page | None:
            return read_page(conn, key, wanted) if wanted >= 1 else None

        page = read_page(conn, key, number)
        found = tables_of(page)
        head = carried_head(page, before) if found else None
    if as_what == "json":
        return JSONResponse(
            {
                "tables": [
                    {**block_to_json(block), "number": n, "head": head if n == 1 else None}
                    for n, block in enumerate(found, start=1)
                ]
            }
        )
    if table > len(found):
        raise NotFound(f"page {number} has {len(found)} tables: there is no table {table}")
    rows = with_head(found[table - 1].rows, head if table == 1 else None)
    if as_what == "csv":
        return Response(to_csv(rows), media_type="text/csv")
    return Response(to_markdown(rows), media_type="text/markdown")
