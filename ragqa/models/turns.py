"""A lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Turns:
    """First come, first served: ``threading.Lock`` promises no order."""

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()
        self._holder: Turn | None = None

    def join(self) -> Turn:
        """Take a place at the end of the queue; end the turn in any case."""
        came = threading.Event()
        with self._state:
            if self._taken:
                self._waiting.append(came)
            else:
                self._taken = True
                came.set()
        return Turn(self, came)

    def __enter__(self) -> None:
        turn = self.join()
        try:
            turn.wait()
        except BaseException:
            turn.end()
            raise
        self._holder = turn

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._holder is not None
        self._holder.end()

    def _leave(self, came: threading.Event) -> None:
        """Give up a place in the queue, or the turn that came meanwhile."""
        with self._state:
            if came in self._waiting:
                self._waiting.remove(came)
            elif self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class Turn:
    """One place in the queue, and the lock once it is given."""

    def __init__(self, turns: Turns, came: threading.Event) -> None:
        self._turns = turns
        self._came = came

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the turn comes, but no longer than that; tell whether it came."""
        return self._came.wait(seconds)

    def end(self) -> None:
        """Let the next one have it. To be called once, whether the turn came or not."""
        self._turns._leave(self._came)
