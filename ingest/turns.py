"""Turns of the documents a worker has in hand: one is read while another one is embedded.

A worker that takes two documents at once keeps the slower of the two stages busy all the time, and
yet starts readers for one document only: their memory is not doubled.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_PASSES = 4
"""Calls of the model at the same time; each needs memory for what it computes."""
POLL_SECONDS = 0.5
"""Whoever waits asks so often whether it still should."""


class Turn:
    """One at a time, or a few, in the order they came."""

    def __init__(self, places: int = 1) -> None:
        """Let so many hold it at the same time."""
        self.places = places
        self._line: deque[object] = deque()
        self._moved = threading.Condition()

    @contextmanager
    def taken(self, check: Callable[[], None]) -> Iterator[None]:
        """Wait for the turn and hold it.

        Args:
            check: Called while waiting; what it raises ends the wait.
        """
        ticket = object()
        with self._moved:
            self._line.append(ticket)
        try:
            while not self._comes(ticket):
                check()
            yield
        finally:
            with self._moved:
                self._line.remove(ticket)
                self._moved.notify_all()

    def _comes(self, ticket: object) -> bool:
        with self._moved:
            return self._moved.wait_for(
                lambda: ticket in islice(self._line, self.places), POLL_SECONDS
            )


def _passes() -> int:
    return min(MOST_PASSES, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class Turns:
    """The stages of one process that are not doubled."""

    reading: Turn = field(default_factory=Turn)
    """Held from opening a file until its last page is kept."""
    embedding: Turn = field(default_factory=lambda: Turn(_passes()))
    """Held for one call of the model: a short document is not kept waiting by a long one."""
