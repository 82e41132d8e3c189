"""What a reader does in its own process: open a file, say what is in it, read pages.

It is kept apart from what asks for it, so that a reader starts with what it needs alone.
"""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.lost import Lost
from ingest.sandbox import allow_cpu
from ingest.types import MANY_PAGES, PARSER_VERSION, FileInfo, PackedPage, RawPage, ReadOptions
from ragqa.errors import RagqaError, TooLarge
from ragqa.types import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingest.ocr.resting import RestingOcr
    from ingest.ports import TableFinder
    from ingest.readers.source import Source

OPEN_SECONDS = 60.0
_TOGETHER_SECONDS = 1.0
"""It goes on with quick pages for so long before it hands them over."""


def inspect_here(path: Path, options: ReadOptions) -> FileInfo | RagqaError:
    """Open a file in this process; what goes wrong is returned, since causes do not travel."""
    allow_cpu(max(OPEN_SECONDS, options.page_seconds))
    try:
        source = open_here(path, options.password)
        if source.pages > options.max_pages:
            return TooLarge(
                f"{path.name} has {source.pages} pages, more than the {options.max_pages} "
                "that RAGQA_MAX_PAGES allows: split it, or raise the limit"
            )
        salt = _salt(options, _engine(replace(options, password=None)).name)
        keys = tuple(
            f"{salt}-{source.content_key(number)}" for number in range(1, source.pages + 1)
        )
        # Not looked at in long files: where so much is read all cores are worth it.
        pictured = source.pages if source.pages >= MANY_PAGES else source.pictured()
        return FileInfo(source.pages, source.notices, keys, source.kind, pictured)
    except RagqaError as error:
        return type(error)(str(error), code=error.code)


def read_here(path: Path, options: ReadOptions, numbers: Sequence[int]) -> list[PackedPage]:
    """Read the first of ``numbers`` in this process, and more while they come quickly."""
    begun = time.monotonic()
    results: list[PackedPage] = []
    for number in numbers:
        allow_cpu(options.page_seconds)
        results.append(PackedPage.of(read_page_here(path, options, number)))
        if time.monotonic() - begun > _TOGETHER_SECONDS:
            break
    return results


def read_page_here(path: Path, options: ReadOptions, number: int) -> RawPage:
    """Read one page in this process; whatever is wrong with it is told by an empty one."""
    from ingest.page import read_page

    try:
        source = open_here(path, options.password)
        engine = _engine(replace(options, password=None))
        with engine.for_page():
            return read_page(source, number, options, engine=engine, tables=_tables())
    except MemoryError:
        raise
    except Exception as error:  # whatever a broken page raises costs it only
        if _means_no_memory(error):
            raise MemoryError(_short(error)) from error
        return given_up(number, error)


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


def open_here(path: Path, password: str | None) -> Source:
    """Open a file, or give it again as it was opened."""
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


def given_up(number: int, error: Exception) -> RawPage:
    """Return the empty page that stands for one that was not read, and says why."""
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
