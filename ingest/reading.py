"""Files to raw pages, safely: every file is opened and read in the sandbox."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingest.assemble import assemble_pages
from ingest.heads import running_heads
from ingest.sandbox import Limits, Lost, Stopped, allow_cpu, borrowed, in_order
from ingest.types import PARSER_VERSION, FileInfo, RawPage, ReadOptions, RunningHeads
from ragqa.errors import Cancelled, RagqaError, TooLarge, UnreadableFile
from ragqa.types import Notice, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ingest.ocr.resting import RestingOcr
    from ingest.ports import TableFinder
    from ingest.readers.source import Source
    from ragqa.settings import Settings

__all__ = [
    "Parsed",
    "inspect",
    "inspect_anew",
    "parse",
    "read_options",
    "read_pages",
    "running_heads",
]

_TOGETHER_SECONDS = 1.0
"""A child goes on with quick pages for so long before it hands them over."""
_OPEN_SECONDS = 60.0
_INSPECTIONS = 3
"""Most of one attempt."""


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


def inspect(path: Path, options: ReadOptions) -> FileInfo:
    """Open a file and say what is in it, without reading its pages.

    Raises:
        UnreadableFile: If it is not what its name says, or damaged beyond repair.
        PasswordRequired: If it is encrypted and the password is missing or wrong.
        TooLarge: If it has more pages than ``options.max_pages``.
    """
    limits = Limits(max(_OPEN_SECONDS, options.page_seconds), options.page_memory_mb)
    with borrowed(limits, processes=_cores()) as box:
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
            if not (isinstance(error.__cause__, Lost) and error.__cause__.curable):
                raise
    return inspect(path, options)


def read_pages(
    path: Path,
    numbers: Sequence[int],
    options: ReadOptions,
    stop: Callable[[], bool] | None = None,
) -> Iterator[RawPage]:
    """Read pages, in the order of ``numbers``, over all cores.

    A page that crashes its reader, hangs or eats memory comes back empty, with a notice.

    Args:
        path: The file.
        numbers: Page numbers from 1.
        options: How to read, and what a page may cost.
        stop: Asked many times a second; True ends the reading at once.

    Raises:
        Cancelled: If ``stop`` said so.
    """
    if not numbers:
        return
    function = functools.partial(read_here, path, options)
    limits = Limits(options.page_seconds, options.page_memory_mb)
    try:
        with borrowed(limits, processes=_cores()) as box:
            for number, result in in_order(box, function, numbers, ahead=2 * _cores(), stop=stop):
                yield (
                    _given_up(number, result)
                    if isinstance(result, Lost)
                    else RawPage.from_bytes(result)
                )
    except Stopped as stopped:
        raise Cancelled(f"reading {path.name} was cancelled") from stopped


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


def inspect_here(path: Path, options: ReadOptions) -> FileInfo | RagqaError:
    """Open a file in this process; what goes wrong is returned, since causes do not travel."""
    allow_cpu(max(_OPEN_SECONDS, options.page_seconds))
    try:
        source = _open(path, options.password)
        if source.pages > options.max_pages:
            return TooLarge(
                f"{path.name} has {source.pages} pages, more than the {options.max_pages} "
                "that RAGQA_MAX_PAGES allows: split it, or raise the limit"
            )
        salt = _salt(options, _engine(replace(options, password=None)).name)
        keys = tuple(
            f"{salt}-{source.content_key(number)}" for number in range(1, source.pages + 1)
        )
        return FileInfo(source.pages, source.notices, keys, source.kind)
    except RagqaError as error:
        return type(error)(str(error), code=error.code)


def read_here(path: Path, options: ReadOptions, numbers: Sequence[int]) -> list[bytes]:
    """Read the first of ``numbers`` in this process, and more while they come quickly."""
    begun = time.monotonic()
    results: list[bytes] = []
    for number in numbers:
        allow_cpu(options.page_seconds)
        results.append(_read(path, options, number).to_bytes())
        if time.monotonic() - begun > _TOGETHER_SECONDS:
            break
    return results


def _read(path: Path, options: ReadOptions, number: int) -> RawPage:
    from ingest.page import read_page

    try:
        source = _open(path, options.password)
        engine = _engine(replace(options, password=None))
        with engine.for_page():
            return read_page(source, number, options, engine=engine, tables=_tables())
    except MemoryError:
        raise
    except Exception as error:  # whatever a broken page raises costs it only
        if _means_no_memory(error):
            raise MemoryError(_short(error)) from error
        return _given_up(number, error)


def _means_no_memory(error: Exception) -> bool:
    told = str(error).lower()
    return any(
        words in told
        for words in (
            "bad_alloc",
            "bad allocation",
            "out of memory",
            "insufficient memory",
            "malloc",
        )
    )


@functools.lru_cache(maxsize=2)
def _open_as(path: Path, password: str | None, _stamp: tuple[int, int]) -> Source:
    from ingest.readers.source import open_source

    return open_source(path, password)


def _open(path: Path, password: str | None) -> Source:
    stat = path.stat()
    return _open_as(path, password, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=1)
def _engine(options: ReadOptions) -> RestingOcr:
    from ingest.ocr.choice import choose_engine
    from ingest.ocr.resting import RestingOcr

    return RestingOcr(functools.partial(choose_engine, options))


@functools.cache
def _tables() -> TableFinder:
    from ingest.tables.finder import GridFinder

    return GridFinder()


def _salt(options: ReadOptions, engine: str) -> str:
    return f"{PARSER_VERSION}:{options.ocr}:{engine}:{options.ocr_dpi}"


def _given_up(number: int, error: Exception) -> RawPage:
    reason = str(error) if isinstance(error, Lost | RagqaError) else _short(error)
    message = f"page {number} could not be read: {reason}"
    return RawPage(
        number=number,
        width=595.0,
        height=842.0,
        source="empty",
        notices=(Notice("unreadable_page", message, number),),
    )


def _short(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _raised(outcome: FileInfo | RagqaError) -> FileInfo:
    if isinstance(outcome, RagqaError):
        raise outcome
    return outcome


def assembled_here(path: Path, options: ReadOptions) -> list[Page]:
    """Read and assemble a file of our own in this process, without the sandbox.

    For benchmarks and tests: never for a file from elsewhere.
    """
    source = _open(path, options.password)
    raws = [_read(path, options, number) for number in range(1, source.pages + 1)]
    heads = running_heads(raws)
    return [page for _, page in assemble_pages(raws, heads)]
