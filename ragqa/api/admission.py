"""How many questions may be under way: one more is told to come back later, at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragqa.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator


class Admission:
    """Counts the questions that are answered or wait for the generator."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def inside(self) -> int:
        """How many questions are under way now."""
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a place while a question is answered.

        Raises:
            Busy: If every place is taken.
        """
        with self._lock:
            if self._inside >= self._limit:
                raise Busy(
                    f"{self._limit} questions are being answered or wait already; "
                    f"ask again in a few seconds. 正在回答的问题已达 {self._limit} 个，请稍候再问。"
                )
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
