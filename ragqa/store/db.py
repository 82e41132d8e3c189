"""Connections: one pool a process, adapters registered, driver errors translated."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from ragqa.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    Row = dict[str, Any]


class Database:
    """A pool of connections whose rows are dictionaries; close it when done."""

    def __init__(self, conninfo: str, *, max_size: int = 12) -> None:
        self.conninfo = conninfo
        self._max_size = max_size
        self._pid = 0
        self._pool: ConnectionPool[Connection[Row]] | None = None

    @contextmanager
    def transaction(self, *, repeatable: bool = False) -> Iterator[Connection[Row]]:
        """Borrow a connection for one transaction: committed at the end, rolled back on error.

        Args:
            repeatable: Every statement sees the same snapshot.

        Raises:
            StoreError: If Postgres cannot be reached or refuses.
        """
        with translate_errors(), self._open().connection(timeout=10) as conn:
            if repeatable:
                conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield conn

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
                configure=register_vector,
                check=ConnectionPool.check_connection,
                kwargs={"row_factory": dict_row},
            )
        return self._pool


@contextmanager
def translate_errors() -> Iterator[None]:
    """Re-raise driver errors as ``StoreError``, keeping the cause."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreError("the database did not answer within 10 s; is it running?") from error
    except psycopg.Error as error:
        raise StoreError(f"the database refused: {str(error).strip()}") from error
