"""Turns of the documents a worker has in hand: one is read while another one is embedded.

A worker that takes a few documents at once keeps the slower of the two stages busy all the time,
and yet starts readers for one document only: their memory is not doubled.
"""

from __future__ import annotations

import bisect
import itertools
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_PASSES = 4
"""Calls of the model at the same time; each needs memory for what it computes."""
MOST_LEFT = 16
"""A long document waits for no more than twice as many calls of shorter ones."""
POLL_SECONDS = 0.5
"""Whoever waits asks so often whether it still should."""


class Turn:
    """One at a time, or a few, in the order they came, but for those who need it more often.

    Were they equal, documents that came together would all end together, and none be read while
    they are embedded: nothing would be there to embed next.
    """

    def __init__(self, places: int = 1) -> None:
        """Let so many hold it at the same time."""
        self.places = places
        self._free = places
        self._came = itertools.count()
        self._line: list[tuple[int, int]] = []
        self._moved = threading.Condition()

    @contextmanager
    def taken(self, check: Callable[[], None], *, left: int = 0) -> Iterator[None]:
        """Wait for the turn and hold it.

        Args:
            check: Called while waiting; what it raises ends the wait.
            left: How often the caller will need it again. For each time one that needs it less
                often may come two places later and still be before it, ``MOST_LEFT`` times at most.
        """
        with self._moved:
            came = next(self._came)
            ticket = (came + 2 * min(left, MOST_LEFT), came)
            bisect.insort(self._line, ticket)
        holds = False
        try:
            while not (holds := self._comes(ticket)):
                check()
            yield
        finally:
            with self._moved:
                if holds:
                    self._free += 1
                else:
                    self._line.remove(ticket)
                self._moved.notify_all()

    def _comes(self, ticket: tuple[int, int]) -> bool:
        with self._moved:
            if not self._moved.wait_for(
                lambda: self._free and self._line[0] == ticket, POLL_SECONDS
            ):
                return False
            self._free -= 1
            self._line.remove(ticket)
            self._moved.notify_all()
            return True


def _passes() -> int:
    return min(MOST_PASSES, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class Turns:
    """The stages of one process that are not doubled."""

    reading: Turn = field(default_factory=Turn)
    """Held while a file is inspected, and while its pages are read."""
    long: Turn = field(default_factory=lambda: Turn(2))
    """Held by a document of many pages from its first page to its end: one is read while another
    is embedded, and a third would need memory for nothing."""
    embedding: Turn = field(default_factory=lambda: Turn(_passes()))
    """Held for one call of the model: a short document is not kept waiting by a long one."""
