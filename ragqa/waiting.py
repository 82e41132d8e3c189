"""Waiting until a document is read, as every Python door does it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from ragqa.errors import Busy, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.records import Document

POLL_SECONDS = 0.3


def wait_until_read(
    look: Callable[[], Document],
    *,
    timeout: float,
    progress: Callable[[Document], None] | None = None,
    passing: tuple[type[Exception], ...] = (),
) -> Document:
    """Return a document once it is ready or failed.

    Args:
        look: Returns the document as it is now.
        timeout: Seconds to wait.
        progress: Called with the document after each look.
        passing: Errors that may pass, beside a database or service that is away or busy.

    Raises:
        TimeoutError: If it is neither after ``timeout`` seconds.
    """
    may_pass: tuple[type[Exception], ...] = (StoreError, Busy, *passing)
    deadline = time.monotonic() + timeout
    while True:
        try:
            document = look()
            if progress is not None:
                progress(document)
            if document["status"] in {"ready", "failed"}:
                return document
        except may_pass:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise TimeoutError(f"the document is not read after {max(0.0, timeout):g} s")
        time.sleep(POLL_SECONDS)


class Waits(Protocol):
    """Either Python door: ``ragqa.Client`` or ``ragqa.Local``."""

    def wait(
        self,
        document_id: str,
        *,
        timeout: float,
        progress: Callable[[Document], None] | None,
    ) -> Document:
        """Return a document once it is ready or failed."""
        ...


def wait_for_all(
    door: Waits,
    documents: Sequence[Document],
    seconds: float | None,
    progress: Callable[[Document], None] | None,
) -> list[Document]:
    """Return documents once all are ready or failed; as they are when ``seconds`` is None.

    Raises:
        TimeoutError: If one is neither after ``seconds`` for all of them.
    """
    if seconds is None:
        return list(documents)
    deadline = time.monotonic() + seconds
    return [
        door.wait(one["id"], timeout=deadline - time.monotonic(), progress=progress)
        for one in documents
    ]
