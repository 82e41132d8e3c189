"""Who is signed in on the page: a token in a cookie, of which only the hash is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

from ragqa.callers import BOOTSTRAP
from ragqa.errors import Unauthorized
from ragqa.store.keys import find_caller_by_id

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.callers import Caller

    Row = dict[str, Any]


def open_session(
    conn: Connection[Row], caller: Caller, *, bootstrap_key: str, lasts: dt.timedelta
) -> str:
    """Sign somebody in who showed a key; return the token for the cookie."""
    token = secrets.token_urlsafe(32)
    now = dt.datetime.now(dt.UTC)
    conn.execute("DELETE FROM page_sessions WHERE expires_at < now()")
    conn.execute(
        "INSERT INTO page_sessions (token_hash, key_id, key_proof, expires_at)"
        " VALUES (%s, %s, %s, %s)",
        [
            _hash(token),
            caller.key_id,
            None if caller.key_id else _proof(bootstrap_key),
            now + lasts,
        ],
    )
    return token


def find_session(conn: Connection[Row], token: str, *, bootstrap_key: str) -> Caller:
    """Return who is signed in.

    Raises:
        Unauthorized: If nobody is, or not any more.
    """
    row = conn.execute(
        "SELECT key_id, key_proof FROM page_sessions WHERE token_hash = %s AND expires_at > now()",
        [_hash(token)],
    ).fetchone()
    if row is None:
        raise Unauthorized("you are not signed in any more: sign in with a key. 登录已失效。")
    if row["key_id"] is not None:
        return find_caller_by_id(conn, row["key_id"])
    if not bootstrap_key or not hmac.compare_digest(row["key_proof"], _proof(bootstrap_key)):
        raise Unauthorized("the administrator key was changed: sign in again")
    return BOOTSTRAP


def close_session(conn: Connection[Row], token: str) -> None:
    """Sign somebody out."""
    conn.execute("DELETE FROM page_sessions WHERE token_hash = %s", [_hash(token)])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _proof(key: str) -> bytes:
    return hashlib.sha256(b"ragqa session of " + key.encode()).digest()
