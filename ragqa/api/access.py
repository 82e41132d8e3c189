"""What a route gets: who calls, and the services as this caller may use them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ragqa.api.warden import COOKIE, Warden
from ragqa.callers import Caller, Role
from ragqa.errors import Forbidden
from ragqa.wiring import Services

bearer = HTTPBearer(auto_error=False, description="`Authorization: Bearer KEY`")


def warden_of(request: Request) -> Warden:
    """Return who guards the application that serves this request."""
    warden: Warden = request.app.state.warden
    return warden


async def guard_of(request: Request) -> Warden:
    """Return the same; asynchronous, as a thread would cost more than looking it up."""
    return warden_of(request)


Guard = Annotated[Warden, Depends(guard_of)]


def caller_of(
    request: Request,
    warden: Guard,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Find out who calls.

    Raises:
        Unauthorized: If a key is needed, and is missing or wrong.
        Forbidden: If a stranger's page may have sent this.
        RateLimited: If they ask too often.
    """
    key = credentials.credentials if credentials else None
    caller = warden.identify(key, request.cookies.get(COOKIE))
    request.state.caller = caller
    warden.check_origin(request.method, request.headers, with_key=key is not None)
    return caller


Visitor = Annotated[Caller, Depends(caller_of)]


async def services_of(warden: Guard, caller: Visitor) -> Services:
    """Return the services within the reach of whoever calls; asynchronous like ``guard_of``."""
    return warden.within(caller)


Given = Annotated[Services, Depends(services_of)]


def only(role: Role) -> dict[str, Any]:
    """Return what makes a route one for ``role`` and those above it."""

    def check(caller: Visitor) -> None:
        if not caller.may(role):
            raise Forbidden(
                f"this takes a key with the role {role}, {caller.name!r} is a {caller.role}: ask "
                "an administrator. 此密钥权限不足，请联系管理员。"
            )

    return {"dependencies": [Depends(check)], "openapi_extra": {"x-role": role}}
