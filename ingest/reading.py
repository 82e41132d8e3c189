"""Files to raw pages, safely: every file is opened and read in the sandbox."""

from __future__ import annotations

import functools
import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING

from ingest.heads import running_heads
from ingest.lost import Limits, Lost
from ingest.reader import (
    OPEN_SECONDS,
    given_up,
    inspect_here,
    open_here,
    read_here,
    read_page_here,
)
from ingest.sandbox import Stopped, borrowed, in_order
from ingest.sheets import assemble_pages
from ingest.types import FileInfo, PackedPage, RawPage, ReadOptions, RunningHeads
from ragqa.errors import Cancelled, RagqaError, UnreadableFile
from ragqa.types import Notice, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ragqa.settings import Settings

__all__ = [
    "Parsed",
    "inspect",
    "inspect_anew",
    "parse",
    "prepare_readers",
    "read_options",
    "read_packed",
    "read_pages",
    "readers_for",
    "running_heads",
]

_NEEDED = "ingest.reader", "ingest.page", "ingest.tables.finder", "pymupdf", "pdfplumber"
_INSPECTIONS = 3
"""Most of one attempt."""
_FEW_PICTURED = 4
"""Pages with pictures that one process reads about as fast as two, which must load models first."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A whole file, read and assembled."""

    pages: tuple[Page, ...]
    notices: tuple[Notice, ...]
    heads: RunningHeads
    raws: tuple[RawPage, ...]


def read_options(settings: Settings, *, password: str | None = None) -> ReadOptions:
    """Return how files are read under these settings."""
    return ReadOptions(
        ocr="auto",
        ocr_engine=settings.ocr_engine,
        ocr_dpi=settings.ocr_dpi,
        password=password,
        page_seconds=settings.page_seconds,
        page_memory_mb=settings.page_memory_mb,
        max_pages=settings.max_pages,
        models_folder=settings.models_folder,
    )


def prepare_readers() -> None:
    """Start what readers are forked from, with what every one of them needs imported already.

    Each begins a third of a second sooner, for 70 MB that are held once.
    """
    multiprocessing.set_forkserver_preload(list(_NEEDED))
    forkserver.ensure_running()


def inspect(path: Path, options: ReadOptions) -> FileInfo:
    """Open a file and say what is in it, without reading its pages.

    Raises:
        UnreadableFile: If it is not what its name says, or damaged beyond repair.
        PasswordRequired: If it is encrypted and the password is missing or wrong.
        TooLarge: If it has more pages than ``options.max_pages``.
    """
    limits = Limits(max(OPEN_SECONDS, options.page_seconds), options.page_memory_mb)
    with borrowed(limits, processes=_few()) as box:
        try:
            outcome: FileInfo | RagqaError = box.wait(box.start(inspect_here, path, options))
        except Lost as lost:
            raise UnreadableFile(f"{path.name} cannot be opened: {lost}") from lost
    return _raised(outcome)


def inspect_anew(path: Path, options: ReadOptions) -> FileInfo:
    """Inspect a file; again when its reader crashed, which may have been another's fault.

    Raises:
        RagqaError: What ``inspect`` raises.
    """
    for _ in range(_INSPECTIONS - 1):
        try:
            return inspect(path, options)
        except UnreadableFile as error:
            if not (isinstance(error.__cause__, Lost) and error.__cause__.again):
                raise
    return inspect(path, options)


def read_pages(
    path: Path,
    numbers: Sequence[int],
    options: ReadOptions,
    stop: Callable[[], bool] | None = None,
) -> Iterator[RawPage]:
    """Read pages as ``read_packed`` does, and unpack them."""
    for page in read_packed(path, numbers, options, stop):
        yield RawPage.from_bytes(page.data, page.number)


def read_packed(
    path: Path,
    numbers: Sequence[int],
    options: ReadOptions,
    stop: Callable[[], bool] | None = None,
    *,
    readers: int | None = None,
) -> Iterator[PackedPage]:
    """Read pages, in the order of ``numbers``.

    A page that crashes its reader, hangs or eats memory comes back empty, with a notice.

    Args:
        path: The file.
        numbers: Page numbers from 1.
        options: How to read, and what a page may cost.
        stop: Asked many times a second; True ends the reading at once.
        readers: Processes that read; one for each core if not given.

    Raises:
        Cancelled: If ``stop`` said so.
    """
    if not numbers:
        return
    readers = readers or _cores()
    function = functools.partial(read_here, path, options)
    limits = Limits(options.page_seconds, options.page_memory_mb)
    try:
        with borrowed(limits, processes=readers) as box:
            for number, result in in_order(box, function, numbers, ahead=2 * readers, stop=stop):
                if isinstance(result, Lost):
                    yield PackedPage.of(given_up(number, result))
                else:
                    yield result
    except Stopped as stopped:
        raise Cancelled(f"reading {path.name} was cancelled") from stopped


def readers_for(info: FileInfo, numbers: Sequence[int]) -> int:
    """Return how many processes are worth starting to read pages of a file.

    One more takes .3 s to start and, where there are pictures, a second to load the OCR models: as
    long as a hundred written pages take, and while they are read other documents are embedded.
    """
    return _few() if min(len(numbers), info.pictured) <= _FEW_PICTURED else _cores()


def _few() -> int:
    return max(1, _cores() // 4)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def parse(path: Path, options: ReadOptions, *, first: int | None = None) -> Parsed:
    """Read a whole file, or its first pages.

    Raises:
        RagqaError: What ``inspect`` raises.
    """
    info = inspect(path, options)
    last = min(info.pages, first or info.pages)
    raws = tuple(read_pages(path, range(1, last + 1), options))
    heads = running_heads(raws)
    pages = tuple(page for _, page in assemble_pages(raws, heads))
    notices = (*info.notices, *(notice for raw in raws for notice in raw.notices))
    if not any(page.text for page in pages):
        notices = (*notices, Notice("no_text", "no text was found in this file"))
    return Parsed(pages, notices, heads, raws)


def _raised(outcome: FileInfo | RagqaError) -> FileInfo:
    if isinstance(outcome, RagqaError):
        raise outcome
    return outcome


def assembled_here(path: Path, options: ReadOptions) -> list[Page]:
    """Read and assemble a file of our own in this process, without the sandbox.

    For benchmarks and tests: never for a file from elsewhere.
    """
    source = open_here(path, options.password)
    raws = [read_page_here(path, options, number) for number in range(1, source.pages + 1)]
    heads = running_heads(raws)
    return [page for _, page in assemble_pages(raws, heads)]
