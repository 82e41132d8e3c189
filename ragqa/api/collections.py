"""Routes of collections."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from ragqa.api.access import Given, only
from ragqa.api.schemas import NewCollection
from ragqa.shapes import collection_to_json, time_to_json
from ragqa.store import collections, intake
from ragqa.store.sources import list_runs

router = APIRouter(prefix="/collections", tags=["collections"])


@router.post("", status_code=HTTPStatus.CREATED, **only("administrator"))
def create(body: NewCollection, services: Given) -> dict[str, Any]:
    """Make an empty collection; it keeps the embedding model that is set now."""
    return collection_to_json(services.create_collection(body.name))


@router.get("")
def list_all(services: Given) -> dict[str, Any]:
    """List the collections by name."""
    with services.database.transaction() as conn:
        found = collections.list_collections(conn)
    return {"collections": [collection_to_json(collection) for collection in found]}


@router.get("/{collection}")
def show(collection: str, services: Given) -> dict[str, Any]:
    """Show one collection."""
    with services.database.transaction() as conn:
        return collection_to_json(collections.find_collection(conn, collection))


@router.delete("/{collection}", status_code=HTTPStatus.NO_CONTENT, **only("administrator"))
def delete(collection: str, services: Given) -> Response:
    """Delete a collection with all its documents."""
    intake.delete_collection(services.database, services.files, collection)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{collection}/runs", **only("writer"))
def show_runs(collection: str, services: Given) -> dict[str, Any]:
    """List the last batch runs, newest first, with their reports."""
    with services.database.transaction() as conn:
        found = collections.find_collection(conn, collection)
        runs = list_runs(conn, found.id)
    return {
        "runs": [
            {
                **run,
                "started_at": time_to_json(run["started_at"]),
                "finished_at": run["finished_at"] and time_to_json(run["finished_at"]),
            }
            for run in runs
        ]
    }
