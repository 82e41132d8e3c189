"""Processor cores shared by passes of a model that run at the same time."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class Cores:
    """Computes passes, as many at once as there are cores; one that begins alone has all of them.

    Two passes of one thread each take a tenth less processor time than one pass of two threads
    after the other, which wait for each other at each layer, and no core is idle meanwhile.

    They run in threads of our own: PyTorch keeps 8 MB for each thread that ever computed, and more
    passes than cores hold memory and finish none the sooner.
    """

    def __init__(self, count: int | None = None) -> None:
        """Share so many cores; None: those that this process may use."""
        self.count = count or len(os.sched_getaffinity(0))
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="pass")
        self._state = threading.Lock()
        self._passing = 0

    def compute(self, one_pass: Callable[[], Result]) -> Result:
        """Return what a pass gives, or raise what it raises; it may not ask for another one."""
        return self._threads.submit(self._share, one_pass).result()

    def _share(self, one_pass: Callable[[], Result]) -> Result:
        import torch

        with self._state:
            self._passing += 1
            mine = max(1, self.count // self._passing)
        # Said at each pass, since a new thread begins with what was said last in any other.
        if torch.get_num_threads() != mine:
            torch.set_num_threads(mine)
        try:
            with torch.inference_mode():
                return one_pass()
        finally:
            with self._state:
                self._passing -= 1
