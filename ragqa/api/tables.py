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
from ragqa.tables import carried_heads, tables_of, to_csv, to_markdown, with_heads

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

    `head_rows` and `head_columns` say how many of its first rows and columns name the others, and
    `spans` which cells cover several: `[row, column, rows, columns]`, from 0. A table that goes on
    from the page before has `heads`: that table's head rows, which CSV and Markdown repeat; `head`
    is the first of them.
    """
    key = parse_id(document_id)
    with services.database.transaction() as conn:

        def before(wanted: int) -> Page | None:
            return read_page(conn, key, wanted) if wanted >= 1 else None

        page = read_page(conn, key, number)
        found = tables_of(page)
        heads = carried_heads(page, before) if found else None
    if as_what == "json":
        return JSONResponse(
            {
                "tables": [
                    {
                        **block_to_json(block),
                        "number": n,
                        "head": heads.rows[0] if heads and n == 1 else None,
                        "heads": heads.rows if heads and n == 1 else None,
                    }
                    for n, block in enumerate(found, start=1)
                ]
            }
        )
    if table > len(found):
        raise NotFound(f"page {number} has {len(found)} tables: there is no table {table}")
    chosen = with_heads(found[table - 1], heads if table == 1 else None)
    if as_what == "csv":
        return Response(to_csv(chosen.rows), media_type="text/csv")
    return Response(to_markdown(chosen), media_type="text/markdown")
