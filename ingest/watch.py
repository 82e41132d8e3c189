"""Whether work goes on, and how far it is: what the one who waits for a document gets to know."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragqa.errors import Cancelled, StoreError
from ragqa.store.versions import is_wanted, record_progress
from ragqa.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.store.versions import Claim

    Row = dict[str, Any]

POLL_SECONDS = 0.5


class Interrupted(StoreError):
    """The worker is told to end: the next one goes on where this one was."""

    code = "interrupted"


class Watch:
    """Answers "go on?" for one claimed version, asking the database at most twice a second."""

    def __init__(
        self, database: Database, claim: Claim, ending: Callable[[], bool] = lambda: False
    ) -> None:
        """Watch a claim; ``ending`` tells whether this process is to end."""
        self._database = database
        self._claim = claim
        self._ending = ending
        self._asked = 0.0
        self._unwanted = claim.cancelled
        self._progress = Progress("open")

    def stopped(self) -> bool:
        """Return whether the work should stop; safe to ask all the time."""
        now = time.monotonic()
        if not self._unwanted and now - self._asked >= POLL_SECONDS:
            self._asked = now
            with self._database.transaction() as conn:
                self._unwanted = not is_wanted(conn, self._claim.document_id, self._claim.version)
        return self._unwanted or self._ending()

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Cancelled: If the version was cancelled or its document deleted.
            Interrupted: If this process is to end.
        """
        if not self.stopped():
            return
        if self._unwanted:
            raise Cancelled(f"reading {self._claim.name} was cancelled")
        raise Interrupted(f"the worker ends before {self._claim.name} is read")

    def report(self, progress: Progress) -> None:
        """Write how far the work is.

        Raises:
            Cancelled, Interrupted: As ``check`` does.
        """
        with self.keeping(progress, further=False):
            pass

    @contextmanager
    def keeping(
        self, progress: Progress | None = None, *, further: bool = True
    ) -> Iterator[Connection[Row]]:
        """Give a transaction to keep a result in; how far the work is is written with it.

        Args:
            progress: How far it is; None: as far as was said last.
            further: Whether the result is one that no earlier attempt had.

        Raises:
            Cancelled, Interrupted: As ``check`` does; when cancelled, nothing is kept.
        """
        claim = self._claim
        self._progress = progress or self._progress
        with self._database.transaction() as conn:
            if not record_progress(
                conn, claim.document_id, claim.version, self._progress, further=further
            ):
                self._unwanted = True
                raise Cancelled(f"reading {claim.name} was cancelled")
            yield conn
        self.check()
