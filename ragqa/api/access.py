"""Who may call: the bootstrap key, when one is set, opens everything under /v1."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ragqa.errors import Unauthorized
from ragqa.wiring import Services

bearer = HTTPBearer(auto_error=False, description="`Authorization: Bearer KEY`")


def services_of(request: Request) -> Services:
    """Return the services of the application that serves this request."""
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(services_of)]


def require_key(
    services: Given,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> None:
    """Refuse a request without the right key, when there is one.

    Raises:
        Unauthorized: If the key is missing or wrong.
    """
    check_key(services, credentials.credentials if credentials else None)


def check_key(services: Services, key: str | None) -> None:
    """Refuse a caller without the right key, when there is one.

    Raises:
        Unauthorized: If the key is missing or wrong.
    """
    wanted = services.settings.api_key
    if not wanted:
        return
    if key is None:
        raise Unauthorized("a key is needed: send the header `Authorization: Bearer KEY`")
    if not secrets.compare_digest(key.encode("utf-8", "replace"), wanted.encode()):
        raise Unauthorized("this key is not known")
