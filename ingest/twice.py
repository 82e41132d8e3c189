"""Pages that are gone through twice: for the running heads, and to be assembled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.types import RawPage

MOST_KEPT = 64 << 20
"""Bytes, about, of some 600 pages; longer documents are read from the database a second time."""
_CHARACTER, _LINE, _CELL = 16, 400, 400


def twice(
    read: Callable[[], Iterator[RawPage]], *, most: int = MOST_KEPT
) -> tuple[Iterator[RawPage], Iterator[RawPage]]:
    """Return the same pages for a first and a second pass.

    What the first one saw is kept while it is small, and let go of as the second one gets it.

    Args:
        read: Reads all pages, each time anew.
        most: Bytes to keep.
    """
    kept: list[RawPage] = []
    whole = False

    def first() -> Iterator[RawPage]:
        nonlocal whole
        weight = 0
        for page in read():
            weight += _weight(page)
            if weight <= most:
                kept.append(page)
            else:
                kept.clear()
            yield page
        whole = weight <= most

    def second() -> Iterator[RawPage]:
        if not whole:
            kept.clear()
            yield from read()
        kept.reverse()
        while kept:
            yield kept.pop()

    return first(), second()


def _weight(page: RawPage) -> int:
    cells = sum(len(table.cells) for table in page.tables)
    return _CHARACTER * len(page.text) + _LINE * len(page.lines) + _CELL * cells
