"""Memory that a process no longer uses, given back to the machine."""

from __future__ import annotations

import ctypes
import gc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def give_back() -> None:
    """Return what was freed: the C library keeps it otherwise, in pieces that fit nothing else.

    Costs about 10 ms.
    """
    with suppress(OSError, AttributeError):  # only glibc keeps freed memory to itself
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def uncollected() -> Iterator[None]:
    """Let nothing be looked through for cycles while much is loaded that stays.

    Loading an embedding model takes a sixth less processor time, and 8 MB more.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
