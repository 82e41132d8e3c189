"""Whoever calls, they see what their key was granted; Postgres holds them to it by itself."""

# Longer than 300 lines: one table of who may do what is tried through every door.

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql

from ingest.worker import run_worker
from ragqa.api.app import create_app
from ragqa.errors import Forbidden, RagqaError, StoreError
from ragqa.store import keys
from ragqa.store.db import IDENTIFY, Reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx2 import Response

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

SECRET = "密室 secret-room"
MARKS = ("泄密暗号", "hidden-plan", "secret-room")
"""Text, file name and collection of what must not be seen."""
SIGNING_IN = {"/v1/session"}


@dataclass(frozen=True)
class Kept:
    """A service that needs keys, with a public and a secret collection."""

    client: TestClient
    services: Services
    keys: dict[str, str]
    secret: dict[str, Any]
    numbers: dict[str, int]

    def ask(self, method: str, path: str, who: str, **sent: Any) -> Response:
        headers = {"Authorization": f"Bearer {self.keys.get(who, who)}"} if who else {}
        return self.client.request(method, path, headers=headers, **sent)


@pytest.fixture
def kept(services: Services, make_pdf: MakePdf) -> Iterator[Kept]:
    app = create_app(services)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        secret: dict[str, Any] = {}
        for name, text, file in (
            ("public", "公开说明：保修期为三十六个月。", "open.pdf"),
            (SECRET, "泄密暗号：保修期为九十九个月。", "hidden-plan.pdf"),
        ):
            client.post("/v1/collections", json={"name": name}).raise_for_status()
            sent = client.post(
                f"/v1/collections/{name}/documents", files=[("files", (file, make_pdf(text)))]
            )
            run_worker(services, until_idle=True)
            asked = client.post(
                "/v1/ask", json={"question": "保修期为几个月？", "collection": name}
            ).json()
            secret = {"document": sent.json()["documents"][0]["id"], "answer": asked["id"]}
            hit = client.post("/v1/search", json={"query": "保修期", "collection": name}).json()
            secret["chunk"] = hit["hits"][0]["chunk_id"]
        made = _make_keys(services)
        app.state.warden.look_again()
        yield Kept(client, services, made, secret, _numbers(services))


def _make_keys(services: Services) -> dict[str, str]:
    made: dict[str, str] = {}
    with services.database.transaction() as conn:
        for name, role, seen in (
            ("boss", "administrator", None),
            ("reader", "reader", ["public"]),
            ("writer", "writer", ["public"]),
            ("everywhere", "reader", None),
            ("both", "reader", ["public", SECRET]),
            ("revoked", "administrator", None),
            ("expired", "administrator", None),
        ):
            _, made[name] = keys.create_key(conn, name, role, collections=seen)  # type: ignore[arg-type]
        keys.revoke_key(conn, "revoked")
        conn.execute("UPDATE api_keys SET expires_at = now() WHERE name = 'expired'")
    return made


def _numbers(services: Services) -> dict[str, int]:
    with services.database.transaction() as conn:
        rows = conn.execute("SELECT name, collection_id FROM collections").fetchall()
    return {row["name"]: row["collection_id"] for row in rows}


# --- every route of the OpenAPI document ------------------------------------------------------

VALUES: dict[str, Any] = {
    "collection": SECRET,
    "model": SECRET,
    "name": "new",
    "query": "保修期",
    "question": "保修期为几个月？",
    "rating": 1,
    "messages": [{"role": "user", "content": "保修期为几个月？"}],
    "input": "保修期",
    "key": "rq_aaaaaaaaaa_" + "x" * 43,
    "text": "改过的字",
    "lines": [{"line": 0, "text": "改过的字"}],
    "metadata": {"year": "2024"},
    "files": None,
}


def _requests(kept: Kept) -> list[tuple[str, str, str, dict[str, Any], str]]:
    """Return a request for each route, pointed at the secret collection, and its role."""
    document = kept.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    places = {
        "collection": SECRET,
        "document_id": kept.secret["document"],
        "answer_id": kept.secret["answer"],
        "number": "1",
        "key": "boss",
        "run_id": "1",
        "version": "1",
        "line": "0",
    }
    found = []
    for path, methods in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, told in methods.items():
            url = path.format(**places)
            if path.endswith("/image"):
                url += f"?chunk={kept.secret['chunk']}"
            sent = _body(told, schemas)
            found.append((method.upper(), path, url, sent, told.get("x-role", "reader")))
    return found


def _body(told: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    content = told.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": [("files", ("new.pdf", b"%PDF-1.4 new"))]}
    if "application/json" not in content:
        return {}
    schema = schemas[content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]]
    return {"json": {name: VALUES[name] for name in schema.get("required", ())}}


@pytest.mark.parametrize("who", ["", "rq_aaaaaaaaaa_" + "x" * 43, "wrong", "revoked", "expired"])
def test_no_route_opens_to_a_key_that_is_missing_wrong_revoked_or_expired(
    kept: Kept, who: str
) -> None:
    asked = _requests(kept)
    assert len(asked) >= 25
    for method, path, url, sent, _ in asked:
        response = kept.ask(method, url, who, **sent)
        if path in SIGNING_IN and method == "DELETE":
            continue  # signing out opens nothing
        assert response.status_code == 401, (method, path, response.text[:200])
        assert response.json()["code"] == "unauthorized"
        assert not _leaks(response), (method, path)


@pytest.mark.parametrize("who", ["reader", "writer"])
def test_no_route_shows_another_collection_or_changes_it(kept: Kept, who: str) -> None:
    before = _everything(kept)
    for method, path, url, sent, role in _requests(kept):
        response = kept.ask(method, url, who, **sent)
        assert not _leaks(response), (method, path, response.text[:300])
        assert response.status_code < 500, (method, path, response.text[:300])
        named = "{" in path or any(name in str(sent) for name in MARKS)
        if path not in SIGNING_IN and (named or role != "reader"):
            assert response.status_code in {403, 404}, (method, path, response.text[:200])
        if role == "administrator" or (role == "writer" and who == "reader"):
            assert response.status_code == 403, (method, path)
    assert _everything(kept) == before


def test_the_same_routes_do_show_it_to_whom_it_was_granted(kept: Kept) -> None:
    seen = [
        url
        for method, path, url, sent, role in _requests(kept)
        if role == "reader" and method != "DELETE"
        if _leaks(kept.ask(method, url, "both", **sent)) or path.endswith("/image")
    ]
    assert len(seen) >= 10


@pytest.mark.parametrize("who", ["reader", "writer"])
def test_nothing_leaks_when_every_where_clause_is_forgotten(
    kept: Kept, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _everything(kept)
    execute = psycopg.Cursor.execute
    forgotten = 0

    def forget(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        nonlocal forgotten
        text = query.as_string(self) if isinstance(query, sql.Composable) else query
        if isinstance(text, str):
            pattern = r"((?:\w+\.)?collection_id = (?:%\(collection_id\)s|%s|\d+))"
            text, count = re.subn(pattern, r"(\1 OR true)", text)
            forgotten += count
        return execute(self, text, params, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", forget)
    for method, path, url, sent, _ in _requests(kept):
        # What is secret is named, and also what is granted: both must show only the latter.
        for place in (SECRET, "public"):
            own = (
                json.loads(json.dumps(sent).replace(json.dumps(SECRET)[1:-1], place))
                if ("json" in sent)
                else sent
            )
            response = kept.ask(method, url.replace(SECRET, place), who, **own)
            assert not _leaks(response), (method, path, response.text[:300])
    monkeypatch.undo()
    assert forgotten > 40
    assert _everything(kept)["documents"][SECRET] == before["documents"][SECRET]


def _leaks(response: Response) -> bool:
    body = response.text
    # What the caller named comes back in errors; only what they did not name is a leak.
    marks = MARKS[:2] if response.status_code >= 400 else MARKS
    return any(mark in body or json.dumps(mark)[1:-1] in body for mark in marks)


def _everything(kept: Kept) -> dict[str, Any]:
    """Return how many rows each table has of each collection."""
    names = {number: name for name, number in kept.numbers.items()}
    counted: dict[str, Any] = {}
    with kept.services.database.transaction() as conn:
        for table in _tables(conn):
            rows = conn.execute(
                sql.SQL("SELECT collection_id, count(*) AS n FROM {} GROUP BY 1").format(
                    sql.Identifier(table)
                )
            )
            counted[table] = {names[row["collection_id"]]: row["n"] for row in rows}
            counted[table].setdefault(SECRET, 0)
    return counted


def _tables(conn: Any) -> list[str]:
    rows = conn.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " AND a.attname = 'collection_id' AND NOT a.attisdropped ORDER BY 1"
    )
    return [row["relname"] for row in rows]


# --- Postgres alone ---------------------------------------------------------------------------


def test_raw_selects_of_every_table_show_granted_rows_only(kept: Kept) -> None:
    own = kept.numbers["public"]
    reached = set()
    with kept.services.database.transaction() as conn:
        tables = [table for table in _tables(conn) if table != "grants"]
    for role in ("ragqa_reader", "ragqa_writer"):
        restricted = kept.services.database.within(Reach(role, (own,)))
        for table in tables:
            with restricted.transaction() as conn:
                rows = conn.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
                ).fetchall()
            assert {row["collection_id"] for row in rows} <= {own}, table
            reached |= {table} if rows else set()
        with restricted.transaction() as conn:
            jobs = (
                conn.execute("SELECT * FROM procrastinate_jobs").fetchall()
                if (role == "ragqa_writer")
                else []
            )
        assert {job["args"]["document_id"].split("-")[0] for job in jobs} <= {str(own)}
    assert {"collections", "documents", "versions", "pages", "chunks", "answers"} < reached
    assert any(table.startswith("embeddings_") for table in reached)


def test_a_reach_of_nothing_sees_nothing(kept: Kept) -> None:
    with kept.services.database.within(Reach("ragqa_reader", ())).transaction() as conn:
        assert conn.execute("SELECT count(*) AS n FROM chunks").fetchone() == {"n": 0}


@pytest.mark.parametrize("table", ["api_keys", "grants", "audit_log", "page_sessions", "key_usage"])
@pytest.mark.parametrize("role", ["ragqa_reader", "ragqa_writer"])
def test_keys_and_the_audit_log_are_closed_to_both_roles(kept: Kept, table: str, role: str) -> None:
    restricted = kept.services.database.within(Reach(role, (1, 2)))  # type: ignore[arg-type]
    if table == "grants" and role == "ragqa_writer":
        table = "api_keys"
    with pytest.raises(Forbidden), restricted.transaction() as conn:
        conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))


def test_a_reader_s_role_changes_nothing_and_a_writer_s_nothing_elsewhere(kept: Kept) -> None:
    own, other = kept.numbers["public"], kept.numbers[SECRET]
    reader = kept.services.database.within(Reach("ragqa_reader", (own,)))
    for statement in (
        "DELETE FROM documents",
        "UPDATE chunks SET text = 'x'",
        "UPDATE documents SET created_at = now()",
        "INSERT INTO lexicon SELECT collection_id, 'word' FROM collections",
    ):
        with pytest.raises(Forbidden), reader.transaction() as conn:
            conn.execute(statement)
    writer = kept.services.database.within(Reach("ragqa_writer", (own,)))
    with pytest.raises(Forbidden, match="row-level security"), writer.transaction() as conn:
        conn.execute("INSERT INTO documents (collection_id, name) VALUES (%s, 'x')", [other])
    with writer.transaction() as conn:
        assert conn.execute("DELETE FROM chunks").rowcount >= 1
    with kept.services.database.transaction() as conn:
        left = conn.execute("SELECT DISTINCT collection_id FROM chunks").fetchall()
    assert left == [{"collection_id": other}]


def test_no_connection_keeps_an_identity_whatever_went_wrong(kept: Kept) -> None:
    database = kept.services.database
    restricted = database.within(Reach("ragqa_reader", (kept.numbers["public"],)))
    for statement in ("SELECT 1", "SELECT 1 / 0", "no sql", "DELETE FROM documents"):
        for _ in range(4):
            with contextlib.suppress(RagqaError), restricted.transaction() as conn:
                conn.execute(statement)
            with database.transaction() as conn:
                who = conn.execute(
                    "SELECT current_user = session_user AS itself,"
                    " current_setting('ragqa.collections', true) AS seen,"
                    " (SELECT count(*) FROM collections) AS n"
                ).fetchone()
            assert who is not None
            assert who["itself"]
            assert not who["seen"]
            assert who["n"] == 2


def test_a_connection_that_did_keep_one_is_thrown_away(kept: Kept) -> None:
    database = kept.services.database
    kept_role = IDENTIFY.replace("true", "false")
    for _ in range(6):
        with database.transaction() as conn:
            conn.execute(kept_role, ["ragqa_reader", [1]])
    with database.transaction() as conn:
        assert conn.execute("SELECT count(*) AS n FROM collections").fetchone() == {"n": 2}


@pytest.mark.parametrize(
    ("table", "condition"),
    [("chunks", "terms @> ARRAY[5]"), ("page_texts", "squeezed LIKE '%保修期%'")],
)
def test_row_level_security_keeps_no_index_from_serving_a_search(
    kept: Kept, table: str, condition: str
) -> None:
    with psycopg.connect(kept.services.database.conninfo) as conn:
        # Without the other indexes: the tables are too small for a choice that means something.
        others = conn.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass"
            " AND NOT indisunique AND pg_get_indexdef(indexrelid) NOT LIKE '%%gin%%'",
            [table],
        ).fetchall()
        for (index,) in others:
            conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
        named = (
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = ANY(%s)"
        )
        for (name,) in conn.execute(named, [table, ["p", "u"]]).fetchall():
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE")
            conn.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
        conn.execute(IDENTIFY, ["ragqa_reader", [1]])
        conn.execute("SET LOCAL enable_seqscan = off")
        query = sql.SQL("EXPLAIN SELECT FROM {} WHERE " + condition)
        plan = "\n".join(str(row) for row in conn.execute(query.format(sql.Identifier(table))))
        conn.rollback()
    assert re.search(r"Index Cond: \((terms|squeezed)", plan), plan


def test_a_database_user_who_may_not_have_roles_is_told_and_grants_are_refused(
    server: str, tmp_path: Path
) -> None:
    from psycopg.conninfo import make_conninfo

    from ragqa.doctor import examine
    from ragqa.errors import WrongSettings
    from ragqa.settings import load_settings
    from ragqa.store.collections import create_collection
    from ragqa.store.db import Database
    from ragqa.store.migrations import migrate

    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS ragqa_plain")
        admin.execute("DROP ROLE IF EXISTS ragqa_plain_user")
        admin.execute("CREATE ROLE ragqa_plain_user LOGIN PASSWORD 'plain'")
        admin.execute("CREATE DATABASE ragqa_plain OWNER ragqa_plain_user")
        with psycopg.connect(make_conninfo(server, dbname="ragqa_plain"), autocommit=True) as one:
            one.execute("CREATE EXTENSION vector")
            one.execute("CREATE EXTENSION pg_trgm")
        url = make_conninfo(server, dbname="ragqa_plain", user="ragqa_plain_user", password="plain")
        migrate(url)
        database = Database(url)
        try:
            with database.transaction() as conn:
                create_collection(conn, "a", embedding_model="hashing", dimension=8)
                keys.create_key(conn, "boss", "administrator", collections=None)
            with pytest.raises(WrongSettings, match="ragqa_reader"), database.transaction() as conn:
                keys.create_key(conn, "r", "reader", collections=["a"])
            settings = load_settings(database_url=url, embedding_model="hashing", home=tmp_path)
            (told,) = (c for c in examine(settings)["checks"] if c["name"] == "permissions")
            assert not told["ok"]
            assert "CREATE ROLE ragqa_reader" in told["detail"]
            with (
                pytest.raises(StoreError, match="ragqa doctor"),
                database.within(Reach("ragqa_reader", (1,))).transaction(),
            ):
                pass
        finally:
            database.close()
            admin.execute("DROP DATABASE ragqa_plain WITH (FORCE)")
            admin.execute("DROP ROLE ragqa_plain_user")


def test_the_doctor_finds_the_embedded_database_ready_for_grants(services: Services) -> None:
    from ragqa.doctor import examine

    (told,) = (c for c in examine(services.settings)["checks"] if c["name"] == "permissions")
    assert told == {
        "name": "permissions",
        "ok": True,
        "detail": "no keys: open to this machine; row-level security is ready to hold keys "
        "to their collections",
    }


# --- what a granted key can do ----------------------------------------------------------------


def test_a_writer_uploads_asks_and_deletes_in_its_own_collection(
    kept: Kept, make_pdf: MakePdf
) -> None:
    sent = kept.ask(
        "POST",
        "/v1/collections/public/documents",
        "writer",
        files=[("files", ("new.pdf", make_pdf("新机重量为十二公斤。")))],
    )
    assert sent.status_code == 202, sent.text
    run_worker(kept.services, until_idle=True)
    document = sent.json()["documents"][0]["id"]
    assert kept.ask("GET", f"/v1/documents/{document}", "writer").json()["status"] == "ready"
    asked = {"question": "新机重量为多少？", "collection": "public"}
    answer = kept.ask("POST", "/v1/ask", "reader", json=asked).json()
    assert "十二公斤" in answer["text"]
    rated = {"rating": 1}
    assert (
        kept.ask("POST", f"/v1/answers/{answer['id']}/feedback", "reader", json=rated).status_code
        == 204
    )
    assert kept.ask("DELETE", f"/v1/documents/{document}", "writer").status_code == 204
    assert kept.ask("GET", f"/v1/documents/{document}", "boss").status_code == 404


def test_a_key_for_everything_sees_what_comes_later(kept: Kept) -> None:
    kept.ask("POST", "/v1/collections", "boss", json={"name": "later"}).raise_for_status()
    listed = kept.ask("GET", "/v1/collections", "everywhere").json()["collections"]
    assert {one["name"] for one in listed} == {"public", SECRET, "later"}
    assert {
        one["name"] for one in kept.ask("GET", "/v1/collections", "reader").json()["collections"]
    } == {"public"}


def test_an_assistant_sees_what_its_key_was_granted(kept: Kept) -> None:
    def call(tool: str, **arguments: Any) -> str:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        response = kept.client.post(
            "/mcp",
            json=body | {"params": {"name": tool, "arguments": arguments}},
            headers={
                "Authorization": f"Bearer {kept.keys['reader']}",
                "Accept": "application/json, text/event-stream",
            },
        )
        assert response.status_code == 200, response.text
        return response.text

    assert "public" in call("list_documents")
    assert "三十六" in call("search", query="保修期", collection="public")
    place = {"document_id": kept.secret["document"], "page": 1}
    for told in (
        call("list_documents"),
        call("search", query="保修期", collection=SECRET),
        call("ask", question="保修期？", collection=SECRET),
        call("read_page", **place),
    ):
        assert not any(mark in told or json.dumps(mark)[1:-1] in told for mark in MARKS[:2])
    assert "secret-room" not in call("list_documents")


def test_dates_without_a_zone_are_utc_and_past_ones_are_refused(kept: Kept) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    body = {"name": "soon", "role": "reader", "collections": ["public"]}
    made = kept.ask(
        "POST",
        "/v1/keys",
        "boss",
        json=body | {"expires_at": later.replace(tzinfo=None).isoformat()},
    ).json()
    assert dt.datetime.fromisoformat(made["expires_at"]).date() == later.date()
    past = body | {"name": "past", "expires_at": "2001-01-01T00:00:00Z"}
    assert kept.ask("POST", "/v1/keys", "boss", json=past).status_code == 422
