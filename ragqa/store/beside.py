"""A second connection that sees what a transaction sees, and works while that one is used."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from ragqa.errors import StoreError

if TYPE_CHECKING:
    from types import TracebackType

    from psycopg import Connection

    from ragqa.store.db import Database

    Row = dict[str, Any]

# A small collection would be scanned row by row, its packed terms read for nothing; compiling a
# statement takes longer than running it, and planning it anew for each question nearly as long.
PLANNING = """
       set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
"""
"""How every connection of a search plans."""

EXPORT = "SELECT pg_export_snapshot() AS moment"

PATIENCE = 0.002
"""Seconds to wait for the connection: after that it is quicker to do without."""


class Beside:
    """Lends connections that answer later: in pipeline mode, a query only waits when it is read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._borrowed = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._borrowed.__exit__(kind, error, trace)

    def borrow(self, conn: Connection[Row]) -> Connection[Row] | None:
        """Return a connection that sees what ``conn``, in a repeatable transaction, sees.

        None when no other is free.
        """
        row = conn.execute(EXPORT, prepare=True).fetchone()
        assert row is not None
        seen = self._database.transaction(at=row["moment"], timeout=PATIENCE)
        try:
            other = self._borrowed.enter_context(seen)
        except StoreError:  # what else is wrong with the database, ``conn`` says as well
            return None
        self._borrowed.enter_context(other.pipeline())
        other.execute(f"SELECT {PLANNING}", prepare=True)
        return other
