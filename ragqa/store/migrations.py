"""Bring a database to the schema of this version: plain SQL files, forward only."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from ragqa.errors import StoreError
from ragqa.store.db import translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

LOCK = 0x7261677161  # "ragqa": one migrating process at a time
IN_PACKAGE = Path(__file__).parent.parent / "migrations"
IN_CHECKOUT = Path(__file__).parent.parent.parent / "migrations"

HISTORY = """
CREATE TABLE IF NOT EXISTS migrations (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrate(conninfo: str) -> list[str]:
    """Apply what is missing, each migration in its own transaction, and return their names.

    Safe to call from many processes at once: all but one wait.

    Raises:
        StoreError: If the database cannot be reached, has no pgvector, or was migrated by a newer
            or edited set of files.
    """
    with translate_errors(), psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            conn.execute(HISTORY)
            applied = [name for name, script in _scripts() if _apply(conn, name, script)]
            if applied:
                _guard(conn)
            return applied
        finally:
            conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def check_migrated(conninfo: str) -> None:
    """See to it that a replica's schema is the one of this version: nobody can migrate it here.

    Raises:
        StoreError: If it is another one.
    """
    with translate_errors(), psycopg.connect(conninfo) as conn:
        there = conn.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
        applied: set[str] = set()
        if there is not None and there[0]:
            applied = {row[0] for row in conn.execute("SELECT name FROM migrations")}
    needed = {name for name, _ in _scripts()}
    if applied != needed:
        raise StoreError(
            "the replica's database is of another version of ragqa: start this version once where "
            "its original is, which brings both up to date"
        )


def _guard(conn: psycopg.Connection[Any]) -> None:
    """Put new tables under row-level security, as far as this user may."""
    row = conn.execute("SELECT ragqa_guard()").fetchone()
    if row is not None and row[0]:
        logger.warning("keys for single collections will be refused here: %s", row[0])


def _scripts() -> Iterator[tuple[str, str]]:
    yield "0000_procrastinate", _queue_schema()
    folder = IN_PACKAGE if IN_PACKAGE.is_dir() else IN_CHECKOUT
    for path in sorted(folder.glob("*.sql")):
        yield path.stem, path.read_text("utf-8")


def _queue_schema() -> str:
    """Return the schema of the queue; the package itself is not imported, which takes a while."""
    package = importlib.util.find_spec("procrastinate")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("sql").joinpath("schema.sql").read_text("utf-8")


def _apply(conn: psycopg.Connection[Any], name: str, script: str) -> bool:
    sha256 = hashlib.sha256(script.encode()).hexdigest()
    applied = conn.execute("SELECT sha256 FROM migrations WHERE name = %s", [name]).fetchone()
    if applied is not None:
        if applied[0] != sha256:
            raise StoreError(
                f"migration {name} was edited after it ran on this database: expected "
                f"{applied[0][:12]}…, the file is {sha256[:12]}…; restore the file"
            )
        return False
    with conn.transaction():
        conn.execute(script.encode())
        conn.execute("INSERT INTO migrations (name, sha256) VALUES (%s, %s)", [name, sha256])
    return True
