"""The server process of a cluster's folder: found and ended without believing a pid file."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def find_postmaster(data: Path) -> int | None:
    """Return the pid of the live server of exactly this folder, if there is one."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if works_in(pid, data) else None


def end_postmaster(pid: int, data: Path) -> None:
    """End server ``pid`` of a folder that is, or may be, deleted: there is nothing to save."""
    deadline = time.monotonic() + 10
    while works_in(pid, data) and time.monotonic() < deadline:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGQUIT)
        time.sleep(0.1)


def works_in(pid: int, data: Path) -> bool:
    """Return whether process ``pid`` has ``data``, deleted or not, as its working folder."""
    try:
        if not Path("/proc/self").exists():
            os.kill(pid, 0)
            return True
        cwd = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - " (deleted)" is no part of a path
    except OSError:
        return False
    return cwd.removesuffix(" (deleted)") == str(data.resolve())
