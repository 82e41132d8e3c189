"""Keys: made, shown once, limited, ended; the sign-in of the page; strangers' pages; the log."""

# Longer than 300 lines: one key is followed from its making to its end.

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from ragqa.api.app import create_app
from ragqa.callers import Limits
from ragqa.errors import WrongSettings
from ragqa.settings import load_settings, require_key_beyond_loopback
from ragqa.store import keys
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx2 import Response

    MakeKey = Callable[..., str]

BASE = "http://127.0.0.1"


@pytest.fixture
def locked(services: Services) -> Iterator[TestClient]:
    settings = services.settings.model_copy(update={"api_key": "s3cret"})
    app = create_app(Services(settings, services.database, services.files))
    with TestClient(app, base_url=BASE) as client:
        yield client


@pytest.fixture
def make_key(services: Services) -> MakeKey:
    def make(name: str, role: str = "administrator", **more: Any) -> str:
        with services.database.transaction() as conn:
            more.setdefault("collections", None)
            return keys.create_key(conn, name, role, **more)[1]  # type: ignore[arg-type]

    return make


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_every_route_but_health_and_page_needs_the_key(locked: TestClient) -> None:
    routes = locked.get("/openapi.json").json()["paths"]
    guarded = [
        (method, path) for path, methods in routes.items() for method in methods if "/v1/" in path
    ]
    assert len(guarded) > 15
    for method, path in guarded:
        if path == "/v1/session" and method != "get":
            continue  # one signs in and out there
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            response = locked.request(method, path.replace("{number}", "1"), headers=headers)
            assert response.status_code == 401, (method, path)
            assert response.json()["code"] == "unauthorized"
    assert locked.get("/healthz").status_code == 200


def test_the_bootstrap_key_opens(locked: TestClient) -> None:
    response = locked.get("/v1/collections", headers=_with("s3cret"))

    assert response.json() == {"collections": []}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example"])
def test_beyond_loopback_a_key_is_needed(host: str) -> None:
    with pytest.raises(WrongSettings, match="RAGQA_API_KEY"):
        require_key_beyond_loopback(load_settings(api_key=""), host)
    require_key_beyond_loopback(load_settings(api_key="k"), host)
    require_key_beyond_loopback(load_settings(api_key=""), host, keys=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_loopback_no_key_is_needed(host: str) -> None:
    require_key_beyond_loopback(load_settings(api_key=""), host)


def test_a_service_beyond_loopback_never_opens_even_when_its_last_key_is_gone(
    services: Services,
) -> None:
    with TestClient(create_app(services, may_be_open=False), base_url=BASE) as client:
        assert client.get("/v1/collections").status_code == 401


# --- a key's life -----------------------------------------------------------------------------


def test_a_key_is_shown_once_and_only_its_hash_is_kept(
    locked: TestClient, services: Services
) -> None:
    body = {"name": "王 reader", "role": "administrator"}
    made = locked.post("/v1/keys", json=body, headers=_with("s3cret")).json()
    secret = made["key"].split("_", 2)[2]
    assert len(secret) == 43

    assert locked.get("/v1/collections", headers=_with(made["key"])).status_code == 200
    listed = locked.get("/v1/keys", headers=_with("s3cret"))
    assert [one["name"] for one in listed.json()["keys"]] == ["王 reader"]
    assert made["key"] not in listed.text
    with services.database.transaction() as conn:
        rows = conn.execute("SELECT * FROM api_keys").fetchall()
        told = conn.execute("SELECT * FROM audit_log").fetchall()
    assert secret not in str(rows) + str(told)
    assert len(rows[0]["digest"]) == 32


def test_two_keys_have_two_salts_and_a_name_is_free_again_after_revoking(
    services: Services, make_key: MakeKey, locked: TestClient
) -> None:
    first = make_key("a")
    with services.database.transaction() as conn:
        keys.revoke_key(conn, "a")
    second = make_key("a")
    assert locked.get("/v1/keys", headers=_with(first)).status_code == 401
    assert locked.get("/v1/keys", headers=_with(second)).status_code == 200
    again = locked.post("/v1/keys", json={"name": "a"}, headers=_with(second))
    assert again.status_code == 409
    with services.database.transaction() as conn:
        salts = conn.execute("SELECT DISTINCT salt FROM api_keys").fetchall()
    assert len(salts) == 2


def test_a_revoked_or_expired_key_is_told_what_it_is(
    locked: TestClient, services: Services, make_key: MakeKey
) -> None:
    key = make_key("brief")
    with services.database.transaction() as conn:
        conn.execute("UPDATE api_keys SET expires_at = now()")
    assert "expired" in locked.get("/v1/keys", headers=_with(key)).json()["detail"]
    assert locked.post("/v1/keys/brief/revoke", headers=_with("s3cret")).status_code == 200
    assert "revoked" in locked.get("/v1/keys", headers=_with(key)).json()["detail"]
    assert locked.delete("/v1/keys/brief", headers=_with("s3cret")).status_code == 204
    assert "not known" in locked.get("/v1/keys", headers=_with(key)).json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "role": "administrator", "collections": ["a"]},
        {"name": "x", "role": "reader", "collections": []},
        {"name": "\u200b", "role": "reader"},
        {"name": "x", "role": "king"},
    ],
)
def test_keys_that_make_no_sense_are_refused(locked: TestClient, body: dict[str, Any]) -> None:
    assert locked.post("/v1/keys", json=body, headers=_with("s3cret")).status_code == 422


def test_a_first_key_locks_an_open_service_and_forgetting_it_opens_again(
    client: TestClient,
) -> None:
    assert client.get("/v1/session").json()["open"] is True
    made = client.post("/v1/keys", json={"name": "boss", "role": "administrator"}).json()
    assert client.get("/v1/collections").status_code == 401
    key = _with(made["key"])
    assert client.get("/v1/session", headers=key).json()["role"] == "administrator"
    assert client.delete("/v1/keys/boss", headers=key).status_code == 409
    with client.app.state.warden._services.database.transaction() as conn:  # type: ignore[attr-defined]
        keys.revoke_key(conn, "boss")
        keys.forget_key(conn, "boss")
    client.app.state.warden.look_again()  # type: ignore[attr-defined]
    assert client.get("/v1/collections").status_code == 200


# --- how much -----------------------------------------------------------------------------------


def test_a_key_that_asks_too_often_waits_and_others_do_not(
    locked: TestClient, make_key: MakeKey
) -> None:
    busy = _with(make_key("busy", limits=Limits(per_minute=5)))
    calm = _with(make_key("calm", limits=Limits(per_minute=5)))

    answers = [locked.get("/v1/collections", headers=busy) for _ in range(7)]

    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 13
    assert locked.get("/v1/collections", headers=calm).status_code == 200


def test_questions_and_uploads_have_a_quota_a_day(
    locked: TestClient, services: Services, make_key: MakeKey
) -> None:
    services.create_collection("demo")
    limits = Limits(questions_a_day=2, upload_bytes_a_day=100)
    key = _with(make_key("w", "writer", collections=["demo"], limits=limits))
    question = {"question": "保修期？", "collection": "demo"}
    chat = {"model": "demo", "messages": [{"role": "user", "content": "保修期？"}]}

    assert locked.post("/v1/ask", json=question, headers=key).status_code == 200
    assert locked.post("/v1/chat/completions", json=chat, headers=key).status_code == 200
    third = locked.post("/v1/ask", json=question, headers=key)
    assert third.status_code == 429
    assert third.json()["code"] == "quota_exceeded"
    midnight = dt.timedelta(days=1)
    assert 0 < int(third.headers["retry-after"]) <= midnight.total_seconds()

    def upload(size: int) -> Response:
        file = [("files", (f"{size}.txt", b"a" * size))]
        return locked.post("/v1/collections/demo/documents", files=file, headers=key)

    assert upload(90).status_code == 202
    assert upload(11).json()["code"] == "quota_exceeded"
    assert upload(10).status_code == 202


# --- the page's sign-in ----------------------------------------------------------------------


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(
    locked: TestClient, services: Services, make_key: MakeKey
) -> None:
    services.create_collection("demo")
    key = make_key("r", "reader", collections=["demo"])
    assert locked.get("/v1/session").status_code == 401
    signed = locked.post("/v1/session", json={"key": key})
    cookie = signed.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.casefold()
    assert key not in cookie
    assert signed.json() == {
        "open": False,
        "name": "r",
        "role": "reader",
        "everywhere": False,
        "collections": ["demo"],
    }
    assert locked.get("/v1/collections").json()["collections"][0]["name"] == "demo"
    token = locked.cookies["ragqa_session"]
    assert locked.delete("/v1/session").status_code == 204
    assert locked.get("/v1/collections").status_code == 401
    locked.cookies["ragqa_session"] = token  # kept by somebody
    assert locked.get("/v1/collections").status_code == 401


def test_a_session_ends_with_its_key(
    locked: TestClient, services: Services, make_key: MakeKey
) -> None:
    locked.post("/v1/session", json={"key": make_key("boss")}).raise_for_status()
    assert locked.get("/v1/keys").status_code == 200
    with services.database.transaction() as conn:
        keys.revoke_key(conn, "boss")
    assert locked.get("/v1/keys").status_code == 401
    locked.post("/v1/session", json={"key": "s3cret"}).raise_for_status()
    assert locked.get("/v1/keys").status_code == 200
    changed = services.settings.model_copy(update={"api_key": "other"})
    app = create_app(Services(changed, services.database, services.files))
    with TestClient(app, base_url=BASE, cookies=dict(locked.cookies)) as later:
        assert later.get("/v1/keys").status_code == 401


def test_a_wrong_key_does_not_sign_in(locked: TestClient) -> None:
    refused = locked.post("/v1/session", json={"key": "wrong"})
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers


# --- strangers' pages ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_open_service_answers_to_names_of_this_machine_only(
    client: TestClient, method: str
) -> None:
    for host in ("127.0.0.1:8000", "localhost:1", "[::1]:8000", "LOCALHOST"):
        assert client.get("/v1/collections", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", ""):
        response = client.request(method, "/v1/collections", headers={"Host": host}, json={})
        assert response.status_code in {400, 403}, host
        if response.status_code == 403:
            assert response.json()["code"] == "foreign_host"


def test_a_name_in_the_settings_is_ours_too(services: Services) -> None:
    settings = services.settings.model_copy(update={"allowed_hosts": "rag.example, other"})
    app = create_app(Services(settings, services.database, services.files))
    with TestClient(app, base_url="http://rag.example") as client:
        assert client.get("/v1/collections").status_code == 200
        proxied = {"Host": "127.0.0.1", "Origin": "https://rag.example"}
        made = client.post("/v1/collections", json={"name": "a"}, headers=proxied)
        assert made.status_code == 201


def test_a_stranger_s_page_changes_nothing(
    client: TestClient, locked: TestClient, services: Services
) -> None:
    foreign: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
    ]
    locked.post("/v1/session", json={"key": "s3cret"}).raise_for_status()
    for headers in foreign:
        for caller in (client, locked):
            refused = caller.post("/v1/collections", json={"name": "x"}, headers=headers)
            assert refused.status_code == 403, headers
            assert refused.json()["code"] == "foreign_origin"
    with_key = foreign[0] | _with("s3cret")  # no browser sends that by itself
    assert locked.post("/v1/collections", json={"name": "x"}, headers=with_key).status_code == 201
    own = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/collections", json={"name": "y"}, headers=own).status_code == 201


# --- who did what ----------------------------------------------------------------------------


def test_what_is_done_is_written_down_with_who_did_it(
    locked: TestClient, services: Services, make_key: MakeKey
) -> None:
    services.create_collection("demo")
    key = make_key("小王", "reader", collections=["demo"])
    locked.post("/v1/ask", json={"question": "a？", "collection": "demo"}, headers=_with(key))
    locked.delete("/v1/collections/demo", headers=_with(key) | {"X-Request-Id": "abc"})
    locked.get("/v1/collections", headers=_with(key))
    locked.post("/v1/collections", json={"name": "x"}, headers=_with("wrong"))

    told = locked.get("/v1/audit", headers=_with("s3cret")).json()["records"]
    assert [(one["actor"], one["action"], one["outcome"]) for one in told] == [
        ("小王", "DELETE /v1/collections/{collection}", "403"),
        ("小王", "POST /v1/ask", "200"),
    ]
    assert told[0]["target"] == "/v1/collections/demo"
    assert told[0]["request_id"] == "abc"
    page = locked.get("/v1/audit?limit=1", headers=_with("s3cret")).json()
    rest = locked.get(f"/v1/audit?before={page['next']}", headers=_with("s3cret")).json()
    assert [one["action"] for one in rest["records"]] == ["POST /v1/ask"]


def test_settings_are_shown_without_their_secrets(locked: TestClient) -> None:
    shown = locked.get("/v1/settings", headers=_with("s3cret"))
    by_name = {one["name"]: one["value"] for one in shown.json()["settings"]}
    assert by_name["RAGQA_EMBEDDING_MODEL"] == "hashing"
    assert by_name["RAGQA_API_KEY"] == "•••"
    assert "s3cret" not in shown.text


# --- the command line ------------------------------------------------------------------------


def test_keys_are_made_listed_and_revoked_on_the_command_line(services: Services) -> None:
    services.create_collection("demo")

    def ragqa(*words: str, code: int = 0) -> Any:
        run = subprocess.run(
            [sys.executable, "-m", "ragqa", *words, "--json"],
            env=os.environ
            | {
                "RAGQA_HOME": str(services.settings.home),
                "RAGQA_DATABASE_URL": services.settings.database_url,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == code, run.stderr
        return json.loads(run.stdout) if code == 0 else run.stderr

    made = ragqa("key", "create", "小王", "-c", "demo", "--expires", "30")
    assert made["key"].startswith(f"rq_{made['id']}_")
    assert made["collections"] == ["demo"]
    assert "--collection" in ragqa("key", "create", "nobody", code=1)
    assert [one["name"] for one in ragqa("key", "list")] == ["小王"]
    assert ragqa("key", "revoke", "小王")["revoked_at"] is not None
    done = [one["action"] for one in ragqa("audit")]
    assert done == ["key revoke 小王", "key create 小王"]
