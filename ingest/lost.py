"""What a piece of work may cost, and why it was lost: its process did not live to give a result."""

from __future__ import annotations

import signal
from dataclasses import dataclass

PAUSES = 0.0, 0.5, 2.0
"""Seconds before what was lost is tried again: what memory was wanting for may end meanwhile."""
_ORPHANED = 255
"""Told of a process whose forkserver was killed; see ``multiprocessing/popen_forkserver.py``."""
OUT_OF_MEMORY = 12
"""Exit code of a process."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may cost."""

    seconds: float
    """Of computing; a process that waits, or gets no processor, has ``PATIENCE`` times as long."""
    memory_mb: int


class Lost(Exception):
    """A piece of work whose process did not live to give its result."""

    def __init__(self, message: str, *, again: int = 0) -> None:
        """Tell the reader of the file why, and how often processes that did nothing may try again.

        Once when memory was missing, or it crashed, as libraries then do; oftener if it was killed.
        """
        super().__init__(message)
        self.again = again


def why_lost(exitcode: int | None, limits: Limits) -> Lost:
    """Return what the end of a process says."""
    if exitcode is not None and -exitcode == signal.SIGXCPU:
        return Lost(f"it uses more than the {limits.seconds:g} s of computing a page may use")
    if exitcode is not None and -exitcode == signal.SIGKILL:
        return Lost("its process was killed, most likely for want of memory", again=3)
    if exitcode == _ORPHANED:
        return Lost("what starts the processes that read was killed", again=3)
    if exitcode == OUT_OF_MEMORY:
        return Lost(f"it needs more than the {limits.memory_mb} MB a page may use", again=1)
    name = signal.Signals(-exitcode).name if exitcode is not None and exitcode < 0 else exitcode
    return Lost(f"the process that read it crashed ({name})", again=1)
