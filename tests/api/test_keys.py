from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ragqa.api.app import create_app
from ragqa.errors import WrongSettings
from ragqa.settings import load_settings, require_key_beyond_loopback
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def locked(services: Services) -> Iterator[TestClient]:
    settings = services.settings.model_copy(update={"api_key": "s3cret"})
    with TestClient(create_app(Services(settings, services.database, services.files))) as client:
        yield client


def test_every_route_but_health_and_page_needs_the_key(locked: TestClient) -> None:
    routes = locked.get("/openapi.json").json()["paths"]
    guarded = [
        (method, path) for path, methods in routes.items() for method in methods if "/v1/" in path
    ]
    assert len(guarded) > 15
    for method, path in guarded:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            response = locked.request(method, path.replace("{number}", "1"), headers=headers)
            assert response.status_code == 401, (method, path)
            assert response.json()["code"] == "unauthorized"
    assert locked.get("/healthz").status_code == 200


def test_the_right_key_opens(locked: TestClient) -> None:
    response = locked.get("/v1/collections", headers={"Authorization": "Bearer s3cret"})

    assert response.json() == {"collections": []}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example"])
def test_beyond_loopback_a_key_is_needed(host: str) -> None:
    with pytest.raises(WrongSettings, match="RAGQA_API_KEY"):
        require_key_beyond_loopback(load_settings(api_key=""), host)
    require_key_beyond_loopback(load_settings(api_key="k"), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_loopback_no_key_is_needed(host: str) -> None:
    require_key_beyond_loopback(load_settings(api_key=""), host)
