"""Routes of corrections: a misread line is put right once, for every version that has the page."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from ragqa.api.access import Given, Visitor, only
from ragqa.api.documents import parse_id
from ragqa.api.pages import PageNumber
from ragqa.api.schemas import Request
from ragqa.shapes import correction_to_json, document_to_json
from ragqa.store import documents, rereading
from ragqa.store.rereading import Change

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import DocumentId

router = APIRouter(prefix="/documents/{document_id}", tags=["pages"])


class CorrectedLine(Request):
    """What one line of a page is to say."""

    line: Annotated[int, Field(ge=0, le=10**6)] = Field(examples=[3])
    text: Annotated[str, StringConstraints(max_length=4000)] = Field(
        examples=["保修期为三十六个月"], description="Empty: what was read there is no text."
    )
    before: Annotated[str, StringConstraints(max_length=20_000)] | None = Field(
        default=None, description="What you saw there; refused when it has changed meanwhile."
    )


class CorrectedLines(Request):
    """Body of ``PUT /v1/documents/{id}/pages/{n}/corrections``."""

    lines: list[CorrectedLine] = Field(min_length=1, max_length=500)

    def to_changes(self) -> list[Change]:
        """Return the changes of the core."""
        return [Change(one.line, one.text, one.before) for one in self.lines]


@router.get("/corrections")
def list_all(document_id: str, services: Given) -> dict[str, Any]:
    """List what was corrected on the pages that are served: what was read, what it really says."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        documents.find_document(conn, key)
        return _listed(conn, key)


@router.put("/pages/{number}/corrections", status_code=HTTPStatus.ACCEPTED, **only("writer"))
def correct(
    document_id: str, number: PageNumber, body: CorrectedLines, services: Given, caller: Visitor
) -> dict[str, Any]:
    """Say what lines of a page really say; lines are counted as `recognition` lists them.

    A correction belongs to what the page shows: it holds for every version and document of the
    collection that has this page, however often they are read again. They are made anew at once
    (the `document` tells how far); only passages that the line is part of are embedded again. A
    line that is to say what was read loses its correction.
    """
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        rereading.correct_lines(conn, key, number, body.to_changes(), by=caller.name)
        return {
            "document": document_to_json(documents.find_document(conn, key)),
            **_listed(conn, key),
        }


@router.delete("/pages/{number}/corrections", status_code=HTTPStatus.ACCEPTED, **only("writer"))
def undo(
    document_id: str,
    number: PageNumber,
    services: Given,
    line: Annotated[
        int | None, Query(ge=0, le=10**6, description="Of this line alone; else of all lines.")
    ] = None,
) -> dict[str, Any]:
    """Take corrections of a page back: its lines say again what was read."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        rereading.undo_corrections(conn, key, number, line)
        return {
            "document": document_to_json(documents.find_document(conn, key)),
            **_listed(conn, key),
        }


def _listed(conn: Connection[dict[str, Any]], document_id: DocumentId) -> dict[str, Any]:
    return {
        "corrections": [
            {"page": one.page, "line": one.line, **correction_to_json(one.correction)}
            for one in rereading.list_corrections(conn, document_id)
        ]
    }
