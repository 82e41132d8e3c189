"""Whether work goes on, and how far it is: what the one who waits for a document gets to know."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragqa.errors import Cancelled, StoreError
from ragqa.store.versions import record_progress, standing
from ragqa.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.store.versions import Claim, Standing

    Row = dict[str, Any]

POLL_SECONDS = 0.5


class Interrupted(StoreError):
    """The worker is told to end: the next one goes on where this one was."""

    code = "interrupted"


class TakenOver(Exception):
    """Another worker has taken the version up, as this one seemed dead: it is that one's now."""


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
        self._standing: Standing = "cancelled" if claim.cancelled else "wanted"
        self._progress = Progress("open")

    def stopped(self) -> bool:
        """Return whether the work should stop; safe to ask all the time."""
        now = time.monotonic()
        if self._standing == "wanted" and now - self._asked >= POLL_SECONDS:
            self._asked = now
            with self._database.transaction() as conn:
                self._standing = standing(conn, self._claim)
        return self._standing != "wanted" or self._ending()

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Cancelled: If the version was cancelled or its document deleted.
            TakenOver: If another worker works on it.
            Interrupted: If this process is to end.
        """
        if not self.stopped():
            return
        if self._standing != "wanted":
            raise self._refusal()
        raise Interrupted(f"the worker ends before {self._claim.name} is read")

    def report(self, progress: Progress) -> None:
        """Write how far the work is.

        Raises:
            Cancelled, TakenOver, Interrupted: As ``check`` does.
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
            Cancelled, TakenOver, Interrupted: As ``check`` does; nothing is kept then, except when
                only this process is to end.
        """
        self._progress = progress or self._progress
        with self._database.transaction() as conn:
            self.record(conn, self._progress, further=further)
            yield conn
        self.check()

    def record(self, conn: Connection[Row], progress: Progress, *, further: bool = False) -> None:
        """Write how far the work is in the caller's transaction, which holds the claim from then.

        Raises:
            Cancelled, TakenOver: As ``check`` does.
        """
        if not record_progress(conn, self._claim, progress, further=further):
            self._standing = standing(conn, self._claim)
            raise self._refusal()

    def _refusal(self) -> Exception:
        if self._standing == "taken over":
            return TakenOver(f"{self._claim.name} was taken up by another worker")
        return Cancelled(f"reading {self._claim.name} was cancelled")
