"""When a worker has rested long enough to give the memory of its models back."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Rest:
    """How long a process has had nothing to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0
        self._since = time.monotonic()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Note that there is work as long as ``with`` lasts."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._since = time.monotonic()

    def seconds(self) -> float:
        """Return for how many seconds nothing has been done; 0 while something is."""
        with self._lock:
            return 0.0 if self._busy else time.monotonic() - self._since
