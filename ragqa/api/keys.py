"""Routes for administrators: keys, what was done, and the settings in force."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ragqa.api.access import Given, Guard, only
from ragqa.api.schemas import NewKey
from ragqa.settings import show_settings
from ragqa.store import audit, keys

router = APIRouter(tags=["administration"])


@router.post("/keys", status_code=HTTPStatus.CREATED, **only("administrator"))
def create(request: Request, body: NewKey, services: Given, warden: Guard) -> dict[str, Any]:
    """Make a key. `key` in the answer is shown this once and kept nowhere."""
    with services.database.transaction() as conn:
        made, text = keys.create_key(
            conn,
            body.name,
            body.role,
            collections=body.collections,
            expires_at=body.expires_at,
            limits=body.to_limits(),
        )
    warden.look_again()
    request.state.target = f"key {made.name} ({made.id})"
    return {**keys.key_to_json(made), "key": text}


@router.get("/keys", **only("administrator"))
def list_all(services: Given) -> dict[str, Any]:
    """List the keys, revoked and expired ones included; none of them can be used from this."""
    with services.database.transaction() as conn:
        return {"keys": [keys.key_to_json(key) for key in keys.list_keys(conn)]}


@router.post("/keys/{key}/revoke", **only("administrator"))
def revoke(request: Request, key: str, services: Given) -> dict[str, Any]:
    """Let a key, by its id or name, open nothing from now on."""
    with services.database.transaction() as conn:
        revoked = keys.revoke_key(conn, key)
    request.state.target = f"key {revoked.name} ({revoked.id})"
    return keys.key_to_json(revoked)


@router.delete("/keys/{key}", status_code=HTTPStatus.NO_CONTENT, **only("administrator"))
def forget(key: str, services: Given, warden: Guard) -> Response:
    """Remove a revoked key altogether."""
    with services.database.transaction() as conn:
        keys.forget_key(conn, key)
    warden.look_again()
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/audit", **only("administrator"))
def show_audit(
    services: Given,
    actor: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Tell who did what, newest first; `before` is the `next` of the answer before."""
    with services.database.transaction() as conn:
        found = audit.list_records(conn, actor=actor, before=before, limit=limit)
    return {"records": found, "next": found[-1]["id"] if len(found) == limit else None}


@router.get("/settings", **only("administrator"))
def show(services: Given) -> dict[str, Any]:
    """Show the settings in force; secrets are told to be set, not shown."""
    return {"settings": show_settings(services.settings)}
