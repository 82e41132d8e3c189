"""Folders that are watched: brought in again whenever something in them changed.

Looked at again and again rather than told by the system: that works on network shares too, where
changes made elsewhere are told to nobody.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.batch import run_batch
from ragqa.errors import Conflict, StoreError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from ragqa.wiring import Services

    State = dict[str, tuple[int, int]]

logger = logging.getLogger(__name__)


def watch_folders(
    services: Services,
    paths: Sequence[Path],
    collection: str,
    *,
    ended: threading.Event,
    tell: Callable[[dict[str, Any]], None],
    every: float = 5.0,
    prune: bool = False,
) -> None:
    """Bring folders in now, and again after each change, until ``ended``.

    Args:
        services: What the batch works with.
        paths: Files and folders.
        collection: Where they go.
        ended: Set from elsewhere to end it.
        tell: Is given the report of each run.
        every: Seconds between two looks.
        prune: Whether documents whose files vanished are deleted.

    Raises:
        InvalidInput: If a path is not there at the start.
    """
    done: State | None = None
    while not ended.is_set():
        state = dict(_state(paths))
        if state != done:
            try:
                report = run_batch(services, paths, collection, prune=prune)
            except (Conflict, StoreError) as error:
                # Another run, too much to prune, the database away: the next look tries again.
                logger.warning("the folders are tried again in %.0f s: %s", every, error)
            else:
                tell(report)
                waits = any("still being written" in one["reason"] for one in report["skipped"])
                done = None if waits else state
        ended.wait(every)


def _state(paths: Sequence[Path]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield size and time (ns) of every file, by its path."""
    for path in paths:
        files = [path]
        if path.is_dir():
            files = [Path(at, name) for at, _, names in os.walk(path) for name in names]
        for file in files:
            with suppress(OSError):
                status = file.stat()
                yield str(file), (status.st_size, status.st_mtime_ns)
