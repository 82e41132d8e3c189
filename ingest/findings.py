"""What a run of the batch finds in folders, and what it tells of it in the end."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ragqa.types import DocumentId

SETTLED_SECONDS = 2.0
"""A file that changed within the last seconds may still be growing."""
GROWING_SECONDS = 0.3
"""So long it is watched then."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file on its way in: where it lies and what its document is called."""

    root: str
    path: str
    bytes: int
    mtime_ns: int

    @property
    def file(self) -> Path:
        """Where it lies."""
        return Path(self.root, self.path)


@dataclass(slots=True)
class Batch:
    """What a run did so far; ``documents`` are those whose reading it waits for."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    renamed: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    documents: dict[DocumentId, str] = field(default_factory=dict)

    def fail(self, file: str, failure: Failure) -> None:
        """Note a file that could not be taken in."""
        self.failed.append({"file": file, "code": failure.code, "message": failure.message})

    def skip(self, file: str, reason: str) -> None:
        """Note a file that was left alone on purpose."""
        self.skipped.append({"file": file, "reason": reason})


def walk(root: Path, batch: Batch) -> Iterator[str]:
    """Yield the files below ``root``, relative to it; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        batch.fail(str(error.filename), Failure("unreadable_folder", str(error.strerror)))

    top = str(root)
    for folder, folders, names in os.walk(top, onerror=refuse):
        folders.sort()
        below = folder[len(top) :].lstrip("/")
        for name in sorted(names):
            yield f"{below}/{name}" if below else name


def settled(recent: Sequence[Found], batch: Batch) -> Iterator[Found]:
    """Yield the files that nobody is writing to any more."""
    if recent:
        time.sleep(GROWING_SECONDS)
    for one in recent:
        try:
            status = one.file.stat()
        except OSError as error:
            batch.fail(one.path, Failure("unreadable_file", f"{one.file}: {error.strerror}"))
            continue
        if (status.st_size, status.st_mtime_ns) == (one.bytes, one.mtime_ns):
            yield one
        else:
            batch.skip(one.path, "still being written; the next run takes it")


def report(batch: Batch, documents: Iterable[Any], seconds: float) -> dict[str, Any]:
    """Return the contract's IngestReport once the documents have come to their end."""
    pages = ocr_pages = chunks = 0
    failed = list(batch.failed)
    for document in documents:
        if document.status == "failed":
            error = document.error
            told = {"file": document.filename, "code": error.code, "message": error.message}
            failed.append({**told, "document_id": str(document.id)})
            continue
        pages += document.pages
        ocr_pages += document.ocr_pages
        chunks += document.chunks
    return {
        "added": batch.added,
        "updated": batch.updated,
        "unchanged": batch.unchanged,
        "deleted": batch.deleted,
        "renamed": batch.renamed,
        "failed": failed,
        "skipped": batch.skipped,
        "pages": pages,
        "ocr_pages": ocr_pages,
        "chunks": chunks,
        "seconds": round(seconds, 2),
    }
