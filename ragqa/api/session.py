"""Routes of the page's sign-in: a key is shown once, a cookie that scripts cannot read stays."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from ragqa.api.access import Guard, Visitor
from ragqa.api.schemas import SignIn
from ragqa.api.warden import COOKIE
from ragqa.callers import LOCAL, Caller
from ragqa.store.collections import list_collections

router = APIRouter(prefix="/session", tags=["session"])


@router.post("")
def sign_in(request: Request, response: Response, body: SignIn, warden: Guard) -> dict[str, Any]:
    """Sign in on the page with a key; the cookie is `HttpOnly` and `SameSite=Strict`."""
    warden.check_origin(request.method, request.headers, with_key=False)
    caller = warden.identify(body.key, None)
    request.state.caller = caller
    if caller is not LOCAL:
        response.set_cookie(
            COOKIE,
            warden.sign_in(caller),
            max_age=warden.session_seconds,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return _shown(caller, warden)


@router.get("")
def show(caller: Visitor, warden: Guard) -> dict[str, Any]:
    """Tell who is calling, and what they may do and see."""
    return _shown(caller, warden)


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
def sign_out(request: Request, warden: Guard) -> Response:
    """Sign out."""
    warden.check_origin(request.method, request.headers, with_key=False)
    token = request.cookies.get(COOKIE)
    if token is not None:
        warden.sign_out(token)
    response = Response(status_code=HTTPStatus.NO_CONTENT)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _shown(caller: Caller, warden: Guard) -> dict[str, Any]:
    with warden.within(caller).database.transaction() as conn:
        names = [collection.name for collection in list_collections(conn)]
    return {
        "open": caller is LOCAL,
        "name": caller.name,
        "role": caller.role,
        "everywhere": caller.collections is None,
        "collections": names,
    }
