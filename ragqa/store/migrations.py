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
    from collections.abc import Iterator, Mapping, Sequence

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
        return _bring_up(conn)


def migrate_original(conninfo: str) -> bool:
    """Bring a database up to date, unless it is a replica, which is only looked at.

    Returns:
        Whether it is an original, one that can be written.

    Raises:
        StoreError: If it cannot be reached or migrated, or if a replica's is of another version.
    """
    with translate_errors(), psycopg.connect(conninfo, autocommit=True) as conn:
        row = conn.execute("SELECT pg_is_in_recovery()").fetchone()
        if row is not None and row[0]:
            _check_replica(conn)
            return False
        _bring_up(conn)
        return True


def _bring_up(conn: psycopg.Connection[Any]) -> list[str]:
    scripts = list(_scripts())
    if not _missing(scripts, _read_history(conn)):
        return []
    conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        conn.execute(HISTORY)
        # Read again: another process may have been at it until now.
        missing = _missing(scripts, _read_history(conn))
        for name, script in missing:
            with conn.transaction():
                _apply(conn, name, script)
                if name == missing[-1][0]:
                    _guard(conn)
        return [name for name, _ in missing]
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _check_replica(conn: psycopg.Connection[Any]) -> None:
    """See to it that a replica's schema is the one of this version: nobody can migrate it here.

    Raises:
        StoreError: If it is another one.
    """
    if set(_read_history(conn)) != {name for name, _ in _scripts()}:
        raise StoreError(
            "the replica's database is of another version of ragqa: start this version once where "
            "its original is, which brings both up to date"
        )


def _read_history(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return the hashes of the migrations that were applied, by name."""
    there = conn.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return {}
    return dict(conn.execute("SELECT name, sha256 FROM migrations").fetchall())


def _missing(
    scripts: Sequence[tuple[str, str]], applied: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the migrations that are still to be applied.

    Raises:
        StoreError: If one of those applied was another one then.
    """
    for name, script in scripts:
        if name in applied and applied[name] != (sha256 := _hash(script)):
            raise StoreError(
                f"migration {name} was edited after it ran on this database: expected "
                f"{applied[name][:12]}…, the file is {sha256[:12]}…; restore the file"
            )
    return [(name, script) for name, script in scripts if name not in applied]


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


def _apply(conn: psycopg.Connection[Any], name: str, script: str) -> None:
    conn.execute(script.encode())
    conn.execute("INSERT INTO migrations (name, sha256) VALUES (%s, %s)", [name, _hash(script)])


def _hash(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()
