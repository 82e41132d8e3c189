"""Turns of the documents a worker has in hand: one is read while another one is embedded.

A worker that takes two documents at once keeps the slower of the two stages busy all the time, and
yet starts readers for one document only: their memory is not doubled.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS = 0.5
"""Whoever waits asks so often whether it still should."""


class Turn:
    """One at a time, in the order they came."""

    def __init__(self) -> None:
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
            return self._moved.wait_for(lambda: self._line[0] is ticket, POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Turns:
    """The stages of one process that are not doubled."""

    reading: Turn = field(default_factory=Turn)
    """Held from opening a file until its last page is kept."""
    embedding: Turn = field(default_factory=Turn)
    """Held for one call of the model: a short document is not kept waiting by a long one."""
