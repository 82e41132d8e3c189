"""Routes of a document's versions: which are kept, and one of them brought back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path

from ragqa.api.access import Given, only
from ragqa.api.documents import Password, parse_id
from ragqa.shapes import document_to_json, version_to_json
from ragqa.store import documents, intake, versions

router = APIRouter(tags=["documents"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the version, from 1.")]


@router.get("/documents/{document_id}/versions")
def list_kept(document_id: str, services: Given) -> dict[str, Any]:
    """List the versions that are kept, newest first."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        documents.find_document(conn, key)
        kept = versions.list_versions(conn, key)
    return {"versions": [version_to_json(one) for one in kept]}


@router.post(
    "/documents/{document_id}/versions/{version}/restore",
    status_code=HTTPStatus.ACCEPTED,
    **only("writer"),
)
def restore(
    document_id: str, version: Number, services: Given, password: Password = None
) -> dict[str, Any]:
    """Make an older content the newest version; what is served stays served until it is ready."""
    return document_to_json(
        intake.restore_version(services.database, parse_id(document_id), version, password=password)
    )
