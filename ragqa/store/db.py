"""Connections: one pool a process, adapters registered, driver errors translated."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from pgvector.psycopg.halfvec import register_halfvec_info
from psycopg import IsolationLevel, sql
from psycopg.rows import dict_row
from psycopg.types import TypeInfo
from psycopg_pool import ConnectionPool, PoolTimeout
from typing_extensions import override

from ragqa.errors import Forbidden, ReadOnly, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    Row = dict[str, Any]

IDENTIFY = (
    "SELECT set_config('role', %s, true), set_config('ragqa.collections', %s::bigint[]::text, true)"
)
# Both settings end with the transaction; a connection that kept one would be a leak, so it is
# looked for, in the round trip that finds out whether the connection lives.
IS_ITSELF = (
    "SELECT current_user = session_user"
    " AND coalesce(current_setting('ragqa.collections', true), '') = '' AS itself"
)

# Before anything is asked in the transaction.
SEE = sql.SQL("SET TRANSACTION SNAPSHOT {at}")

CANNOT_BECOME = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidParameterValue,
    psycopg.errors.UndefinedObject,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a restricted caller may see and do; Postgres itself holds it to that."""

    role: Literal["ragqa_reader", "ragqa_writer"]
    collections: tuple[int, ...]


class Database:
    """A pool of connections whose rows are dictionaries; close it when done."""

    def __init__(self, conninfo: str, *, max_size: int = 12, read_only: bool = False) -> None:
        self.conninfo = conninfo
        self.read_only = read_only
        """Whether it is a replica's: whatever changes something raises ``ReadOnly``."""
        self._max_size = max_size
        self._pid = 0
        self._pool: ConnectionPool[Connection[Row]] | None = None

    @contextmanager
    def transaction(
        self, *, repeatable: bool = False, at: str | None = None, timeout: float = 10
    ) -> Iterator[Connection[Row]]:
        """Borrow a connection for one transaction: committed at the end, rolled back on error.

        Args:
            repeatable: Every statement sees the same snapshot.
            at: What another repeatable transaction exported: its snapshot is seen.
            timeout: Seconds to wait for a connection.

        Raises:
            StoreError: If Postgres cannot be reached or refuses.
        """
        with translate_errors(), self._open().connection(timeout=timeout) as conn:
            # Told with BEGIN; whoever borrowed the connection before may have chosen another.
            same = repeatable or at is not None
            conn.isolation_level = IsolationLevel.REPEATABLE_READ if same else None
            if at is not None:
                conn.execute(SEE.format(at=sql.Literal(at)), prepare=False)
            yield conn

    def within(self, reach: Reach) -> Database:
        """Return the same database as somebody sees it who may not see everything."""
        return _Restricted(self, reach)

    def occupancy(self) -> dict[str, int]:
        """Return how many connections of this process are busy and idle, and who waits for one."""
        told = self._open().get_stats()
        idle = told.get("pool_available", 0)
        busy = told.get("pool_size", 0) - idle
        return {"busy": busy, "idle": idle, "waiting": told.get("requests_waiting", 0)}

    def close(self) -> None:
        """Close every connection; a closed database opens again when used."""
        if self._pool is not None and self._pid == os.getpid():
            self._pool.close()
        self._pool = None

    def _open(self) -> ConnectionPool[Connection[Row]]:
        # A forked child must not share its parent's sockets.
        if self._pool is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._pool = ConnectionPool(
                self.conninfo,
                min_size=1,
                max_size=self._max_size,
                open=True,
                configure=_know_halfvec,
                check=_check,
                kwargs={"row_factory": dict_row},
            )
        return self._pool


class _Restricted(Database):
    """A database whose every transaction runs under a reach, in connections of another's pool."""

    def __init__(self, whole: Database, reach: Reach) -> None:
        super().__init__(whole.conninfo, read_only=whole.read_only)
        self._whole = whole
        self._reach = reach

    @override
    @contextmanager
    def transaction(
        self, *, repeatable: bool = False, at: str | None = None, timeout: float = 10
    ) -> Iterator[Connection[Row]]:
        """Borrow a connection that sees no row beyond the reach.

        Raises:
            Forbidden: If the reach does not allow what was asked.
            StoreError: If Postgres cannot be reached or refuses.
        """
        with self._whole.transaction(repeatable=repeatable, at=at, timeout=timeout) as conn:
            try:
                conn.execute(IDENTIFY, [self._reach.role, list(self._reach.collections)])
            except CANNOT_BECOME as error:
                raise StoreError(
                    f"Postgres does not let us become {self._reach.role} ({str(error).strip()}): "
                    "keys for single collections cannot be served: see `ragqa doctor`"
                ) from error
            yield conn

    @override
    def within(self, reach: Reach) -> Database:
        raise StoreError("a reach is never widened: begin with the whole database")

    @override
    def close(self) -> None:
        """Do nothing: the connections are another's."""


def _know_halfvec(conn: Connection[Row]) -> None:
    """Let embeddings come back as what they are; asking for all types of pgvector takes .004 s."""
    info = TypeInfo.fetch(conn, "halfvec")
    if info is None:
        raise psycopg.ProgrammingError("the database has no type halfvec: CREATE EXTENSION vector")
    register_halfvec_info(conn, info)


def _check(conn: Connection[Row]) -> None:
    """Refuse a connection that is dead, or that still is somebody else.

    Raises:
        psycopg.Error: Then the pool takes another.
    """
    conn.autocommit = True
    row = conn.execute(IS_ITSELF).fetchone()
    conn.autocommit = False
    if row is None or not row["itself"]:
        conn.close()  # the pool would offer it again
        raise psycopg.OperationalError("the connection kept the identity of its last user")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Re-raise driver errors as ``StoreError``, keeping the cause."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreError("the database did not answer within 10 s; is it running?") from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise ReadOnly from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Forbidden(f"this key may not do that: {str(error).strip()}") from error
    except psycopg.Error as error:
        raise StoreError(f"the database refused: {str(error).strip()}") from error
