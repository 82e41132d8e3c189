"""Keys: made once, kept as a keyed hash, bound to a role and to collections."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any

import psycopg

from ragqa.callers import Caller, Key, Limits
from ragqa.errors import Conflict, InvalidInput, NotFound, Unauthorized, WrongSettings
from ragqa.shapes import time_to_json
from ragqa.store.collections import find_collection
from ragqa.store.db import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.callers import Role

    Row = dict[str, Any]

SHAPE = re.compile(r"rq_([a-z2-7]{10})_([A-Za-z0-9_-]{43})")

SELECT = """
SELECT k.*, ARRAY(SELECT c.name FROM grants g JOIN collections c USING (collection_id)
                   WHERE g.key_id = k.key_id ORDER BY c.name) AS collections
  FROM api_keys k
"""

FIND = """
SELECT k.*, CASE WHEN k.everywhere THEN ARRAY(SELECT collection_id FROM collections)
                 ELSE ARRAY(SELECT collection_id FROM grants g WHERE g.key_id = k.key_id)
            END AS collection_ids
  FROM api_keys k WHERE k.key_id = %s
"""

SLOW_BEHIND_POLICIES = """
SELECT string_agg(oid::regprocedure::text, ', ' ORDER BY oid) AS functions FROM pg_proc
 WHERE NOT proleakproof AND oid IN ('arraycontains(anyarray, anyarray)'::regprocedure,
                                    'arrayoverlap(anyarray, anyarray)'::regprocedure,
                                    'textlike(text, text)'::regprocedure)
"""

INSERT = """
INSERT INTO api_keys (key_id, name, role, everywhere, salt, digest, expires_at,
                      per_minute, questions_a_day, upload_bytes_a_day)
VALUES (%(key_id)s, %(name)s, %(role)s, %(everywhere)s, %(salt)s, %(digest)s, %(expires_at)s,
        %(per_minute)s, %(questions_a_day)s, %(upload_bytes_a_day)s)
"""


def create_key(
    conn: Connection[Row],
    name: str,
    role: Role,
    *,
    collections: Sequence[str] | None,
    expires_at: dt.datetime | None = None,
    limits: Limits | None = None,
) -> tuple[Key, str]:
    """Make a key; return it with the text to send, which is nowhere kept.

    Args:
        conn: An unrestricted connection.
        name: For people; unique among the keys that are not revoked.
        role: What it may do.
        collections: Names of what it may see; None: every collection, those to come included.
        expires_at: When it stops to work; None: never.
        limits: Beyond those of the settings.

    Raises:
        InvalidInput: If the name cannot be one, or role and collections contradict each other.
        NotFound: If there is no such collection.
        Conflict: If a key has that name.
        WrongSettings: If the database cannot hold a key to single collections.
    """
    limits = limits or Limits()
    name = _check(name, role, collections, expires_at)
    if role != "administrator":
        require_guard(conn)
    key_id = base64.b32encode(secrets.token_bytes(7))[:10].decode().lower()
    secret = secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    row = {
        "key_id": key_id,
        "name": name,
        "role": role,
        "everywhere": collections is None,
        "salt": salt,
        "digest": _digest(salt, secret),
        "expires_at": expires_at,
        "per_minute": limits.per_minute,
        "questions_a_day": limits.questions_a_day,
        "upload_bytes_a_day": limits.upload_bytes_a_day,
    }
    try:
        with conn.transaction():
            conn.execute(INSERT, row)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"there is already a key {name!r}: revoke it, or choose a name") from error
    for collection in collections or ():
        found = find_collection(conn, collection)
        conn.execute(
            "INSERT INTO grants (collection_id, key_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [found.id, key_id],
        )
    return find_key(conn, key_id), f"rq_{key_id}_{secret}"


def require_guard(conn: Connection[Row]) -> None:
    """See to it that Postgres can hold a caller to some collections.

    Raises:
        WrongSettings: If it cannot, with what a database administrator has to do.
    """
    row = conn.execute("SELECT ragqa_guard() AS missing").fetchone()
    if row is not None and row["missing"]:
        raise WrongSettings(
            f"RAGQA_DATABASE_URL: {row['missing']}, so row-level security cannot hold a key to its "
            "collections; let an administrator of that Postgres run `CREATE ROLE ragqa_reader "
            "NOLOGIN; CREATE ROLE ragqa_writer NOLOGIN; GRANT ragqa_reader, ragqa_writer TO` the "
            "user of that URL, then try again. Only administrator keys work until then"
        )


def list_keys(conn: Connection[Row]) -> list[Key]:
    """Return all keys, revoked and expired ones included, in the order they were made."""
    return [key_from_row(row) for row in conn.execute(SELECT + " ORDER BY k.created_at, k.key_id")]


def find_key(conn: Connection[Row], name: str) -> Key:
    """Return the key with that id, or that name among those that are not revoked.

    Raises:
        NotFound: If there is none.
    """
    name = name.replace("\0", "")
    row = conn.execute(
        SELECT + " WHERE k.key_id = %(name)s OR k.name = %(name)s"
        " ORDER BY k.key_id = %(name)s DESC, k.revoked_at DESC NULLS FIRST LIMIT 1",
        {"name": name},
    ).fetchone()
    if row is None:
        raise NotFound(f"no key {name!r}", code="key_not_found")
    return key_from_row(row)


def revoke_key(conn: Connection[Row], name: str) -> Key:
    """Let a key open nothing from now on, and end its sessions on the page.

    Raises:
        NotFound: If there is no such key.
    """
    key = find_key(conn, name)
    conn.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = %s", [key.id]
    )
    conn.execute("DELETE FROM page_sessions WHERE key_id = %s", [key.id])
    return find_key(conn, key.id)


def forget_key(conn: Connection[Row], name: str) -> None:
    """Remove a revoked key altogether; without any key, a service on loopback is open again.

    Raises:
        NotFound: If there is no such key.
        Conflict: If it still works.
    """
    key = find_key(conn, name)
    if key.revoked_at is None:
        raise Conflict(f"key {key.name!r} is not revoked: revoke it first")
    conn.execute("DELETE FROM api_keys WHERE key_id = %s", [key.id])


def has_keys(conn: Connection[Row]) -> bool:
    """Tell whether there is any key; revoked and expired ones count, as no end opens the door."""
    row = conn.execute("SELECT EXISTS (SELECT FROM api_keys) AS found").fetchone()
    return row is not None and bool(row["found"])


def find_caller(conn: Connection[Row], text: str) -> Caller:
    """Return who holds a key.

    Raises:
        Unauthorized: If the key is not known, revoked or expired.
    """
    shape = SHAPE.fullmatch(text)
    row = conn.execute(FIND, [shape[1]]).fetchone() if shape else None
    if row is None or shape is None:
        raise Unauthorized("this key is not known")
    if not hmac.compare_digest(_digest(row["salt"], shape[2]), row["digest"]):
        raise Unauthorized("this key is not known")
    return caller_from_row(row)


def find_caller_by_id(conn: Connection[Row], key_id: str) -> Caller:
    """Return who holds the key of a session.

    Raises:
        Unauthorized: If the key is gone, revoked or expired.
    """
    row = conn.execute(FIND, [key_id]).fetchone()
    if row is None:
        raise Unauthorized("this key is not known")
    return caller_from_row(row)


def caller_from_row(row: Row) -> Caller:
    """Build a caller from a row of ``FIND``.

    Raises:
        Unauthorized: If the key is revoked or expired.
    """
    if row["revoked_at"] is not None:
        raise Unauthorized("this key was revoked: ask an administrator for another")
    if row["expires_at"] is not None and row["expires_at"] <= dt.datetime.now(dt.UTC):
        raise Unauthorized("this key has expired: ask an administrator for another")
    role: Role = row["role"]
    return Caller(
        name=row["name"],
        role=role,
        key_id=row["key_id"],
        collections=None if role == "administrator" else tuple(row["collection_ids"]),
        limits=_limits(row),
    )


def reach_of(caller: Caller) -> Reach | None:
    """Return what Postgres is to hold a caller to; None: to nothing."""
    if caller.collections is None:
        return None
    writer = caller.role == "writer"
    return Reach("ragqa_writer" if writer else "ragqa_reader", caller.collections)


def key_from_row(row: Row) -> Key:
    """Build a key from a row of ``SELECT``."""
    return Key(
        id=row["key_id"],
        name=row["name"],
        role=row["role"],
        collections=None if row["everywhere"] else tuple(row["collections"]),
        limits=_limits(row),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def key_to_json(key: Key) -> dict[str, Any]:
    """Return a key as it may be shown."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "collections": None if key.collections is None else list(key.collections),
        "requests_per_minute": key.limits.per_minute,
        "questions_a_day": key.limits.questions_a_day,
        "upload_bytes_a_day": key.limits.upload_bytes_a_day,
        "created_at": time_to_json(key.created_at),
        "expires_at": key.expires_at and time_to_json(key.expires_at),
        "revoked_at": key.revoked_at and time_to_json(key.revoked_at),
    }


def _limits(row: Row) -> Limits:
    return Limits(row["per_minute"], row["questions_a_day"], row["upload_bytes_a_day"])


def _digest(salt: bytes, secret: str) -> bytes:
    # The secret has 256 bits: nothing to guess, so no slow hash is needed.
    return hmac.digest(salt, secret.encode(), hashlib.sha256)


def _check(
    name: str, role: Role, collections: Sequence[str] | None, expires_at: dt.datetime | None
) -> str:
    name = "".join(c for c in name if c.isprintable()).strip()
    if not 1 <= len(name) <= 100:
        raise InvalidInput(f"a key's name has 1 to 100 characters, this one {len(name)}")
    if role == "administrator" and collections is not None:
        raise InvalidInput("an administrator sees every collection: name none")
    if collections is not None and not collections:
        raise InvalidInput(
            "a key for nothing opens nothing: name its collections, or say that it sees all"
        )
    if expires_at is not None and expires_at <= dt.datetime.now(dt.UTC):
        raise InvalidInput(f"the key would have expired already: {expires_at.isoformat()}")
    return name
