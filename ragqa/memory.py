"""Memory that a process no longer uses, given back to the machine."""

from __future__ import annotations

import ctypes
import gc
import mmap
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_M_ARENA_MAX = -8
_MUCH = 256 << 20
_STATM = Path("/proc/self/statm")
_resident_then = 0
"""Bytes in memory after what was freed was last returned."""


def give_back() -> None:
    """Return what was freed: the C library keeps it otherwise, in pieces that fit nothing else.

    Costs about 10 ms, and .1 s when as much as a model's pass takes is asked for again.
    """
    global _resident_then
    with suppress(OSError, AttributeError):  # only glibc keeps freed memory to itself
        ctypes.CDLL(None).malloc_trim(0)
    _resident_then = _resident()


def give_back_much() -> None:
    """Return what was freed if this process has grown by much since that was last done."""
    if _resident() > _resident_then + _MUCH:
        give_back()


def _resident() -> int:
    """Return the bytes of this process in memory; 0 where that cannot be told."""
    try:
        return int(_STATM.read_text().split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0


def share_freed() -> None:
    """Let threads take memory that others freed, for good.

    The C library lets each keep its own otherwise: two that embed by turns take 50 MB more, a
    service with 20 askers 400 MB. To be called before there are other threads.
    """
    with suppress(OSError, AttributeError):  # only glibc parts memory by threads
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def unmap_read(address: int, size: int) -> None:
    """Give back what was read of a file through a mapping that nobody writes to.

    Each page asked for brings fifteen beside it, which count as the process's own. What is asked
    for again comes from the system's cache: a microsecond a page. Others may be reading meanwhile.

    Args:
        address: Of the first byte.
        size: Bytes from there.
    """
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        with suppress(OSError, AttributeError):  # nothing depends on it
            advise = ctypes.CDLL(None).madvise
            advise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)


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
